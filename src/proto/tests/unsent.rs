//! Requests of which no octet had been returned for writing when the connection ended.

use bytes::Bytes;

use super::super::{Config, Role};
use super::{Peer, get, id};
use crate::frame::{ErrorCode, Goaway, Setting, StreamId};

fn ask(peer: &mut Peer) -> StreamId {
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap()
}

#[test]
fn request_that_was_not_handed_out_is_unsent_and_not_sent_after_the_end() {
    let mut peer = Peer::of_client(Config::default());
    let first = ask(&mut peer);
    peer.sent();
    let second = ask(&mut peer);
    assert!(!peer.core().is_unsent(first) && peer.core().is_unsent(second));
    peer.ask(|core, _| core.close(ErrorCode::NoError, Bytes::new()));
    assert!(!peer.core().is_unsent(first) && peer.core().is_unsent(second));
    // Only GOAWAY.
    let (last_stream_id, error_code) = (StreamId::CONNECTION, ErrorCode::NoError);
    peer.expect(Goaway { last_stream_id, error_code, debug_data: Bytes::new() });
    peer.expect_nothing();
}

#[test]
fn request_that_was_handed_out_is_sent_though_the_connection_ends() {
    let mut peer = Peer::of_client(Config::default());
    let first = ask(&mut peer);
    peer.read_some(1);
    peer.ask(|core, _| core.close(ErrorCode::NoError, Bytes::new()));
    assert!(!peer.core().is_unsent(first));
    peer.expect_headers(1, true);
}

#[test]
fn deferred_request_is_unsent() {
    let entries = vec![Setting::MaxConcurrentStreams(1)];
    let mut peer = Peer::greeted(Role::Client, Config::default(), entries);
    let (first, second) = (ask(&mut peer), ask(&mut peer));
    peer.sent();
    peer.ask(|core, _| core.end_of_input());
    assert!(!peer.core().is_unsent(first) && peer.core().is_unsent(second));
}

#[test]
fn preface_is_sent_before_the_goaway_of_a_connection_that_has_sent_nothing() {
    let mut peer = Peer::before_handshake(Role::Client, Config::default());
    let request = ask(&mut peer);
    peer.ask(|core, _| core.close(ErrorCode::NoError, Bytes::new()));
    assert!(peer.core().is_unsent(request));
    let kinds: Vec<_> = peer.sent().iter().map(|frame| format!("{frame:?}")).collect();
    assert!(kinds.iter().any(|frame| frame.contains("Settings")), "{kinds:?}");
    assert!(!kinds.iter().any(|frame| frame.contains("Headers")), "{kinds:?}");
}

#[test]
fn streams_of_the_peer_and_of_a_server_are_never_unsent() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    assert!(!peer.core().is_unsent(id(1)) && !peer.core().is_unsent(id(2)));
    let client = Peer::of_client(Config::default());
    assert!(!client.core().is_unsent(id(2)));
}
