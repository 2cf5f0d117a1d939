//! Nothing of a connection is left behind. In a program of its own, whose threads and descriptors
//! are all known.
#![cfg(target_os = "linux")]

use std::fs;
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::transport::{Transport, duplex};
use h2_sync::{Act, Evt, Session, headers};

const ROUNDS: usize = 200;

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

/// A request and its answer, and the end in one of several ways.
fn round<T: Transport>(near: T, far: T, way: usize) {
    let client = h2_sync::new_connection(near, true, false).unwrap();
    let server = h2_sync::new_connection(far, false, false).unwrap();
    let request = headers!(
        ":method" => "GET", ":scheme" => "http", ":authority" => "test", ":path" => "/",
    );
    client.open(&request, true).unwrap();
    let until = |session: &Session| loop {
        if let Evt::RecvHeaders { stream_identifier, .. } = session.take_evt().unwrap() {
            return stream_identifier;
        }
    };
    let stream_identifier = until(&server);
    let headers = headers!(":status" => "200");
    server.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream: true }).unwrap();
    until(&client);
    match way % 4 {
        0 => client.close(),
        1 => server.close(),
        2 => drop(client),
        _ => drop(server),
    }
}

#[test]
fn no_thread_and_no_descriptor_is_left() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (threads, descriptors) = (count("task"), count("fd"));
    for n in 0..ROUNDS {
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        round(near, listener.accept().unwrap().0, n);
        let (near, far) = duplex(1 << 10);
        round(near, far, n);
    }
    // The system may take a moment to clear a joined thread away.
    let deadline = Instant::now() + Duration::from_secs(60);
    while (count("task"), count("fd")) != (threads, descriptors) {
        assert!(
            Instant::now() < deadline,
            "{} threads, {} descriptors",
            count("task"),
            count("fd")
        );
        thread::yield_now();
    }
}
