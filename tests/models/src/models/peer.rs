//! The peer of a connection: a core driven by one thread.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use bytes::BytesMut;

use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::{Config, Connection, Event, Role, Transmit};

pub(super) struct Peer {
    pub(super) core: Connection,
    stream: TcpStream,
    input: BytesMut,
}

impl Peer {
    pub(super) fn new(role: Role, stream: TcpStream, config: Config) -> Self {
        let core = Connection::new(role, config, Instant::now()).unwrap();
        Peer { core, stream, input: BytesMut::new() }
    }

    /// Runs until the connection has ended or `act` returns `false`.
    pub(super) fn run(&mut self, mut act: impl FnMut(&mut Connection, Event) -> bool) {
        loop {
            while let Some(event) = self.core.poll_event() {
                if !act(&mut self.core, event) {
                    self.write();
                    return;
                }
            }
            if !self.write() || !self.read() {
                return;
            }
        }
    }

    /// Runs until the connection has ended, without sending.
    pub(super) fn listen(&mut self, mut act: impl FnMut(Event)) {
        while self.read() {
            while let Some(event) = self.core.poll_event() {
                act(event);
            }
        }
    }

    /// `false` at the end.
    fn read(&mut self) -> bool {
        let mut octets = vec![0; 64 << 10];
        let len = self.stream.read(&mut octets).unwrap_or(0);
        self.input.extend_from_slice(&octets[..len]);
        len > 0 && self.core.receive(&mut self.input, Instant::now()).is_ok()
    }

    /// Returns `false` if writing fails.
    pub(super) fn write(&mut self) -> bool {
        let mut out = Transmit::new();
        while self.core.poll_transmit(Instant::now(), &mut out, usize::MAX) {
            if self.stream.write_all(&out.to_vec()).is_err() {
                return false;
            }
            out.clear();
        }
        true
    }
}

/// Answers a request with these fields and this body.
pub(super) fn respond(core: &mut Connection, id: StreamId, body: Vec<u8>) {
    let (now, fields) = (Instant::now(), crate::headers!(":status" => "200"));
    // The stream may have been reset meanwhile.
    if core.send_headers(id, &fields, false, now).is_ok() {
        let _ = core.send_data(id, body.into(), true, now);
    }
}

pub(super) fn request(path: &str) -> Headers {
    crate::headers!(
        ":method" => "GET", ":scheme" => "http", ":authority" => "a.example", ":path" => path
    )
}
