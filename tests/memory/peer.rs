//! A core, and the octets of a peer that it receives.

use std::time::Instant;

use bytes::{Bytes, BytesMut};
use h2_sync::Headers;
use h2_sync::frame::{self, Frame, PREFACE, Settings, StreamId};
use h2_sync::hpack::Encoder;
use h2_sync::proto::{Config, Connection, Event, Role, Transmit};

/// The core under test, and the peer's side of HPACK.
pub(crate) struct Peer {
    pub(crate) core: Connection,
    pub(crate) now: Instant,
    encoder: Encoder,
    /// Octets that have been sent to the core.
    pub(crate) sent: usize,
}

impl Peer {
    /// Of a core whose handshake is over and whose events have been taken.
    pub(crate) fn new(role: Role, config: Config) -> Self {
        let now = Instant::now();
        let core = Connection::new(role, config, now).expect("the config makes sense");
        let mut peer = Peer { core, now, encoder: Encoder::new(), sent: 0 };
        if role == Role::Server {
            peer.receive(BytesMut::from(&PREFACE[..]));
        }
        peer.send(Settings { ack: false, entries: Vec::new() });
        peer.send(Settings::acknowledgement());
        peer.take_events();
        peer.write();
        peer
    }

    /// Hands over one read, in a buffer that is the core's alone from now on.
    #[track_caller]
    pub(crate) fn receive(&mut self, mut input: BytesMut) {
        self.sent += input.len();
        self.core.receive(&mut input, self.now).expect("no rule is broken");
        assert!(input.is_empty(), "whole frames have been sent");
    }

    #[track_caller]
    pub(crate) fn send(&mut self, frame: impl Into<Frame>) {
        self.receive(BytesMut::from(&encoded(frame)[..]));
    }

    #[track_caller]
    pub(crate) fn send_headers(&mut self, id: StreamId, fields: &Headers, end_stream: bool) {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        self.send_block(id, &block, end_stream);
    }

    /// A field block that was encoded by hand.
    #[track_caller]
    pub(crate) fn send_block(&mut self, id: StreamId, block: &[u8], end_stream: bool) {
        let mut pieces = block.chunks(16 << 10).peekable();
        let first = Bytes::copy_from_slice(pieces.next().unwrap_or_default());
        let mut wire = encoded(frame::Headers {
            stream_id: id,
            fragment: first,
            end_stream,
            end_headers: pieces.peek().is_none(),
            priority: None,
            padding: None,
        });
        while let Some(piece) = pieces.next() {
            let fragment = Bytes::copy_from_slice(piece);
            let end_headers = pieces.peek().is_none();
            wire.extend(encoded(frame::Continuation { stream_id: id, fragment, end_headers }));
        }
        self.receive(BytesMut::from(&wire[..]));
    }

    /// Has the application take all events.
    pub(crate) fn take_events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.core.poll_event()).collect()
    }

    /// Has the transport take all that can be sent.
    pub(crate) fn write(&mut self) {
        self.core.poll_transmit(self.now, &mut Transmit::new(), usize::MAX);
    }
}

pub(crate) fn encoded(frame: impl Into<Frame>) -> Vec<u8> {
    let mut octets = Vec::new();
    frame.into().encode(&mut octets);
    octets
}

/// The client's stream number `n`.
pub(crate) fn client_id(n: usize) -> StreamId {
    StreamId::from_wire(2 * n as u32 + 1)
}
