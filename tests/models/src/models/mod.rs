//! What is checked. Each function is a model; `tests/models.rs` has the list of them.

mod peer;

pub mod client;
pub mod exchange;
pub mod http1;
pub mod parts;
pub mod server;
pub mod session;
pub mod transport;
pub mod websocket;
