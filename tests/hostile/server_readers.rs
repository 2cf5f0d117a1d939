//! Peers that read little or nothing of their responses, and peers that send single octets.

use std::time::Duration;

use h2_sync::ErrorCode;
use h2_sync::frame::{Frame, Setting};
use h2_sync::server::Config;

use crate::memory::{KIB, MIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{Peer, eventually, wire};
use crate::victim::{Victim, gate, get, hello, post};

/// The content of the responses. It is static, so that only the server's memory is measured.
static BODY: [u8; MIB] = [b'x'; MIB];

/// The memory for 100 responses that cannot be sent: 8 MiB of send buffer, beyond that 64 KiB for
/// each stream, and 64 KiB in each handler's own buffer; plus overhead.
const TO_BE_SENT: usize = 8 * MIB + 100 * (64 + 64) * KIB + 2 * MIB;

/// A short stall deadline, to keep the tests short.
fn short(config: &mut Config) {
    config.http2.stall_timeout = Some(Duration::from_millis(300));
}

/// `/large` and `/copied` are endless; the latter is written in pieces.
fn victim(change: impl FnOnce(&mut Config)) -> Victim {
    let change = |config: &mut Config| {
        // Idle threads keep a buffer each, for 10 s by default.
        config.idle_thread_timeout = Duration::from_millis(50);
        change(config);
    };
    Victim::with(change, |request, response| match request.path() {
        "/large" => loop {
            response.send(&BODY[..])?;
        },
        "/copied" => loop {
            std::io::Write::write_all(response, &BODY[..KIB])?;
        },
        _ => hello(request, response),
    })
}

/// Opens the windows without limit.
fn wide(peer: &mut Peer) {
    peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, wire::MAX_WINDOW)]));
    peer.write(wire::window_update(0, wire::MAX_WINDOW - 65_535));
}

// CVE-2019-9517.

#[test]
fn a_peer_that_does_not_read_is_cut_when_a_write_stalls() {
    measured(|memory| {
        let victim = victim(short);
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        wide(&mut peer);
        let measured = memory.start();
        for _ in 0..100 {
            peer.open(&get("/copied"), true);
        }
        eventually(|| victim.handle.stats().handlers_running >= 100);
        neighbour.is_served();
        // It is cut although it reads nothing, and its handlers end.
        eventually(|| victim.handle.stats().connections <= 1);
        eventually(|| victim.handle.stats().handlers_running <= 1);
        measured.assert_peak(TO_BE_SENT);
        measured.assert_kept(MIB);
        neighbour.was_served();
        peer.until_cut();
        drop(peer);
        victim.comes_to_rest();
    });
}

// CVE-2019-9511.

