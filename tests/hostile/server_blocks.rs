//! Endless field blocks, and field blocks that are small on the wire but large in memory.

use std::time::Duration;

use h2_sync::ErrorCode;
use h2_sync::frame::{Kind, Setting, StreamId};

use crate::memory::{KIB, MIB, Memory, measured};
use crate::neighbour::Neighbour;
use crate::support::{Flood, Peer, eventually, wire};
use crate::victim::{Victim, get, hello};

/// The limit of a field section: 64 KiB. Up to four times that, it is decoded but not stored.
const SECTION: usize = 64 * KIB;

/// HEADERS of a request, without END_HEADERS.
fn begin(id: u32) -> Vec<u8> {
    wire::headers(id, wire::END_STREAM, wire::get())
}

/// Fields within the limits.
fn some_fields() -> Vec<u8> {
    wire::block(&[("a", "x".repeat(1000))])
}

// VU#421644, CVE-2026-33871.

#[test]
fn a_continuation_flood_with_octets_ends_in_calm() {
    continuation_flood(some_fields(), 16);
}

#[test]
fn a_continuation_flood_with_empty_frames_ends_in_calm() {
    continuation_flood(Vec::new(), 16);
}

#[test]
fn a_continuation_flood_of_large_frames_ends_in_calm_before_twice_the_limit_is_there() {
    // One field per octet: the number of fields soon exceeds its limit.
    continuation_flood(some_fields().repeat(16), 8);
}

