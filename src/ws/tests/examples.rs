//! The examples of RFC 6455, Section 5.7.

use super::peer::{Peer, binary, text};
use crate::ws::{Event, Message};

#[test]
fn unmasked_text_in_one_frame() {
    let octets = [0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(Peer::of_client().send_one(octets.to_vec()), text("Hello"));
    let mut server = Peer::of_server();
    server.core.send(&"Hello".into()).unwrap();
    assert_eq!(server.transmitted(), octets);
}

#[test]
fn masked_text_in_one_frame() {
    let octets = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(Peer::of_server().send_one(octets.to_vec()), text("Hello"));
}

#[test]
fn unmasked_text_in_two_fragments() {
    let octets = [0x01, 0x03, 0x48, 0x65, 0x6c, 0x80, 0x02, 0x6c, 0x6f];
    assert_eq!(Peer::of_client().send_one(octets.to_vec()), text("Hello"));
}

#[test]
fn unmasked_ping_and_masked_pong() {
    let ping = [0x89, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f];
    assert_eq!(Peer::of_client().send_one(ping.to_vec()), Event::Ping("Hello".into()));
    let pong = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(Peer::of_server().send_one(pong.to_vec()), Event::Pong("Hello".into()));
}

#[test]
fn binary_of_256_octets_and_of_64_kib() {
    for (head, len) in
        [(&[0x82, 0x7e, 0x01, 0x00][..], 256), (&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0][..], 65_536)]
    {
        let payload: Vec<u8> = (0..len).map(|n| n as u8).collect();
        let octets = [head, &payload].concat();
        assert_eq!(Peer::of_client().send_one(octets.clone()), binary(&payload));
        let mut server = Peer::of_server();
        server.core.send(&Message::from(&payload[..])).unwrap();
        assert_eq!(server.transmitted(), octets);
    }
}
