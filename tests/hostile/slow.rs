//! Peers that take their time: each of a connection's parts octet by octet. Deadlines are short, so that
//! a test need not wait for the defaults; what is asserted is what they lead to. `slow_crowds.rs` has a
//! thousand of them at once.

use std::io::{ErrorKind, Read, Write};
use std::thread;
use std::time::Duration;

use h2_sync::frame::{Frame, Ping, Setting, Settings, MAX_WINDOW, PREFACE};
use h2_sync::server::{Config, Request, Response};
use h2_sync::{ErrorCode, StreamId};

use crate::memory::{bounded, KIB, MIB};
use crate::neighbour::Neighbour;
use crate::support::{eventually, wire, Peer};
use crate::victim::{get, post, BoxError, Victim};

/// Soon. None of those who behave has anything to do with these deadlines: all that they send comes in
/// one piece.
const SOON: Duration = Duration::from_millis(200);

/// Nobody takes so long who means it, on however slow a machine.
const LATER: Duration = Duration::from_secs(2);

/// Between two octets of a slow peer.
const PACE: Duration = Duration::from_millis(20);

/// More than all of them may take together.
const LARGE: usize = 64 * MIB;

fn impatient(config: &mut Config) {
    config.read_timeout = Some(SOON);
    config.http2.header_timeout = Some(SOON);
    config.http2.stall_timeout = Some(SOON);
}

/// With strangers alone: each neighbour has been one.
fn impatient_with_strangers(config: &mut Config) {
    config.handshake_timeout = LATER;
    config.http2.handshake_timeout = Some(LATER);
    config.http2.settings_timeout = Some(LATER);
}

/// Reads what a slow peer sends, answers it, or much to a slow reader.
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

/// One with whom all is well so far.
fn acquaintance(victim: &Victim, entries: Vec<Setting>) -> Peer {
    let mut peer = Peer::connect_with(victim.address(), entries);
    peer.synchronize();
    peer
}

/// Writes octet by octet, until all have been written or the other end closes.
fn drip(peer: &mut Peer, octets: impl IntoIterator<Item = u8>) {
    for octet in octets {
        if !peer.write([octet]) {
            return;
        }
        // Not for something to happen: that is how slow it is.
        thread::park_timeout(PACE);
    }
}

pub(crate) fn ends_in_peace(victim: &Victim, neighbour: Neighbour) {
    neighbour.was_served();
    victim.comes_to_rest();
}

// The start of a connection.

#[test]
fn a_preface_that_comes_octet_by_octet_is_cut() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient_with_strangers);
        let mut peer = Peer::connect_silent(victim.address());
        // It has not heard of any SETTINGS.
        peer.acknowledges = false;
        drip(&mut peer, PREFACE[..23].iter().copied());
        peer.expect_goaway(ErrorCode::SettingsTimeout);
        ends_in_peace(&victim, neighbour);
    });
}

/// It may be HTTP/1 still, which has no GOAWAY.
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
fn settings_that_come_octet_by_octet_are_cut() {
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
fn headers_that_come_octet_by_octet_end_the_connection() {
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
fn the_head_of_a_frame_without_its_payload_ends_the_connection() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let beginnings = [
            wire::head(8, wire::PING, 0, 0),
            wire::head(4, wire::WINDOW_UPDATE, 0, 0),
            wire::head(6, wire::SETTINGS, 0, 0),
            wire::head(100, wire::HEADERS, wire::END, 1),
            wire::head(16_384, wire::UNKNOWN, 0, 0),
            // Not even a whole head.
            wire::head(8, wire::PING, 0, 0)[..5].to_vec(),
        ];
        let begin = |octets: Vec<u8>| {
            let mut peer = acquaintance(&victim, vec![Setting::InitialWindowSize(0)]);
            // It has a stream, so it is not idle.
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
fn a_ping_that_comes_octet_by_octet_ends_the_connection() {
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
fn a_body_that_does_not_come_is_408_and_the_connection_goes_on() {
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
fn the_head_of_data_without_its_payload_is_408() {
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

/// It never waits for long, so it is the time for the whole that ends it.
#[test]
fn a_body_that_comes_octet_by_octet_is_408_when_its_time_is_over() {
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
        // Until there is an answer.
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

/// Reads one frame, of which there is something to read.
fn is_answered(peer: &mut Peer, stream_id: StreamId) -> bool {
    matches!(peer.next(), Some(Frame::Headers(headers)) if headers.stream_id == stream_id)
}

// Responses that are read slowly.

#[test]
fn a_window_that_opens_octet_by_octet_is_a_stall() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, vec![Setting::InitialWindowSize(0)]);
        let stream_id = peer.open(&get("/large"), true);
        // Each octet that it gets is worth another one.
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
fn a_transport_that_is_read_octet_by_octet_is_cut() {
    bounded(|| {
        let (victim, neighbour) = victim(impatient);
        let mut peer = acquaintance(&victim, vec![Setting::InitialWindowSize(MAX_WINDOW)]);
        peer.grant(StreamId::CONNECTION, MAX_WINDOW - 65_535);
        peer.open(&get("/large"), true);
        // The neighbour keeps its connection; this one ends though it is read all the time.
        let mut octet = [0];
        while victim.handle.stats().connections > 1 {
            let _ = peer.stream.read(&mut octet).unwrap();
            thread::park_timeout(PACE);
        }
        drop(peer);
        ends_in_peace(&victim, neighbour);
    });
}
