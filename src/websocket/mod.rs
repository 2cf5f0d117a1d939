//! WebSocket (RFC 6455), over HTTP/1.1 and over HTTP/2 (RFC 8441).

mod config;
mod origins;

pub use config::Config;
pub use origins::Origins;
