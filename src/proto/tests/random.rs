//! Two connections with random commands in random chunks: everything sent arrives.

use std::collections::HashMap;
use std::time::Duration;

use bytes::Bytes;
use proptest::prelude::*;

use super::super::{CommandError, Config, Connection, Event, Priority};
use super::{Pair, Side, audit, get, post, status, trailers};
use crate::frame::{ErrorCode, Setting, StreamId};

/// An action of the random application.
#[derive(Debug, Clone)]
enum Step {
    Open { end: bool },
    Reserve,
    Use(usize),
    Send { side: bool, stream: usize, octets: usize, end: bool },
    Trailers { side: bool, stream: usize },
    Reset { side: bool, stream: usize },
    Decline { stream: usize },
    GiveBack(usize),
    Prefer { stream: usize },
    Push,
    Window(u32),
    Limit(u32),
    Read(bool),
    Carry(bool),
    Pass(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => any::<bool>().prop_map(|end| Step::Open { end }),
        1 => Just(Step::Reserve),
        1 => (0usize..4).prop_map(Step::Use),
        8 => (any::<bool>(), 0usize..8, 0usize..3_000, any::<bool>())
            .prop_map(|(side, stream, octets, end)| Step::Send { side, stream, octets, end }),
        1 => (any::<bool>(), 0usize..8).prop_map(|(side, stream)| Step::Trailers { side, stream }),
        1 => (any::<bool>(), 0usize..8).prop_map(|(side, stream)| Step::Reset { side, stream }),
        1 => (0usize..8).prop_map(|stream| Step::Decline { stream }),
        1 => (0usize..4).prop_map(Step::GiveBack),
        1 => (0usize..8).prop_map(|stream| Step::Prefer { stream }),
        1 => Just(Step::Push),
        1 => (0u32..5_000).prop_map(Step::Window),
        1 => (0u32..5).prop_map(Step::Limit),
        4 => any::<bool>().prop_map(Step::Read),
        6 => any::<bool>().prop_map(Step::Carry),
        1 => (0u64..60).prop_map(Step::Pass),
    ]
}

/// What one side has sent or received on a stream.
#[derive(Debug, Default, Clone, PartialEq)]
struct Body {
    octets: Vec<u8>,
    ended: bool,
    cut_short: bool,
}

/// Two cores, and a record of what must arrive.
struct World {
    pair: Pair,
    /// By sender and stream.
    sent: HashMap<(bool, StreamId), Body>,
    heard: HashMap<(bool, StreamId), Body>,
    streams: Vec<StreamId>,
    reserved: Vec<StreamId>,
    /// Promised streams, each with its request.
    promised: Vec<(StreamId, StreamId)>,
    counter: u8,
}

impl World {
    fn new(chunk: usize) -> Self {
        let config = Config {
            initial_window_size: 3_000,
            max_send_buffer: 40_000,
            max_stream_send_buffer: 8_000,
            enable_push: true,
            max_concurrent_streams: 4,
            ..Config::default()
        };
        let mut pair = Pair::greeted(config.clone(), config);
        pair.chunk = chunk;
        World {
            pair,
            sent: HashMap::new(),
            heard: HashMap::new(),
            streams: Vec::new(),
            reserved: Vec::new(),
            promised: Vec::new(),
            counter: 0,
        }
    }

