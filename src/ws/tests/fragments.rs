//! Messages in fragments, and control frames in between.

use super::peer::{Peer, masked, text};
use crate::ws::{CloseCode, Event};

#[test]
fn control_frames_may_stand_between_fragments() {
    let octets = [
        masked(0x01, b"a"),
        masked(0x89, b"1"),
        masked(0x00, b""),
        masked(0x8a, b"2"),
        masked(0x89, b"3"),
        masked(0x80, b"b"),
    ];
    let mut peer = Peer::of_server();
    let events = peer.send(octets.concat()).unwrap();
    let [ping, pong] = [Event::Ping, Event::Pong];
    assert_eq!(events, [ping("1".into()), pong("2".into()), ping("3".into()), text("ab")]);
    assert_eq!(peer.transmitted(), b"\x8a\x011\x8a\x013");
}

#[test]
fn a_control_frame_may_come_in_pieces() {
    let mut peer = Peer::of_server();
    let octets = masked(0x89, b"Hello");
    for octet in &octets[..octets.len() - 1] {
        assert_eq!(peer.send(vec![*octet]), Ok(vec![]));
    }
    let last = octets[octets.len() - 1..].to_vec();
    assert_eq!(peer.send_one(last), Event::Ping("Hello".into()));
}

#[test]
fn messages_and_fragments_may_be_empty() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send_one(masked(0x81, b"")), text(""));
    let octets = [masked(0x01, b""), masked(0x00, b""), masked(0x80, b"")].concat();
    assert_eq!(peer.send_one(octets), text(""));
}

#[test]
fn fragments_out_of_order_are_refused() {
    let cases = [
        vec![masked(0x80, b"no message")],
        vec![masked(0x00, b"no message")],
        vec![masked(0x81, b"whole"), masked(0x80, b"no message")],
        vec![masked(0x01, b"first"), masked(0x81, b"another")],
        vec![masked(0x01, b"first"), masked(0x02, b"another")],
        vec![masked(0x01, b"first"), masked(0x80, b"last"), masked(0x80, b"no message")],
    ];
    for case in cases {
        let error = Peer::of_server().send_bad(case.concat());
        assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn control_frames_are_neither_fragmented_nor_long() {
    for octets in [masked(0x09, b""), masked(0x08, b""), masked(0x0a, b"")] {
        let error = Peer::of_server().send_bad(octets);
        assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    }
    for opcode in [0x88, 0x89, 0x8a] {
        let error = Peer::of_server().send_bad(masked(opcode, &[b'a'; 126]));
        assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    }
    let event = Peer::of_server().send_one(masked(0x89, &[b'a'; 125]));
    assert_eq!(event, Event::Ping(vec![b'a'; 125].into()));
}
