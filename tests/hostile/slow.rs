//! Slow peers: each part of a connection arrives octet by octet. Deadlines are short, to keep the
//! tests short; the tests check what happens when they expire. `slow_crowds.rs` has a thousand such
//! peers at once.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use h2_sync::frame::{Frame, MAX_WINDOW, PREFACE, Ping, Setting, Settings};
use h2_sync::server::{Config, Request, Response};
use h2_sync::{ErrorCode, StreamId};

use crate::memory::{KIB, MIB, bounded};
use crate::neighbour::Neighbour;
use crate::support::{Peer, eventually, wire};
use crate::victim::{BoxError, Victim, get, post};

/// A short deadline. It does not affect well-behaved peers, since everything they send arrives in
/// one piece.
const SOON: Duration = Duration::from_millis(200);

/// A deadline that a well-behaved peer meets even on a slow machine.
const LATER: Duration = Duration::from_secs(2);

/// The pause between two octets of a slow peer.
const PACE: Duration = Duration::from_millis(20);

/// More than all pieces together.
const LARGE: usize = 64 * MIB;

fn impatient(config: &mut Config) {
    config.read_timeout = Some(SOON);
    config.http2.header_timeout = Some(SOON);
    config.http2.stall_timeout = Some(SOON);
}

/// Short deadlines for new connections only; the neighbour's handshake is complete.
fn impatient_with_strangers(config: &mut Config) {
    config.handshake_timeout = LATER;
    config.http2.handshake_timeout = Some(LATER);
    config.http2.settings_timeout = Some(LATER);
}

/// Reads the body of a slow peer and answers it, or sends much to a slow reader.
pub(crate) fn handle(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    if request.path() == "/large" {
        let piece = [0; 32 * KIB];
        for _ in 0..LARGE / piece.len() {
            response.write_all(&piece)?;
        }
        return Ok(());
    }
    let octets = std::io::copy(request, &mut std::io::sink())?;
    Ok(response.write_all(octets.to_string().as_bytes())?)
}

fn victim(change: fn(&mut Config)) -> (Victim, Neighbour) {
    let victim = Victim::with(change, handle);
    let neighbour = Neighbour::of(&victim.url);
    (victim, neighbour)
}

/// A peer whose connection is established.
fn acquaintance(victim: &Victim, entries: Vec<Setting>) -> Peer {
    let mut peer = Peer::connect_with(victim.address(), entries);
    peer.synchronize();
    peer
}

/// Writes octet by octet, until everything is written or the other side closes.
fn drip(peer: &mut Peer, octets: impl IntoIterator<Item = u8>) {
    for octet in octets {
        if !peer.write([octet]) {
            return;
        }
        // Not a wait for an event: this is the peer's pace.
        thread::park_timeout(PACE);
    }
}

pub(crate) fn ends_in_peace(victim: &Victim, neighbour: Neighbour) {
    neighbour.was_served();
    victim.comes_to_rest();
}

// The start of a connection.

#[test]
fn a_preface_octet_by_octet_is_cut() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient_with_strangers);
        let mut peer = Peer::connect_silent(victim.address());
        // It has not received any SETTINGS.
        peer.acknowledges = false;
        drip(&mut peer, PREFACE[..23].iter().copied());
        peer.expect_goaway(ErrorCode::SettingsTimeout);
        ends_in_peace(&victim, neighbour);
    });
}

/// It could still be HTTP/1, which has no GOAWAY.
#[test]
fn one_octet_of_a_preface_is_cut() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient_with_strangers);
        let mut peer = Peer::connect_silent(victim.address());
        drip(&mut peer, PREFACE[..1].iter().copied());
        peer.until_closed();
        eventually(|| victim.handle.stats().connections_failed == 1);
        assert_eq!(peer.seen.total_frames(), 0);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn settings_octet_by_octet_are_cut() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient_with_strangers);
        let mut peer = Peer::connect_silent(victim.address());
        peer.write(PREFACE);
        let settings = wire::frame(wire::SETTINGS, 0, 0, [0, 3, 0, 0, 0, 1].repeat(4));
        drip(&mut peer, settings[..settings.len() - 1].iter().copied());
        peer.expect_goaway(ErrorCode::SettingsTimeout);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn settings_that_are_not_acknowledged_end_the_connection() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient_with_strangers);
        let mut peer = Peer::connect_silent(victim.address());
        peer.acknowledges = false;
        peer.write(PREFACE);
        peer.send(Settings::default());
        peer.expect_goaway(ErrorCode::SettingsTimeout);
        ends_in_peace(&victim, neighbour);
    });
}

// Frames.

