//! PING: acknowledgments, round trips, keepalive, and dead peers (RFC 9113, Section 6.7).

use std::time::Duration;

use super::super::{CommandError, Config, Event, Fault};
use super::{Peer, Sent, get};
use crate::frame::{ErrorCode, Frame, Ping, StreamId, WindowUpdate};

const SECOND: Duration = Duration::from_secs(1);

fn ping(peer: &mut Peer) -> [u8; 8] {
    peer.ask(|core, now| core.ping(now)).unwrap()
}

fn keepalive(interval: u32) -> Config {
    let keepalive_interval = Some(interval * SECOND);
    Config { keepalive_interval, idle_timeout: None, ..Config::default() }
}

#[test]
fn a_ping_is_acknowledged_before_queued_data() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&super::post(), false, now)).unwrap();
    let body = [b'x'; 10_000];
    let data = bytes::Bytes::copy_from_slice(&body);
    peer.ask(|core, now| core.send_data(super::id(1), data.clone(), true, now)).unwrap();
    peer.send(Ping { ack: false, payload: *b"8 octets" });
    peer.expect_headers(1, false);
    peer.expect(Ping { ack: true, payload: *b"8 octets" });
    peer.expect_data(1, &body, true);
}

#[test]
fn an_acknowledgment_reports_the_round_trip_time() {
    let mut peer = Peer::of_client(Config::default());
    let payload = ping(&mut peer);
    peer.expect(Ping { ack: false, payload });
    peer.pass(3 * SECOND);
    peer.send(Ping { ack: true, payload });
    assert_eq!(peer.events(), [Event::Pong { payload, round_trip_time: 3 * SECOND }]);
    assert_eq!(peer.core().stats().round_trip_time, Some(3 * SECOND));
}

#[test]
fn acknowledgments_are_matched_by_their_payload() {
    let mut peer = Peer::of_client(Config::default());
    let (first, second) = (ping(&mut peer), ping(&mut peer));
    assert_ne!(first, second);
    peer.send(Ping { ack: true, payload: second });
    peer.send(Ping { ack: true, payload: first });
    let payloads: Vec<_> = peer
        .events()
        .into_iter()
        .map(|event| match event {
            Event::Pong { payload, .. } => payload,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(payloads, [second, first]);
}

#[test]
fn an_unsolicited_acknowledgment_is_harmless() {
    let mut peer = Peer::of_client(Config::default());
    peer.send(Ping { ack: true, payload: [9; 8] });
    assert_eq!(peer.events(), []);
    peer.expect_alive();
}

#[test]
fn sixteen_pings_may_be_unanswered() {
    let mut peer = Peer::of_client(Config::default());
    let first = ping(&mut peer);
    for _ in 1..16 {
        ping(&mut peer);
    }
    assert_eq!(peer.ask(|core, now| core.ping(now)), Err(CommandError::TooManyUnanswered));
    peer.send(Ping { ack: true, payload: first });
    ping(&mut peer);
}

#[test]
fn a_ping_that_is_not_answered_ends_the_connection() {
    let mut peer = Peer::of_client(Config::default());
    let payload = ping(&mut peer);
    peer.expect(Ping { ack: false, payload });
    peer.pass(19 * SECOND);
    assert_eq!(peer.result, Ok(()));
    peer.pass(SECOND);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Timeout);
    peer.expect_failure(ErrorCode::NoError);
}

#[test]
fn the_deadline_starts_when_the_ping_is_queued_even_if_nothing_can_be_written() {
    let mut peer = Peer::of_client(Config::default());
    ping(&mut peer);
    // The output is not read.
    peer.pass(20 * SECOND);
    peer.expect_failure(ErrorCode::NoError);
}

#[test]
fn a_keepalive_is_sent_after_silence_and_its_answer_is_awaited() {
    for mut peer in [Peer::of_client(keepalive(15)), Peer::of_server(keepalive(15))] {
        peer.pass(14 * SECOND);
        peer.expect_nothing();
        peer.pass(SECOND);
        let sent = peer.sent();
        let [Sent::Frame(Frame::Ping(Ping { ack: false, payload }))] = sent[..] else {
            panic!("{sent:?}")
        };
        peer.pass(10 * SECOND);
        peer.send(Ping { ack: true, payload });
        assert_eq!(peer.events(), [], "the application did not ask");
        peer.pass(14 * SECOND);
        peer.expect_nothing();
        peer.pass(21 * SECOND);
        peer.expect_failure(ErrorCode::NoError);
    }
}

#[test]
fn any_input_delays_the_keepalive() {
    let mut peer = Peer::of_client(keepalive(10));
    for _ in 0..10 {
        peer.pass(9 * SECOND);
        peer.send(WindowUpdate { stream_id: StreamId::CONNECTION, increment: 1 });
        peer.expect_nothing();
    }
}

#[test]
fn keepalives_are_at_least_ten_seconds_apart() {
    let mut peer = Peer::of_client(keepalive(1));
    peer.pass(9 * SECOND);
    peer.expect_nothing();
    peer.pass(SECOND);
    assert_eq!(peer.sent().len(), 1);
}

#[test]
fn an_idle_connection_of_a_server_ends() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.pass(600 * SECOND);
    assert_eq!(peer.result, Ok(()), "a stream is open");
    peer.ask(|core, now| core.send_headers(super::id(1), &super::status(200), true, now)).unwrap();
    peer.pass(179 * SECOND);
    assert_eq!(peer.result, Ok(()));
    peer.pass(SECOND);
    peer.expect_failure(ErrorCode::NoError);
}

