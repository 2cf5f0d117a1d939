//! Server push by a server (RFC 9113, Section 8.4).

use std::time::Duration;

use super::super::{CommandError, Config, Event, Malformed, ResetBy, Role};
use super::{Peer, Sent, get, id, post, status, trailers};
use crate::frame::{ErrorCode, Setting, Settings};

/// Returns a server with a request on stream 1, whose client has announced these settings.
fn server(entries: Vec<Setting>) -> Peer {
    let mut peer = Peer::greeted(Role::Server, Config::default(), entries);
    peer.send_headers(1, &get(), true);
    peer.events();
    peer
}

fn reserve(peer: &mut Peer) -> u32 {
    peer.ask(|core, now| core.reserve_stream_id(now)).unwrap().get()
}

fn promise(peer: &mut Peer, parent: u32, promised: u32) -> Result<(), CommandError> {
    peer.ask(|core, now| core.promise(id(parent), id(promised), &get(), now))
}

fn respond(peer: &mut Peer, n: u32, end: bool) -> Result<(), CommandError> {
    peer.ask(|core, now| core.send_headers(id(n), &status(200), end, now))
}

fn promise_frame(parent: u32, promised: u32) -> Sent {
    Sent::Promise { parent: id(parent), promised: id(promised), fields: get() }
}

/// Checks that the application is told that its promise was not sent.
fn expect_unsent(peer: &mut Peer, promised: u32) {
    let stream_id = id(promised);
    let (code, by) = (ErrorCode::Cancel, ResetBy::Unsent);
    assert_eq!(
        peer.events(),
        [
            Event::Reset { stream_id, code, by, retry_safe: false, detail: None },
            Event::StreamClosed { stream_id, held_slot: false }
        ]
    );
}

#[test]
fn a_promise_is_sent_before_data_that_refers_to_it() {
    let mut peer = server(vec![]);
    let promised = reserve(&mut peer);
    promise(&mut peer, 1, promised).unwrap();
    respond(&mut peer, 1, false).unwrap();
    respond(&mut peer, promised, false).unwrap();
    peer.ask(|core, now| core.send_data(id(promised), "pushed".into(), true, now)).unwrap();
    let sent = peer.sent();
    assert_eq!(sent[0], promise_frame(1, 2));
    assert!(matches!(&sent[1], Sent::Headers { id, .. } if *id == 1));
    assert!(matches!(&sent[2], Sent::Headers { id, .. } if *id == 2));
    assert_eq!(sent.len(), 4);
    assert_eq!(peer.events(), [Event::StreamClosed { stream_id: id(2), held_slot: false }]);
}

#[test]
fn a_client_that_disables_push_gets_no_promises() {
    let mut peer = server(vec![Setting::EnablePush(false)]);
    let promised = reserve(&mut peer);
    assert_eq!(promise(&mut peer, 1, promised), Err(CommandError::PushDisabled));
    let mut client = Peer::of_client(Config::default());
    client.ask(|core, now| core.open(&get(), true, now)).unwrap();
    assert_eq!(promise(&mut client, 1, 2), Err(CommandError::PushDisabled));
}

#[test]
fn a_promise_needs_an_open_request_of_the_clients() {
    let mut peer = server(vec![]);
    let promised = reserve(&mut peer);
    assert_eq!(promise(&mut peer, 3, promised), Err(CommandError::UnknownStream(id(3))));
    promise(&mut peer, 1, promised).unwrap();
    let second = reserve(&mut peer);
    assert_eq!(
        promise(&mut peer, promised, second),
        Err(CommandError::UnknownStream(id(promised)))
    );
    respond(&mut peer, 1, true).unwrap();
    assert_eq!(promise(&mut peer, 1, second), Err(CommandError::StreamClosed(id(1))));
}

#[test]
fn a_promise_needs_a_reserved_identifier() {
    let mut peer = server(vec![]);
    for n in [2, 3, 0] {
        assert!(promise(&mut peer, 1, n).is_err());
    }
    let promised = reserve(&mut peer);
    promise(&mut peer, 1, promised).unwrap();
    assert!(promise(&mut peer, 1, promised).is_err());
    assert_eq!(peer.sent(), [promise_frame(1, 2)]);
}