#[test]
fn headers_octet_by_octet_end_the_connection() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, Vec::new());
        let octets = wire::headers(1, wire::END, wire::get());
        drip(&mut peer, octets[..octets.len() - 1].iter().copied());
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn continuation_that_never_ends_the_block_ends_the_connection() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, Vec::new());
        let block = wire::get();
        peer.write(wire::headers(1, wire::END_STREAM, &block[..1]));
        for octet in &block[1..] {
            let more = wire::continuation(1, 0, [*octet]);
            drip(&mut peer, more);
        }
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        assert_eq!(peer.seen.resets(ErrorCode::Cancel), 0);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn a_frame_header_without_its_payload_ends_the_connection() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let beginnings = [
            wire::head(8, wire::PING, 0, 0),
            wire::head(4, wire::WINDOW_UPDATE, 0, 0),
            wire::head(6, wire::SETTINGS, 0, 0),
            wire::head(100, wire::HEADERS, wire::END, 1),
            wire::head(16_384, wire::UNKNOWN, 0, 0),
            // Not even a whole frame header.
            wire::head(8, wire::PING, 0, 0)[..5].to_vec(),
        ];
        let begin = |octets: Vec<u8>| {
            let mut peer = acquaintance(&victim, vec![Setting::InitialWindowSize(0)]);
            // An open stream, so that the connection is not idle.
            peer.open(&get("/large"), true);
            peer.write(&octets);
            peer
        };
        for mut peer in beginnings.map(begin) {
            let goaway = peer.expect_goaway(ErrorCode::EnhanceYourCalm);
            assert!(goaway.debug_data.ends_with(b"did not end in time"), "{goaway:?}");
        }
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn a_ping_octet_by_octet_ends_the_connection() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, Vec::new());
        let mut ping = Vec::new();
        Ping { ack: false, payload: [7; 8] }.encode(&mut ping);
        drip(&mut peer, ping[..16].iter().copied());
        peer.expect_goaway(ErrorCode::EnhanceYourCalm);
        ends_in_peace(&victim, neighbour);
    });
}

// Bodies.

#[test]
fn a_missing_body_is_408_and_the_connection_continues() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, Vec::new());
        let stream_id = peer.open(&post("/"), false);
        assert_eq!(peer.response(stream_id).0, 408);
        assert_eq!(peer.fetch(&get("/")), (200, b"0".to_vec()));
        neighbour.was_served();
    });
}

#[test]
fn a_data_header_without_its_payload_is_408() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, Vec::new());
        let stream_id = peer.open(&post("/"), false);
        peer.write(wire::head(16_384, wire::DATA, 0, stream_id.get()));
        peer.write(b"and then nothing");
        assert_eq!(peer.response(stream_id).0, 408);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// It never pauses for long, so the total time ends it.
#[test]
fn a_body_octet_by_octet_is_408_at_its_deadline() {
    bounded(|| {
        let victim = Victim::with(
            |config| {
                impatient(config);
                config.body_timeout = Some(SOON);
                config.read_timeout = None;
            },
            handle,
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = acquaintance(&victim, Vec::new());
        let stream_id = peer.open(&post("/"), false);
        peer.stream.set_read_timeout(Some(PACE)).unwrap();
        let mut octet = [0];
        // Until there is a response.
        while peer.stream.peek(&mut octet).is_err_and(|error| is_nothing_yet(error.kind()))
            || !is_answered(&mut peer, stream_id)
        {
            peer.send_data(stream_id, "x", false);
        }
        assert_eq!(peer.section.as_ref().unwrap().get(":status"), Some("408"));
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

fn is_nothing_yet(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Reads one frame, once the first octets are available.
fn is_answered(peer: &mut Peer, stream_id: StreamId) -> bool {
    matches!(peer.next(), Some(Frame::Headers(headers)) if headers.stream_id == stream_id)
}

// Responses that are read slowly.

#[test]
fn a_window_that_opens_by_single_octets_is_a_stall() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, vec![Setting::InitialWindowSize(0)]);
        let stream_id = peer.open(&get("/large"), true);
        // Each octet received is answered with an octet of credit.
        let code = loop {
            peer.grant(stream_id, 1);
            let end = peer.until(|frame| match frame {
                Frame::RstStream(reset) => Some(Some(reset.error_code)),
                Frame::Data(data) if !data.data.is_empty() => Some(None),
                _ => None,
            });
            match end {
                Some(code) => break code,
                None => thread::park_timeout(PACE),
            }
        };
        assert_eq!(code, ErrorCode::Cancel);
        assert!(peer.seen.data < 4 << 10, "{:?}", peer.seen);
        peer.synchronize();
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_transport_read_octet_by_octet_is_cut() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, vec![Setting::InitialWindowSize(MAX_WINDOW)]);
        peer.grant(StreamId::CONNECTION, MAX_WINDOW - 65_535);
        peer.open(&get("/large"), true);
        // The neighbour's connection continues; this one ends although it is read all the time.
        let mut octet = [0];
        while victim.handle.stats().connections > 1 {
            let _ = peer.stream.read(&mut octet).unwrap();
            thread::park_timeout(PACE);
        }
        drop(peer);
        ends_in_peace(&victim, neighbour);
    });
}
