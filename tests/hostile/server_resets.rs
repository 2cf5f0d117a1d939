//! Streams that are opened and reset, by the peer or, on its provocation, by the server.

use h2_sync::ErrorCode;
use h2_sync::frame::{Kind, StreamId};

use crate::memory::{MIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{Peer, eventually, wire};
use crate::victim::{Victim, gate, get, hello};

/// The default limit of concurrent handlers and streams of one connection.
const CAP: usize = 128;

/// The resets by the peer that are accepted before a response has begun: 1,000, and 100 more per
/// second. A test takes less than a minute.
const RESETS: usize = 1_000 + 60 * 100;

/// The resets that the peer may provoke: 500, and 33 more per second.
const PROVOKED: usize = 500 + 60 * 33;

/// `GET /attack`.
fn attack() -> Vec<u8> {
    b"\x82\x86\x04\x07/attack\x01\x04test".to_vec()
}

/// Repeatedly opens a stream and then acts on it, on streams from `first` on.
fn over_and_over(
    first: u32,
    mut piece: impl FnMut(u32) -> Vec<u8>,
) -> impl Iterator<Item = Vec<u8>> {
    (first..).step_by(2).take(10_000).map(move |id| {
        let mut octets = wire::headers(id, wire::END, attack());
        octets.extend(piece(id));
        octets
    })
}

fn cancel(id: u32) -> Vec<u8> {
    wire::rst_stream(id, 0x8)
}

/// A server whose handlers of `/attack` wait until the bolt is dropped.
fn stuck() -> (Victim, crate::victim::Bolt) {
    let (at, bolt) = gate();
    let victim = Victim::new(move |request, response| match request.path() {
        "/attack" => {
            at.wait();
            Ok(())
        }
        _ => hello(request, response),
    });
    (victim, bolt)
}

// CVE-2023-44487.

#[test]
fn rapid_reset_ends_in_calm_within_the_budget_of_handlers() {
    measured(|memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        peer.flood_to_goaway(over_and_over(1, cancel), ErrorCode::EnhanceYourCalm);
        // A stream's memory is freed when it ends, and the input buffer has about 64 KiB.
        measured.assert_peak(MIB);
        neighbour.is_served();
        // The neighbour may have sent another request.
        let begun = victim.begun() - neighbour.count();
        assert!(begun <= RESETS + 1, "{begun} handlers have begun");
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn rapid_reset_never_exceeds_the_cap_of_running_handlers() {
    measured(|memory| {
        let (victim, bolt) = stuck();
        let mut peer = victim.peer();
        let measured = memory.start();
        // Each handler has begun when its stream is reset.
        for id in (1..).step_by(2).take(CAP) {
            peer.write(wire::headers(id, wire::END, attack()));
            bolt.comes();
            peer.write(cancel(id));
        }
        assert_eq!(victim.handle.stats().handlers_running, CAP);
        let neighbour = Neighbour::of(&victim.url);
        peer.flood_to_goaway(over_and_over(2 * CAP as u32 + 1, cancel), ErrorCode::EnhanceYourCalm);
        // The streams and the connection are gone. The handlers still run, and the gauge counts
        // them.
        assert!(victim.handle.stats().handlers_running >= CAP);
        assert!(peer.seen.resets(ErrorCode::RefusedStream) > 0, "{:?}", peer.seen);
        neighbour.was_served();
        assert!(victim.most_at_once() <= CAP + 1, "{} at once", victim.most_at_once());
        // 128 threads, each with its request and response.
        measured.assert_peak(MIB);
        drop((bolt, peer));
        victim.comes_to_rest();
    });
}

/// The handlers of a cut connection still run when the next connection adds more.
#[test]
fn rapid_reset_on_successive_connections_stays_within_the_cap() {
    measured(|memory| {
        const ALL: usize = 20;
        let (at, bolt) = gate();
        // Few permits, so that a few connections are enough.
        let victim = Victim::with(
            |config| {
                config.max_handlers = ALL;
                config.max_handlers_per_connection = 8;
            },
            move |request, response| match request.path() {
                "/attack" => {
                    at.wait();
                    Ok(())
                }
                _ => hello(request, response),
            },
        );
        let measured = memory.start();
        // A connection may hold half of the permits that the others leave, and always four while
        // there are some.
        for begin in [8, 6, 4, 2, 0] {
            let mut peer = victim.peer();
            peer.write((1..16).step_by(2).flat_map(open_attack).collect::<Vec<_>>());
            peer.synchronize();
            for _ in 0..begin {
                bolt.comes();
            }
            peer.flood_to_goaway(over_and_over(17, cancel), ErrorCode::EnhanceYourCalm);
        }
        let stats = victim.handle.stats();
        assert_eq!((stats.handlers_running, victim.most_at_once()), (ALL, ALL));
        measured.assert_peak(MIB);
        drop(bolt);
        let neighbour = Neighbour::of(&victim.url);
        neighbour.was_served();
        victim.comes_to_rest();
        assert_eq!(victim.most_at_once(), ALL);
    });
}

fn open_attack(id: u32) -> Vec<u8> {
    wire::headers(id, wire::END, attack())
}

// CVE-2023-26964.

#[test]
fn requests_reset_while_waiting_for_a_handler_do_not_accumulate() {
    measured(|memory| {
        let (at, bolt) = gate();
        // Few permits, so that requests wait for them.
        let victim = Victim::with(
            |config| {
                config.max_handlers = 4;
                config.queue_timeout = std::time::Duration::MAX;
            },
            move |_, _| {
                at.wait();
                Ok(())
            },
        );
        let mut held = victim.peer();
        for _ in 0..4 {
            held.open(&get("/"), true);
            bolt.comes();
        }
        let mut peer = victim.peer();
        let measured = memory.start();
        peer.flood_to_goaway(over_and_over(1, cancel), ErrorCode::EnhanceYourCalm);
        measured.assert_peak(MIB);
        assert_eq!((victim.begun(), victim.most_at_once()), (4, 4));
        drop((bolt, peer, held));
        victim.comes_to_rest();
        // None of them has begun later.
        assert_eq!(victim.begun(), 4);
    });
}

// CVE-2025-8671: provoked resets of streams whose handlers run.

#[test]
fn made_you_reset_by_window_update_of_0() {
    made_you_reset(|id| wire::window_update(id, 0), ErrorCode::ProtocolError);
}

#[test]
fn made_you_reset_by_a_window_that_overflows() {
    made_you_reset(|id| wire::window_update(id, wire::MAX_WINDOW), ErrorCode::FlowControlError);
}

#[test]
fn made_you_reset_by_data_on_half_closed() {
    made_you_reset(|id| wire::data(id, 0, "data"), ErrorCode::StreamClosed);
}

#[test]
fn made_you_reset_by_headers_on_half_closed() {
    made_you_reset(|id| wire::headers(id, wire::END, wire::get()), ErrorCode::StreamClosed);
}

#[test]
fn made_you_reset_by_priority_of_a_wrong_length() {
    let four = |id| wire::frame(wire::PRIORITY, 0, id, [0; 4]);
    made_you_reset(four, ErrorCode::FrameSizeError);
}

fn made_you_reset(provoke: fn(u32) -> Vec<u8>, code: ErrorCode) {
    measured(move |memory| {
        let (victim, bolt) = stuck();
        let mut peer = victim.peer();
        let measured = memory.start();
        let ids: Vec<u32> = (1..).step_by(2).take(CAP).collect();
        for &id in &ids {
            peer.write(wire::headers(id, wire::END, attack()));
            bolt.comes();
        }
        let neighbour = Neighbour::of(&victim.url);
        for &id in &ids {
            peer.write(provoke(id));
        }
        for &id in &ids {
            assert_eq!(peer.until_reset(StreamId::new(id).unwrap()), code);
        }
        // The handlers still run, and keep their slots.
        assert!(victim.handle.stats().handlers_running >= CAP);
        let next = 2 * CAP as u32 + 1;
        peer.write(wire::headers(next, wire::END, attack()));
        let refused = peer.until_reset(StreamId::new(next).unwrap());
        assert_eq!(refused, ErrorCode::RefusedStream);
        // All of these resets count against the same budget. Requests that find no slot, since the
        // handlers hold them all, cost an eighth.
        peer.flood_to_goaway(over_and_over(next + 2, provoke), ErrorCode::EnhanceYourCalm);
        let resets = peer.seen.frames(Kind::RST_STREAM);
        assert!(resets >= 500, "{resets} resets");
        assert_eq!(peer.seen.resets(code), CAP);
        neighbour.was_served();
        assert!(victim.most_at_once() <= CAP + 1, "{} at once", victim.most_at_once());
        measured.assert_peak(MIB);
        drop((bolt, peer));
        victim.comes_to_rest();
    });
}

#[test]
fn made_you_reset_of_quick_handlers_ends_in_calm() {
    measured(|memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        // A request with a missing body, so that the stream is open when the reset is provoked.
        let open_and_provoke = |id| {
            let mut octets = wire::headers(id, wire::END_HEADERS, wire::post());
            octets.extend(wire::window_update(id, 0));
            octets
        };
        let pieces = (1..).step_by(2).take(10_000).map(open_and_provoke);
        peer.flood_to_goaway(pieces, ErrorCode::EnhanceYourCalm);
        assert_budget(&peer);
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

// CVE-2019-9514.

#[test]
fn a_reset_flood_by_requests_that_are_malformed_ends_in_calm() {
    // RFC 9113, Section 8.2.1: names are in lower case.
    invalid_requests(wire::and(wire::get(), &[("Upper", "case")]), ErrorCode::ProtocolError);
}

#[test]
fn a_reset_flood_by_requests_that_depend_on_themselves_ends_in_calm() {
    reset_flood(ErrorCode::ProtocolError, |id| {
        let mut payload = wire::dependency(id);
        payload.extend(wire::get());
        wire::frame(wire::HEADERS, wire::END | wire::WITH_PRIORITY, id, payload)
    });
}

#[test]
fn a_reset_flood_by_requests_without_a_path_ends_in_calm() {
    invalid_requests(b"\x82\x86\x01\x04test".to_vec(), ErrorCode::ProtocolError);
}

// CVE-2019-9516.

#[test]
fn header_names_of_length_0_are_malformed_and_a_flood_of_them_ends_in_calm() {
    let empty = vec![("", ""); 100];
    invalid_requests(wire::and(wire::get(), &empty), ErrorCode::ProtocolError);
}

// CVE-2019-9518.

#[test]
fn header_blocks_of_length_0_are_malformed_and_a_flood_of_them_ends_in_calm() {
    invalid_requests(Vec::new(), ErrorCode::ProtocolError);
}

fn invalid_requests(block: Vec<u8>, code: ErrorCode) {
    reset_flood(code, move |id| wire::headers(id, wire::END, &block));
}

/// Requests that no handler sees. The first ones are reset while the connection continues; then the
/// budget is exhausted.
fn reset_flood(code: ErrorCode, request: impl Fn(u32) -> Vec<u8> + Send + 'static) {
    measured(move |memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        peer.write(request(1));
        peer.expect_reset(StreamId::new(1).unwrap(), code);
        peer.next_id = 3;
        assert_eq!(peer.fetch(&get("/")).0, 200);
        let before = (peer.sent, peer.seen.octets);
        peer.flood_to_goaway(
            (5..).step_by(2).take(10_000).map(request),
            ErrorCode::EnhanceYourCalm,
        );
        assert_budget(&peer);
        // RST_STREAM has 13 octets, the least HEADERS 9.
        let answered = peer.seen.octets - before.1;
        let attack = peer.sent - before.0;
        assert!(answered <= 2 * attack, "{answered} octets for {attack}");
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// At most as many resets as the budget allows.
fn assert_budget(peer: &Peer) {
    let resets = peer.seen.frames(Kind::RST_STREAM) as usize;
    assert!((500..=PROVOKED).contains(&resets), "{resets} resets");
}

#[test]
fn repeated_streams_over_the_limit_end_in_calm() {
    measured(|memory| {
        let (victim, bolt) = stuck();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        // No stream is reset by the peer: the first are served, and the others are refused.
        let requests = over_and_over(1, |_| Vec::new());
        peer.flood_to_goaway(requests, ErrorCode::EnhanceYourCalm);
        assert_budget(&peer);
        assert_eq!(
            peer.seen.resets(ErrorCode::RefusedStream) as u64,
            peer.seen.frames(Kind::RST_STREAM)
        );
        neighbour.was_served();
        assert!(victim.most_at_once() <= CAP + 1, "{} at once", victim.most_at_once());
        measured.assert_peak(MIB);
        drop((bolt, peer));
        victim.comes_to_rest();
    });
}

#[test]
fn a_reset_stream_frees_its_slot_when_its_handler_ends() {
    measured(|memory| {
        let (victim, bolt) = stuck();
        let mut peer = victim.peer();
        let measured = memory.start();
        for round in 0..3 {
            for id in (1 + round * 2 * CAP as u32..).step_by(2).take(CAP) {
                peer.write(wire::headers(id, wire::END, attack()));
                bolt.comes();
                peer.write(cancel(id));
            }
            for _ in 0..CAP {
                bolt.let_one();
            }
            eventually(|| victim.handle.stats().handlers_running == 0);
        }
        peer.synchronize();
        measured.assert_peak(MIB);
        assert_eq!(victim.most_at_once(), CAP);
        assert_eq!(victim.begun(), 3 * CAP);
    });
}
