//! A peer that a test controls frame by frame.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::super::{Config, Connection, ConnectionError, Event, Role, Transmit};
use super::{WireOrder, audit, id};
use crate::frame::{
    Data, ErrorCode, Frame, Goaway, Headers as HeadersFrame, PREFACE, PushPromise, RstStream,
    Setting, Settings, StreamId, WindowUpdate,
};
use crate::hpack::{Decoder, Encoder, Headers, Limits};

/// An item sent by the connection: a frame, or a field block with all its frames.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Sent {
    Frame(Frame),
    Headers { id: StreamId, fields: Headers, end_stream: bool, frames: usize },
    Promise { parent: StreamId, promised: StreamId, fields: Headers },
}

/// The peer of a connection under test; more precisely of two, which get the same octets in
/// different pieces and must behave the same.
pub(super) struct Peer {
    whole: Connection,
    split: Connection,
    inputs: [BytesMut; 2],
    pub(super) now: Instant,
    pub(super) encoder: Encoder,
    pub(super) decoder: Decoder,
    wire: BytesMut,
    /// The frames of an incomplete field block.
    block: Vec<Frame>,
    sent: VecDeque<Sent>,
    pub(super) order: WireOrder,
    /// The result of the last input.
    pub(super) result: Result<(), ConnectionError>,
}

impl Peer {
    /// Returns a peer that has exchanged nothing yet.
    pub(super) fn before_handshake(role: Role, config: Config) -> Self {
        let now = Instant::now();
        let connection = || Connection::new(role, config.clone(), now).unwrap();
        Peer {
            whole: connection(),
            split: connection(),
            inputs: Default::default(),
            now,
            encoder: Encoder::new(),
            decoder: Decoder::new(Limits { max_section_size: 1 << 24, max_fields: 1 << 20 }),
            wire: BytesMut::new(),
            block: Vec::new(),
            sent: VecDeque::new(),
            order: WireOrder::of_one(role),
            result: Ok(()),
        }
    }

    /// Tests a server; SETTINGS have been exchanged.
    pub(super) fn of_server(config: Config) -> Self {
        Self::greeted(Role::Server, config, Vec::new())
    }

    /// Tests a client; SETTINGS have been exchanged.
    pub(super) fn of_client(config: Config) -> Self {
        Self::greeted(Role::Client, config, Vec::new())
    }

    /// Returns a peer that has exchanged SETTINGS, with these entries of its own.
    pub(super) fn greeted(role: Role, config: Config, entries: Vec<Setting>) -> Self {
        let mut peer = Self::before_handshake(role, config);
        if role == Role::Server {
            peer.send_octets(PREFACE);
        }
        peer.send(Settings { ack: false, entries });
        peer.send(Settings::acknowledgement());
        peer.result.clone().unwrap();
        peer.sent();
        peer.events();
        peer
    }

    /// Feeds octets to the connection.
    pub(super) fn send_octets(&mut self, octets: &[u8]) {
        // One at a time, unless that would take too long. The others are no divisors of a frame's
        // length, so that they cut frames everywhere.
        let step = match octets.len() {
            0..=4_096 => 1,
            4_097..=100_000 => 61,
            _ => 997,
        };
        let [input, split_input] = &mut self.inputs;
        input.extend_from_slice(octets);
        self.result = self.whole.receive(input, self.now);
        let mut split_result = Ok(());
        for piece in octets.chunks(step) {
            split_input.extend_from_slice(piece);
            split_result = self.split.receive(split_input, self.now);
        }
        assert_eq!(self.result, split_result, "whole and split");
        assert_eq!(input, split_input, "what is left of the input");
        self.check();
    }

    pub(super) fn send(&mut self, frame: impl Into<Frame>) {
        self.send_all([frame.into()]);
    }

    /// Sends several frames together.
    pub(super) fn send_all(&mut self, frames: impl IntoIterator<Item = Frame>) {
        let mut octets = Vec::new();
        frames.into_iter().for_each(|frame| frame.encode(&mut octets));
        self.send_octets(&octets);
    }

