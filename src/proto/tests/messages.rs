//! Valid messages and the resulting events (RFC 9113, Section 8.1).

use super::super::{Config, Event, HeadersKind};
use super::{Peer, get, id, post, status, trailers};
use crate::frame::ErrorCode;
use crate::headers;
use crate::hpack::Headers;

fn server() -> Peer {
    Peer::of_server(Config::default())
}

/// Returns a client that has sent this request on stream 1.
fn client(request: &Headers) -> Peer {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(request, true, now)).unwrap();
    peer.sent();
    peer
}

fn head() -> Headers {
    headers!(
        ":method" => "HEAD", ":scheme" => "https", ":authority" => "a.example", ":path" => "/",
    )
}

fn event(headers: &Headers, kind: HeadersKind, end_stream: bool) -> Event {
    Event::Headers { stream_id: id(1), headers: headers.clone(), kind, end_stream }
}

fn data(text: &'static str, end_stream: bool) -> Event {
    Event::Data { stream_id: id(1), data: text.into(), end_stream }
}

const CLOSED: fn() -> Event = || Event::StreamClosed { stream_id: id(1), held_slot: false };

#[test]
fn a_request_with_body_and_trailers_is_reported_in_order() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    peer.send_data(1, b"body", false);
    peer.send_headers(1, &trailers(), true);
    assert_eq!(
        peer.events(),
        [
            event(&post(), HeadersKind::Request, false),
            data("body", false),
            event(&trailers(), HeadersKind::Trailers, true),
        ]
    );
}

#[test]
fn a_response_with_body_and_trailers_is_sent_in_order() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.events();
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "body".into(), false, now)).unwrap();
    peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now)).unwrap();
    assert_eq!(peer.expect_headers(1, false), status(200));
    peer.expect_data(1, b"body", false);
    assert_eq!(peer.expect_headers(1, true), trailers());
    assert_eq!(peer.events(), [CLOSED()]);
}

#[test]
fn a_response_is_reported_after_its_interim_responses() {
    let mut peer = client(&get());
    peer.send_headers(1, &status(100), false);
    peer.send_headers(1, &status(103), false);
    peer.send_headers(1, &status(200), false);
    peer.send_data(1, b"body", false);
    peer.send_headers(1, &trailers(), true);
    assert_eq!(
        peer.events(),
        [
            event(&status(100), HeadersKind::Informational, false),
            event(&status(103), HeadersKind::Informational, false),
            event(&status(200), HeadersKind::Response, false),
            data("body", false),
            event(&trailers(), HeadersKind::Trailers, true),
            CLOSED(),
        ]
    );
}

#[test]
fn interim_responses_are_sent_before_the_final_one() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    for code in [100, 103, 200] {
        peer.ask(|core, now| core.send_headers(id(1), &status(code), false, now)).unwrap();
        assert_eq!(peer.expect_headers(1, false), status(code));
    }
}