    fn take(&mut self, step: Step) {
        let now = self.pair.now;
        match step {
            Step::Open { end } => {
                let request = if end { get() } else { post() };
                if let Ok(stream) = self.pair.client.open(&request, end, now) {
                    self.begin(stream, end);
                }
            }
            Step::Reserve => self.reserved.extend(self.pair.client.reserve_stream_id(now)),
            Step::Use(index) if index < self.reserved.len() => {
                let stream = self.reserved.remove(index);
                match self.pair.client.send_headers(stream, &post(), false, now) {
                    Ok(()) => self.begin(stream, false),
                    Err(error) => assert!(
                        matches!(error, CommandError::GivenUp(_) | CommandError::Full { .. }),
                        "{error}"
                    ),
                }
            }
            Step::Send { side, stream, octets, end } => self.send(side, stream, octets, end),
            Step::Trailers { side, stream } => {
                let Some(stream) = self.pick(stream) else { return };
                if self.core(side).send_headers(stream, &trailers(), true, now).is_ok() {
                    self.sent.entry((side, stream)).or_default().ended = true;
                }
            }
            Step::Reset { side, stream } => {
                let Some(stream) = self.pick(stream) else { return };
                if self.core(side).reset(stream, ErrorCode::Cancel, now).is_ok() {
                    self.cut(stream);
                }
            }
            Step::Decline { stream } => {
                let Some(stream) = self.pick(stream) else { return };
                if self.pair.client.decline_body(stream, now).is_ok() {
                    self.cut(stream);
                }
            }
            Step::GiveBack(index) if index < self.reserved.len() => {
                let stream = self.reserved.remove(index);
                match self.pair.client.reset(stream, ErrorCode::Cancel, now) {
                    Ok(()) | Err(CommandError::GivenUp(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Step::Prefer { stream } => {
                let Some(stream) = self.pick(stream) else { return };
                let _ = self.pair.client.update_priority(stream, Priority::new(1, false));
            }
            Step::Push => self.push(),
            Step::Window(size) => {
                let entries = vec![Setting::InitialWindowSize(size)];
                let _ = self.pair.client.update_settings(entries, now);
            }
            Step::Limit(limit) => {
                let entries = vec![Setting::MaxConcurrentStreams(limit)];
                let _ = self.pair.server.update_settings(entries, now);
            }
            Step::Read(side) => self.read(side),
            Step::Carry(side) => drop(self.pair.carry(side_of(side))),
            Step::Pass(millis) => self.pair.pass(Duration::from_millis(millis)),
            Step::Use(_) | Step::GiveBack(_) => {}
        }
        audit(&self.pair.client);
        audit(&self.pair.server);
    }

    fn begin(&mut self, stream: StreamId, end: bool) {
        self.sent.entry((false, stream)).or_default().ended = end;
        self.streams.push(stream);
    }

    fn core(&mut self, side: bool) -> &mut Connection {
        self.pair.side(side_of(side))
    }

    /// Returns one of the most recent streams.
    fn pick(&self, index: usize) -> Option<StreamId> {
        self.streams.iter().rev().nth(index).copied()
    }

    fn send(&mut self, side: bool, index: usize, octets: usize, end: bool) {
        let Some(stream) = self.pick(index) else { return };
        self.counter = self.counter.wrapping_add(1);
        let data: Bytes = (0..octets).map(|at| self.counter.wrapping_add(at as u8)).collect();
        let now = self.pair.now;
        if self.core(side).send_data(stream, data.clone(), end, now).is_ok() {
            let body = self.sent.entry((side, stream)).or_default();
            body.octets.extend_from_slice(&data);
            body.ended = end;
        }
    }

    fn push(&mut self) {
        let now = self.pair.now;
        let Some(parent) = self.pick(0).filter(|stream| stream.is_client_initiated()) else {
            return;
        };
        let Ok(promised) = self.pair.server.reserve_stream_id(now) else { return };
        if self.pair.server.promise(parent, promised, &get(), now).is_ok() {
            self.pair.server.send_headers(promised, &status(200), false, now).unwrap();
            self.sent.entry((true, promised)).or_default();
            self.streams.push(promised);
            self.promised.push((parent, promised));
            if self.sent.get(&(false, parent)).is_some_and(|body| body.cut_short) {
                // The server does not know it yet.
                self.cut(promised);
            }
        }
    }

    /// Takes the application's events, releases credit, and responds to requests.
    fn read(&mut self, side: bool) {
        let now = self.pair.now;
        for event in self.pair.events(side_of(side)) {
            match event {
                Event::Headers { stream_id, kind, end_stream, .. } => {
                    self.heard(!side, stream_id).ended |= end_stream;
                    if kind == super::super::HeadersKind::Request
                        && self.core(side).send_headers(stream_id, &status(200), false, now).is_ok()
                    {
                        self.sent.entry((side, stream_id)).or_default();
                    }
                }
                Event::Data { stream_id, data, end_stream } => {
                    let body = self.heard(!side, stream_id);
                    assert!(!body.ended, "{stream_id}: octets after the end");
                    body.octets.extend_from_slice(&data);
                    body.ended = end_stream;
                    let now = self.pair.now;
                    self.core(side).release(stream_id, data.len(), now).unwrap();
                }
                Event::Reset { stream_id, .. } => self.cut(stream_id),
                _ => {}
            }
        }
    }

    fn heard(&mut self, from: bool, stream: StreamId) -> &mut Body {
        self.heard.entry((from, stream)).or_default()
    }

    /// Records the reset of a stream. A client that reset it accepts no more promises on it.
    fn cut(&mut self, stream: StreamId) {
        let promised = self.promised.iter().filter(|(parent, _)| *parent == stream);
        for stream in promised.map(|&(_, promised)| promised).chain([stream]) {
            for from in [false, true] {
                self.sent.entry((from, stream)).or_default().cut_short = true;
            }
        }
    }

    /// Sends everything that can be sent, and checks what has arrived.
    fn finish(mut self) {
        let open = Setting::InitialWindowSize(1 << 20);
        self.settle();
        let now = self.pair.now;
        self.pair.client.update_settings(vec![open], now).unwrap();
        let streams = Setting::MaxConcurrentStreams(1_000);
        self.pair.server.update_settings(vec![open, streams], now).unwrap();
        self.settle();
        for (&(from, stream), sent) in &self.sent {
            let heard = self.heard.get(&(from, stream)).cloned().unwrap_or_default();
            if sent.cut_short {
                assert!(sent.octets.starts_with(&heard.octets), "{stream}: another body");
            } else {
                assert!(sent.octets == heard.octets, "{stream}: not the body that was sent");
                assert_eq!(sent.ended, heard.ended, "{stream}: its end");
            }
        }
        assert_eq!(self.pair.client.stats().send_buffered, 0);
        assert_eq!(self.pair.server.stats().send_buffered, 0);
    }

    fn settle(&mut self) {
        // Each round opens deferred streams. Without octets, nothing more can arrive.
        for _ in 0..200 {
            self.pair.pass(Duration::from_millis(51));
            let carried = self.pair.pump();
            self.read(false);
            self.read(true);
            if !carried && !self.pair.pump() {
                return;
            }
        }
    }
}

fn side_of(server: bool) -> Side {
    if server { Side::Server } else { Side::Client }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_streams_octets_arrive_whole_and_in_order(
        steps in prop::collection::vec(step(), 0..200),
        chunk in prop_oneof![Just(1usize), 2usize..2_000, Just(usize::MAX)],
    ) {
        let mut world = World::new(chunk);
        steps.into_iter().for_each(|step| world.take(step));
        world.finish();
    }
}