    /// Returns the HEADERS frame of a field section.
    pub(super) fn headers(&mut self, n: u32, fields: &Headers, end_stream: bool) -> Frame {
        Frame::Headers(HeadersFrame {
            stream_id: id(n),
            fragment: self.encode(fields),
            end_stream,
            end_headers: true,
            priority: None,
            padding: None,
        })
    }

    pub(super) fn send_headers(&mut self, n: u32, fields: &Headers, end_stream: bool) {
        let frame = self.headers(n, fields, end_stream);
        self.send(frame);
    }

    pub(super) fn send_promise(&mut self, parent: u32, promised: u32, fields: &Headers) {
        let fragment = self.encode(fields);
        self.send(PushPromise {
            stream_id: id(parent),
            promised_stream_id: id(promised),
            fragment,
            end_headers: true,
            padding: None,
        });
    }

    pub(super) fn send_data(&mut self, n: u32, data: &[u8], end_stream: bool) {
        self.send(data_frame(n, data, end_stream));
    }

    pub(super) fn send_reset(&mut self, n: u32, error_code: ErrorCode) {
        self.send(RstStream { stream_id: id(n), error_code });
    }

    pub(super) fn send_window(&mut self, n: u32, increment: u32) {
        self.send(WindowUpdate { stream_id: id(n), increment });
    }

    pub(super) fn send_settings(&mut self, entries: Vec<Setting>) {
        self.send(Settings { ack: false, entries });
    }

    pub(super) fn send_goaway(&mut self, last: u32, error_code: ErrorCode) {
        self.send(Goaway { last_stream_id: id(last), error_code, debug_data: Bytes::new() });
    }

    pub(super) fn encode(&mut self, fields: &Headers) -> Bytes {
        let mut block = Vec::new();
        self.encoder.encode(fields, &mut block);
        block.into()
    }

    /// Calls both connections and returns their result, which must be the same.
    pub(super) fn ask<T: PartialEq + Debug>(
        &mut self,
        command: impl Fn(&mut Connection, Instant) -> T,
    ) -> T {
        let answer = command(&mut self.whole, self.now);
        assert_eq!(answer, command(&mut self.split, self.now), "whole and split");
        self.check();
        answer
    }

    /// Returns the connection.
    pub(super) fn core(&self) -> &Connection {
        &self.whole
    }

    /// Advances the clock, and lets the connection handle each deadline.
    pub(super) fn pass(&mut self, time: Duration) {
        let end = self.now + time;
        while let Some(at) = self.whole.poll_timeout().filter(|&at| at <= end) {
            assert_eq!(self.split.poll_timeout(), Some(at), "whole and split");
            self.now = self.now.max(at);
            self.tick();
        }
        self.now = end;
        self.tick();
    }

    fn tick(&mut self) {
        self.result = self.whole.handle_timeout(self.now);
        assert_eq!(self.result, self.split.handle_timeout(self.now), "whole and split");
        let next = self.whole.poll_timeout();
        assert!(next.is_none_or(|at| at > self.now), "an expired deadline was not handled");
        self.check();
    }

    fn check(&self) {
        audit(&self.whole);
        audit(&self.split);
    }

    /// Returns all events since the last call.
    pub(super) fn events(&mut self) -> Vec<Event> {
        let events: Vec<_> = std::iter::from_fn(|| self.whole.poll_event()).collect();
        let split: Vec<_> = std::iter::from_fn(|| self.split.poll_event()).collect();
        assert_eq!(events, split, "whole and split");
        events
    }

    /// Returns everything that the connection has sent since the last call.
    pub(super) fn sent(&mut self) -> Vec<Sent> {
        self.read();
        self.sent.drain(..).collect()
    }

    fn read(&mut self) {
        self.read_some(usize::MAX);
    }

    /// Takes about `max` octets of output.
    pub(super) fn read_some(&mut self, max: usize) {
        let (now, mut out, mut split) = (self.now, Transmit::new(), Transmit::new());
        let wanted = self.whole.wants_transmit();
        assert_eq!(self.whole.poll_transmit(now, &mut out, max), !out.is_empty());
        self.split.poll_transmit(now, &mut split, max);
        assert_eq!(out.to_vec(), split.to_vec(), "whole and split");
        assert!(wanted || out.is_empty(), "output without wants_transmit");
        assert!(max < usize::MAX || !self.whole.wants_transmit(), "wants_transmit without output");
        self.check();
        self.wire.extend_from_slice(&out.to_vec());
        if self.wire.starts_with(PREFACE) {
            let _ = self.wire.split_to(PREFACE.len());
        }
        while let Some(frame) = Frame::decode(&mut self.wire, 1 << 24).unwrap() {
            self.order.check(self.whole.role(), &frame);
            self.take(frame);
        }
    }

