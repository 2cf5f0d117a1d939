//! Connections that start as HTTP/1.1 (RFC 7540, Sections 3.2 and 3.2.1): the client's side, and
//! two cores that talk to each other.

use super::super::{CommandError, Config, Event, HeadersKind, ResetBy, Role};
use super::upgrade::{client, greet, payload, start};
use super::{Pair, Side, get, id, post, status};
use crate::frame::{ErrorCode, Setting, Settings};
use crate::hpack::Headers;

fn head() -> Headers {
    crate::headers!(
        ":method" => "HEAD", ":scheme" => "http", ":authority" => "a.example", ":path" => "/",
    )
}

/// Returns two cores after the client's request has been answered with 101.
fn upgraded(request: &Headers, body: &'static str) -> Pair {
    let mut pair = Pair::new(Config::default(), Config::default());
    let settings = pair.client.upgrade_settings();
    pair.server.accept_upgrade(request, body.into(), &settings, pair.now).unwrap();
    pair.client.start_upgraded(request, pair.now).unwrap();
    pair.order.open(id(1));
    pair
}

#[test]
fn the_client_gets_its_response_on_stream_1_and_continues_with_3() {
    let mut peer = client();
    assert_eq!(start(&mut peer, &get()), Ok(1));
    let next = peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    assert_eq!(next, id(3));
    greet(&mut peer, Role::Server);
    peer.sent();
    peer.events();
    peer.send_headers(1, &status(200), false);
    peer.send_data(1, b"hello", true);
    let events = peer.events();
    let kind = HeadersKind::Response;
    let headers = status(200);
    let response = Event::Headers { stream_id: id(1), headers, kind, end_stream: false };
    let data = Event::Data { stream_id: id(1), data: "hello".into(), end_stream: true };
    let closed = Event::StreamClosed { stream_id: id(1), held_slot: false };
    assert_eq!(events, [response, data, closed]);
    peer.expect_alive();
}

#[test]
fn the_client_cannot_send_more_on_stream_1() {
    let mut peer = client();
    start(&mut peer, &post()).unwrap();
    let more = peer.ask(|core, now| core.send_data(id(1), "more".into(), true, now));
    assert_eq!(more, Err(CommandError::SendClosed(id(1))));
    let again = peer.ask(|core, now| core.send_headers(id(1), &get(), true, now));
    assert_eq!(again, Err(CommandError::SendClosed(id(1))));
}

#[test]
fn the_response_to_head_has_no_body() {
    let mut peer = client();
    start(&mut peer, &head()).unwrap();
    greet(&mut peer, Role::Server);
    peer.sent();
    peer.send_headers(1, &status(200).with("content-length", "5"), false);
    peer.send_data(1, b"hello", true);
    peer.expect_reset(1, ErrorCode::ProtocolError);

    let mut peer = client();
    start(&mut peer, &head()).unwrap();
    greet(&mut peer, Role::Server);
    peer.send_headers(1, &status(200).with("content-length", "5"), true);
    peer.expect_alive();
}

#[test]
fn the_clients_window_for_stream_1_is_the_announced_one_from_the_start() {
    let mut peer = client();
    start(&mut peer, &get()).unwrap();
    peer.send_settings(Vec::new());
    peer.send_headers(1, &status(200), false);
    let piece = [0; 16_384];
    for _ in 0..10 {
        // The connection's window is opened by this output.
        peer.sent();
        peer.send_data(1, &piece, false);
    }
    // The acknowledgment of the settings in the preface arrives now, and changes nothing.
    peer.send(Settings::acknowledgement());
    peer.expect_alive();
    assert_eq!(peer.ask(|core, now| core.release(id(1), 10 * piece.len(), now)), Ok(()));
}

#[test]
fn the_client_may_reset_stream_1() {
    let mut peer = client();
    start(&mut peer, &get()).unwrap();
    greet(&mut peer, Role::Server);
    peer.sent();
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    peer.expect_reset(1, ErrorCode::Cancel);
    peer.send_headers(1, &status(200), true);
    peer.expect_alive();
}

#[test]
fn a_goaway_below_stream_1_makes_it_safe_to_retry() {
    let mut peer = client();
    start(&mut peer, &get()).unwrap();
    greet(&mut peer, Role::Server);
    peer.events();
    peer.send_goaway(0, ErrorCode::NoError);
    let events = peer.events();
    assert!(
        matches!(events[0], Event::Reset { by: ResetBy::Goaway, retry_safe: true, .. }),
        "{events:?}"
    );
}

#[test]
fn stream_1_takes_one_of_the_servers_slots() {
    let mut peer = client();
    start(&mut peer, &get()).unwrap();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send_settings(vec![Setting::MaxConcurrentStreams(1)]);
    peer.sent();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.expect_nothing();
    peer.send_headers(3, &status(200), true);
    peer.expect_nothing();
    peer.send_headers(1, &status(200), true);
    peer.expect_headers(5, true);
}

#[test]
fn two_cores_continue_after_the_upgrade() {
    for chunk in [1, usize::MAX] {
        let mut pair = upgraded(&post(), "body");
        pair.chunk = chunk;
        pair.server.send_headers(id(1), &status(200), false, pair.now).unwrap();
        pair.server.send_data(id(1), vec![b'x'; 100_000].into(), true, pair.now).unwrap();
        pair.client.open(&get(), true, pair.now).unwrap();
        pair.pump();
        let octets: usize = pair
            .events(Side::Client)
            .iter()
            .map(|event| match event {
                Event::Data { stream_id, data, .. } if *stream_id == id(1) => data.len(),
                _ => 0,
            })
            .sum();
        assert_eq!(octets, 100_000);
        let is_request = |event: &&Event| matches!(event, Event::Headers { .. });
        assert_eq!(pair.events(Side::Server).iter().filter(is_request).count(), 2);
    }
}

#[test]
fn the_request_and_the_preface_announce_the_same_settings() {
    let config = Config { enable_push: true, max_frame_size: 20_000, ..Config::default() };
    let mut pair = Pair::new(config.clone(), Config::default());
    pair.pump();
    let events = pair.events(Side::Server);
    let Some(Event::SettingsChanged { settings }) = events.first() else { panic!("{events:?}") };
    assert_eq!(config.upgrade_settings(), payload(settings.clone()));
    assert_eq!(pair.client.upgrade_settings(), config.upgrade_settings());
}
