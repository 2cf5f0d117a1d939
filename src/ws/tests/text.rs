//! Text has to be UTF-8, and is refused as early as it is not.

use super::peer::{Peer, binary, masked, text};
use crate::ws::{CloseCode, ErrorKind};

fn assert_refused(peer: &mut Peer, octets: Vec<u8>) {
    let error = peer.send_bad(octets);
    assert_eq!((error.kind(), error.close_code()), (ErrorKind::Data, CloseCode::INVALID_DATA));
}

const VALID: &str =
    "Hello-µ@ßöäüàá-UTF-8!! κόσμε \u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}";

#[test]
fn valid_text_is_taken_however_it_is_cut() {
    let octets = VALID.as_bytes();
    for at in 0..=octets.len() {
        let fragments = [masked(0x01, &octets[..at]), masked(0x80, &octets[at..])].concat();
        assert_eq!(Peer::of_server().send_one(fragments), text(VALID));
    }
    let whole = masked(0x81, octets);
    for at in 0..whole.len() {
        let mut peer = Peer::of_server();
        assert_eq!(peer.send(whole[..at].to_vec()), Ok(vec![]));
        assert_eq!(peer.send_one(whole[at..].to_vec()), text(VALID));
    }
}

#[test]
fn text_that_is_not_utf8_is_refused() {
    for octets in [
        &b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xed\xa0\x80edited"[..],
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf4\x90\x80\x80",
        b"\xed\xa0\x80",
        b"\xed\xbf\xbf",
        b"\xff",
        b"\x80",
        b"a\xc3",
        b"a\xf0\x9f\x98",
    ] {
        assert_refused(&mut Peer::of_server(), masked(0x81, octets));
        assert_eq!(Peer::of_server().send_one(masked(0x82, octets)), binary(octets));
    }
}

#[test]
fn text_is_refused_in_the_frame_in_which_it_goes_wrong() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(masked(0x01, b"\xf4")), Ok(vec![]));
    assert_refused(&mut peer, masked(0x00, b"\x90"));
}

#[test]
fn text_is_refused_before_its_frame_has_come() {
    let frame = masked(0x81, b"\xce\xba\xf4\x90\x80\x80 and more");
    let head = 6;
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(frame[..head + 3].to_vec()), Ok(vec![]));
    assert_refused(&mut peer, frame[head + 3..head + 4].to_vec());
}

#[test]
fn text_that_ends_within_a_character_is_refused_at_its_end() {
    let mut peer = Peer::of_server();
    assert_eq!(peer.send(masked(0x01, b"\xe2\x82")), Ok(vec![]));
    assert_refused(&mut peer, masked(0x80, b""));
}