#[test]
fn streams_with_exhausted_windows_are_reset_and_their_handlers_end() {
    measured(|memory| {
        let victim = victim(short);
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(0)]);
        let measured = memory.start();
        let ids: Vec<_> = (0..100).map(|_| peer.open(&get("/copied"), true)).collect();
        for id in ids {
            assert_eq!(peer.until_reset(id), ErrorCode::Cancel);
        }
        eventually(|| victim.handle.stats().handlers_running <= 1);
        measured.assert_peak(TO_BE_SENT);
        measured.assert_kept(MIB);
        // The connection continues.
        let id = peer.open(&get("/"), true);
        peer.grant(id, 5);
        assert_eq!(peer.response(id), (200, b"hello".to_vec()));
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_window_opened_by_single_octets_is_a_stall() {
    measured(|memory| {
        let victim = victim(short);
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(1)]);
        let measured = memory.start();
        let id = peer.open(&get("/large"), true);
        // One octet of credit for each octet.
        while peer.seen.reset_of(id).is_none() {
            match peer.next().expect("the connection goes on") {
                Frame::Data(data) => {
                    peer.grant(id, data.data.len() as u32);
                    // Not as fast as possible: 4 KiB within the deadline would be progress.
                    std::thread::park_timeout(Duration::from_millis(1));
                }
                Frame::Headers(_) | Frame::RstStream(_) | Frame::Settings(_) => {}
                Frame::WindowUpdate(_) => {}
                other => panic!("{other}"),
            }
        }
        assert_eq!(peer.seen.reset_of(id), Some(ErrorCode::Cancel));
        // At most one octet per frame, for one octet of WINDOW_UPDATE: 10 octets for 13.
        assert!(peer.seen.octets <= peer.sent + KIB as u64, "{:?}", peer.seen);
        measured.assert_peak(MIB);
        let next = peer.open(&get("/"), true);
        peer.grant(next, 5);
        assert_eq!(peer.response(next).0, 200);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn an_exhausted_connection_window_ends_the_connection() {
    measured(|memory| {
        let victim = victim(short);
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        // The streams have large windows, the connection has 65,535 octets.
        peer.write(wire::settings(&[(wire::INITIAL_WINDOW_SIZE, wire::MAX_WINDOW)]));
        let measured = memory.start();
        for _ in 0..100 {
            peer.open(&get("/copied"), true);
        }
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        assert_eq!(peer.seen.data, 65_535);
        measured.assert_peak(TO_BE_SENT);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn data_for_exhausted_windows_is_bounded_by_default() {
    measured(|memory| {
        let victim = victim(|_| {});
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(0)]);
        let measured = memory.start();
        for _ in 0..100 {
            peer.open(&get("/copied"), true);
        }
        eventually(|| victim.handle.stats().handlers_running >= 100);
        neighbour.is_served();
        // The connection itself continues.
        let id = peer.open(&get("/"), true);
        peer.grant(id, 5);
        assert_eq!(peer.response(id), (200, b"hello".to_vec()));
        measured.assert_peak(TO_BE_SENT);
        drop(peer);
        neighbour.was_served();
        victim.comes_to_rest();
        measured.assert_kept(MIB);
    });
}

// The other direction: unread request bodies.

#[test]
fn an_unread_body_in_single_octets_takes_about_its_size() {
    measured(|memory| {
        const OCTETS: usize = 20_000;
        let (at, bolt) = gate();
        let victim = Victim::new(move |request, response| {
            if request.path() == "/" {
                return hello(request, response);
            }
            at.wait();
            let mut body = Vec::new();
            std::io::Read::read_to_end(request, &mut body)?;
            assert_eq!(body, [b'x'; OCTETS]);
            Ok(response.send("thanks")?)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let id = peer.open(&post("/upload"), false);
        bolt.comes();
        let measured = memory.start();
        for n in 0..OCTETS {
            peer.write(wire::data(id.get(), 0, "x"));
            // The server combines pieces that it reads together; so it must read them one by one.
            if n % 2 == 0 {
                peer.synchronize();
            }
        }
        peer.synchronize();
        measured.assert_kept(8 * OCTETS);
        neighbour.is_served();
        assert_eq!(peer.fetch(&get("/")).0, 200);
        // No data is lost.
        peer.write(wire::data(id.get(), wire::END_STREAM, ""));
        drop(bolt);
        assert_eq!(peer.response(id), (200, b"thanks".to_vec()));
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn unread_bodies_take_at_most_the_windows_of_their_streams() {
    measured(|memory| {
        const STREAMS: usize = 16;
        let (at, bolt) = gate();
        let victim = Victim::new(move |request, response| {
            if request.path() == "/" {
                return hello(request, response);
            }
            at.wait();
            Ok(())
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let ids: Vec<_> = (0..STREAMS).map(|_| peer.open(&post("/upload"), false)).collect();
        for _ in &ids {
            bolt.comes();
        }
        // The windows apply once the server's SETTINGS have been acknowledged.
        peer.synchronize();
        let measured = memory.start();
        // 1 MiB each, in frames of 16 KiB.
        let frames = (0..64).flat_map(|_| ids.iter());
        let pieces = frames.map(|id| wire::data(id.get(), 0, &BODY[..16 * KIB]));
        let _ = peer.flood(pieces);
        peer.synchronize();
        // DATA shares the read buffers. In the worst case, buffers of 16, 64 and 256 KiB are
        // retained in turn, the last for only 16 KiB: 336 KiB for 96 KiB of data.
        measured.assert_peak(4 * STREAMS * MIB);
        assert_eq!(peer.fetch(&get("/")).0, 200);
        // A further octet exceeds the window of that stream.
        peer.write(wire::data(ids[0].get(), 0, "x"));
        peer.expect_reset(ids[0], ErrorCode::FlowControlError);
        neighbour.was_served();
        drop((bolt, peer));
        victim.comes_to_rest();
        measured.assert_kept(MIB);
    });
}
