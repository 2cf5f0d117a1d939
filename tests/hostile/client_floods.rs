//! Floods of legal but useless frames from a server.

use std::iter::repeat;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::Connection;
use h2_sync::frame::Kind;
use h2_sync::proto::Budget;
use h2_sync::transport::duplex;
use h2_sync::{Config, ErrorCode, ErrorKind, headers};

use crate::client_stage::{Asked, Stage, assert_failed, assert_reset, next_request};
use crate::memory::{KIB, MIB, Measured, bounded, measured};
use crate::support::{Flood, LONG, Peer, wire};

const ALTSVC: u8 = 0x0a;
const ORIGIN: u8 = 0x0c;

/// The memory for a flood that is cut: the buffers of the client and of the attacker.
const BOUND: usize = 2 * MIB;

/// Many copies of a frame in one piece.
fn many(frame: &[u8]) -> Vec<u8> {
    frame.repeat((16 * KIB / frame.len()).max(1))
}

/// Sends frames to a client that waits for its response, until the client ends the connection with
/// an error for the server and for its caller. The neighbour is served during and after the attack.
fn is_cut(frames: impl Fn(u32) -> Vec<u8> + Send + 'static) {
    measured(move |memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        let frames = many(&frames(id.get()));
        assert_eq!(peer.flood(repeat(&frames)), Flood::Cut);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        // The output is far less than the input.
        assert!(peer.seen.octets * 4 < peer.sent, "{} of {}", peer.seen.octets, peer.sent);
        drop(peer);
        assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
        end(&measured, stage);
    });
}

/// The same attack, later on a connection with a request in progress.
fn ends_in_calm(mut peer: Peer, asked: Asked, frame: &[u8]) {
    let frames = many(frame);
    assert_eq!(peer.flood(repeat(&frames)), Flood::Cut);
    peer.expect_goaway(ErrorCode::EnhanceYourCalm);
    drop(peer);
    assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
}

fn end(measured: &Measured, stage: Stage) {
    measured.assert_peak(BOUND);
    stage.begins_anew();
}

#[test]
fn origin_without_end_is_cut() {
    is_cut(|_| wire::frame(ORIGIN, 0, 0, b"\0\x13https://example.com"));
    is_cut(|_| wire::frame(ORIGIN, 0, 0, []));
    is_cut(|_| wire::frame(ORIGIN, 0, 0, b"\0\x06http:/".repeat(50)));
}

#[test]
fn altsvc_without_end_is_cut() {
    is_cut(|_| wire::frame(ALTSVC, 0, 0, b"\0\x13https://example.comh2=\":8000\""));
    is_cut(|id| wire::frame(ALTSVC, 0, id, b"\0\0clear"));
    is_cut(|_| wire::frame(ALTSVC, 0, 0, [b"\0\x08https://".to_vec(), vec![b'a'; 500]].concat()));
}

#[test]
fn frames_of_unknown_types_without_end_are_cut() {
    is_cut(|_| wire::frame(wire::UNKNOWN, 0, 0, []));
    is_cut(|id| wire::frame(wire::UNKNOWN, 0xff, id, [7; 100]));
}

#[test]
fn priority_without_end_is_cut() {
    is_cut(|id| wire::priority(id, 0));
}

#[test]
fn empty_data_without_end_is_cut() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        ends_in_calm(peer, asked, &wire::data(id.get(), 0, []));
        end(&measured, stage);
    });
}

#[test]
fn data_that_is_padding_alone_is_cut() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        ends_in_calm(peer, asked, &wire::data(id.get(), wire::PADDED, wire::padded([], 255)));
        end(&measured, stage);
    });
}

#[test]
fn data_for_a_stream_that_was_cancelled_is_cut() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.asks(|client, url| client.get(url).send().map(drop));
        let (mut peer, id) = stage.meets();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
        asked.join().unwrap().unwrap();
        // Another request, so that a thread reads.
        let asked = stage.gets();
        next_request(&mut peer);
        ends_in_calm(peer, asked, &wire::data(id.get(), 0, [7]));
        end(&measured, stage);
    });
}

#[test]
fn resets_of_a_stream_that_is_gone_are_cut() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.reset(id, ErrorCode::Cancel);
        assert_reset(asked, ErrorCode::Cancel);
        let asked = stage.gets();
        next_request(&mut peer);
        ends_in_calm(peer, asked, &wire::rst_stream(id.get(), 8));
        end(&measured, stage);
    });
}

