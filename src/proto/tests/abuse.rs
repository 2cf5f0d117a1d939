//! Budgets against abuse: each ends the connection with ENHANCE_YOUR_CALM, and legitimate traffic
//! exhausts none.

use std::time::Duration;

use bytes::Bytes;

use super::super::{Config, Event, Extension, Fault};
use super::peer::data_frame;
use super::{Peer, get, id, post, status, trailers};
use crate::frame::{
    AltSvc, Dependency, ErrorCode, Flags, Frame, Kind, Ping, Priority, Settings, StreamId, Unknown,
    WindowUpdate,
};

const SECOND: Duration = Duration::from_secs(1);

fn server() -> Peer {
    Peer::of_server(Config::default())
}

/// Sends a frame repeatedly, all at once; returns whether the connection has survived.
fn survives(peer: &mut Peer, frame: impl Into<Frame>, times: usize) -> bool {
    let frame = frame.into();
    peer.send_all(std::iter::repeat_n(frame, times));
    peer.result.is_ok()
}

/// Checks that a frame is accepted `burst` times and no more.
fn check_budget(mut peer: Peer, frame: impl Into<Frame>, burst: usize) {
    let frame = frame.into();
    assert!(survives(&mut peer, frame.clone(), burst), "{burst} of {frame}");
    peer.sent();
    peer.send(frame);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Limit);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn pings() {
    check_budget(server(), Ping { ack: false, payload: [0; 8] }, 100);
}

#[test]
fn settings() {
    // Two of the hundred were used at the start.
    check_budget(server(), Settings::default(), 98);
}

#[test]
fn useless_frames() {
    let dependency = Dependency { stream_id: id(0), exclusive: false, weight: 0 };
    let unknown = Unknown {
        kind: Kind(0x99),
        flags: Flags::default(),
        stream_id: id(0),
        payload: Bytes::new(),
    };
    let altsvc =
        AltSvc { stream_id: id(0), origin: "a".into(), field_value: Bytes::from_static(b"clear") };
    let small = || Config { glitches: super::super::Budget::new(50, 1), ..Config::default() };
    for frame in [
        Frame::from(Priority { stream_id: id(99), dependency }),
        unknown.into(),
        altsvc.into(),
        Ping { ack: true, payload: [9; 8] }.into(),
    ] {
        check_budget(Peer::of_client(small()), frame.clone(), 50);
        check_budget(Peer::of_server(small()), frame, 50);
    }
    let ended = || {
        let mut peer = Peer::of_server(small());
        peer.send_headers(1, &get(), true);
        peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
        peer.sent();
        peer
    };
    check_budget(ended(), WindowUpdate { stream_id: id(1), increment: 1 }, 50);
    let open = || {
        let mut peer = Peer::of_server(small());
        peer.send_headers(1, &post(), false);
        peer
    };
    check_budget(open(), data_frame(1, b"", false), 50);
    let mut padded = crate::frame::Data {
        stream_id: id(1),
        data: Bytes::new(),
        end_stream: false,
        padding: Some(0),
    };
    check_budget(open(), padded.clone(), 50);
    padded.padding = Some(200);
    check_budget(open(), padded, 50);
}

#[test]
fn default_budget_for_useless_frames_is_ten_thousand() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    check_budget(peer, data_frame(1, b"", false), 10_000);
}

