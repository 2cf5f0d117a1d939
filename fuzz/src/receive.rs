//! A core that receives whatever a peer may send.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use h2_sync::frame::{Frame, StreamId};
use h2_sync::proto::{
    Budget, CloseReason, CommandError, Config, Connection, ConnectionError, Event, Role, Stats,
};

use super::application::Application;
use super::cores::{events, frames, request, start, take_output};
use super::input::Input;
use super::order::EventOrder;
use super::script;
use super::wire_order::WireOrder;

/// Any octets, to a server.
///
/// - The result does not depend on how the octets arrive.
/// - Events come in an order that makes sense, and everything that the core holds is bounded.
/// - After an error there is one GOAWAY, and nothing but the same error.
pub fn server_receive(data: &[u8]) {
    receive(Role::Server, data);
}

/// The same, to a client with a few requests under way.
pub fn client_receive(data: &[u8]) {
    receive(Role::Client, data);
}

fn receive(role: Role, data: &[u8]) {
    let mut input = Input::new(data);
    let control = input.octet();
    let config = read_config(&mut input, control);
    let piece_len = 1 + input.below(200);
    let wire = if control & 0x02 == 0 {
        input.rest().to_vec()
    } else {
        let peer = if role == Role::Client { Role::Server } else { Role::Client };
        script::wire(peer, control & 0x04 != 0, input)
    };
    let case = Case { role, config, wire, piece_len, now: Instant::now() };

    let whole = case.without_application(case.wire.len().max(1));
    whole.check(&case);
    let pieces = case.without_application(case.piece_len);
    assert_eq!(whole.result, pieces.result);
    assert_eq!(whole.events, pieces.events);
    assert_eq!(whole.output, pieces.output);
    assert_eq!(whole.stats, pieces.stats);
    case.with_application();
}

fn read_config(input: &mut Input<'_>, control: u8) -> Config {
    let mut config = Config::default();
    config.skip_preface = control & 0x01 != 0;
    config.enable_push = control & 0x08 != 0;
    config.hold_slots = control & 0x10 != 0;
    config.enable_connect_protocol = control & 0x20 != 0;
    config.max_concurrent_streams = input.octet().into();
    config.max_promised_streams = input.below(8);
    config.max_header_list_size = 1_024 << input.below(5);
    config.max_fields = 8 + input.below(60);
    let windows = [1 << 20, 65_535, 1_000, 1];
    config.initial_window_size = *input.pick(&windows).unwrap_or(&1);
    config.connection_window_size = 65_535 + u32::from(input.u16());
    let budget = Budget::new(1 + u32::from(input.octet()), 1);
    config.glitches = budget;
    config.resets_received = budget;
    config.resets_provoked = budget;
    config.max_pending_acks = 1 + u32::from(input.octet());
    config
}

struct Case {
    role: Role,
    config: Config,
    wire: Vec<u8>,
    piece_len: usize,
    now: Instant,
}

/// What a core has made of the octets.
struct Outcome {
    result: Result<(), ConnectionError>,
    events: Vec<Event>,
    output: Vec<u8>,
    stats: Stats,
}

impl Case {
    fn start(&self) -> Connection {
        let mut core = start(self.role, &self.config, self.now);
        if self.role == Role::Client {
            for (method, end_stream) in
                [("GET", true), ("HEAD", true), ("POST", false), ("CONNECT", false)]
            {
                let id = core.open(&request(method), end_stream, self.now);
                let id = id.expect("a valid request");
                if !end_stream {
                    let data = Bytes::from_static(&[b'r'; 70_000]);
                    core.send_data(id, data, false, self.now).expect("there is room");
                }
            }
        }
        core
    }

    /// The core is not polled until all octets have been received.
    fn without_application(&self, piece_len: usize) -> Outcome {
        let mut core = self.start();
        let mut buffer = BytesMut::new();
        let mut result = Ok(());
        for piece in self.wire.chunks(piece_len) {
            buffer.extend_from_slice(piece);
            result = core.receive(&mut buffer, self.now);
            if result.is_err() {
                break;
            }
        }
        let stats = core.stats();
        let outcome = Outcome {
            events: events(&mut core),
            output: take_output(&mut core, self.now),
            stats,
            result,
        };
        if let Err(error) = &outcome.result {
            check_failed(&mut core, error, self.now);
        }
        outcome
    }

