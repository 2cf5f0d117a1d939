//! The standard library with its locks, threads and clock replaced by those of the model checker
//! [shuttle], which decides at each operation which thread runs.
//!
//! A crate that is compiled with this one under the name `std` is checked unchanged. Everything
//! else is std's own.
//!
//! Time is virtual, and stands still while any thread can run: see [`time`]. TCP is an in-memory
//! network: see [`net`].

pub use ::std::*;

mod clock;
pub mod fs;
mod local;
pub mod model;
pub mod net;
pub mod os;
pub mod panic;
pub mod sync;
pub mod thread;
pub mod time;