#[test]
fn a_promised_request_must_be_safe() {
    let mut peer = server(vec![]);
    let promised = id(reserve(&mut peer));
    let answer = peer.ask(|core, now| core.promise(id(1), promised, &post(), now));
    assert_eq!(answer, Err(CommandError::Malformed(Malformed::UnsafePush)));
    promise(&mut peer, 1, 2).unwrap();
}

#[test]
fn the_response_waits_for_a_slot_and_takes_it_once() {
    let mut peer = server(vec![Setting::MaxConcurrentStreams(1)]);
    for _ in 0..3 {
        let promised = reserve(&mut peer);
        promise(&mut peer, 1, promised).unwrap();
    }
    assert_eq!(peer.sent().len(), 3);
    for n in [2, 4, 6] {
        respond(&mut peer, n, false).unwrap();
        peer.ask(|core, now| core.send_data(id(n), "x".into(), false, now)).unwrap();
    }
    peer.expect_headers(2, false);
    peer.expect_data(2, b"x", false);
    peer.expect_nothing();
    peer.ask(|core, now| core.send_data(id(2), "".into(), true, now)).unwrap();
    peer.expect_data(2, b"", true);
    peer.expect_headers(4, false);
    peer.expect_data(4, b"x", false);
    peer.expect_nothing();
    peer.send_reset(4, ErrorCode::Cancel);
    peer.expect_headers(6, false);
}

#[test]
fn a_higher_limit_releases_all_waiting_responses() {
    let mut peer = server(vec![Setting::MaxConcurrentStreams(0)]);
    for _ in 0..3 {
        let promised = reserve(&mut peer);
        promise(&mut peer, 1, promised).unwrap();
        respond(&mut peer, promised, true).unwrap();
    }
    assert_eq!(peer.sent().len(), 3);
    peer.send_reset(4, ErrorCode::Cancel);
    peer.expect_nothing();
    peer.send_settings(vec![Setting::MaxConcurrentStreams(1)]);
    peer.expect(Settings::acknowledgement());
    peer.expect_headers(2, true);
    peer.expect_headers(6, true);
}

#[test]
fn hundreds_of_waiting_responses_use_one_slot_in_turn() {
    let mut peer = server(vec![Setting::MaxConcurrentStreams(0)]);
    for _ in 0..300 {
        let promised = reserve(&mut peer);
        promise(&mut peer, 1, promised).unwrap();
        respond(&mut peer, promised, true).unwrap();
    }
    peer.sent();
    peer.send_settings(vec![Setting::MaxConcurrentStreams(1)]);
    assert_eq!(peer.sent().len(), 301);
}

#[test]
fn a_goaway_ends_a_waiting_response_once_and_unsent() {
    let mut peer = server(vec![Setting::MaxConcurrentStreams(1)]);
    for _ in 0..2 {
        let promised = reserve(&mut peer);
        promise(&mut peer, 1, promised).unwrap();
    }
    respond(&mut peer, 2, false).unwrap();
    respond(&mut peer, 4, true).unwrap();
    assert_eq!(peer.sent().len(), 3);
    peer.events();
    // The end of stream 2 releases its slot to stream 4, which is lost as well.
    peer.send_goaway(0, ErrorCode::NoError);
    peer.expect_nothing();
    let of_four = peer.events().into_iter().filter(|event| match event {
        Event::Reset { stream_id, .. } | Event::StreamClosed { stream_id, .. } => *stream_id == 4,
        _ => false,
    });
    assert_eq!(of_four.count(), 2);
}

