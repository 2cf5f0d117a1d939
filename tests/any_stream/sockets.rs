//! Streams that two threads can use directly.

use std::net::{TcpListener, TcpStream};

use h2_sync::transport::duplex;

use crate::alone::alone;
use crate::exchange::between;

#[test]
fn a_tcp_stream() {
    alone("sockets::a_tcp_stream", || {
        let (near, far) = tcp();
        between(near, far);
    });
}

#[cfg(unix)]
#[test]
fn a_unix_stream() {
    alone("sockets::a_unix_stream", || {
        let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
        between(near, far);
    });
}

#[test]
fn a_duplex_in_memory() {
    alone("sockets::a_duplex_in_memory", || {
        let (near, far) = duplex(64 << 10);
        between(near, far);
    });
}

/// The two ends of a connection over loopback.
pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}
