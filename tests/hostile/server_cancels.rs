//! Repeated cancelled responses and late frames. Each costs less than a rapid reset, but none is
//! free. Budgets are small here, to keep the attack short.

use std::io::Write;

use h2_sync::ErrorCode;
use h2_sync::frame::{Frame, Setting, StreamId};
use h2_sync::proto::Budget;

use crate::memory::{MIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{Peer, get, wire};
use crate::victim::Victim;

/// The burst of the budget. It gains one token per second.
const BURST: usize = 50;

#[test]
fn repeatedly_cancelled_responses_end_in_calm() {
    measured(|memory| {
        let victim = Victim::with(
            |config| {
                config.http2.resets_received = Budget::new(BURST as u32, 1);
                // Streams are refused while handlers of cancelled streams are running.
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
        // Each costs an eighth of a token.
        assert!(cancelled >= 8 * BURST, "{cancelled} responses have begun");
        measured.assert_peak(MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// Opens streams, and waits until each response has begun or was refused. Returns those that have
/// begun, or `None` if the server has closed.
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
fn repeated_trailers_of_a_forgotten_stream_end_in_calm() {
    late_frames_end_in_calm(wire::headers(1, wire::END, wire::block(&[("late", "trailer")])));
}

#[test]
fn repeated_resets_of_a_forgotten_stream_end_in_calm() {
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
        // The first few count as late frames.
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
