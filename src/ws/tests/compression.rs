//! Compressed messages: the examples of RFC 7692, Section 7.2.3, and what may go wrong.

use super::peer::{Peer, agreed, compression, frame, masked, text, transmitted};
use crate::ws::{CloseCode, Compression, Config, Connection, ErrorKind, Event, Message, Role};

/// A client's connection, with takeover from the server or without.
fn client(takeover: bool) -> Peer {
    let [of_client, _] = agreed(&compression(takeover), &compression(true));
    Peer::new(Role::Client, Some(of_client), Config::default())
}

fn server_within(max_message: usize) -> Peer {
    let [_, of_server] = agreed(&compression(false), &compression(false));
    let config = Config { max_message, ..Config::default() };
    Peer::new(Role::Server, Some(of_server), config)
}

#[test]
fn max_message_may_be_the_largest_number() {
    let mut octets = masked(0x81, &[0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00]);
    octets[0] |= 0x40;
    assert_eq!(server_within(usize::MAX).send_one(octets), text("Hello"));
}

#[test]
fn example_of_one_block() {
    let octets = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for takeover in [false, true] {
        assert_eq!(client(takeover).send_one(octets.to_vec()), text("Hello"));
    }
}

#[test]
fn example_of_two_fragments() {
    let octets = [0x41, 0x03, 0xf2, 0x48, 0xcd, 0x80, 0x04, 0xc9, 0xc9, 0x07, 0x00];
    assert_eq!(client(false).send_one(octets.to_vec()), text("Hello"));
}

#[test]
fn example_of_sharing_the_window() {
    let mut peer = client(true);
    let first = [0xc1, 0x07, 0xf2, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    let second = [0xc1, 0x05, 0xf2, 0x00, 0x11, 0x00, 0x00];
    assert_eq!(peer.send_one(first.to_vec()), text("Hello"));
    assert_eq!(peer.send_one(second.to_vec()), text("Hello"));
    // Without takeover there is nothing to refer to.
    let mut peer = client(false);
    assert_eq!(peer.send_one(first.to_vec()), text("Hello"));
    let error = peer.send_bad(second.to_vec());
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Data, CloseCode::INVALID_DATA));
}

#[test]
fn example_of_a_block_without_compression() {
    let octets = b"\xc1\x0b\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00";
    assert_eq!(client(false).send_one(&octets[..]), text("Hello"));
}

#[test]
fn example_of_a_final_block() {
    let octets = [0xc1, 0x08, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00, 0x00];
    for takeover in [false, true] {
        let mut peer = client(takeover);
        assert_eq!(peer.send_one(octets.to_vec()), text("Hello"));
        assert_eq!(peer.send_one(octets.to_vec()), text("Hello"));
    }
}

#[test]
fn final_block_without_the_empty_one_behind_it_is_taken() {
    let octets = [0xc1, 0x07, 0xf3, 0x48, 0xcd, 0xc9, 0xc9, 0x07, 0x00];
    for takeover in [false, true] {
        let mut peer = client(takeover);
        assert_eq!(peer.send_one(octets.to_vec()), text("Hello"));
        assert_eq!(peer.send_one(octets.to_vec()), text("Hello"));
    }
}

#[test]
fn example_of_two_blocks() {
    let octets = b"\xc1\x0d\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00";
    assert_eq!(client(false).send_one(&octets[..]), text("Hello"));
}

#[test]
fn example_of_an_empty_message() {
    for takeover in [false, true] {
        let mut peer = client(takeover);
        assert_eq!(peer.send_one(&b"\xc1\x01\x00"[..]), text(""));
        assert_eq!(peer.send_one(&b"\xc1\x01\x00"[..]), text(""));
    }
}

#[test]
fn plain_messages_come_among_compressed_ones() {
    let mut peer = client(true);
    assert_eq!(peer.send_one(frame(0x81, b"plain")), text("plain"));
    assert_eq!(peer.send_one(&b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"[..]), text("Hello"));
    assert_eq!(peer.send_one(frame(0x81, b"plain")), text("plain"));
}

#[test]
fn rsv1_stands_on_the_first_fragment_alone() {
    for octets in [
        [frame(0x41, b"\xf2"), frame(0xc0, b"")].concat(),
        frame(0xc9, b""),
        frame(0xc8, b""),
        frame(0xc0, b""),
    ] {
        let error = client(false).send_bad(octets);
        assert_eq!(error.close_code(), CloseCode::PROTOCOL_ERROR);
    }
}

#[test]
fn what_is_not_deflate_is_refused() {
    for payload in [&b"\xff\xff\xff"[..], b"\x07\x07\x07", b"\xf2\x48\xcd"] {
        let error = client(false).send_bad(frame(0xc1, payload));
        assert_eq!(error.close_code(), CloseCode::INVALID_DATA, "{payload:x?}");
    }
}

#[test]
fn compressed_text_is_refused_where_it_is_not_utf8() {
    // Stored blocks, so that the octets can be seen.
    let mut peer = client(false);
    assert_eq!(peer.send(frame(0x41, b"\0\x01\0\xfe\xff\xf4")), Ok(vec![]));
    let error = peer.send_bad(frame(0x00, b"\0\x01\0\xfe\xff\x90"));
    assert_eq!(error.close_code(), CloseCode::INVALID_DATA);
}

/// A message that inflates to a thousand times its size.
fn bomb(len: usize) -> Vec<u8> {
    let [of_client, _] = agreed(&compression(false), &compression(false));
    let mut sender = Peer::new(Role::Client, Some(of_client), Config::default());
    sender.core.send(&Message::from(vec![0; len])).unwrap();
    sender.transmitted()
}

#[test]
fn message_is_refused_where_it_inflates_to_more_than_the_limit() {
    let octets = bomb(4 << 20);
    assert!(octets.len() < 64 << 10);
    let error = server_within((4 << 20) - 1).send_bad(octets.clone());
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Limit, CloseCode::TOO_BIG));
    assert_eq!(server_within(4 << 20).send(octets).unwrap().len(), 1);
}