#[test]
fn an_idle_connection_of_a_client_does_not() {
    let mut peer = Peer::of_client(Config::default());
    peer.pass(6_000 * SECOND);
    peer.expect_alive();
}

#[test]
fn without_deadlines_there_is_no_timeout() {
    let config = Config { idle_timeout: None, ..Config::default() };
    for peer in [Peer::of_server(config), Peer::of_client(Config::default())] {
        assert_eq!(peer.core().poll_timeout(), None);
    }
}

/// Returns a client that sent a keepalive PING at 10 s during an upload, which it continues.
fn pinged() -> Peer {
    let mut peer = Peer::of_client(keepalive(10));
    peer.ask(|core, now| core.open(&super::post(), false, now)).unwrap();
    let data = bytes::Bytes::from(vec![0; 1 << 20]);
    peer.send_window(0, 1 << 20);
    peer.send_window(1, 1 << 20);
    peer.sent();
    peer.pass(10 * SECOND);
    peer.sent();
    peer.ask(move |core, now| core.send_data(super::id(1), data.clone(), false, now)).unwrap();
    peer
}

fn expect_cut_at(peer: &mut Peer, seconds: u32) {
    peer.pass(seconds * SECOND - SECOND / 1_000);
    assert_eq!(peer.result, Ok(()));
    peer.pass(SECOND / 1_000);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Timeout);
}

#[test]
fn any_frame_of_the_peer_extends_the_deadline_of_a_ping() {
    let mut peer = pinged();
    peer.pass(15 * SECOND);
    peer.send_window(0, 1);
    expect_cut_at(&mut peer, 20);
}

#[test]
fn octets_that_the_transport_takes_extend_the_deadline_of_a_ping() {
    let mut peer = pinged();
    for _ in 0..10 {
        peer.pass(7 * SECOND);
        // Output returned earlier has been written by now.
        peer.read_some(64 << 10);
        assert_eq!(peer.result, Ok(()));
    }
    expect_cut_at(&mut peer, 20);
}

#[test]
fn a_trickle_into_the_transports_buffers_does_not_extend_it() {
    let mut peer = pinged();
    for _ in 0..19 {
        peer.pass(SECOND);
        peer.read_some(100);
    }
    expect_cut_at(&mut peer, 1);
}
