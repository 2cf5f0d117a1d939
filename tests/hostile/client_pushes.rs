//! Server push to clients that refuse it and to clients that accept it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, unbounded};
use h2_sync::client::{Config, PushHandler};
use h2_sync::{Error, ErrorCode, ErrorKind, Evt, Role, Session, StreamId};

use crate::client_stage::{Stage, assert_failed, assert_reset};
use crate::memory::{MIB, bounded, measured};
use crate::support::{Flood, LONG, Peer, eventually, wire};
use crate::victim::{Bolt, gate};

const BOUND: usize = 4 * MIB;

/// The number of running promise handlers, and its maximum.
#[derive(Default)]
struct Handlers {
    running: AtomicUsize,
    most: AtomicUsize,
}

/// A client whose promise handlers wait at the gate.
fn at_the_gate() -> (Stage, Arc<Handlers>, Bolt) {
    let (gate, bolt) = gate();
    let handlers = Arc::new(Handlers::default());
    let counts = Arc::clone(&handlers);
    let handler = PushHandler::new(move |pushed| {
        let running = counts.running.fetch_add(1, Ordering::SeqCst) + 1;
        counts.most.fetch_max(running, Ordering::SeqCst);
        gate.wait();
        drop(pushed);
        counts.running.fetch_sub(1, Ordering::SeqCst);
    });
    let stage = Stage::with(|config| config.on_push = Some(handler));
    (stage, handlers, bolt)
}

fn even(n: u32) -> u32 {
    2 * n + 2
}

#[test]
fn a_promise_to_a_client_without_push_ends_the_connection() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.write(wire::push_promise(id.get(), 2, wire::get()));
        peer.expect_goaway(ErrorCode::ProtocolError);
        assert_failed(asked, ErrorKind::Peer, ErrorCode::ProtocolError);
        stage.begins_anew();
    });
}

#[test]
fn promises_in_flight_are_cancelled_and_bounded() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let mut peer = Peer::accept(&stage.listener);
        // Before the acknowledgement of SETTINGS, the server may not know yet.
        peer.acknowledges = false;
        let (id, _) = peer.receive_headers();
        for n in 0..10 {
            peer.write(wire::push_promise(id.get(), even(n), wire::get()));
            assert_eq!(peer.until_reset(StreamId::new(even(n)).unwrap()), ErrorCode::Cancel);
        }
        let promises = (10..).map(|n| wire::push_promise(id.get(), even(n), wire::get()));
        assert_eq!(peer.flood(promises), Flood::Cut);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
        measured.assert_peak(BOUND);
        stage.begins_anew();
    });
}

#[test]
fn an_invalid_promise_ends_the_connection() {
    bounded(|| {
        // The first is the parent (the request's stream, an idle one, or stream 0), the second the
        // promised stream (odd, or 0).
        for (parent, promised) in [(1, 3), (1, 0), (5, 2), (0, 2), (2, 4)] {
            let (stage, handlers, _bolt) = at_the_gate();
            let asked = stage.gets();
            let (mut peer, _) = stage.meets();
            peer.write(wire::push_promise(parent, promised, wire::get()));
            peer.expect_goaway(ErrorCode::ProtocolError);
            assert_failed(asked, ErrorKind::Peer, ErrorCode::ProtocolError);
            assert_eq!(handlers.most.load(Ordering::SeqCst), 0);
            stage.begins_anew();
        }
    });
}

/// Promises `n` streams, each followed by `more`, and returns how many were cancelled.
fn promise(peer: &mut Peer, parent: StreamId, n: u32, more: impl Fn(u32) -> Vec<u8>) -> usize {
    for n in 0..n {
        let promise = wire::push_promise(parent.get(), even(n), wire::get());
        peer.write([promise, more(even(n))].concat());
    }
    peer.synchronize();
    peer.seen.resets(ErrorCode::Cancel)
}

