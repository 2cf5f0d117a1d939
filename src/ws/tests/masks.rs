//! Who masks, reserved bits, opcodes and lengths.

use bytes::{Bytes, BytesMut};

use super::peer::{Peer, binary, frame, masked, text};
use crate::ws::{CloseCode, Error, ErrorKind, Message};

fn assert_protocol_error(peer: &mut Peer, error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Protocol, "{error}");
    assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    let out = peer.transmitted();
    assert_eq!(out[0], 0x88, "a Close frame says so");
}

#[test]
fn server_refuses_a_frame_without_mask() {
    let mut peer = Peer::of_server();
    let error = peer.send_bad(frame(0x81, b"Hello"));
    assert_protocol_error(&mut peer, &error);
    assert!(peer.transmitted().is_empty(), "one Close frame");
}

#[test]
fn client_refuses_a_masked_frame() {
    let mut peer = Peer::of_client();
    let error = peer.send_bad(masked(0x81, b"Hello"));
    assert_protocol_error(&mut peer, &error);
}

#[test]
fn reserved_bits_are_refused_with_the_first_octet() {
    for bits in 1..8u8 {
        for opcode in [0x80, 0x81, 0x82, 0x01, 0x88, 0x89, 0x8a] {
            let mut peer = Peer::of_server();
            let error = peer.send_bad(vec![opcode | bits << 4]);
            assert_protocol_error(&mut peer, &error);
        }
    }
}

#[test]
fn reserved_opcodes_are_refused_with_the_first_octet() {
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        for fin in [0, 0x80] {
            let mut peer = Peer::of_server();
            let error = peer.send_bad(vec![fin | opcode]);
            assert_protocol_error(&mut peer, &error);
        }
    }
}

#[test]
fn lengths_have_to_be_as_short_as_they_can_be() {
    for head in [
        &[0x82, 126, 0, 125][..],
        &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff],
        &[0x82, 127, 0x80, 0, 0, 0, 0, 1, 0, 0],
    ] {
        let mut peer = Peer::of_client();
        let error = peer.send_bad(head.to_vec());
        assert_protocol_error(&mut peer, &error);
    }
}

#[test]
fn lengths_at_the_borders_of_the_encodings_are_taken_by_both_roles() {
    for len in [0, 1, 125, 126, 127, 128, 0xfffe, 0xffff, 0x1_0000, 0x1_0001] {
        let payload: Vec<u8> = (0..len).map(|n| (n * 7) as u8).collect();
        assert_eq!(Peer::of_client().send_one(frame(0x82, &payload)), binary(&payload));
        assert_eq!(Peer::of_server().send_one(masked(0x82, &payload)), binary(&payload));
    }
}

#[test]
fn every_frame_of_a_client_has_a_mask_of_its_own() {
    let mut client = Peer::of_client();
    let mut keys: Vec<Vec<u8>> = Vec::new();
    for _ in 0..200 {
        client.core.send(&"Hello".into()).unwrap();
        let out = client.transmitted();
        assert_eq!(out[..2], [0x81, 0x85]);
        keys.push(out[2..6].to_vec());
        assert_eq!(Peer::of_server().send_one(out), text("Hello"));
    }
    keys.sort();
    keys.dedup();
    assert!(keys.len() > 195);
}

#[test]
fn server_sends_large_payloads_without_a_copy() {
    let payload = Bytes::from(vec![7; 10_000]);
    let mut server = Peer::of_server();
    server.core.send(&Message::from(payload.clone())).unwrap();
    let mut out = BytesMut::new();
    let shared = server.core.poll_transmit(&mut out, 1 << 16).expect("the payload");
    assert_eq!(shared.as_ptr(), payload.as_ptr());
    assert_eq!(out.len(), 4);
}

#[test]
fn client_receives_a_large_message_as_a_slice_of_what_came() {
    let octets = Bytes::from(frame(0x82, &[7; 10_000]));
    let range = octets.as_ptr_range();
    let event = Peer::of_client().send_one(octets);
    let crate::ws::Event::Message(Message::Binary(payload)) = event else { panic!("{event:?}") };
    assert!(range.contains(&payload.as_ptr()));
}
