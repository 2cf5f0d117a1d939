//! Leading and waiting, with a core at the other end that the tests drive.

mod ended;
mod owned;
mod turns;

use std::io::Read;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;

use super::{Callers, Conn, RecvHalf, SendHalf};
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::{Config, Connection, Event, Role};
use crate::transport::{Duplex, Transport, duplex};
use crate::wire::WriteBuffer;

/// A generous timeout for slow machines.
const LONG: Duration = Duration::from_secs(100);

/// The other side: a core whose octets are read and written by the test.
struct Far {
    core: Connection,
    stream: Duplex,
    input: BytesMut,
}

impl Far {
    fn new(role: Role, stream: Duplex, config: Config) -> Self {
        stream.set_read_timeout(Some(LONG)).unwrap();
        let core = Connection::new(role, config, Instant::now()).unwrap();
        Far { core, stream, input: BytesMut::new() }
    }

    fn write(&mut self) {
        let mut buffer = WriteBuffer::new();
        while buffer.take(&mut self.core, Instant::now()) {
            while !buffer.is_done() {
                buffer.write_once(&mut self.stream).unwrap();
            }
        }
    }

    /// Reads until `wanted` returns a value.
    fn until<T>(&mut self, mut wanted: impl FnMut(Event) -> Option<T>) -> T {
        loop {
            while let Some(event) = self.core.poll_event() {
                if let Some(found) = wanted(event) {
                    return found;
                }
            }
            let mut octets = [0; 16 << 10];
            let len = self.stream.read(&mut octets).unwrap();
            assert!(len > 0, "the end comes first");
            self.input.extend_from_slice(&octets[..len]);
            self.core.receive(&mut self.input, Instant::now()).unwrap();
            self.write();
        }
    }

    /// Reads at least this many octets, without answering.
    fn take(&mut self, octets: usize) {
        let (mut taken, mut buffer) = (0, vec![0; 64 << 10]);
        while taken < octets {
            let len = self.stream.read(&mut buffer).unwrap();
            assert!(len > 0, "the end comes first");
            taken += len;
        }
    }

    fn request(&mut self) -> StreamId {
        self.until(|event| match event {
            Event::Headers { stream_id, .. } => Some(stream_id),
            _ => None,
        })
    }

    fn respond(&mut self, id: StreamId, body: &'static str) {
        let now = Instant::now();
        let headers = crate::headers!(":status" => "200");
        self.core.send_headers(id, &headers, false, now).unwrap();
        self.core.send_data(id, body.into(), true, now).unwrap();
        self.write();
    }
}

/// A client's connection, whose callers take turns as leader, and a server.
fn client() -> (Arc<Conn>, Far) {
    client_of(Config::default())
}

/// A client's connection, and a server with these settings.
fn client_of(server: Config) -> (Arc<Conn>, Far) {
    let (near, far) = duplex(1 << 20);
    let core = Connection::new(Role::Client, Config::default(), Instant::now()).unwrap();
    let conn = Conn::new(Box::new(core), near.split().unwrap(), Callers::of);
    conn.flush_now();
    let mut far = Far::new(Role::Server, far, server);
    far.write();
    (conn, far)
}

fn get() -> Headers {
    crate::headers!(":method" => "GET", ":scheme" => "http", ":authority" => "a", ":path" => "/")
}

fn open(conn: &Arc<Conn>) -> (RecvHalf, SendHalf) {
    let mut state = conn.lock();
    let id = state.open(&get(), false, Instant::now()).unwrap();
    drop(conn.flush(state, None));
    let recv = RecvHalf::new(Arc::clone(conn), id, None);
    (recv, SendHalf::new(Arc::clone(conn), id, BytesMut::new()))
}

fn read_all(mut recv: RecvHalf) -> String {
    let mut text = String::new();
    recv.read_to_string(&mut text).unwrap();
    text
}
