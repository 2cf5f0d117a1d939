//! The standard library with its locks, threads and clock replaced by those of a model checker,
//! [shuttle], which decides at each of them which thread goes on.
//!
//! A crate that is compiled with this one under the name of `std` is checked as it stands: nothing
//! in it has to know. What is not replaced is std's own.
//!
//! Time is virtual, and stands still while any thread can go on: see [`time`]. TCP is a network in
//! memory, of this one process: see [`net`].

pub use ::std::*;

mod clock;
mod local;
pub mod model;
pub mod net;
pub mod sync;
pub mod thread;
pub mod time;
