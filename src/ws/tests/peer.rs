//! One connection, and a peer that speaks octets.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use crate::ws::{
    Compression, Config, Connection, DeflateParams, Error, Event, Message, Role, answer, offer,
};

/// A connection under a virtual clock.
pub(super) struct Peer {
    pub(super) core: Connection,
    pub(super) now: Instant,
}

impl Peer {
    /// The connection is a server's, so that the peer is a client.
    pub(super) fn of_server() -> Self {
        Self::new(Role::Server, None, Config::default())
    }

    pub(super) fn of_client() -> Self {
        Self::new(Role::Client, None, Config::default())
    }

    pub(super) fn new(role: Role, deflate: Option<DeflateParams>, config: Config) -> Self {
        let now = Instant::now();
        Peer { core: Connection::new(role, deflate, config, now), now }
    }

    /// Gives octets to the connection, and returns its events.
    pub(super) fn send(&mut self, octets: impl Into<Bytes>) -> Result<Vec<Event>, Error> {
        let (mut octets, mut events) = (octets.into(), Vec::new());
        while let Some(event) = self.core.receive(&mut octets, self.now)? {
            events.push(event);
        }
        assert!(octets.is_empty(), "all is taken where more is needed");
        Ok(events)
    }

    /// The same for octets that make one event.
    pub(super) fn send_one(&mut self, octets: impl Into<Bytes>) -> Event {
        let mut events = self.send(octets).expect("it is valid");
        assert_eq!(events.len(), 1, "{events:?}");
        events.remove(0)
    }

    /// The error of octets that are not valid, which is there to stay.
    pub(super) fn send_bad(&mut self, octets: impl Into<Bytes>) -> Error {
        let error = self.send(octets).expect_err("it is not valid");
        assert_eq!(self.send(&b"\x81\0"[..]), Err(error.clone()));
        assert_eq!(self.core.failure(), Some(&error));
        error
    }

    /// What the connection has to send.
    pub(super) fn transmitted(&mut self) -> Vec<u8> {
        transmitted(&mut self.core)
    }

    pub(super) fn pass(&mut self, time: Duration) -> Result<(), Error> {
        self.now += time;
        self.core.handle_timeout(self.now)
    }
}

/// All that a connection has to send.
pub(super) fn transmitted(core: &mut Connection) -> Vec<u8> {
    let mut all = Vec::new();
    loop {
        let mut out = BytesMut::new();
        let shared = core.poll_transmit(&mut out, 1 << 14);
        all.extend_from_slice(&out);
        all.extend_from_slice(shared.as_deref().unwrap_or_default());
        if out.is_empty() {
            assert!(!core.has_transmit());
            return all;
        }
    }
}

/// A frame of a server.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![first];
    match payload.len() {
        len @ ..=125 => frame.push(len as u8),
        len @ ..=0xffff => {
            frame.push(126);
            frame.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            frame.push(127);
            frame.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(payload);
    frame
}

/// A frame of a client.
pub(super) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = frame(first, payload);
    let head = frame.len() - payload.len();
    frame[1] |= 0x80;
    for (octet, key) in frame[head..].iter_mut().zip(key.iter().cycle()) {
        *octet ^= key;
    }
    frame.splice(head..head, key);
    frame
}

pub(super) fn text(text: &str) -> Event {
    Event::Message(text.into())
}

pub(super) fn binary(octets: &[u8]) -> Event {
    Event::Message(Message::from(octets))
}

/// What a client and a server with these options agree upon.
pub(super) fn agreed(client: &Compression, server: &Compression) -> [DeflateParams; 2] {
    let (of_server, value) = answer([&*offer(client)], server).expect("an answer");
    let of_client = crate::ws::accepted([&*value], Some(client)).expect("accepted");
    [of_client.expect("compression"), of_server]
}

/// Compression of every message.
pub(super) fn compression(takeover: bool) -> Compression {
    Compression {
        min_size: 0,
        send_context_takeover: takeover,
        receive_context_takeover: takeover,
        ..Compression::default()
    }
}
