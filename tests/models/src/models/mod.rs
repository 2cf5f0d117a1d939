//! The models, one function each; `tests/models.rs` lists them.

mod peer;
mod text;

pub mod client;
pub mod exchange;
pub mod http1;
pub mod idle;
pub mod parts;
pub mod poller;
pub mod server;
pub mod session;
pub mod transport;
pub mod websocket;