#[test]
fn data_beyond_the_window_of_a_stream_that_we_have_reset() {
    let config = || Config {
        glitches: super::super::Budget::new(50, 1),
        initial_window_size: 1_000,
        ..Config::default()
    };
    let reset = |ends: bool| {
        let mut peer = Peer::of_server(config());
        peer.send_headers(1, &post(), ends);
        peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
        peer.sent();
        peer
    };
    // A late frame costs a quarter of a token.
    check_budget(reset(false), data_frame(1, b"x", false), 1_200);
    check_budget(reset(false), data_frame(1, b"", false), 200);
    // END_STREAM is accepted once.
    check_budget(reset(false), data_frame(1, b"", true), 201);
    check_budget(reset(true), data_frame(1, b"x", false), 200);
    let mut peer = reset(false);
    for _ in 0..201 {
        peer.send_headers(1, &trailers(), true);
        assert_eq!(peer.result, Ok(()));
    }
    peer.sent();
    peer.send_headers(1, &trailers(), true);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn budgets_refill_with_time() {
    let mut peer = server();
    let ping = Ping { ack: false, payload: [0; 8] };
    assert!(survives(&mut peer, ping, 100));
    peer.sent();
    for _ in 0..100 {
        peer.pass(SECOND);
        assert!(survives(&mut peer, ping, 10));
        peer.sent();
    }
    check_budget(peer, ping, 0);
}

#[test]
fn provoked_resets() {
    let on_open_stream: [fn(&mut Peer, u32); 5] = [
        |peer, n| peer.send_octets(&[0, 0, 4, 8, 0, 0, 0, (n >> 8) as u8, n as u8, 0, 0, 0, 0]),
        |peer, n| peer.send_window(n, 0x7fff_ffff),
        |peer, n| peer.send_data(n, b"after the end", false),
        |peer, n| peer.send_headers(n, &trailers(), true),
        |peer, n| peer.send_octets(&[0, 0, 1, 2, 0, 0, 0, (n >> 8) as u8, n as u8, 0]),
    ];
    for provoke in on_open_stream {
        let mut peer = server();
        for count in 0..=500 {
            assert_eq!(peer.result, Ok(()), "{count}");
            let n = 2 * count + 1;
            peer.send_headers(n, &get(), true);
            provoke(&mut peer, n);
        }
        peer.expect_failure(ErrorCode::EnhanceYourCalm);
    }
}

#[test]
fn malformed_refused_and_oversized_requests_count_as_well() {
    for request in [get().with("Bad", ""), get(), get().with("x", "y".repeat(2_000))] {
        let config =
            Config { max_concurrent_streams: 0, max_header_list_size: 1_024, ..Config::default() };
        let mut peer = Peer::of_server(config);
        for count in 0..=500 {
            assert_eq!(peer.result, Ok(()), "{count}");
            peer.send_headers(2 * count + 1, &request, true);
        }
        peer.expect_failure(ErrorCode::EnhanceYourCalm);
    }
}

#[test]
fn a_peer_that_causes_acknowledgments_and_never_reads_is_disconnected() {
    let budget = super::super::Budget::new(10_000, 0);
    let config =
        || Config { pings_received: budget, settings_received: budget, ..Config::default() };
    for frame in
        [Frame::from(Ping { ack: false, payload: [0; 8] }), Frame::from(Settings::default())]
    {
        let mut reading = Peer::of_server(config());
        for _ in 0..20 {
            assert!(survives(&mut reading, frame.clone(), 100));
            assert_eq!(reading.sent().len(), 100);
        }
        check_silent(Peer::of_server(config()), frame);
    }
}

fn check_silent(mut peer: Peer, frame: Frame) {
    assert!(survives(&mut peer, frame.clone(), 1_000));
    assert!(!survives(&mut peer, frame, 1));
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn endless_extension_frames_do_not_accumulate() {
    let mut peer = Peer::of_client(Config::default());
    let altsvc =
        AltSvc { stream_id: id(0), origin: "a".into(), field_value: Bytes::from_static(b"clear") };
    assert!(survives(&mut peer, altsvc.clone(), 9_000));
    let events = peer.events();
    assert_eq!(events.len(), 256);
    assert_eq!(events[0], Event::Extension(Extension::AltSvc(altsvc)));
}

#[test]
fn events_that_answer_a_command_are_never_dropped() {
    let mut peer = Peer::of_client(Config::default());
    let payload = peer.ask(|core, now| core.ping(now)).unwrap();
    let unknown = Unknown {
        kind: Kind(0x99),
        flags: Flags::default(),
        stream_id: StreamId::CONNECTION,
        payload: Bytes::new(),
    };
    assert!(survives(&mut peer, unknown, 1_000));
    peer.send(Ping { ack: true, payload });
    peer.send_goaway(0, ErrorCode::NoError);
    let events = peer.events();
    assert!(matches!(events[256..], [Event::Pong { .. }, Event::Goaway { .. }]));
}

/// Many small messages, each followed by an empty DATA frame, as gRPC sends them.
#[test]
fn grpc_streams_trip_no_budget() {
    let mut peer = server();
    let mut n = 1;
    for _ in 0..50 {
        peer.send_headers(n, &post().with("te", "trailers"), false);
        peer.ask(|core, now| core.send_headers(id(n), &status(200), false, now)).unwrap();
        for _ in 0..500 {
            peer.send_all([data_frame(n, b"\0\0\0\0\x02hi", false), data_frame(n, b"", false)]);
            peer.ask(|core, now| core.release(id(n), 7, now)).unwrap();
            assert_eq!(peer.result, Ok(()));
        }
        peer.send_data(n, b"", true);
        peer.ask(|core, now| core.send_headers(id(n), &trailers(), true, now)).unwrap();
        peer.sent();
        peer.events();
        n += 2;
    }
    peer.expect_alive();
}

/// One PING per round trip while data flows, as gRPC sends to measure bandwidth.
#[test]
fn grpc_pings_trip_no_budget_while_data_flows() {
    let ping = Ping { ack: false, payload: [0; 8] };
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    for _ in 0..2_000 {
        peer.send_all([data_frame(1, b"0123456789", false), ping.into()]);
        peer.ask(|core, now| core.release(id(1), 10, now)).unwrap();
        assert_eq!(peer.result, Ok(()), "upload");
        peer.sent();
    }
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    for _ in 0..2_000 {
        peer.ask(|core, now| core.send_data(id(1), "0123456789".into(), false, now)).unwrap();
        peer.sent();
        peer.send(ping);
        assert_eq!(peer.result, Ok(()), "download");
    }
}

#[test]
fn a_million_one_octet_frames_wait_in_little_memory() {
    // Scaled down: ten thousand.
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    peer.events();
    assert!(survives(&mut peer, data_frame(1, b"x", false), 10_000));
    assert!(peer.events().len() <= 2);
}
