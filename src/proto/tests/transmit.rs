//! The order of output, which does not depend on how it is requested.

use super::super::{Config, Event, Role};
use super::{Pair, Peer, Sent, Side, get, id, post, status};
use crate::frame::{Kind, Setting};

#[test]
fn headers_and_the_first_data_are_sent_together() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "hello".into(), true, now)).unwrap();
    assert_eq!(peer.sent().len(), 2);
}

#[test]
fn output_released_by_the_end_of_a_stream_is_sent_at_once_and_in_order() {
    // Each DATA that ends a stream opens the next request, whose DATA ends it, and so on.
    let entries = vec![Setting::MaxConcurrentStreams(1)];
    let mut peer = Peer::greeted(Role::Client, Config::default(), entries);
    for _ in 0..3 {
        let stream = peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
        peer.ask(|core, now| core.send_data(stream, "x".into(), true, now)).unwrap();
    }
    peer.expect_headers(1, false);
    peer.expect_data(1, b"x", true);
    peer.expect_nothing();
    for n in [1, 3] {
        // The response was complete before the request, so its DATA ends the stream.
        peer.send_headers(n, &status(200), true);
        peer.expect_headers(n + 2, false);
        peer.expect_data(n + 2, b"x", true);
    }
}

#[test]
fn output_in_pieces_is_the_same() {
    let mut results = Vec::new();
    for chunk in [1, 7, 100, 5_000, usize::MAX] {
        let mut pair = Pair::new(Config::default(), Config::default());
        pair.chunk = chunk;
        pair.pump();
        let now = pair.now;
        let stream = pair.client.open(&post(), false, now).unwrap();
        pair.client.send_data(stream, vec![7; 20_000].into(), true, now).unwrap();
        pair.pump();
        pair.server.send_headers(stream, &status(200), false, now).unwrap();
        pair.server.send_data(stream, vec![8; 20_000].into(), true, now).unwrap();
        pair.pump();
        let mut body = Vec::new();
        let mut ended = false;
        for side in [Side::Server, Side::Client] {
            for event in pair.events(side) {
                match event {
                    Event::Data { data, .. } => body.extend_from_slice(&data),
                    Event::StreamClosed { .. } => ended = true,
                    _ => {}
                }
            }
        }
        assert!(ended);
        results.push(body);
    }
    assert!(results.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn frames_and_octets_are_counted() {
    let mut pair = Pair::greeted(Config::default(), Config::default());
    let now = pair.now;
    let stream = pair.client.open(&post().with("x", "y".repeat(40_000)), false, now).unwrap();
    pair.client.send_data(stream, vec![7; 20_000].into(), true, now).unwrap();
    pair.pump();
    let (sent, received) = (pair.client.stats(), pair.server.stats());
    assert_eq!(sent.sent.total_octets(), received.received.total_octets());
    for kind in [Kind::HEADERS, Kind::CONTINUATION, Kind::DATA, Kind::SETTINGS] {
        assert_eq!(sent.sent.frames(kind), received.received.frames(kind), "{kind:?}");
        assert_eq!(sent.sent.octets(kind), received.received.octets(kind), "{kind:?}");
    }
    assert_eq!(sent.hpack_sent, received.hpack_received);
    assert!(sent.hpack_sent.ratio() < 1.0);
    assert_eq!((sent.streams_opened, received.streams_accepted), (1, 1));
    assert_eq!(sent.send_window, received.receive_window);
}

#[test]
fn a_section_without_fields_can_end_a_stream() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.ask(|core, now| core.send_headers(id(1), &crate::headers!(), true, now)).unwrap();
    peer.expect_headers(1, false);
    assert!(peer.expect_headers(1, true).is_empty());
    assert_eq!(peer.sent(), Vec::<Sent>::new());
}
