//! TCP in memory, within one execution of a model: connections are made at once, nothing is lost, and
//! no two threads may read one connection at the same time, or write it.

mod listener;
mod pipe;
mod stream;

pub use ::std::net::*;

pub use listener::TcpListener;
pub use stream::TcpStream;

pub(crate) use listener::{forget, start};

/// How many octets a connection that is made from now on takes without their being read.
pub fn set_buffer(octets: usize) {
    listener::set_buffer(octets);
}
