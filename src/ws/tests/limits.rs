//! Sizes and budgets, and honest peers that look alike.

use std::time::Duration;

use super::peer::{Peer, frame, masked};
use crate::ws::{CloseCode, Config, ErrorKind, Message, Role, SendError};

const MS: Duration = Duration::from_millis(1);

fn small() -> Peer {
    let config = Config { max_message: 1_000, max_frame: 600, ..Config::default() };
    Peer::new(Role::Client, None, config)
}

fn assert_too_big(peer: &mut Peer, octets: impl Into<bytes::Bytes>) {
    let error = peer.send_bad(octets);
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Limit, CloseCode::TOO_BIG));
}

#[test]
fn frame_over_the_limit_is_refused_by_its_head() {
    assert_too_big(&mut small(), frame(0x82, &[0; 601])[..4].to_vec());
    assert_too_big(&mut small(), b"\x82\x7f\x7f\xff\xff\xff\xff\xff\xff\xff".to_vec());
    assert_eq!(small().send(frame(0x82, &[0; 600])).unwrap().len(), 1);
}

#[test]
fn message_over_the_limit_is_refused_by_the_head_of_the_fragment() {
    let mut peer = small();
    assert_eq!(peer.send(frame(0x02, &[0; 600])), Ok(vec![]));
    assert_too_big(&mut peer, frame(0x00, &[0; 401])[..4].to_vec());
    let fragments = [frame(0x02, &[0; 600]), frame(0x80, &[0; 400])].concat();
    assert_eq!(small().send(fragments).unwrap().len(), 1);
}

#[test]
fn announced_octets_take_no_memory_before_they_come() {
    let mut peer = Peer::of_client();
    let head = b"\x82\x7f\0\0\0\0\x01\0\0\0";
    assert_eq!(peer.send(&head[..]), Ok(vec![]));
    let mut partial = crate::ws::partial::Partial::new(false, false);
    partial.expect(16 << 20, 10);
    assert!(partial.capacity() <= 128 << 10, "{}", partial.capacity());
}

#[test]
fn what_waits_to_be_sent_is_bounded() {
    let config = Config { max_send_buffer: 10_000, ..Config::default() };
    let mut peer = Peer::new(Role::Server, None, config);
    let message = Message::from(vec![0; 4_000]);
    assert_eq!(peer.core.send(&message), Ok(()));
    assert_eq!(peer.core.send(&message), Ok(()));
    assert_eq!(peer.core.send(&message), Err(SendError::Full));
    peer.transmitted();
    let large = Message::from(vec![0; 1 << 20]);
    assert_eq!(peer.core.send(&large), Ok(()), "any size where none waits");
    assert_eq!(peer.core.send(&message), Err(SendError::Full));
}

#[test]
fn flood_of_pings_is_cut() {
    let mut peer = Peer::of_server();
    let flood = masked(0x89, b"").repeat(10_000);
    let error = peer.send_bad(flood);
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Limit, CloseCode::POLICY));
}

#[test]
fn flood_of_pongs_is_cut() {
    assert_eq!(
        Peer::of_server().send_bad(masked(0x8a, b"").repeat(10_000)).kind(),
        ErrorKind::Limit
    );
}

#[test]
fn ping_every_few_milliseconds_is_honest_also_when_we_are_busy() {
    let mut peer = Peer::of_server();
    for second in 0..60 {
        if second % 10 == 9 {
            // This end has not read for a second.
            peer.now += 1_000 * MS;
            assert!(peer.send(masked(0x89, b"").repeat(200)).is_ok());
            continue;
        }
        for _ in 0..200 {
            peer.now += 5 * MS;
            assert!(peer.send(masked(0x89, b"")).is_ok());
        }
    }
}

#[test]
fn flood_of_empty_and_tiny_fragments_is_cut() {
    for payload in [&b""[..], b"a", &[b'a'; 63]] {
        let mut peer = Peer::of_server();
        let flood = [masked(0x02, payload), masked(0x00, payload).repeat(1_000)].concat();
        assert_eq!(peer.send_bad(flood).close_code(), CloseCode::POLICY);
    }
}

#[test]
fn fragments_that_are_not_tiny_are_free() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(masked(0x02, &[0; 64])), Ok(vec![]));
    assert_eq!(peer.send(masked(0x00, &[0; 64]).repeat(50_000)), Ok(vec![]));
    assert_eq!(peer.send(masked(0x80, b"")).unwrap().len(), 1);
}

#[test]
fn many_small_messages_are_free() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(masked(0x82, b"").repeat(20_000)).unwrap().len(), 20_000);
    assert_eq!(peer.send(masked(0x81, b"a").repeat(20_000)).unwrap().len(), 20_000);
    let ping_and_message = [masked(0x81, b"a"), masked(0x89, b"a")].concat();
    assert_eq!(peer.send(ping_and_message.repeat(20_000)).unwrap().len(), 40_000);
}

#[test]
fn small_messages_in_two_fragments_are_free() {
    let message = [masked(0x01, b"a"), masked(0x80, b"b")].concat();
    assert_eq!(Peer::of_server().send(message.repeat(20_000)).unwrap().len(), 20_000);
}

#[test]
fn text_that_is_made_word_by_word_in_one_message_is_honest() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(masked(0x01, b"Once")), Ok(vec![]));
    for _ in 0..5_000 {
        peer.now += 25 * MS;
        assert_eq!(peer.send(masked(0x00, b" word")), Ok(vec![]));
    }
}
