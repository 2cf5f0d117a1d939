//! The close handshake, its codes and its deadline.

use std::time::Duration;

use super::peer::{Peer, frame, masked, text};
use crate::ws::{Close, CloseCode, ErrorKind, Event, SendError};

fn close(code: u16, reason: &str) -> Event {
    Event::Close(Close { code: Some(CloseCode(code)), reason: reason.into() })
}

fn payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes()[..], reason].concat()
}

#[test]
fn close_of_the_peer_is_answered_with_its_code() {
    let mut peer = Peer::of_server();
    let event = peer.send_one(masked(0x88, &payload(1001, b"gone")));
    assert_eq!(event, close(1001, "gone"));
    assert!(!peer.core.is_closed());
    assert_eq!(peer.transmitted(), b"\x88\x02\x03\xe9");
    assert!(peer.core.is_closed());
    assert_eq!(peer.core.end_of_input(), Ok(()));
    assert_eq!(peer.core.poll_timeout(), None);
}

#[test]
fn close_without_a_code_is_answered_without_one() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send_one(masked(0x88, b"")), Event::Close(Close::default()));
    assert_eq!(peer.transmitted(), b"\x88\0");
}

#[test]
fn nothing_is_read_behind_a_close() {
    let mut peer = Peer::of_server();
    let octets = [masked(0x88, b""), masked(0x81, b"late"), b"\xff\xff".to_vec()].concat();
    assert_eq!(peer.send(octets).unwrap().len(), 1);
    assert_eq!(peer.send(masked(0x89, b"")), Ok(vec![]));
    assert_eq!(peer.transmitted(), b"\x88\0");
}

#[test]
fn messages_that_wait_are_dropped_when_the_peer_closes() {
    let mut peer = Peer::of_server();
    peer.core.send(&"waits".into()).unwrap();
    peer.send_one(masked(0x88, b""));
    assert_eq!(peer.transmitted(), b"\x88\0");
    assert_eq!(peer.core.send(&"more".into()), Err(SendError::Closed));
    assert_eq!(peer.core.ping("more"), Err(SendError::Closed));
    assert_eq!(peer.core.close(None, "", peer.now), Err(SendError::Closed));
}

#[test]
fn close_goes_out_behind_messages_and_is_the_last_frame() {
    let mut peer = Peer::of_server();
    peer.core.send(&"first".into()).unwrap();
    peer.core.close(Some(CloseCode::NORMAL), "bye", peer.now).unwrap();
    assert_eq!(peer.core.send(&"late".into()), Err(SendError::Closed));
    assert_eq!(peer.send_one(masked(0x89, b"")), Event::Ping("".into()));
    let expected = [frame(0x81, b"first"), frame(0x88, b"\x03\xe8bye")].concat();
    assert_eq!(peer.transmitted(), expected);
    assert_eq!(peer.send_one(masked(0x81, b"on its way")), text("on its way"));
    assert_eq!(peer.send_one(masked(0x88, &payload(1000, b""))), close(1000, ""));
    assert!(peer.core.is_closed() && peer.transmitted().is_empty());
}

#[test]
fn close_frames_that_cross_are_answers_to_each_other() {
    let mut peer = Peer::of_server();
    peer.core.close(Some(CloseCode::NORMAL), "", peer.now).unwrap();
    assert_eq!(peer.send_one(masked(0x88, &payload(1001, b""))), close(1001, ""));
    assert_eq!(peer.transmitted(), b"\x88\x02\x03\xe8");
    assert!(peer.core.is_closed());
}

#[test]
fn codes_that_are_registered_or_free_are_taken() {
    for code in [1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let mut peer = Peer::of_server();
        assert_eq!(peer.send_one(masked(0x88, &payload(code, b""))), close(code, ""));
        assert_eq!(Peer::of_server().core.close(Some(CloseCode(code)), "", peer.now), Ok(()));
    }
}

#[test]
fn other_codes_are_neither_taken_nor_sent() {
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        let mut peer = Peer::of_server();
        let error = peer.send_bad(masked(0x88, &payload(code, b"")));
        assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
        assert_eq!(peer.transmitted(), frame(0x88, &payload(1002, error.detail().as_bytes())));
        let sent = Peer::of_server().core.close(Some(CloseCode(code)), "", peer.now);
        assert_eq!(sent, Err(SendError::CloseCode(code)));
    }
}

#[test]
fn close_frames_that_are_not_valid_are_refused() {
    let error = Peer::of_server().send_bad(masked(0x88, b"\x03"));
    assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    let error = Peer::of_server().send_bad(masked(0x88, &payload(1000, b"\xce\xba\xed\xa0")));
    assert_eq!(error.close_code(), CloseCode::INVALID_DATA);
}

#[test]
fn reason_has_to_fit_and_to_have_a_code() {
    let mut peer = Peer::of_server();
    let long = "a".repeat(124);
    let result = peer.core.close(Some(CloseCode::NORMAL), &long, peer.now);
    assert_eq!(result, Err(SendError::ControlTooLong { len: 124 }));
    assert_eq!(peer.core.close(None, "why", peer.now), Err(SendError::CloseCode(1005)));
    assert!(peer.core.is_open(), "nothing has changed");
    assert_eq!(peer.core.close(Some(CloseCode::NORMAL), &long[1..], peer.now), Ok(()));
}

#[test]
fn peer_that_does_not_answer_a_close_is_given_up_in_time() {
    let mut peer = Peer::of_server();
    peer.core.close(None, "", peer.now).unwrap();
    peer.transmitted();
    assert_eq!(peer.core.poll_timeout(), Some(peer.now + Duration::from_secs(5)));
    assert_eq!(peer.pass(Duration::from_millis(4_999)), Ok(()));
    // Messages do not put it off.
    assert_eq!(peer.send_one(masked(0x81, b"more")), text("more"));
    let error = peer.pass(Duration::from_millis(1)).unwrap_err();
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Timeout, CloseCode::ABNORMAL));
    assert!(peer.transmitted().is_empty());
}

#[test]
fn end_without_a_close_frame_is_an_error() {
    let mut peer = Peer::of_server();
    let error = peer.core.end_of_input().unwrap_err();
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Truncated, CloseCode::ABNORMAL));
    assert!(peer.transmitted().is_empty(), "1006 never goes out");
}

#[test]
fn no_second_close_goes_out_after_an_error() {
    let mut peer = Peer::of_server();
    peer.core.close(None, "", peer.now).unwrap();
    assert_eq!(peer.transmitted(), b"\x88\0");
    peer.send_bad(frame(0x81, b"without a mask"));
    assert!(peer.transmitted().is_empty());
}

#[test]
fn error_drops_what_waits_and_closes() {
    let mut peer = Peer::of_server();
    peer.core.send(&"waits".into()).unwrap();
    peer.core.close(Some(CloseCode::NORMAL), "", peer.now).unwrap();
    peer.send_bad(frame(0x81, b"without a mask"));
    let reason = b"an unmasked frame from the client";
    assert_eq!(peer.transmitted(), frame(0x88, &payload(1002, reason)));
    assert_eq!(peer.core.send(&"more".into()), Err(SendError::Closed));
}
