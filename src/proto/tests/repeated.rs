//! Field sections that come again: their checks are those of the first time.

use super::super::{Config, Event};
use super::{Peer, get, id, status};
use crate::frame::ErrorCode;
use crate::headers;

/// A server that has answered a few equal requests with equal responses, on streams up to 9.
fn server() -> Peer {
    let mut peer = Peer::of_server(Config::default());
    for stream in [1, 3, 5, 7, 9] {
        peer.send_headers(stream, &get(), true);
        peer.ask(|core, now| core.send_headers(id(stream), &status(200), true, now)).unwrap();
    }
    peer.events();
    peer.sent();
    peer
}

#[test]
fn repeated_requests_are_reported_and_answered() {
    let mut peer = server();
    peer.send_headers(11, &get(), true);
    let events = peer.events();
    assert!(matches!(&events[..], [Event::Headers { headers, .. }] if *headers == get()));
    peer.ask(|core, now| core.send_headers(id(11), &status(200), true, now)).unwrap();
}

#[test]
fn repeated_response_is_no_valid_trailer_section() {
    let mut peer = server();
    peer.send_headers(11, &get(), true);
    peer.ask(|core, now| core.send_headers(id(11), &status(200), false, now)).unwrap();
    peer.ask(|core, now| core.send_headers(id(11), &status(200), true, now)).unwrap_err();
}

#[test]
fn repeated_trailer_section_is_no_valid_response() {
    let mut peer = Peer::of_server(Config::default());
    let trailers = headers!("grpc-status" => "0");
    for stream in [1, 3, 5, 7, 9] {
        peer.send_headers(stream, &get(), true);
        peer.ask(|core, now| core.send_headers(id(stream), &status(200), false, now)).unwrap();
        peer.ask(|core, now| core.send_headers(id(stream), &trailers, true, now)).unwrap();
    }
    peer.send_headers(11, &get(), true);
    peer.ask(|core, now| core.send_headers(id(11), &trailers, false, now)).unwrap_err();
}

#[test]
fn repeated_interim_response_cannot_end_a_stream() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &get(), true);
    for _ in 0..5 {
        peer.ask(|core, now| core.send_headers(id(1), &status(103), false, now)).unwrap();
    }
    peer.ask(|core, now| core.send_headers(id(1), &status(103), true, now)).unwrap_err();
}

#[test]
fn malformed_request_is_refused_each_time() {
    let mut peer = server();
    let malformed = headers!(":method" => "GET", ":scheme" => "https", ":path" => "no slash");
    for stream in [11, 13, 15, 17, 19] {
        peer.send_headers(stream, &malformed, true);
        let sent = format!("{:?}", peer.sent());
        assert!(sent.contains(&format!("{:?}", ErrorCode::ProtocolError)), "{sent}");
        assert_eq!(peer.events(), []);
    }
}
