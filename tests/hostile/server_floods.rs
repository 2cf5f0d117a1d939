//! Floods of frames that are cheap to send.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use h2_sync::ErrorCode;
use h2_sync::frame::Kind;

use crate::memory::{KIB, MIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{Flood, LONG, Peer, eventually, wire};
use crate::victim::{Victim, gate, get, hello};

/// The PING and SETTINGS frames that are accepted: 100, and 10 more per second. A test takes less
/// than a minute.
const CONTROL: u64 = 100 + 60 * 10;

/// More useless frames than are accepted, which are 10,000, and 330 more per second.
const TIMES: usize = 60_000;

/// A flood that ends the connection: checks the answers and the memory. The first `free` pieces do
/// no harm: a request on the same connection is served after them.
fn flood(
    free: usize,
    opening: Vec<u8>,
    piece: impl Fn(usize) -> Vec<u8> + Send + 'static,
    check: impl FnOnce(&Peer) + Send + 'static,
) {
    measured(move |memory| {
        let victim = Victim::new(|request, response| match request.path() {
            // Its request never ends.
            "/open" => Ok(std::io::copy(request, &mut std::io::sink()).map(drop)?),
            _ => hello(request, response),
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        peer.write(opening);
        peer.synchronize();
        let measured = memory.start();
        assert_eq!(peer.flood((0..free).map(&piece)), Flood::Whole);
        peer.next_id = 1_001;
        assert_eq!(peer.fetch(&get("/")).0, 200);
        neighbour.is_served();
        peer.flood_to_goaway((free..TIMES).map(&piece), ErrorCode::EnhanceYourCalm);
        check(&peer);
        // At most one octet out per octet in.
        assert!(peer.seen.octets <= peer.sent + KIB as u64, "{:?}", peer.seen);
        // Nothing is queued, except for what was read at once.
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
        assert_eq!(victim.handle.stats().handlers_panicked, 0);
    });
}

/// `POST /open`, on stream 1 and as many more as requested, none of which ends.
fn open(streams: u32) -> Vec<u8> {
    let block = b"\x83\x86\x04\x05/open\x01\x04test";
    (0..streams).flat_map(|n| wire::headers(1 + 2 * n, wire::END_HEADERS, block)).collect()
}

// CVE-2019-9512.

#[test]
fn a_ping_flood_whose_answers_are_read_ends_in_calm() {
    flood(
        90,
        vec![],
        |_| wire::ping(b"flooding"),
        |peer| {
            let acks = peer.seen.acks(Kind::PING);
            assert!((100..=CONTROL).contains(&acks), "{acks} acknowledgements");
        },
    );
}

#[test]
fn a_ping_flood_whose_answers_are_not_read_ends_in_calm() {
    unread(wire::ping(b"flooding"));
}

/// The send buffer is bounded, independently of the budget.
#[test]
fn answers_to_ping_do_not_pile_up_for_a_peer_that_never_reads() {
    piled_up(wire::ping(b"flooding"));
}

#[test]
fn unrequested_ping_acknowledgements_end_in_calm() {
    flood(1_000, vec![], |_| wire::frame(wire::PING, wire::ACK, 0, b"no ping!"), assert_few);
}

// CVE-2019-9515.

#[test]
fn a_settings_flood_whose_answers_are_read_ends_in_calm() {
    flood(
        90,
        vec![],
        |_| wire::settings(&[]),
        |peer| {
            // One of the 100 was the acknowledgement of the server's own.
            let acks = peer.seen.acks(Kind::SETTINGS);
            assert!((99..=CONTROL).contains(&acks), "{acks} acknowledgements");
        },
    );
}

#[test]
fn a_flood_of_settings_that_move_every_window_ends_in_calm() {
    let settings =
        |n: usize| wire::settings(&[(wire::INITIAL_WINDOW_SIZE, 65_535 + n as u32 % 2); 32]);
    flood(90, open(100), settings, |peer| {
        // One of the 100 was the acknowledgement of the server's own.
        let acks = peer.seen.acks(Kind::SETTINGS);
        assert!((99..=CONTROL).contains(&acks), "{acks} acknowledgements");
    });
}

#[test]
fn a_settings_flood_whose_answers_are_not_read_ends_in_calm() {
    unread(wire::settings(&[]));
}

#[test]
fn answers_to_settings_do_not_pile_up_for_a_peer_that_never_reads() {
    piled_up(wire::settings(&[]));
}

#[test]
fn settings_with_thousands_of_entries_end_in_calm() {
    measured(|memory| {
        let victim = Victim::hello();
        let mut peer = victim.peer();
        let measured = memory.start();
        peer.write(wire::settings(&[(wire::MAX_FRAME_SIZE, 16_384); 2_700]));
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        measured.assert_peak(MIB);
        assert_eq!(peer.seen.acks(Kind::SETTINGS), 1);
    });
}

/// A peer that does not read is cut as well. Its input can be read afterwards.
fn unread(piece: Vec<u8>) {
    measured(move |memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let measured = memory.start();
        let end = peer.flood_unread(std::iter::repeat_n(&piece, TIMES), LONG);
        assert_ne!(end, Flood::Stuck);
        neighbour.was_served();
        measured.assert_peak(MIB);
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        drop(peer);
        victim.comes_to_rest();
    });
}

/// A peer that blocks the server's writes with an unread response, and then requests answers.
fn piled_up(piece: Vec<u8>) {
    measured(move |memory| {
        static BODY: [u8; MIB] = [b'x'; MIB];
        let has_begun = Arc::new(AtomicBool::new(false));
        let begins = Arc::clone(&has_begun);
        let victim = Victim::with(
            |config| {
                // The budgets would end it after 100, and the stalled write after 30 s.
                let plenty = h2_sync::proto::Budget::new(1_000_000, 0);
                config.http2.pings_received = plenty;
                config.http2.settings_received = plenty;
                config.http2.settings_timeout = None;
                config.http2.stall_timeout = None;
            },
            move |request, response| {
                while request.path() == "/large" {
                    response.send(&BODY[..])?;
                    begins.store(true, Ordering::SeqCst);
                }
                hello(request, response)
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let window = wire::MAX_WINDOW - 65_535;
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, wire::MAX_WINDOW)]));
        peer.write(wire::window_update(0, window));
        peer.write(wire::headers(1, wire::END, b"\x82\x86\x04\x06/large\x01\x04test"));
        eventually(|| has_begun.load(Ordering::SeqCst));
        let measured = memory.start();
        // Far more than 1,000, and than the system buffers.
        let end = peer.flood_unread(std::iter::repeat_n(&piece, 1_000_000), LONG);
        assert_ne!(end, Flood::Stuck);
        // Only the limit of 1,000 answers can cut it.
        eventually(|| victim.handle.stats().connections <= 1);
        // The body is not counted, since it is shared; 1,000 answers take 17 KiB.
        measured.assert_peak(2 * MIB);
        peer.until_cut();
        assert!(peer.seen.frames(Kind::DATA) > 0, "{:?}", peer.seen);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

// CVE-2019-9518, RUSTSEC-2026-0258.

#[test]
fn empty_data_without_end_ends_in_calm() {
    flood(5_000, open(1), |_| wire::data(1, 0, ""), assert_few);
}

#[test]
fn empty_data_on_many_streams_ends_in_calm() {
    flood(5_000, open(100), |n| wire::data(1 + 2 * (n as u32 % 100), 0, ""), assert_few);
}

#[test]
fn data_of_padding_alone_ends_in_calm() {
    flood(5_000, open(1), |_| wire::data(1, wire::PADDED, wire::padded("", 7)), assert_few);
}

#[test]
fn empty_data_that_no_handler_reads_is_not_kept() {
    measured(|memory| {
        let (at, bolt) = gate();
        let victim = Victim::new(move |_, _| {
            at.wait();
            Ok(())
        });
        let mut peer = victim.peer();
        peer.write(open(100));
        for _ in 0..100 {
            bolt.comes();
        }
        let measured = memory.start();
        let data = (0..9_000).map(|n| wire::data(1 + 2 * (n % 100), 0, ""));
        assert_eq!(peer.flood(data), Flood::Whole);
        peer.synchronize();
        // At most the read buffer.
        measured.assert_kept(256 * KIB);
        let more = (0..TIMES).map(|_| wire::data(1, 0, ""));
        peer.flood_to_goaway(more, ErrorCode::EnhanceYourCalm);
        measured.assert_peak(MIB);
        drop((bolt, peer));
        victim.comes_to_rest();
    });
}

#[test]
fn empty_data_on_a_stream_that_was_reset_ends_in_calm() {
    // Reset by the server: the request is malformed.
    let opening = wire::headers(1, wire::END_HEADERS, wire::and(wire::get(), &[("A", "")]));
    flood(5_000, opening, |_| wire::data(1, 0, ""), assert_few);
}

// CVE-2019-9513.

#[test]
fn a_priority_flood_ends_in_calm() {
    flood(5_000, open(1), |n| wire::priority(1, 3 + 2 * n as u32), assert_few);
}

#[test]
fn a_priority_flood_about_idle_streams_ends_in_calm() {
    flood(5_000, vec![], |n| wire::priority(100_001 + 2 * n as u32, 1), assert_few);
}

#[test]
fn a_priority_update_flood_ends_in_calm() {
    flood(
        5_000,
        open(1),
        |n| wire::priority_update(1, if n % 2 == 0 { "u=0" } else { "u=7" }),
        assert_few,
    );
}

#[test]
fn a_priority_update_flood_about_idle_streams_ends_in_calm() {
    flood(5_000, vec![], |n| wire::priority_update(100_001 + 2 * n as u32, "u=1, i"), assert_few);
}

// CVE-2026-48619.

#[test]
fn origin_without_end_ends_in_calm() {
    let payload = [&[0, 100][..], &[b'x'; 100]].concat();
    flood(5_000, vec![], move |_| wire::frame(0x0c, 0, 0, &payload), assert_few);
}

#[test]
fn altsvc_without_end_ends_in_calm() {
    let payload = [&[0, 11][..], b"http://test", b"h2=\":443\""].concat();
    flood(5_000, vec![], move |_| wire::frame(0x0a, 0, 0, &payload), assert_few);
}

#[test]
fn unknown_frames_without_end_end_in_calm() {
    flood(
        5_000,
        open(1),
        |n| wire::frame(0x20 + (n % 0xe0) as u8, 0xff, n as u32 % 2, [0; 100]),
        assert_few,
    );
}

#[test]
fn window_updates_for_a_stream_that_has_ended_end_in_calm() {
    let opening = wire::headers(1, wire::END, wire::get());
    flood(5_000, opening, |_| wire::window_update(1, 1), assert_few);
}

#[test]
fn resets_of_a_stream_that_has_ended_end_in_calm() {
    let opening = wire::headers(1, wire::END, wire::get());
    flood(400, opening, |_| wire::rst_stream(1, 0), assert_few);
}

#[test]
fn goaway_without_end_ends_in_calm() {
    measured(|memory| {
        let victim = Victim::new(|request, response| {
            std::io::copy(request, &mut std::io::sink())?;
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        // An open stream keeps the connection alive.
        peer.write(open(1));
        peer.synchronize();
        let measured = memory.start();
        peer.flood_to_goaway(
            std::iter::repeat_n(wire::goaway(0, 0), TIMES),
            ErrorCode::EnhanceYourCalm,
        );
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// The server's output must be small, apart from the GOAWAY.
fn assert_few(peer: &Peer) {
    let frames = peer.seen.total_frames();
    assert!(frames <= 20, "{:?}", peer.seen);
}
