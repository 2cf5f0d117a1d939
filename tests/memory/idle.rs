//! What idle connections of a server hold.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use h2_sync::server::{Config, Request, Response, Server};

use crate::bounded::{LONG, eventually};
use crate::counted::{KIB, Memory, measured};
use crate::thread_names;

const CONNECTIONS: usize = 200;

/// Bounds for a connection in clear text.
const HTTP1_MAX: usize = 3 * KIB;
const HTTP2_MAX: usize = 10 * KIB;

/// RFC 9113, Section 3.4: the preface; SETTINGS, their acknowledgement, and HEADERS of `GET /` on
/// stream 1.
const HTTP2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\
    \0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0\
    \0\0\x0e\x01\x05\0\0\0\x01\x82\x84\x86\x41\x09localhost";

const HTTP1: &[u8] = b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n";

/// Octets of an upload: three frames of DATA.
const UPLOAD: usize = 48 * KIB;

/// An upload in HTTP/2, on stream 3.
fn http2_upload() -> Vec<u8> {
    let mut octets = b"\0\0\x0e\x01\x04\0\0\0\x03\x83\x84\x86\x41\x09localhost".to_vec();
    for end_stream in [0, 0, 1] {
        octets.extend_from_slice(&[0, 0x40, 0, 0, end_stream, 0, 0, 0, 3]);
        octets.resize(octets.len() + UPLOAD / 3, 0);
    }
    octets
}

fn http1_upload() -> Vec<u8> {
    let head = format!("POST / HTTP/1.1\r\nhost: localhost\r\ncontent-length: {UPLOAD}\r\n\r\n");
    let mut octets = head.into_bytes();
    octets.resize(octets.len() + UPLOAD, 0);
    octets
}

/// Sends a request and reads until the body has come.
fn ask(mut stream: impl Read + Write, request: &[u8]) {
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(b"hello") {
        let mut octets = [0; 512];
        let read = stream.read(&mut octets).unwrap();
        assert!(read > 0, "the server has closed after {answer:?}");
        answer.extend_from_slice(&octets[..read]);
    }
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream
}

/// Opens connections with one request each by `open`, which return the sockets by `close` when they
/// are idle, and compares what the server holds while they are idle again.
fn idle_connections_take<S>(
    memory: &Memory,
    bound: usize,
    server: Server,
    open: impl Fn(SocketAddr) -> S,
    close: impl Fn(S) -> TcpStream,
) {
    let mut config = Config::default();
    config.idle_thread_timeout = Duration::ZERO;
    let answer = |request: &mut Request, response: &mut Response| {
        std::io::copy(request, &mut std::io::sink())?;
        response.send("hello")
    };
    let server = server.config(config).serve(answer).unwrap();
    let address = server.local_addr().unwrap();
    let wait_until_idle = || {
        // All threads but the one that waits for all of them.
        eventually(|| server.stats().threads <= 1);
        assert_eq!(server.stats().connections, CONNECTIONS);
    };
    let before = memory.kept();
    let held: Vec<_> = (0..CONNECTIONS).map(|_| open(address)).collect();
    wait_until_idle();
    let streams: Vec<_> = held.into_iter().map(close).collect();
    wait_until_idle();
    memory.assert_kept(before + CONNECTIONS * bound);
    drop(streams);
    server.shutdown(LONG);
    drop(server);
    // What they free must not be missing in the next measurement.
    eventually(|| !thread_names::all().iter().any(|name| name.starts_with("h2-sync-")));
}

/// The same in clear text, with another request on each connection.
fn idle_clear_connections_take(memory: &Memory, bound: usize, first: &[u8], then: &[u8]) {
    let server = Server::bind("127.0.0.1:0").unwrap();
    let open = |address| {
        let stream = connect(address);
        ask(&stream, first);
        stream
    };
    idle_connections_take(memory, bound, server, open, |stream| {
        if !then.is_empty() {
            ask(&stream, then);
        }
        stream
    });
}

#[test]
fn idle_connection_of_http2_takes_at_most_ten_kib() {
    measured(|memory| idle_clear_connections_take(memory, HTTP2_MAX, HTTP2, b""));
}

#[test]
fn idle_connection_of_http1_takes_at_most_three_kib() {
    measured(|memory| idle_clear_connections_take(memory, HTTP1_MAX, HTTP1, b""));
}

#[test]
fn connection_of_http2_gives_the_memory_of_an_upload_back() {
    measured(|memory| idle_clear_connections_take(memory, HTTP2_MAX, HTTP2, &http2_upload()));
}

#[test]
fn connection_of_http1_gives_the_memory_of_an_upload_back() {
    measured(|memory| idle_clear_connections_take(memory, HTTP1_MAX, HTTP1, &http1_upload()));
}

#[cfg(feature = "tls")]
mod tls {
    use std::sync::Arc;

    use h2_sync::tls::rustls::{ClientConnection, Stream};
    use h2_sync::tls::{Acceptor, Connector};

    use super::*;

    /// The bound for a connection of HTTP/2 over TLS, where rustls keeps keys and facts of
    /// the handshake.
    const TLS_MAX: usize = 19 * KIB;

    fn idle_tls_connections_take(memory: &Memory, bound: usize, then: &[u8]) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let (chain, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(chain.as_bytes(), key.as_bytes()).unwrap();
        let connector = Connector::with_only_roots(chain.as_bytes()).unwrap();
        let server = Server::bind("127.0.0.1:0").unwrap().tls(acceptor);
        let open = |address| {
            let mut stream = connect(address);
            let name = "localhost".try_into().unwrap();
            let mut tls = ClientConnection::new(Arc::clone(connector.config()), name).unwrap();
            ask(Stream::new(&mut tls, &mut stream), HTTP2);
            (tls, stream)
        };
        // The client's side of TLS does not count.
        idle_connections_take(memory, bound, server, open, |(mut tls, mut stream)| {
            if !then.is_empty() {
                ask(Stream::new(&mut tls, &mut stream), then);
            }
            stream
        });
    }

    #[test]
    fn idle_connection_over_tls_takes_at_most_19_kib() {
        measured(|memory| idle_tls_connections_take(memory, TLS_MAX, b""));
    }

    #[test]
    fn connection_over_tls_gives_the_memory_of_an_upload_back() {
        measured(|memory| idle_tls_connections_take(memory, TLS_MAX, &http2_upload()));
    }
}