/// At most `most` CONTINUATION frames may be accepted.
fn continuation_flood(fragment: Vec<u8>, most: u64) {
    measured(move |memory| {
        let (victim, neighbour, mut peer) = victim();
        let measured = memory.start();
        let frame = wire::continuation(1, 0, &fragment);
        peer.write(begin(1));
        let before = peer.sent;
        let pieces = std::iter::repeat_n(&frame, 10_000);
        let goaway = peer.flood_to_goaway(pieces, ErrorCode::EnhanceYourCalm);
        assert!(goaway.last_stream_id.is_connection(), "{goaway:?}");
        assert!((peer.sent - before) / frame.len() as u64 >= most, "{:?}", peer.seen);
        measured.assert_peak(MIB);
        assert_eq!(peer.seen.frames(Kind::HEADERS), 0);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn an_endless_field_is_not_stored() {
    measured(|memory| {
        let (victim, neighbour, mut peer) = victim();
        let measured = memory.start();
        // A value of about 2^28 octets is announced and sent.
        let mut octets = wire::headers(1, 0, b"\x82\x86\x84\x00\x01a\x7f\x80\x80\x80\x80\x01");
        octets.extend(wire::continuation(1, 0, vec![b'x'; 16 * KIB]).repeat(16));
        peer.flood_to_goaway([octets], ErrorCode::EnhanceYourCalm);
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

// CVE-2016-6581.

#[test]
fn one_large_entry_referenced_thousands_of_times_ends_in_calm() {
    bomb(large_entry(), 4_000, ErrorCode::EnhanceYourCalm);
}

#[test]
fn one_large_entry_referenced_a_few_times_too_often_is_431_and_the_connection_goes_on() {
    answered_431(large_entry(), 20);
}

// CVE-2026-49975, CVE-2026-47774.

#[test]
fn tiny_entries_referenced_thousands_of_times_end_in_calm() {
    bomb(wire::indexed_literal("a", ""), 4_000, ErrorCode::EnhanceYourCalm);
}

#[test]
fn tiny_entries_referenced_a_few_times_too_often_are_431_and_the_connection_goes_on() {
    answered_431(wire::indexed_literal("a", ""), 300);
}

#[test]
fn thousands_of_cookie_crumbs_end_in_calm() {
    bomb(wire::indexed_literal("cookie", ""), 4_000, ErrorCode::EnhanceYourCalm);
}

#[test]
fn cookie_crumbs_over_the_limit_are_431_and_the_connection_goes_on() {
    answered_431(wire::indexed_literal("cookie", ""), 300);
}

#[test]
fn fields_of_the_static_table_count_like_others() {
    // `accept-encoding: gzip, deflate`, in one octet each.
    measured(|memory| bomb_of(memory, wire::get(), 0x90, 4_000, ErrorCode::EnhanceYourCalm));
}

#[test]
fn trailers_over_the_limit_reset_their_stream_and_far_over_it_end_in_calm() {
    measured(|memory| {
        // A handler that waits for the body does not respond before the trailers.
        let victim = Victim::new(|request, response| {
            std::io::copy(request, &mut std::io::sink())?;
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        let open = |id| wire::headers(id, wire::END_HEADERS, wire::post());
        peer.write(open(1));
        let mut block = large_entry();
        block.extend([0xbe; 20]);
        peer.write(wire::headers(1, wire::END, block));
        peer.expect_reset(StreamId::new(1).unwrap(), ErrorCode::EnhanceYourCalm);
        peer.next_id = 3;
        assert_eq!(peer.fetch(&get("/")).0, 200);
        peer.write(open(5));
        peer.write(wire::headers(5, wire::END, [0xbe; 4_000]));
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        measured.assert_peak(4 * SECTION);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// An entry that nearly fills the table.
fn large_entry() -> Vec<u8> {
    wire::indexed_literal("a", &"x".repeat(4_000))
}

/// A request with an entry for the table, and references to it.
fn bomb(entry: Vec<u8>, times: usize, code: ErrorCode) {
    measured(move |memory| {
        let mut block = wire::get();
        block.extend(&entry);
        bomb_of(memory, block, 0xbe, times, code);
    });
}

fn bomb_of(memory: &Memory, mut block: Vec<u8>, index: u8, times: usize, code: ErrorCode) {
    let (victim, neighbour, mut peer) = victim();
    block.extend(vec![index; times]);
    let measured = memory.start();
    peer.write(wire::headers(1, wire::END, block));
    peer.expect_goaway(code);
    // Fields over the limit are not stored.
    measured.assert_peak(4 * SECTION);
    neighbour.was_served();
    drop(peer);
    victim.comes_to_rest();
}

/// A request with this many references exceeds a limit and is answered with 431, while the tables
/// of both sides stay in sync.
fn answered_431(entry: Vec<u8>, times: usize) {
    measured(move |memory| {
        let (victim, neighbour, mut peer) = victim();
        let mut block = wire::get();
        block.extend(&entry);
        peer.write(wire::headers(1, wire::END, &block));
        peer.response(StreamId::new(1).unwrap());
        let begun = victim.begun();
        let mut bomb = wire::get();
        bomb.extend(vec![0xbe; times]);
        let measured = memory.start();
        peer.write(wire::headers(3, wire::END, &bomb));
        assert_eq!(peer.response(StreamId::new(3).unwrap()).0, 431);
        let mut small = wire::get();
        small.push(0xbe);
        peer.write(wire::headers(5, wire::END, small));
        assert_eq!(peer.response(StreamId::new(5).unwrap()).0, 200);
        measured.assert_peak(4 * SECTION);
        assert!(victim.begun() > begun);
        // Repeating it exhausts a budget.
        let before = (peer.sent, peer.seen.octets);
        let pieces = (7..).step_by(2).take(5_000).map(|id| wire::headers(id, wire::END, &bomb));
        peer.flood_to_goaway(pieces, ErrorCode::EnhanceYourCalm);
        measured.assert_peak(MIB);
        let (sent, seen) = (peer.sent - before.0, peer.seen.octets - before.1);
        assert!(seen <= 2 * sent, "{seen} octets for {sent}");
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// The "HTTP/2 bomb" of June 2026: decoded sections stay in memory while the responses cannot be
/// sent.
#[test]
fn sections_pinned_by_exhausted_windows_are_freed() {
    measured(|memory| {
        const STREAMS: usize = 100;
        static BODY: [u8; MIB] = [b'x'; MIB];
        // A short stall deadline, to keep the test short.
        let victim = Victim::with(
            |config| config.http2.stall_timeout = Some(Duration::from_millis(300)),
            |request, response| {
                let body: &'static [u8] = if request.path() == "/pinned" { &BODY } else { b"x" };
                Ok(response.send(body)?)
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(0)]);
        let measured = memory.start();
        let mut first = b"\x82\x86\x04\x07/pinned\x01\x04test".to_vec();
        let mut later = first.clone();
        first.extend(large_entry());
        later.extend([0xbe; 15]);
        peer.write(wire::headers(1, wire::END, first));
        let ids: Vec<u32> = (3..).step_by(2).take(STREAMS).collect();
        for &id in &ids {
            peer.write(wire::headers(id, wire::END, &later));
        }
        // Single octets of window do not keep the streams alive.
        while peer.seen.resets(ErrorCode::Cancel) < STREAMS {
            let updates = ids.iter().map(|&id| wire::window_update(id, 1));
            assert_eq!(peer.flood(updates), Flood::Whole);
            peer.synchronize();
            std::thread::park_timeout(Duration::from_millis(20));
        }
        // Each stream has its section twice: as received, and as the handler sees it.
        measured.assert_peak(STREAMS * 2 * SECTION);
        neighbour.is_served();
        // The connection itself continues.
        peer.next_id = 1_001;
        let id = peer.open(&get("/"), true);
        peer.grant(id, 1);
        assert_eq!(peer.response(id).0, 200);
        eventually(|| victim.handle.stats().handlers_running <= 1);
        measured.assert_kept(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

fn victim() -> (Victim, Neighbour, Peer) {
    let victim = Victim::hello();
    let neighbour = Neighbour::of(&victim.url);
    let peer = victim.peer();
    (victim, neighbour, peer)
}
