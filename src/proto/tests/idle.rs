//! No frames are sent for a stream whose HEADERS have not been sent (RFC 9113, Sections 5.1 and
//! 6.4).

use super::super::{CommandError, Config, Connection, Event, Priority};
use super::{Peer, Role, Sent, get, id, post};
use crate::frame::{ErrorCode, Setting};

/// Returns a client whose server allows no streams: requests are deferred.
fn deferring() -> Peer {
    Peer::greeted(Role::Client, Config::default(), vec![Setting::MaxConcurrentStreams(0)])
}

fn open(peer: &mut Peer) {
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
}

fn check_given_up(give_up: impl Fn(&mut Connection, std::time::Instant)) {
    let mut peer = deferring();
    open(&mut peer);
    peer.ask(|core, now| core.send_data(id(1), "unsent".into(), false, now)).unwrap();
    peer.ask(|core, now| give_up(core, now));
    peer.expect_nothing();
    assert_eq!(peer.events(), [Event::StreamClosed { stream_id: id(1), held_slot: false }]);
    // Its slot is free, and the peer only sees the next stream.
    open(&mut peer);
    peer.send_settings(vec![Setting::MaxConcurrentStreams(1)]);
    let sent = peer.sent();
    assert!(matches!(sent[1], Sent::Headers { id, .. } if id.get() == 3), "{sent:?}");
    peer.expect_alive();
}

#[test]
fn deferred_request_that_is_reset_is_never_mentioned() {
    check_given_up(|core, now| core.reset(id(1), ErrorCode::Cancel, now).unwrap());
}

#[test]
fn deferred_request_whose_body_is_declined_is_never_mentioned() {
    check_given_up(|core, now| core.decline_body(id(1), now).unwrap());
}

#[test]
fn reserved_identifier_has_no_body_to_decline() {
    let mut peer = deferring();
    peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
    let result = peer.ask(|core, now| core.decline_body(id(1), now));
    assert_eq!(result, Err(CommandError::HeadersNotSent(id(1))));
    peer.expect_nothing();
}

#[test]
fn window_that_grows_is_not_announced_on_a_deferred_stream() {
    let mut peer = deferring();
    open(&mut peer);
    let larger = vec![Setting::InitialWindowSize(1 << 21)];
    peer.ask(move |core, now| core.update_settings(larger.clone(), now)).unwrap();
    peer.sent();
    peer.send(crate::frame::Settings::acknowledgement());
    peer.expect_nothing();
    assert_eq!(peer.ask(|core, now| core.release(id(1), 0, now)), Ok(()));
    peer.expect_nothing();
}

#[test]
fn priority_may_be_sent_before_a_stream_is_opened() {
    let mut peer = deferring();
    open(&mut peer);
    peer.ask(|core, _| core.update_priority(id(1), Priority::new(1, false))).unwrap();
    // RFC 9218, Section 7.1: PRIORITY_UPDATE travels on stream 0.
    assert_eq!(peer.sent().len(), 1);
}

#[test]
fn a_frame_that_breaks_a_rule_on_a_deferred_stream_ends_the_connection_alone() {
    let mut peer = deferring();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send_octets(&[0, 0, 4, 8, 0, 0, 0, 0, 1, 0, 0, 0, 0]);
    peer.expect_failure(ErrorCode::ProtocolError);
}
