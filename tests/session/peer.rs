//! The other end, spoken by hand.

use std::io::{Read, Write};

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{self, Frame, Goaway, Ping, RstStream, Settings, WindowUpdate};
use h2_sync::hpack::{Decoder, Encoder, Limits};
use h2_sync::transport::{duplex, Duplex};
use h2_sync::{Config, ErrorCode, Headers, Role, Session, StreamId};

use crate::support::LONG;

/// Reads and writes frames. It acknowledges SETTINGS; anything else is for the test to answer.
pub(crate) struct Peer {
    stream: Duplex,
    input: BytesMut,
    encoder: Encoder,
    decoder: Decoder,
}

/// A Session of this role, and a peer that has sent its preface and empty SETTINGS. `capacity` is
/// what fits between them.
pub(crate) fn session_and_peer(role: Role, config: Config, capacity: usize) -> (Session, Peer) {
    let (near, far) = duplex(capacity);
    let session = Session::with_config(near, role, config).unwrap();
    (session, Peer::new(far, role))
}

impl Peer {
    /// The peer of a Session of the role.
    pub(crate) fn new(stream: Duplex, role: Role) -> Self {
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        let (input, encoder) = (BytesMut::new(), Encoder::new());
        let mut peer = Peer { stream, input, encoder, decoder: Decoder::new(Limits::default()) };
        let mut start = Vec::new();
        if role == Role::Server {
            start.extend_from_slice(frame::PREFACE);
        }
        Settings::default().encode(&mut start);
        peer.write(&start);
        if role == Role::Client {
            let mut preface = [0; frame::PREFACE.len()];
            peer.stream.read_exact(&mut preface).unwrap();
            assert_eq!(preface, *frame::PREFACE);
        }
        peer
    }

    pub(crate) fn write(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).unwrap();
    }

    /// Whether the Session's end is still open.
    pub(crate) fn try_write(&mut self, octets: &[u8]) -> bool {
        self.stream.write_all(octets).is_ok()
    }

    pub(crate) fn send(&mut self, frame: impl Into<Frame>) {
        let mut octets = Vec::new();
        frame.into().encode(&mut octets);
        self.write(&octets);
    }

    pub(crate) fn send_headers(&mut self, stream_id: StreamId, fields: &Headers, end_stream: bool) {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        self.send(frame::Headers {
            stream_id,
            fragment: block.into(),
            end_stream,
            end_headers: true,
            priority: None,
            padding: None,
        });
    }

    pub(crate) fn send_data(&mut self, stream_id: StreamId, data: Bytes, end_stream: bool) {
        self.send(frame::Data { stream_id, data, end_stream, padding: None });
    }

    pub(crate) fn reset(&mut self, stream_id: StreamId) {
        self.send(RstStream { stream_id, error_code: ErrorCode::Cancel });
    }

    pub(crate) fn goaway(&mut self, last_stream_id: StreamId) {
        let debug_data = Bytes::from_static(b"bye");
        self.send(Goaway { last_stream_id, error_code: ErrorCode::NoError, debug_data });
    }

    pub(crate) fn grant(&mut self, stream_id: StreamId, increment: u32) {
        self.send(WindowUpdate { stream_id, increment });
    }

    pub(crate) fn ping(&mut self, payload: &[u8; 8]) {
        self.send(Ping { ack: false, payload: *payload });
    }

    /// The next frame; `None` at the end of the stream.
    pub(crate) fn try_receive(&mut self) -> Option<Frame> {
        loop {
            let frame = Frame::decode(&mut self.input, frame::MAX_MAX_FRAME_SIZE).unwrap();
            if let Some(frame) = frame {
                if matches!(&frame, Frame::Settings(settings) if !settings.ack) {
                    let mut octets = Vec::new();
                    Settings { ack: true, entries: Vec::new() }.encode(&mut octets);
                    // The Session may have gone before it could be told.
                    self.try_write(&octets);
                }
                return Some(frame);
            }
            let mut octets = [0; 16 << 10];
            match self.stream.read(&mut octets).expect("octets come") {
                0 => return None,
                n => self.input.extend_from_slice(&octets[..n]),
            }
        }
    }

    /// Receives frames until one is the one.
    pub(crate) fn receive_until<T>(&mut self, mut wanted: impl FnMut(&Frame) -> Option<T>) -> T {
        loop {
            let frame = self.try_receive().expect("the stream has not ended");
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
    }

    /// Sends a PING and receives frames up to its answer: by then all that was sent before has
    /// been read. Returns the frames that came.
    pub(crate) fn synchronize(&mut self) -> Vec<Frame> {
        self.ping(b"are you?");
        let mut frames = Vec::new();
        self.receive_until(|frame| {
            let is_answer =
                matches!(frame, Frame::Ping(Ping { ack: true, payload }) if payload == b"are you?");
            frames.push(frame.clone());
            is_answer.then_some(())
        });
        frames
    }

    /// Receives HEADERS and decodes them, in the order of the wire.
    pub(crate) fn receive_headers(&mut self) -> (StreamId, Headers) {
        let frame = self.receive_until(|frame| match frame {
            Frame::Headers(frame) => Some(frame.clone()),
            _ => None,
        });
        let decoded = self.decoder.decode(&frame.fragment, true).unwrap().unwrap();
        (frame.stream_id, decoded.headers)
    }

    /// Receives DATA until there are so many octets.
    pub(crate) fn receive_data(&mut self, octets: usize) {
        let mut left = octets;
        while left > 0 {
            left -= self.receive_until(|frame| match frame {
                Frame::Data(frame) => Some(frame.data.len()),
                _ => None,
            });
        }
    }
}
