//! WebSocket (RFC 6455), over HTTP/1.1 and over HTTP/2 (RFC 8441).

mod config;
mod handshake;
mod origins;

pub use config::Config;
pub use handshake::Handshake;

pub use origins::Origins;
