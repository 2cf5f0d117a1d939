//! In-memory TCP within one execution of a model. Connections are made at once, nothing is lost,
//! and only one thread at a time may read a connection, and only one may write it.

pub mod epoll;
mod listener;
mod pipe;
mod stream;
#[cfg(unix)]
mod unix;

pub use ::std::net::*;

pub use listener::{TcpListener, wait_until};
pub use stream::TcpStream;
#[cfg(unix)]
pub use unix::{UnixListener, UnixStream};

pub(crate) use listener::{forget, start};

/// Sets the buffer capacity of connections that are made from now on.
pub fn set_buffer(octets: usize) {
    listener::set_buffer(octets);
}

/// Sets whether from now on the system has `epoll`.
pub fn set_epoll(has_epoll: bool) {
    listener::set_epoll(has_epoll);
}

/// Whether the system has `epoll`.
pub fn has_epoll() -> bool {
    listener::has_epoll()
}
