//! The models, one function each; `tests/models.rs` lists them.

mod peer;

pub mod client;
pub mod exchange;
pub mod http1;
pub mod parts;
pub mod server;
pub mod session;
pub mod transport;
pub mod websocket;
