//! Random commands, random chunks, random and damaged input.

use std::collections::HashMap;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;

use super::super::{CommandError, Config, Connection, Event, Role, Transmit};
use super::{audit, get, id, post, status, trailers, Pair, Side};
use crate::frame::{ErrorCode, Setting, StreamId, PREFACE};

/// Something that a random application does.
#[derive(Debug, Clone)]
enum Step {
    Open { end: bool },
    Reserve,
    Use(usize),
    Send { side: bool, stream: usize, octets: usize, end: bool },
    Trailers { side: bool, stream: usize },
    Reset { side: bool, stream: usize },
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
        1 => Just(Step::Push),
        1 => (0u32..5_000).prop_map(Step::Window),
        1 => (0u32..5).prop_map(Step::Limit),
        4 => any::<bool>().prop_map(Step::Read),
        6 => any::<bool>().prop_map(Step::Carry),
        1 => (0u64..60).prop_map(Step::Pass),
    ]
}

/// What one side has said or heard on a stream.
#[derive(Debug, Default, Clone, PartialEq)]
struct Body {
    octets: Vec<u8>,
    ended: bool,
    cut_short: bool,
}

/// Two cores, and a note of everything that should arrive.
struct World {
    pair: Pair,
    /// By who sends and the stream.
    sent: HashMap<(bool, StreamId), Body>,
    heard: HashMap<(bool, StreamId), Body>,
    streams: Vec<StreamId>,
    reserved: Vec<StreamId>,
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
            Step::Use(_) => {}
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

    /// One of the last streams.
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
        }
    }

    /// The application takes its events, gives credit back, and answers requests.
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
                    self.core(side).release(stream_id, data.len()).unwrap();
                }
                Event::Reset { stream_id, .. } => self.cut(stream_id),
                _ => {}
            }
        }
    }

    fn heard(&mut self, from: bool, stream: StreamId) -> &mut Body {
        self.heard.entry((from, stream)).or_default()
    }

    fn cut(&mut self, stream: StreamId) {
        for from in [false, true] {
            self.sent.entry((from, stream)).or_default().cut_short = true;
        }
    }

    /// Lets all that can go out go out, and looks at what has arrived.
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
        for _ in 0..200 {
            self.pair.pass(Duration::from_millis(51));
            self.pair.pump();
            self.read(false);
            self.read(true);
        }
    }
}

fn side_of(server: bool) -> Side {
    if server {
        Side::Server
    } else {
        Side::Client
    }
}

/// Octets that a client with much to say sends, and those of its server.
fn conversation() -> [Vec<u8>; 2] {
    let config = Config { enable_push: true, ..Config::default() };
    let mut pair = Pair::new(config.clone(), config);
    let mut said = [Vec::new(), Vec::new()];
    let now = pair.now;
    for round in 0..4 {
        let stream = pair.client.open(&post(), false, now).unwrap();
        pair.client.send_data(stream, vec![round; 500].into(), false, now).unwrap();
        pair.client.send_headers(stream, &trailers(), true, now).unwrap();
        pair.client.ping(now).unwrap();
        listen(&mut pair, &mut said);
        let promised = pair.server.reserve_stream_id(now).unwrap();
        pair.server.promise(stream, promised, &get(), now).unwrap();
        for n in [stream, promised] {
            pair.server.send_headers(n, &status(200), false, now).unwrap();
            pair.server.send_data(n, vec![round; 500].into(), round % 2 == 0, now).unwrap();
        }
        pair.server.update_settings(vec![Setting::HeaderTableSize(100)], now).unwrap();
        pair.client.reset(id(2), ErrorCode::Cancel, now).unwrap_or(());
        listen(&mut pair, &mut said);
    }
    pair.server.shutdown(now);
    listen(&mut pair, &mut said);
    said
}

fn listen(pair: &mut Pair, said: &mut [Vec<u8>; 2]) {
    loop {
        let mut quiet = true;
        for (side, said) in [Side::Client, Side::Server].into_iter().zip(said.iter_mut()) {
            let now = pair.now;
            let mut out = Transmit::new();
            pair.side(side).poll_transmit(now, &mut out, usize::MAX);
            let octets = out.to_vec();
            said.extend_from_slice(&octets);
            quiet &= octets.is_empty();
            let to = if side == Side::Client { Side::Server } else { Side::Client };
            pair.side(to).receive(&mut BytesMut::from(&octets[..]), now).unwrap();
        }
        if quiet {
            return;
        }
    }
}

/// Whatever comes, in whatever pieces: no panic, all sums right, and no deadline that stays.
fn endure(role: Role, octets: &[u8], chunk: usize) {
    let mut now = std::time::Instant::now();
    let config = Config { enable_push: true, enable_connect_protocol: true, ..Config::default() };
    let mut core = Connection::new(role, config, now).unwrap();
    for _ in 0..if role == Role::Client { 5 } else { 0 } {
        core.open(&post(), false, now).unwrap();
    }
    let mut input = BytesMut::new();
    let mut out = Transmit::new();
    for piece in octets.chunks(chunk.max(1)) {
        input.extend_from_slice(piece);
        let _ = core.receive(&mut input, now);
        while let Some(event) = core.poll_event() {
            if let Event::Headers { stream_id, .. } = event {
                let _ = core.send_headers(stream_id, &status(200), false, now);
                let _ = core.send_data(stream_id, vec![0; 100].into(), false, now);
            }
        }
        core.poll_transmit(now, &mut out, 1_000);
        out.clear();
        audit(&core);
    }
    for _ in 0..50 {
        let Some(at) = core.poll_timeout() else { break };
        now = now.max(at);
        let _ = core.handle_timeout(now);
        assert!(core.poll_timeout().is_none_or(|next| next > now), "a deadline that stays");
        audit(&core);
    }
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

    #[test]
    fn random_frames_are_endured(
        frames in prop::collection::vec(
            (0u8..0x12, any::<u8>(), 0u32..12, prop::collection::vec(any::<u8>(), 0..40)),
            0..60,
        ),
        chunk in 1usize..200,
        is_client in any::<bool>(),
    ) {
        let role = if is_client { Role::Client } else { Role::Server };
        let mut octets = Vec::new();
        if !is_client {
            octets.extend_from_slice(PREFACE);
        }
        octets.extend([0, 0, 0, 4, 0, 0, 0, 0, 0]);
        for (kind, flags, stream, payload) in frames {
            octets.extend([0, 0, payload.len() as u8, kind, flags]);
            octets.extend(stream.to_be_bytes());
            octets.extend(payload);
        }
        endure(role, &octets, chunk);
    }

    #[test]
    fn damaged_conversations_are_endured(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        cut in any::<prop::sample::Index>(),
        chunk in 1usize..500,
    ) {
        let [client, server] = conversation();
        for (role, mut octets) in [(Role::Server, client), (Role::Client, server)] {
            for (at, value) in &damage {
                let at = at.index(octets.len());
                octets[at] = *value;
            }
            octets.truncate(octets.len() - cut.index(octets.len()) / 4);
            endure(role, &octets, chunk);
        }
    }
}
