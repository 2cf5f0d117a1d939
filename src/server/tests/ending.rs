use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::super::{Config, Request, Response, Server};
use super::LONG;
use crate::frame::PREFACE;

/// The type of GOAWAY.
const GOAWAY: u8 = 7;

/// An acknowledgement of SETTINGS, after our own.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";

/// Reads frames up to GOAWAY.
fn until_goaway(mut stream: &TcpStream) {
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).unwrap();
        let len = usize::from(head[1]) << 8 | usize::from(head[2]);
        stream.read_exact(&mut vec![0; len]).unwrap();
        if head[3] == GOAWAY {
            return;
        }
    }
}

#[test]
fn idle_connection_learns_of_the_shutdown_as_soon_as_there_is_a_thread() {
    let config = Config::default().with(|config| config.idle_thread_timeout = Duration::ZERO);
    let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    let server = Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap();
    let mut stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
    stream.write_all(PREFACE).unwrap();
    stream.write_all(SETTINGS).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    let pool = &server.engine.pool;
    let began = Instant::now();
    // The poller's thread.
    while server.stats().http2.connections_open != 1 || pool.threads() != 1 {
        assert!(began.elapsed() < LONG);
        std::thread::yield_now();
    }
    pool.set_short(true);
    server.engine.begin_shutdown(Duration::ZERO);
    pool.set_short(false);
    until_goaway(&stream);
    drop(server);
    let end = stream.read_to_end(&mut Vec::new());
    assert!(end.is_ok() || end.is_err_and(|error| error.kind() == ErrorKind::ConnectionReset));
}