    fn take(&mut self, frame: Frame) {
        let (fragment, end_headers) = match &frame {
            Frame::Headers(headers) => (&headers.fragment, headers.end_headers),
            Frame::PushPromise(promise) => (&promise.fragment, promise.end_headers),
            Frame::Continuation(more) => (&more.fragment, more.end_headers),
            _ => {
                assert!(self.block.is_empty(), "{frame} inside a field block");
                return self.sent.push_back(Sent::Frame(frame));
            }
        };
        assert_eq!(matches!(frame, Frame::Continuation(_)), !self.block.is_empty(), "{frame}");
        let decoded = self.decoder.decode(fragment, end_headers).unwrap();
        self.block.push(frame);
        let Some(decoded) = decoded else { return };
        let fields = decoded.headers;
        let frames = self.block.len();
        self.sent.push_back(match &self.block[0] {
            Frame::PushPromise(promise) => Sent::Promise {
                parent: promise.stream_id,
                promised: promise.promised_stream_id,
                fields,
            },
            Frame::Headers(headers) => Sent::Headers {
                id: headers.stream_id,
                fields,
                end_stream: headers.end_stream,
                frames,
            },
            other => panic!("{other} starts a field block"),
        });
        self.block.clear();
    }

    fn next(&mut self) -> Sent {
        self.read();
        self.sent.pop_front().expect("the connection has sent nothing")
    }

    #[track_caller]
    pub(super) fn expect(&mut self, frame: impl Into<Frame>) {
        assert_eq!(self.next(), Sent::Frame(frame.into()));
    }

    #[track_caller]
    pub(super) fn expect_nothing(&mut self) {
        assert_eq!(self.sent(), []);
    }

    #[track_caller]
    pub(super) fn expect_headers(&mut self, n: u32, end: bool) -> Headers {
        match self.next() {
            Sent::Headers { id: stream, fields, end_stream, .. } => {
                assert_eq!((stream, end_stream), (id(n), end));
                fields
            }
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub(super) fn expect_data(&mut self, n: u32, data: &[u8], end_stream: bool) {
        self.expect(data_frame(n, data, end_stream));
    }

    #[track_caller]
    pub(super) fn expect_reset(&mut self, n: u32, error_code: ErrorCode) {
        self.expect(RstStream { stream_id: id(n), error_code });
        assert_eq!(self.result, Ok(()), "the connection goes on");
    }

    /// Checks that the connection has failed, has sent GOAWAY, and keeps failing.
    #[track_caller]
    pub(super) fn expect_failure(&mut self, code: ErrorCode) -> ConnectionError {
        let error = self.result.clone().expect_err("the connection should have failed");
        assert_eq!(error.code(), code, "{error}");
        let sent = self.sent();
        let Some(Sent::Frame(Frame::Goaway(goaway))) = sent.last() else { panic!("{sent:?}") };
        assert_eq!(goaway.error_code, code);
        assert_eq!(goaway.debug_data, error.detail().as_bytes());
        self.send_octets(b"anything");
        assert_eq!(self.result, Err(error.clone()));
        self.expect_nothing();
        error
    }

    /// Checks that the connection still responds.
    #[track_caller]
    pub(super) fn expect_alive(&mut self) {
        assert_eq!(self.result, Ok(()));
        self.sent();
        let ping = crate::frame::Ping { ack: false, payload: *b"alright?" };
        self.send(ping);
        self.expect(crate::frame::Ping { ack: true, ..ping });
    }
}

pub(super) fn data_frame(n: u32, data: &[u8], end_stream: bool) -> Frame {
    let data = Bytes::copy_from_slice(data);
    Frame::Data(Data { stream_id: id(n), data, end_stream, padding: None })
}
