//! PINGs of either end.

use std::time::Duration;

use super::peer::{Peer, frame, masked};
use crate::ws::{CloseCode, Config, ErrorKind, Event, Message, Role, SendError};

const SECOND: Duration = Duration::from_secs(1);

fn keepalive() -> Peer {
    let (ping_interval, ping_timeout) = (Some(10 * SECOND), 5 * SECOND);
    let config = Config { ping_interval, ping_timeout, ..Config::default() };
    Peer::new(Role::Server, None, config)
}

#[test]
fn pings_that_come_at_once_are_answered_in_order() {
    let mut peer = Peer::of_server();
    let pings: Vec<_> = (0..16).flat_map(|n| masked(0x89, &[n])).collect();
    assert_eq!(peer.send(pings).unwrap().len(), 16);
    let pongs: Vec<_> = (0..16).flat_map(|n| frame(0x8a, &[n])).collect();
    assert_eq!(peer.transmitted(), pongs);
    assert!(peer.transmitted().is_empty());
}

#[test]
fn answers_that_wait_are_bounded_and_the_latest_ping_has_one() {
    let mut peer = Peer::of_server();
    let pings: Vec<_> = (0..100).flat_map(|n| masked(0x89, &[n])).collect();
    assert_eq!(peer.send(pings).unwrap().len(), 100);
    let pongs: Vec<_> = (0..15).chain([99]).flat_map(|n| frame(0x8a, &[n])).collect();
    assert_eq!(peer.transmitted(), pongs);
}

#[test]
fn pong_and_ping_go_out_before_messages() {
    let mut peer = Peer::of_server();
    peer.core.send(&"message".into()).unwrap();
    peer.core.ping("mine").unwrap();
    peer.send_one(masked(0x89, b"theirs"));
    let expected = [frame(0x8a, b"theirs"), frame(0x89, b"mine"), frame(0x81, b"message")];
    assert_eq!(peer.transmitted(), expected.concat());
}

#[test]
fn ping_has_125_octets_at_most() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.core.ping(vec![0; 126]), Err(SendError::ControlTooLong { len: 126 }));
    assert_eq!(peer.core.ping(vec![0; 125]), Ok(()));
}

#[test]
fn ping_that_waits_holds_up_no_large_message() {
    let config = Config { max_send_buffer: 1_000, ..Config::default() };
    let mut peer = Peer::new(Role::Server, None, config);
    peer.core.ping("mine").unwrap();
    assert_eq!(peer.core.send(&Message::from(vec![0; 2_000])), Ok(()));
    assert_eq!(peer.core.ping("while a message waits"), Ok(()));
    assert_eq!(peer.core.send(&Message::from("more")), Err(SendError::Full));
}

#[test]
fn peer_has_its_time_for_an_answer_once_the_ping_has_gone_out() {
    let mut peer = keepalive();
    assert_eq!(peer.pass(10 * SECOND), Ok(()));
    for _ in 0..10 {
        assert_eq!(peer.pass(5 * SECOND), Ok(()), "the PING waits behind a message");
    }
    assert_eq!(peer.transmitted(), frame(0x89, b""));
    assert_eq!(peer.pass(5 * SECOND), Ok(()));
    assert!(peer.pass(5 * SECOND).is_err());
}

#[test]
fn pings_that_wait_to_be_sent_are_bounded() {
    let mut peer = Peer::of_server();
    let refused = (0..100_000).find(|_| peer.core.ping("") == Err(SendError::Full));
    assert!(refused.is_some());
}

#[test]
fn without_an_interval_no_ping_goes_out() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.core.poll_timeout(), None);
    assert_eq!(peer.pass(100_000 * SECOND), Ok(()));
    assert!(peer.transmitted().is_empty());
}

#[test]
fn silent_peer_is_asked_and_given_up() {
    let mut peer = keepalive();
    assert_eq!(peer.core.poll_timeout(), Some(peer.now + 10 * SECOND));
    assert_eq!(peer.pass(10 * SECOND), Ok(()));
    assert_eq!(peer.transmitted(), frame(0x89, b""));
    assert_eq!(peer.core.poll_timeout(), Some(peer.now + 5 * SECOND));
    assert_eq!(peer.pass(4 * SECOND), Ok(()));
    let error = peer.pass(SECOND).unwrap_err();
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Timeout, CloseCode::GOING_AWAY));
    let payload = [&1001_u16.to_be_bytes(), error.detail().as_bytes()].concat();
    assert_eq!(peer.transmitted(), frame(0x88, &payload));
}

#[test]
fn peer_that_answers_or_sends_anything_is_alive() {
    let mut peer = keepalive();
    for answer in [masked(0x8a, b""), masked(0x81, b"busy"), masked(0x01, b"half")] {
        assert_eq!(peer.pass(10 * SECOND), Ok(()));
        assert_eq!(peer.transmitted(), frame(0x89, b""));
        peer.now += 4 * SECOND;
        peer.send(answer).unwrap();
        assert_eq!(peer.core.poll_timeout(), Some(peer.now + 10 * SECOND));
    }
}

#[test]
fn caller_that_comes_late_finds_what_has_come_meanwhile() {
    let mut peer = keepalive();
    assert_eq!(peer.pass(10 * SECOND), Ok(()));
    peer.transmitted();
    assert_eq!(peer.pass(60 * SECOND), Ok(()), "the answer may lie in the transport");
    peer.send_one(masked(0x8a, b""));
    assert_eq!(peer.pass(10 * SECOND), Ok(()));
    peer.transmitted();
    assert_eq!(peer.pass(60 * SECOND), Ok(()));
    assert!(peer.pass(SECOND).is_err());
}

#[test]
fn no_ping_goes_out_after_a_close() {
    let mut peer = keepalive();
    peer.core.close(None, "", peer.now).unwrap();
    assert_eq!(peer.core.poll_timeout(), Some(peer.now + 5 * SECOND));
    peer.transmitted();
    peer.send_one(masked(0x88, b""));
    assert_eq!(peer.pass(60 * SECOND), Ok(()));
    assert!(peer.transmitted().is_empty());
}

#[test]
fn unasked_pong_is_an_event_and_no_more() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send_one(masked(0x8a, b"beat")), Event::Pong("beat".into()));
    assert!(peer.transmitted().is_empty());
}