#[test]
fn promises_without_a_response_keep_to_the_cap() {
    measured(|memory| {
        let (stage, handlers, bolt) = at_the_gate();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        assert_eq!(promise(&mut peer, id, 500, |_| Vec::new()), 400);
        stage.serves_the_neighbour();
        (0..100).for_each(|_| bolt.comes());
        assert_eq!(handlers.most.load(Ordering::SeqCst), 100);
        measured.assert_peak(BOUND);
        peer.answer(id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        drop(bolt);
        eventually(|| handlers.running.load(Ordering::SeqCst) == 0);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn promises_that_are_complete_at_once_keep_to_the_cap() {
    measured(|memory| {
        let (stage, handlers, bolt) = at_the_gate();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        let response = |id| {
            let head = wire::headers(id, wire::END_HEADERS, wire::ok());
            [head, wire::data(id, wire::END_STREAM, [7; 1_000])].concat()
        };
        assert_eq!(promise(&mut peer, id, 500, response), 400);
        (0..100).for_each(|_| bolt.comes());
        assert_eq!(handlers.most.load(Ordering::SeqCst), 100);
        measured.assert_peak(BOUND);
        peer.answer(id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        // A slot is free again when its handler has ended.
        drop(bolt);
        eventually(|| handlers.running.load(Ordering::SeqCst) == 0);
        let asked = stage.gets();
        let id = crate::client_stage::next_request(&mut peer);
        peer.write(wire::push_promise(id.get(), 2_000, wire::get()));
        peer.write(response(2_000));
        peer.answer(id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        assert_eq!(peer.seen.reset_of(StreamId::new(2_000).unwrap()), None);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn repeatedly_withdrawn_promises_are_cut() {
    measured(|memory| {
        let (stage, handlers, _bolt) = at_the_gate();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        let frames = (0..).map(|n| {
            let promise = wire::push_promise(id.get(), even(n), wire::get());
            [promise, wire::rst_stream(even(n), 8)].concat()
        });
        assert_eq!(peer.flood(frames), Flood::Cut);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
        let most = handlers.most.load(Ordering::SeqCst);
        assert!(most <= 100, "{most} handlers ran concurrently");
        measured.assert_peak(BOUND);
        stage.begins_anew();
    });
}

/// A client whose handler reads the pushed response, and the results: that it has begun, and its
/// end.
fn reading(change: impl FnOnce(&mut Config)) -> (Stage, Receiver<Result<String, Error>>) {
    let (told, tells) = unbounded();
    let handler = PushHandler::new(move |mut pushed| {
        told.send(Ok("begun".to_owned())).unwrap();
        let read = pushed.response.response();
        let text = read.and_then(|_| Ok(std::io::read_to_string(pushed.response)?));
        // The test may have ended.
        let _ = told.send(text);
    });
    let stage = Stage::hasty(|config| {
        config.on_push = Some(handler);
        change(config);
    });
    (stage, tells)
}

#[test]
fn a_promise_without_a_response_times_out() {
    bounded(|| {
        let timeout = Some(Duration::from_millis(200));
        let (stage, tells) = reading(|config| config.response_timeout = timeout);
        // A body that waits for its window keeps the request open.
        let asked = stage.posts(16 * MIB);
        let (mut peer, id) = stage.meets();
        peer.write(wire::push_promise(id.get(), 2, wire::get()));
        assert_eq!(tells.recv_timeout(LONG).unwrap().unwrap(), "begun");
        let error = tells.recv_timeout(LONG).unwrap().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        assert_eq!(peer.until_reset(StreamId::new(2).unwrap()), ErrorCode::Cancel);
        peer.reset(id, ErrorCode::InternalError);
        assert_reset(asked, ErrorCode::InternalError);
        stage.ends();
    });
}

#[test]
fn a_malformed_promise_fails_alone() {
    bounded(|| {
        let (stage, tells) = reading(|_| {});
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.write(wire::push_promise(id.get(), 2, wire::get()));
        assert_eq!(tells.recv_timeout(LONG).unwrap().unwrap(), "begun");
        let response = wire::and(wire::ok(), &[("content-length", "3")]);
        peer.write(wire::headers(2, wire::END_HEADERS, response));
        peer.write(wire::data(2, wire::END_STREAM, "four"));
        // A promise with an unsafe method is never valid.
        peer.write(wire::push_promise(id.get(), 4, wire::post()));
        for promised in [2, 4] {
            let promised = StreamId::new(promised).unwrap();
            assert_eq!(peer.until_reset(promised), ErrorCode::ProtocolError);
        }
        let error = tells.recv_timeout(LONG).unwrap().unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::ProtocolError), "{error}");
        peer.reset(id, ErrorCode::InternalError);
        assert_reset(asked, ErrorCode::InternalError);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn untaken_promises_of_a_session_are_bounded() {
    measured(|memory| {
        let (listener, _) = crate::support::listener();
        let measured = memory.start();
        let stream = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let mut config = h2_sync::Config::default();
        config.enable_push = true;
        let session = Session::with_config(stream, Role::Client, config).unwrap();
        let mut peer = Peer::accept(&listener);
        session.open(&crate::victim::get("/"), true).unwrap();
        let (id, _) = peer.receive_headers();
        // Complete at once, so that none of them stays open.
        let frames = (0..).map(|n| {
            let promise = wire::push_promise(id.get(), even(n), wire::get());
            let head = wire::headers(even(n), wire::END_HEADERS, wire::ok());
            [promise, head, wire::data(even(n), wire::END_STREAM, [7; 1_000])].concat()
        });
        assert_eq!(peer.flood(frames), Flood::Cut);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        assert!(peer.seen.resets(ErrorCode::Cancel) >= 500, "{:?}", peer.seen);
        measured.assert_peak(BOUND);
        let events = std::iter::from_fn(|| session.take_evt().ok());
        let promises = events.filter(|evt| matches!(evt, Evt::Promise { .. })).count();
        assert_eq!(promises, 100);
    });
}
