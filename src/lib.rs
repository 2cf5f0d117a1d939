#![forbid(unsafe_code)]
//! HTTP/2 for programs that block.

pub mod error;
pub mod frame;
pub mod hpack;
mod link;
pub mod proto;
pub mod session;
pub mod transport;

pub use error::{Error, ErrorKind};
pub use hpack::Headers;
pub use session::{new_connection, Session};