#[test]
fn inflated_octets_count_for_all_fragments() {
    let octets = bomb(1 << 20);
    let payload = {
        // Unmasked, to be cut.
        let [_, of_server] = agreed(&compression(false), &compression(false));
        let mut sender = Peer::new(Role::Server, Some(of_server), Config::default());
        sender.core.send(&Message::from(vec![0; 1 << 20])).unwrap();
        sender.transmitted()[4..].to_vec()
    };
    assert!(octets.len() > payload.len());
    let (first, last) = payload.split_at(payload.len() / 2);
    let fragments = [masked(0x42, first), masked(0x80, last)].concat();
    assert_eq!(server_within(1 << 20).send(fragments.clone()).unwrap().len(), 1);
    let error = server_within((1 << 20) - 1).send_bad(fragments);
    assert_eq!(error.close_code(), CloseCode::TOO_BIG);
}

/// Messages of each kind from one end to the other, and how many octets they took.
fn carry(from: &mut Connection, to: &mut Peer, messages: &[Message]) -> usize {
    let mut len = 0;
    for message in messages {
        from.send(message).unwrap();
        let octets = transmitted(from);
        len += octets.len();
        assert_eq!(to.send_one(octets), Event::Message(message.clone()));
    }
    len
}

fn messages() -> Vec<Message> {
    let json = |n: usize| format!("{{\"id\":{n},\"name\":\"user {n}\",\"tags\":[\"a\",\"b\"]}}");
    let small = (0..50).map(|n| Message::from(json(n)));
    let mut state = 1u32;
    let noise: Vec<u8> = std::iter::repeat_with(|| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    })
    .take(40_000)
    .collect();
    let large = [Message::from((0..3_000).map(json).collect::<String>()), Message::from(noise)];
    small.chain(large).chain(["".into()]).collect()
}

#[test]
fn messages_arrive_with_every_window_with_and_without_takeover() {
    for takeover in [false, true] {
        for bits in 9..=15 {
            let mut options = compression(takeover);
            (options.send_window_bits, options.receive_window_bits) = (bits, 24 - bits);
            let [of_client, of_server] = agreed(&options, &compression(takeover));
            let mut client = Peer::new(Role::Client, Some(of_client), Config::default());
            let mut server = Peer::new(Role::Server, Some(of_server), Config::default());
            carry(&mut client.core, &mut server, &messages());
            carry(&mut server.core, &mut client, &messages());
        }
    }
}

#[test]
fn takeover_makes_messages_that_look_alike_smaller() {
    let len = |takeover| {
        let [of_client, of_server] = agreed(&compression(takeover), &compression(takeover));
        let mut client = Peer::new(Role::Client, Some(of_client), Config::default());
        let mut server = Peer::new(Role::Server, Some(of_server), Config::default());
        carry(&mut client.core, &mut server, &messages()[..50])
    };
    assert!(len(true) * 2 < len(false));
}

#[test]
fn small_messages_and_those_that_would_grow_go_out_as_they_are() {
    let [_, of_server] = agreed(&Compression::default(), &Compression::default());
    let mut server = Peer::new(Role::Server, Some(of_server), Config::default());
    server.core.send(&"a".repeat(255).into()).unwrap();
    assert_eq!(server.transmitted()[0], 0x81);
    server.core.send(&"a".repeat(256).into()).unwrap();
    assert_eq!(server.transmitted()[0], 0xc1);
    let noise = messages().swap_remove(51);
    server.core.send(&noise).unwrap();
    assert_eq!(server.transmitted()[0], 0x82);
}

#[test]
fn context_is_held_only_while_it_is_needed() {
    let mut peer = client(false);
    assert_eq!(peer.send(&b"\x41\x03\xf2\x48\xcd"[..]), Ok(vec![]));
    assert!(peer.core.holds_context());
    peer.send_one(&b"\x80\x04\xc9\xc9\x07\x00"[..]);
    assert!(!peer.core.holds_context());
    peer.core.send(&"Hello".into()).unwrap();
    assert!(!peer.core.holds_context());
    let mut peer = client(true);
    peer.send_one(&b"\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"[..]);
    assert!(peer.core.holds_context());
}