    /// An application that answers, between one piece and the next, while time goes by.
    fn with_application(&self) {
        let mut core = self.start();
        let mut order = EventOrder::new(self.role);
        let mut application = Application::default();
        let mut output = Vec::new();
        let mut buffer = BytesMut::new();
        let mut now = self.now;
        let mut result = Ok(());
        for piece in self.wire.chunks(self.piece_len) {
            buffer.extend_from_slice(piece);
            result = core.receive(&mut buffer, now);
            for event in events(&mut core) {
                order.check(&event);
                application.react(&mut core, &event, now);
            }
            let limit = self.config.max_header_list_size as usize * 4 + (1 << 14);
            assert!(buffer.len() <= limit, "the rest of one frame at most");
            output.extend(take_output(&mut core, now));
            if result.is_err() {
                break;
            }
            now += Duration::from_millis(u64::from(piece[0]));
            if core.poll_timeout().is_some_and(|deadline| deadline <= now) {
                result = core.handle_timeout(now);
                assert!(core.poll_timeout().is_none_or(|deadline| deadline > now));
            }
        }
        output.extend(take_output(&mut core, now));
        events(&mut core).iter().for_each(|event| order.check(event));
        let goaways = check_goaway(self.role, &output, result.as_ref().err());
        assert!(result.is_err() || goaways == 0 || core.close_reason().is_some());
        if let Err(error) = &result {
            check_failed(&mut core, error, now);
        }
    }
}

impl Outcome {
    fn check(&self, case: &Case) {
        let config = &case.config;
        let mut order = EventOrder::new(case.role);
        let mut unread: HashMap<StreamId, usize> = HashMap::new();
        for event in &self.events {
            order.check(event);
            match event {
                Event::Headers { headers, .. } | Event::Promise { headers, .. } => {
                    assert!(headers.section_size() <= config.max_header_list_size as usize);
                    assert!(headers.len() <= config.max_fields);
                }
                Event::Data { stream_id, data, .. } => {
                    *unread.entry(*stream_id).or_default() += data.len();
                }
                _ => {}
            }
        }
        let window = config.initial_window_size.max(65_535) as usize;
        assert!(unread.values().all(|&octets| octets <= window));
        let frames_received = self.stats.received.total_frames() as usize;
        assert!(self.events.len() <= 3 * frames_received + 16);

        let (own, promised) = match case.role {
            Role::Client => (4, config.max_promised_streams),
            Role::Server => (0, 0),
        };
        let peers = config.max_concurrent_streams as usize;
        assert!(self.stats.streams_open <= own + promised + peers);

        // Besides 2 × 70,000 octets of requests, an answer is hardly longer than what it is for.
        assert!(self.output.len() <= 141_000 + 4 * case.wire.len());
        check_goaway(case.role, &self.output, self.result.as_ref().err());
    }
}

/// RFC 9113, Section 5.4.1: GOAWAY says why, and nothing follows it. Returns how many there are.
/// Nothing that went out concerns an idle stream.
fn check_goaway(role: Role, output: &[u8], error: Option<&ConnectionError>) -> usize {
    let frames = frames(role, output);
    let mut order = WireOrder::of_one(role);
    frames.iter().for_each(|frame| order.check(role, frame));
    let goaways = frames.iter().filter(|frame| matches!(frame, Frame::Goaway(_))).count();
    assert!(goaways <= 1);
    if let Some(error) = error {
        match frames.last() {
            Some(Frame::Goaway(goaway)) => assert_eq!(goaway.error_code, error.code()),
            other => panic!("no GOAWAY at the end: {other:?}"),
        }
    }
    goaways
}

/// A connection that has failed has nothing more to say, and fails the same way for ever.
fn check_failed(core: &mut Connection, error: &ConnectionError, now: Instant) {
    assert_eq!(core.close_reason(), Some(&CloseReason::Error(error.clone())));
    let mut more = BytesMut::from(&[0, 0, 0, 4, 0, 0, 0, 0, 0][..]);
    assert_eq!(core.receive(&mut more, now).as_ref(), Err(error));
    assert!(more.is_empty(), "discarded octets are not kept");
    assert_eq!(core.handle_timeout(now + Duration::from_secs(3_600)).as_ref(), Err(error));
    assert_eq!(
        core.open(&request("GET"), true, now).err(),
        Some(match core.role() {
            Role::Client => CommandError::Closed,
            Role::Server => CommandError::ClientOnly,
        })
    );
    assert_eq!(core.poll_timeout(), None);
    assert_eq!(core.poll_event(), None);
    assert!(take_output(core, now).is_empty());
    assert!(!core.wants_transmit());
    let stats = core.stats();
    assert_eq!((stats.streams_open, stats.send_buffered), (0, 0));
}