#[test]
fn too_many_interim_responses_reset_the_stream() {
    let mut peer = client(&get());
    for _ in 0..16 {
        peer.send_headers(1, &status(103), false);
    }
    peer.expect_nothing();
    peer.send_headers(1, &status(103), false);
    peer.expect_reset(1, ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_response_can_end_before_the_request_does() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
    peer.expect_headers(1, true);
    peer.events();
    peer.send_data(1, b"more", true);
    assert_eq!(peer.events(), [data("more", true), CLOSED()]);
}

#[test]
fn responses_without_a_body_may_state_its_length() {
    let length = |code: u16| status(code).with("content-length", "5");
    for (request, answer) in [(head(), length(200)), (get(), length(304)), (get(), status(204))] {
        let mut peer = client(&request);
        peer.send_headers(1, &answer, true);
        peer.expect_nothing();
        let mut peer = server();
        peer.send_headers(1, &request, true);
        peer.ask(|core, now| core.send_headers(id(1), &answer, true, now)).unwrap();
        peer.expect_headers(1, true);
    }
}

#[test]
fn responses_without_a_body_may_end_with_an_empty_frame() {
    for (request, answer) in [(head(), status(200)), (get(), status(304)), (get(), status(204))] {
        let mut peer = client(&request);
        peer.send_headers(1, &answer, false);
        peer.send_data(1, b"", true);
        peer.expect_nothing();
        let mut peer = server();
        peer.send_headers(1, &request, true);
        peer.ask(|core, now| core.send_headers(id(1), &answer, false, now)).unwrap();
        peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
        peer.expect_headers(1, false);
        peer.expect_data(1, b"", true);
    }
}

#[test]
fn a_body_matches_its_content_length() {
    let request = post().with("content-length", "5");
    let mut peer = server();
    peer.send_headers(1, &request, false);
    peer.send_data(1, b"he", false);
    peer.send_data(1, b"llo", false);
    peer.send_data(1, b"", true);
    peer.send_headers(3, &request, false);
    peer.send_data(3, b"hello", false);
    peer.send_headers(3, &trailers(), true);
    peer.send_headers(5, &post().with("content-length", "0"), true);
    peer.expect_nothing();
}

#[test]
fn a_request_may_repeat_consistent_fields() {
    let mut peer = server();
    let request = post()
        .with("host", "A.example")
        .with("content-length", "0")
        .with("content-length", "0")
        .with("te", "trailers")
        .with("cookie", "a=1")
        .with("cookie", "b=2");
    peer.send_headers(1, &request, true);
    peer.expect_nothing();
}

#[test]
fn valid_forms_of_requests() {
    for request in [
        headers!(":method" => "GET", ":scheme" => "http", ":path" => "/"),
        headers!(":method" => "GET", ":scheme" => "http", ":path" => "/", "host" => "a"),
        headers!(":path" => "/", ":scheme" => "http", ":method" => "PURGE", ":authority" => "[::1]:8"),
        headers!(":method" => "OPTIONS", ":scheme" => "https", ":path" => "*"),
        headers!(":method" => "GET", ":scheme" => "urn", ":path" => "isbn:1", ":authority" => ""),
        headers!(":method" => "GET", ":scheme" => "http", ":path" => "/\u{e9}?q={1}|[2]"),
        get()
            .with("x", "")
            .with("y", "a b\tc")
            .with("z", [0x80, 0xff])
            .with("a!#$%&'*+-.^_`|~9", ""),
        get().with("priority", "u=1, i"),
    ] {
        let mut peer = server();
        peer.send_headers(1, &request, true);
        peer.expect_nothing();
        let mut peer = Peer::of_client(Config::default());
        assert_eq!(peer.ask(|core, now| core.open(&request, true, now)), Ok(id(1)), "{request:?}");
    }
}

#[test]
fn the_mark_of_a_sensitive_field_survives() {
    let mut request = get();
    request.push_sensitive("x-secret", "s");
    let mut peer = server();
    peer.send_headers(1, &request, true);
    assert_eq!(peer.events(), [event(&request, HeadersKind::Request, true)]);
}

#[test]
fn a_host_equivalent_to_the_authority_is_accepted() {
    let request = |scheme: &str, authority: &str| {
        headers!(
            ":method" => "GET", ":scheme" => scheme, ":authority" => authority, ":path" => "/",
        )
    };
    for (scheme, authority, host) in [
        ("https", "a.example", "a.example:443"),
        ("https", "a.example:443", "A.example"),
        ("https", "a.example:", "a.example"),
        ("http", "a.example", "a.example:80"),
        ("HTTP", "a.example:80", "a.example"),
        ("https", "[::1]:443", "[0::1]"),
        ("https", "%61.example", "a.example"),
        ("coap", "me@a.example:1", "a.example:1"),
    ] {
        let request = request(scheme, authority).with("host", host);
        let mut peer = server();
        peer.send_headers(1, &request, true);
        assert_eq!(peer.events(), [event(&request, HeadersKind::Request, true)]);
        let mut peer = Peer::of_client(Config::default());
        peer.ask(|core, now| core.open(&request, true, now)).unwrap();
        assert_eq!(peer.expect_headers(1, true), request);
    }
}

#[test]
fn the_error_of_a_response_of_the_wrong_length_says_which_octets() {
    let answer = status(200).with("content-length", "3");
    for (body, told) in [
        ("content", "DATA of 7 octets where content-length leaves 3"),
        ("a", "the message ends 2 octets before its content-length"),
    ] {
        let mut peer = client(&get());
        peer.send_headers(1, &answer, false);
        peer.events();
        peer.send_data(1, body.as_bytes(), true);
        peer.expect_reset(1, ErrorCode::ProtocolError);
        let events = peer.events();
        let Event::Reset { detail, .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(detail.as_deref(), Some(told));
    }
}
