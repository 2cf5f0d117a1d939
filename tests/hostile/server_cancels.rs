//! Cancelled responses and late frames, over and over. Each costs less than a rapid reset, and none is
//! free for ever. Budgets are small here, so that the attack is short.

use std::io::Write;

use h2_sync::frame::{Frame, Setting, StreamId};
use h2_sync::proto::Budget;
use h2_sync::ErrorCode;

use crate::memory::{measured, MIB};
use crate::neighbour::Neighbour;
use crate::support::{get, wire, Peer};
use crate::victim::Victim;

/// What the budget has at once. It gains one token a second.
const BURST: usize = 50;

#[test]
fn responses_that_are_cancelled_over_and_over_end_in_calm() {
    measured(|memory| {
        let victim = Victim::with(
            |config| {
                config.http2.resets_received = Budget::new(BURST as u32, 1);
                // Streams are refused while handlers of cancelled ones are at work.
                config.http2.resets_provoked = Budget::new(100_000, 1);
            },
            |_, response| Ok(response.write_all(&[b'x'; 1_000])?),
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(1)]);
        let measured = memory.start();
        let mut cancelled = 0;
        while let Some(begun) = begin(&mut peer, 100) {
            cancelled += begun.len();
            for stream_id in begun {
                peer.reset(stream_id, ErrorCode::Cancel);
            }
        }
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        // An eighth for each.
        assert!(cancelled >= 8 * BURST, "{cancelled} responses have begun");
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// Opens streams, and waits until each response has begun or is refused. Returns those that have
/// begun; `None` where the server has closed.
fn begin(peer: &mut Peer, streams: usize) -> Option<Vec<StreamId>> {
    let requests = (0..streams).flat_map(|_| peer.opening(&get("/"), true).1);
    let requests: Vec<u8> = requests.collect();
    peer.write(requests);
    let mut begun = Vec::new();
    let mut refused = 0;
    while begun.len() + refused < streams {
        match peer.next()? {
            Frame::Headers(headers) => begun.push(headers.stream_id),
            Frame::RstStream(_) => refused += 1,
            _ => {}
        }
    }
    Some(begun)
}

#[test]
fn trailers_of_a_forgotten_stream_over_and_over_end_in_calm() {
    late_frames_end_in_calm(wire::headers(1, wire::END, wire::block(&[("late", "trailer")])));
}

#[test]
fn resets_of_a_forgotten_stream_over_and_over_end_in_calm() {
    late_frames_end_in_calm(wire::rst_stream(1, 0x8));
}

fn late_frames_end_in_calm(frame: Vec<u8>) {
    measured(move |memory| {
        let victim = Victim::with(
            |config| {
                config.http2.glitches = Budget::new(BURST as u32, 1);
                config.http2.remembered_streams = 16;
            },
            crate::victim::hello,
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        for _ in 0..40 {
            assert_eq!(peer.fetch(&get("/")).0, 200);
        }
        let measured = memory.start();
        // The first few are taken for late.
        peer.write(frame.repeat(BURST / 2));
        assert_eq!(peer.fetch(&get("/")).0, 200);
        assert_eq!(peer.seen.reset_of(StreamId::new(1).unwrap()), None);
        peer.flood_to_goaway(std::iter::repeat_n(frame, 10_000), ErrorCode::EnhanceYourCalm);
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}
