//! Frames that cross the end of their stream: a legitimate race, ignored for a small charge.

use super::super::{Budget, Config, Event};
use super::{Pair, Peer, Side, get, id, post, status, trailers};
use crate::frame::{ErrorCode, RstStream, WindowUpdate};

/// Returns a client that remembers four streams, has cancelled stream 1, and has completed ten
/// others since.
fn client_that_forgot() -> Peer {
    let mut peer = Peer::of_client(Config { remembered_streams: 4, ..Config::default() });
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    for n in 1..=10 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.send_headers(2 * n + 1, &status(204), true);
    }
    peer.sent();
    peer.events();
    peer
}

#[test]
fn response_of_a_forgotten_stream_is_ignored() {
    let mut peer = client_that_forgot();
    peer.send_headers(1, &status(200), false);
    peer.send_data(1, b"late", false);
    peer.send(WindowUpdate { stream_id: id(1), increment: 1 });
    peer.send_headers(1, &trailers(), true);
    peer.send(RstStream { stream_id: id(1), error_code: ErrorCode::NoError });
    peer.expect_nothing();
    assert_eq!(peer.events(), []);
    peer.expect_alive();
}

#[test]
fn octets_of_forgotten_streams_are_credited_to_the_connection() {
    let config =
        Config { remembered_streams: 1, connection_window_size: 65_535, ..Config::default() };
    let mut peer = Peer::of_client(config);
    for n in 0..3 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.ask(move |core, now| core.reset(id(2 * n + 1), ErrorCode::Cancel, now)).unwrap();
    }
    peer.sent();
    for _ in 0..100 {
        peer.send_data(1, &[0; 16_384], false);
        peer.sent();
    }
    peer.expect_alive();
}

#[test]
fn trailers_that_cross_a_reset_and_a_thousand_streams_are_ignored() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &post(), false);
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    for n in 1..=1_100 {
        let n = 2 * n + 1;
        peer.send_headers(n, &get(), true);
        peer.ask(move |core, now| core.send_headers(id(n), &status(204), true, now)).unwrap();
    }
    peer.sent();
    peer.send_headers(1, &trailers(), true);
    peer.expect_nothing();
    peer.expect_alive();
}

#[test]
fn promise_on_a_forgotten_stream_is_refused() {
    let config = Config { remembered_streams: 1, enable_push: true, ..Config::default() };
    let mut peer = Peer::of_client(config);
    for n in 0..3 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.ask(move |core, now| core.reset(id(2 * n + 1), ErrorCode::Cancel, now)).unwrap();
    }
    peer.sent();
    peer.send_promise(1, 2, &get());
    peer.expect_reset(2, ErrorCode::Cancel);
    peer.expect_alive();
}

#[test]
fn frames_for_forgotten_streams_without_end_are_not_ignored() {
    let config =
        Config { remembered_streams: 1, glitches: Budget::new(10, 1), ..Config::default() };
    let mut peer = Peer::of_client(config);
    for n in 0..3 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.ask(move |core, now| core.reset(id(2 * n + 1), ErrorCode::Cancel, now)).unwrap();
    }
    peer.sent();
    for _ in 0..40 {
        peer.send_headers(1, &trailers(), true);
        assert_eq!(peer.result, Ok(()));
    }
    peer.send_headers(1, &trailers(), true);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn client_that_cancels_two_thousand_requests_at_once_keeps_its_connection() {
    let server = Config { max_concurrent_streams: 3_000, ..Config::default() };
    let mut pair = Pair::greeted(Config::default(), server);
    let now = pair.now;
    let ids: Vec<_> = (0..2_000).map(|_| pair.client.open(&get(), true, now).unwrap()).collect();
    pair.pump();
    pair.events(Side::Server);
    for &id in &ids {
        pair.server.send_headers(id, &status(200), false, now).unwrap();
        pair.server.send_data(id, vec![0; 1_000].into(), false, now).unwrap();
        pair.client.reset(id, ErrorCode::Cancel, now).unwrap();
    }
    // All responses are in flight before the resets arrive.
    pair.carry(Side::Server);
    for &id in &ids {
        pair.server.send_data(id, "more".into(), false, now).unwrap();
        pair.server.send_headers(id, &trailers(), true, now).unwrap();
    }
    pair.carry(Side::Server);
    pair.pump();
    let id = pair.client.open(&get(), true, now).unwrap();
    pair.pump();
    pair.server.send_headers(id, &status(200), true, now).unwrap();
    pair.pump();
    let answered =
        |event: &Event| matches!(event, Event::Headers { stream_id, .. } if *stream_id == id);
    assert!(pair.events(Side::Client).iter().any(answered));
}

#[test]
fn headers_on_a_skipped_identifier_end_the_connection() {
    // On a client: the server promised 4 and thereby skipped 2.
    let mut peer = Peer::of_client(Config { enable_push: true, ..Config::default() });
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer.send_promise(1, 4, &get());
    peer.send_headers(2, &status(200), true);
    peer.expect_failure(ErrorCode::ProtocolError);

    // On a server, also after DATA on it.
    for is_first in [true, false] {
        let mut peer = Peer::of_server(Config::default());
        peer.send_headers(5, &get(), true);
        if !is_first {
            peer.send_data(3, b"x", false);
            peer.expect_reset(3, ErrorCode::StreamClosed);
        }
        peer.send_headers(3, &get(), true);
        peer.expect_failure(ErrorCode::ProtocolError);
    }
}

#[test]
fn response_promised_beyond_our_goaway_is_ignored() {
    let mut peer = Peer::of_client(Config { enable_push: true, ..Config::default() });
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.ask(|core, _| core.goaway(ErrorCode::NoError, "bye".into())).unwrap();
    peer.sent();
    peer.send_promise(1, 2, &get());
    peer.send_headers(2, &status(200), false);
    peer.send_data(2, b"late", true);
    peer.expect_nothing();
    peer.expect_alive();
}