/// A server can only reset streams of the client's requests, so its resets cost nothing.
#[test]
fn a_server_that_resets_all_requests_fails_only_those() {
    bounded(|| {
        const REQUESTS: usize = 3_000;
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let asks = stage.asks(|client, url| {
            for _ in 0..REQUESTS {
                let error = client.get(url).send().expect_err("each request must be reset");
                assert!(error.is_reset(), "{error}");
                assert_eq!(error.code(), Some(ErrorCode::InternalError));
            }
            Ok(())
        });
        for _ in 0..REQUESTS {
            let (stream_id, _) = peer.receive_headers();
            peer.reset(stream_id, ErrorCode::InternalError);
        }
        asks.join().unwrap().unwrap();
        stage.goes_on(&mut peer);
    });
}

/// The number of PING or SETTINGS that the budget allows since `since`.
fn allowed(since: Instant) -> u64 {
    100 + 10 * (since.elapsed().as_secs() + 1)
}

/// A flood of frames that need an answer, with or without reading the answers.
fn answers_are_bounded(kind: Kind, frame: &[u8], reads: bool) {
    let frames = many(frame);
    measured(move |memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let since = Instant::now();
        let asked = stage.gets();
        let (mut peer, _) = stage.meets();
        let end_of_flood = if reads {
            peer.flood(repeat(&frames))
        } else {
            peer.flood_unread(repeat(&frames), LONG)
        };
        assert_eq!(end_of_flood, Flood::Cut);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        let answers = peer.seen.acks(kind);
        assert!(answers <= allowed(since), "{answers} were answered");
        drop(peer);
        assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
        end(&measured, stage);
    });
}

#[test]
fn ping_without_end_is_cut_and_its_answers_are_bounded() {
    answers_are_bounded(Kind::PING, &wire::ping(b"are you?"), true);
    answers_are_bounded(Kind::PING, &wire::ping(b"are you?"), false);
}

#[test]
fn settings_without_end_are_cut_and_their_answers_are_bounded() {
    for frame in [wire::settings(&[]), wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 7); 32])] {
        answers_are_bounded(Kind::SETTINGS, &frame, true);
        answers_are_bounded(Kind::SETTINGS, &frame, false);
    }
}

#[test]
fn answers_to_a_server_that_never_reads_are_bounded_whatever_the_budget() {
    bounded(|| {
        for frame in [wire::ping(b"are you?"), wire::settings(&[])] {
            let (near, far) = duplex(4 * KIB);
            far.set_write_timeout(Some(LONG)).unwrap();
            let mut config = Config::default();
            config.pings_received = Budget::new(u32::MAX, 0);
            config.settings_received = Budget::new(u32::MAX, 0);
            let asked = thread::spawn(move || {
                let connection = Connection::start(near, config)?;
                let request = http::Request::get("http://test/").body(()).unwrap();
                connection.send(&request)?.response()
            });
            let mut peer = Peer::server(far, Vec::new());
            let frames = many(&frame);
            // After the end, the rest is drained for a moment.
            let end = (0..10_000).find(|_| !peer.write(&frames));
            end.expect("the client must close");
            assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
        }
    });
}

#[test]
fn goaway_without_end_is_cut() {
    is_cut(|id| wire::goaway(id, 0));
    is_cut(|_| wire::goaway(wire::MAX_WINDOW, 0));
}

#[test]
fn an_increasing_last_stream_ends_the_connection() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.goaway(id, ErrorCode::NoError);
        peer.write(wire::goaway(id.get() + 2, 0));
        peer.expect_goaway(ErrorCode::ProtocolError);
        assert_failed(asked, ErrorKind::Peer, ErrorCode::ProtocolError);
        stage.begins_anew();
    });
}

#[test]
fn a_connection_with_repeated_goaways_is_closed_when_idle() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.goaway(id, ErrorCode::NoError);
        peer.answer(id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        // Often enough to show that the server is alive, but within the budget.
        let since = Instant::now();
        while peer.write(wire::goaway(id.get(), 0)) {
            assert!(since.elapsed() < LONG, "the connection is kept open");
            thread::park_timeout(Duration::from_millis(100));
        }
        stage.begins_anew();
    });
}

#[test]
fn interim_responses_without_end_reset_their_stream() {
    measured(|memory| {
        let stage = Stage::new();
        let mut peer = stage.has_met();
        let measured = memory.start();
        for status in ["100", "103", "199"] {
            let fields = headers!(":status" => status, "link" => "</style.css>; rel=preload");
            let asked = stage.gets();
            let id = next_request(&mut peer);
            for _ in 0..16 {
                peer.send_headers(id, &fields, false);
            }
            peer.answer(id, 200, "hello");
            assert_eq!(asked.join().unwrap().unwrap(), "hello");

            let asked = stage.gets();
            let id = next_request(&mut peer);
            for _ in 0..1_000 {
                peer.send_headers(id, &fields, false);
            }
            assert_eq!(peer.until_reset(id), ErrorCode::EnhanceYourCalm);
            assert_reset(asked, ErrorCode::EnhanceYourCalm);
        }
        measured.assert_peak(BOUND);
        stage.goes_on(&mut peer);
    });
}
