//! Bodies that the application does not read to the end (RFC 9113, Section 8.1).

use std::time::Duration;

use super::super::{CommandError, Config, Event, Role};
use super::{Peer, get, id, post, status, trailers};
use crate::frame::ErrorCode;
use crate::headers;

const SECOND: Duration = Duration::from_secs(1);

/// Returns a server that has received the beginning of a request and declined the rest.
fn declined() -> Peer {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.events();
    assert_eq!(decline(&mut peer), Ok(()));
    peer
}

fn decline(peer: &mut Peer) -> Result<(), CommandError> {
    peer.ask(|core, now| core.decline_body(id(1), now))
}

fn respond(peer: &mut Peer) {
    peer.ask(|core, now| core.send_headers(id(1), &status(403), true, now)).unwrap();
    peer.expect_headers(1, true);
}

#[test]
fn a_client_resets_the_stream_at_once() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.expect_headers(1, true);
    peer.send_headers(1, &status(200), false);
    peer.events();
    assert_eq!(decline(&mut peer), Ok(()));
    peer.expect_reset(1, ErrorCode::Cancel);
    assert_eq!(peer.events(), [Event::StreamClosed { stream_id: id(1), held_slot: false }]);
    assert_eq!(peer.core().role(), Role::Client);
}

#[test]
fn a_server_waits_for_its_response_to_be_complete() {
    let mut peer = declined();
    peer.pass(10 * SECOND);
    peer.expect_nothing();
    respond(&mut peer);
    peer.expect_nothing();
    peer.pass(SECOND);
    peer.expect_reset(1, ErrorCode::NoError);
    peer.expect_alive();
}

#[test]
fn a_response_that_was_complete_before_counts_from_when_the_body_was_declined() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    respond(&mut peer);
    peer.pass(10 * SECOND);
    peer.expect_nothing();
    assert_eq!(decline(&mut peer), Ok(()));
    peer.pass(SECOND / 2);
    peer.expect_nothing();
    peer.pass(SECOND / 2);
    peer.expect_reset(1, ErrorCode::NoError);
}

#[test]
fn a_response_with_a_body_or_with_trailers_is_complete_at_its_end() {
    for has_trailers in [false, true] {
        let mut peer = declined();
        peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
        peer.expect_headers(1, false);
        peer.pass(10 * SECOND);
        peer.expect_nothing();
        if has_trailers {
            peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now)).unwrap();
            peer.expect_headers(1, true);
        } else {
            peer.ask(|core, now| core.send_data(id(1), "no".into(), true, now)).unwrap();
            peer.expect_data(1, b"no", true);
        }
        peer.pass(SECOND);
        peer.expect_reset(1, ErrorCode::NoError);
    }
}

#[test]
fn a_client_that_ends_its_request_is_not_reset() {
    let mut peer = declined();
    respond(&mut peer);
    peer.send_data(1, b"the rest", true);
    peer.pass(10 * SECOND);
    peer.expect_nothing();
    assert_eq!(peer.core().stats().resets_sent, 0);
}

#[test]
fn client_that_goes_on_sending_is_reset_after_ten_seconds() {
    let mut peer = declined();
    respond(&mut peer);
    for _ in 0..10 {
        peer.expect_nothing();
        peer.send_data(1, b"more", false);
        peer.events();
        peer.pass(SECOND);
    }
    peer.expect_reset(1, ErrorCode::NoError);
    peer.expect_alive();
}

#[test]
fn client_that_goes_on_sending_in_a_tunnel_is_reset_after_a_second() {
    let mut peer = Peer::of_server(Config::default());
    let connect = headers!(":method" => "CONNECT", ":authority" => "a:1");
    peer.send_headers(1, &connect, false);
    peer.events();
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.expect_headers(1, false);
    peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
    peer.expect_data(1, b"", true);
    assert_eq!(decline(&mut peer), Ok(()));
    peer.send_data(1, b"more", false);
    peer.events();
    peer.pass(SECOND);
    peer.expect_reset(1, ErrorCode::NoError);
    peer.expect_alive();
}

#[test]
fn client_that_pauses_for_a_second_is_reset() {
    let mut peer = declined();
    respond(&mut peer);
    peer.send_data(1, b"more", false);
    peer.events();
    peer.pass(SECOND);
    peer.expect_nothing();
    peer.pass(SECOND);
    peer.expect_reset(1, ErrorCode::NoError);
}

#[test]
fn a_client_that_resets_is_not_reset_as_well() {
    let mut peer = declined();
    respond(&mut peer);
    peer.send_reset(1, ErrorCode::Cancel);
    peer.pass(10 * SECOND);
    peer.expect_nothing();
}

#[test]
fn data_is_reported_and_credited_until_then() {
    let mut peer = declined();
    respond(&mut peer);
    peer.events();
    peer.send_data(1, b"more", false);
    let data = Event::Data { stream_id: id(1), data: "more".into(), end_stream: false };
    assert_eq!(peer.events(), [data]);
    assert_eq!(peer.ask(|core, now| core.release(id(1), 4, now)), Ok(()));
}

#[test]
fn declining_a_complete_body_does_nothing() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.events();
    assert_eq!(decline(&mut peer), Ok(()));
    respond(&mut peer);
    peer.pass(10 * SECOND);
    peer.expect_nothing();
}

#[test]
fn declining_twice_resets_once() {
    let mut peer = declined();
    assert_eq!(decline(&mut peer), Ok(()));
    respond(&mut peer);
    assert_eq!(decline(&mut peer), Ok(()));
    peer.pass(SECOND);
    peer.expect_reset(1, ErrorCode::NoError);
    peer.pass(10 * SECOND);
    peer.expect_nothing();
    assert_eq!(peer.core().stats().resets_sent, 1);
}

#[test]
fn a_nonexistent_stream_cannot_be_declined() {
    let mut peer = Peer::of_server(Config::default());
    assert_eq!(decline(&mut peer), Err(CommandError::UnknownStream(id(1))));
    peer.send_headers(1, &get(), true);
    respond(&mut peer);
    assert_eq!(decline(&mut peer), Err(CommandError::StreamClosed(id(1))));
}
