//! One core or two, and what passes between them.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{self, Frame, PREFACE, PushPromise, Settings, StreamId};
use h2_sync::hpack::Encoder;
use h2_sync::proto::{Config, Connection, ConnectionError, Event, Role, Transmit};
use h2_sync::{Headers, headers};

pub fn start(role: Role, config: &Config, now: Instant) -> Connection {
    Connection::new(role, config.clone(), now).expect("the config makes sense")
}

/// All that is ready to be sent.
pub fn take_output(core: &mut Connection, now: Instant) -> Vec<u8> {
    let mut out = Transmit::new();
    core.poll_transmit(now, &mut out, usize::MAX);
    out.to_vec()
}

pub fn feed(core: &mut Connection, octets: &[u8], now: Instant) -> Result<(), ConnectionError> {
    core.receive(&mut BytesMut::from(octets), now)
}

pub fn events(core: &mut Connection) -> Vec<Event> {
    std::iter::from_fn(|| core.poll_event()).collect()
}

/// The frames in the output of a core, which has to be valid.
pub fn frames(role: Role, output: &[u8]) -> Vec<Frame> {
    let output = match role {
        Role::Client => output.strip_prefix(&PREFACE[..]).unwrap_or(output),
        Role::Server => output,
    };
    let mut rest = BytesMut::from(output);
    let mut frames = Vec::new();
    while let Some(frame) = Frame::decode(&mut rest, u32::MAX).expect("we send valid frames") {
        frames.push(frame);
    }
    assert!(rest.is_empty(), "we send whole frames");
    frames
}

/// Hands everything over, both ways, until there is nothing more to say.
pub fn exchange(a: &mut Connection, b: &mut Connection, now: Instant) {
    loop {
        let (to_b, to_a) = (take_output(a, now), take_output(b, now));
        if to_b.is_empty() && to_a.is_empty() {
            return;
        }
        for (core, octets) in [(&mut *b, to_b), (&mut *a, to_a)] {
            if let Err(error) = feed(core, &octets, now) {
                panic!("a {} refuses what our own core sends: {error}", core.role().name());
            }
        }
    }
}

pub fn request(method: &str) -> Headers {
    match method {
        "CONNECT" => headers!(":method" => "CONNECT", ":authority" => "example.com:443"),
        _ => headers!(
            ":method" => method,
            ":scheme" => "https",
            ":authority" => "example.com",
            ":path" => "/",
        ),
    }
}

/// A peer that sends what it is told to, valid or not.
#[derive(Debug, Default)]
pub struct RawPeer {
    encoder: Encoder,
    wire: Vec<u8>,
}

impl RawPeer {
    /// One that has sent its preface and empty SETTINGS.
    pub fn new(role: Role) -> Self {
        let mut peer = Self::default();
        if role == Role::Client {
            peer.wire.extend_from_slice(PREFACE);
        }
        peer.send(Settings::default());
        peer
    }

    pub fn send(&mut self, frame: impl Into<Frame>) {
        frame.into().encode(&mut self.wire);
    }

    pub fn send_headers(&mut self, stream_id: StreamId, fields: &Headers, end_stream: bool) {
        let fragment = self.fragment(fields);
        let (end_headers, priority, padding) = (true, None, None);
        self.send(frame::Headers {
            stream_id,
            fragment,
            end_stream,
            end_headers,
            priority,
            padding,
        });
    }

    pub fn send_promise(&mut self, stream_id: StreamId, promised: StreamId, fields: &Headers) {
        let fragment = self.fragment(fields);
        let (promised_stream_id, end_headers, padding) = (promised, true, None);
        self.send(PushPromise { stream_id, promised_stream_id, fragment, end_headers, padding });
    }

    pub fn take_wire(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.wire)
    }

    fn fragment(&mut self, fields: &Headers) -> Bytes {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        block.into()
    }
}
