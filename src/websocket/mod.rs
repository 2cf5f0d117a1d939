//! WebSocket (RFC 6455), over HTTP/1.1 and over HTTP/2 (RFC 8441).

mod config;
mod handshake;
mod origins;
mod outlet;
mod reader;
mod sender;
mod shared;
mod socket;

pub use config::Config;
pub use handshake::Handshake;

pub use origins::Origins;
pub use reader::Reader;
pub use sender::{Sender, TrySendError};
pub use socket::WebSocket;

pub use crate::ws::{Close, CloseCode, Compression, Message, Text};

#[cfg(test)]
mod tests;