#[test]
fn a_promise_is_deferred_behind_a_lower_reserved_identifier() {
    let mut peer = server(vec![]);
    let (lower, higher) = (reserve(&mut peer), reserve(&mut peer));
    promise(&mut peer, 1, higher).unwrap();
    // The responses to the request and to the promise wait with it.
    respond(&mut peer, higher, true).unwrap();
    respond(&mut peer, 1, true).unwrap();
    peer.expect_nothing();
    promise(&mut peer, 1, lower).unwrap_err();
    peer.ask(|core, now| core.reset(id(lower), ErrorCode::Cancel, now)).unwrap();
    let sent = peer.sent();
    assert_eq!(sent[0], promise_frame(1, higher));
    assert!(matches!(&sent[1], Sent::Headers { id, .. } if *id == higher));
    assert!(matches!(&sent[2], Sent::Headers { id, .. } if *id == 1));
    assert_eq!(sent.len(), 3);
}

#[test]
fn a_deferred_promise_is_sent_when_the_lower_identifier_is_given_up() {
    let mut peer = server(vec![]);
    let (lower, higher) = (reserve(&mut peer), reserve(&mut peer));
    respond(&mut peer, 1, false).unwrap();
    peer.sent();
    promise(&mut peer, 1, higher).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "<img>".into(), false, now)).unwrap();
    peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now)).unwrap();
    peer.expect_nothing();
    peer.pass(Duration::from_millis(50));
    let sent = peer.sent();
    assert_eq!(sent[0], promise_frame(1, higher));
    assert_eq!(sent.len(), 3);
    assert_eq!(promise(&mut peer, 1, lower), Err(CommandError::StreamClosed(id(1))));
}

#[test]
fn a_deferred_promise_is_dropped_with_its_request() {
    let mut peer = server(vec![]);
    let (lower, higher) = (reserve(&mut peer), reserve(&mut peer));
    promise(&mut peer, 1, higher).unwrap();
    peer.send_reset(1, ErrorCode::Cancel);
    peer.events();
    peer.ask(|core, now| core.reset(id(lower), ErrorCode::Cancel, now)).unwrap();
    peer.expect_nothing();
    expect_unsent(&mut peer, higher);
}

#[test]
fn a_deferred_promise_is_dropped_when_the_client_disables_push() {
    let mut peer = server(vec![]);
    let (_, higher) = (reserve(&mut peer), reserve(&mut peer));
    promise(&mut peer, 1, higher).unwrap();
    peer.send_settings(vec![Setting::EnablePush(false)]);
    peer.expect(Settings::acknowledgement());
    peer.events();
    peer.pass(Duration::from_millis(50));
    peer.expect_nothing();
    expect_unsent(&mut peer, higher);
}

#[test]
fn a_deferred_promise_can_be_cancelled() {
    let mut peer = server(vec![]);
    let (_, higher) = (reserve(&mut peer), reserve(&mut peer));
    promise(&mut peer, 1, higher).unwrap();
    respond(&mut peer, 1, true).unwrap();
    peer.expect_nothing();
    peer.ask(|core, now| core.reset(id(higher), ErrorCode::Cancel, now)).unwrap();
    peer.expect_headers(1, true);
    peer.expect_nothing();
}

#[test]
fn a_client_that_resets_pushed_streams_leaves_nothing_behind() {
    let mut peer = server(vec![Setting::MaxConcurrentStreams(0)]);
    for _ in 0..100 {
        let promised = reserve(&mut peer);
        promise(&mut peer, 1, promised).unwrap();
        respond(&mut peer, promised, false).unwrap();
        peer.ask(|core, now| core.send_data(id(promised), "x".into(), true, now)).unwrap();
        peer.send_reset(promised, ErrorCode::Cancel);
        peer.sent();
    }
    assert!(!peer.core().opener.has_slot_waiters());
    assert_eq!(peer.core().stats().send_buffered, 0);
    assert_eq!(peer.core().stats().streams_open, 1);
}

#[test]
fn an_interim_response_on_a_promised_stream_must_follow_the_final_one() {
    let mut peer = server(vec![]);
    let promised = reserve(&mut peer);
    promise(&mut peer, 1, promised).unwrap();
    let answer = peer.ask(|core, now| core.send_headers(id(promised), &status(103), false, now));
    assert_eq!(answer, Err(CommandError::HeadersNotSent(id(promised))));
}
