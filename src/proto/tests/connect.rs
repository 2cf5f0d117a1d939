//! CONNECT (RFC 9113, Section 8.5) and extended CONNECT (RFC 8441).

use super::super::{CommandError, Config, Event, Malformed, Role};
use super::{Peer, id, status, trailers};
use crate::frame::{ErrorCode, Setting};
use crate::headers;
use crate::hpack::Headers;

fn connect(authority: &str) -> Headers {
    headers!(":method" => "CONNECT", ":authority" => authority)
}

fn extended() -> Headers {
    headers!(
        ":method" => "CONNECT", ":protocol" => "websocket", ":scheme" => "https",
        ":authority" => "a.example", ":path" => "/chat",
    )
}

fn without(request: &Headers, name: &str) -> Headers {
    let mut request = request.clone();
    request.remove(name);
    request
}

fn websocket_server() -> Peer {
    Peer::of_server(Config { enable_connect_protocol: true, ..Config::default() })
}

#[test]
fn a_tunnel_carries_octets_both_ways_until_each_side_ends_it() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &connect("a.example:443"), false);
    peer.events();
    // RFC 9110, Section 9.3.6: the length in a 2xx response is ignored.
    let answer = status(200).with("content-length", "1");
    peer.ask(|core, now| core.send_headers(id(1), &answer, false, now)).unwrap();
    peer.send_data(1, b"up", false);
    peer.ask(|core, now| core.send_data(id(1), "down".into(), false, now)).unwrap();
    peer.expect_headers(1, false);
    peer.expect_data(1, b"down", false);
    peer.send_data(1, b"", true);
    peer.ask(|core, now| core.send_data(id(1), "last".into(), true, now)).unwrap();
    peer.expect_data(1, b"last", true);
    let up = Event::Data { stream_id: id(1), data: "up".into(), end_stream: true };
    let end = Event::StreamClosed { stream_id: id(1), held_slot: false };
    assert_eq!(peer.events(), [up, end]);
}

#[test]
fn a_client_ignores_the_length_that_a_tunnel_claims() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&connect("a:1"), false, now)).unwrap();
    peer.sent();
    peer.send_headers(1, &status(200).with("content-length", "1"), false);
    peer.send_data(1, b"hello", true);
    peer.expect_nothing();
}

#[test]
fn the_answer_that_refuses_a_tunnel_is_an_ordinary_one() {
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&connect("a:1"), false, now)).unwrap();
    peer.sent();
    peer.send_headers(1, &status(502).with("content-length", "1"), false);
    peer.send_data(1, b"hello", true);
    peer.expect_reset(1, ErrorCode::ProtocolError);
}

#[test]
fn a_tunnel_has_no_trailers() {
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &connect("a:1"), false);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    let answer = peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now));
    assert_eq!(answer, Err(CommandError::TrailersInTunnel(id(1))));
    peer.expect_headers(1, false);
    peer.send_headers(1, &trailers(), true);
    peer.expect_reset(1, ErrorCode::ProtocolError);
}

#[test]
fn connect_has_an_authority_with_a_port_and_nothing_else() {
    let unexpected = |name: &str| Malformed::UnexpectedPseudo(name.into());
    let invalid = || Malformed::InvalidPseudo(":authority");
    for (request, why) in [
        (without(&connect("a:1"), ":authority"), Malformed::MissingPseudo(":authority")),
        (connect("a"), invalid()),
        (connect("a:"), invalid()),
        (connect(":1"), invalid()),
        (connect("a:x"), invalid()),
        (connect("me@a:1"), invalid()),
        (connect("a:1").with(":scheme", "https"), unexpected(":scheme")),
        (connect("a:1").with(":path", "/"), unexpected(":path")),
    ] {
        let mut peer = Peer::of_client(Config::default());
        let answer = peer.ask(|core, now| core.open(&request, false, now));
        assert_eq!(answer, Err(CommandError::Malformed(why)), "{request:?}");
        let mut peer = Peer::of_server(Config::default());
        peer.send_headers(1, &request, false);
        peer.expect_reset(1, ErrorCode::ProtocolError);
    }
    let mut peer = Peer::of_server(Config::default());
    peer.send_headers(1, &connect("[::1]:443"), false);
    peer.expect_nothing();
}

#[test]
fn extended_connect_is_taken_by_a_server_that_offers_it() {
    let mut peer = websocket_server();
    peer.send_headers(1, &extended(), false);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), false, now)).unwrap();
    peer.expect_headers(1, false);
    peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
    peer.expect_data(1, b"", true);
}

#[test]
fn extended_connect_has_all_pseudo_header_fields() {
    for name in [":scheme", ":authority", ":path"] {
        let mut peer = websocket_server();
        peer.send_headers(1, &without(&extended(), name), false);
        peer.expect_reset(1, ErrorCode::ProtocolError);
    }
    for (name, value) in [(":protocol", ""), (":protocol", "web socket"), (":method", "GET")] {
        let changed: Headers = extended()
            .iter()
            .map(|field| {
                let value =
                    if field.name == name.as_bytes() { value.as_bytes() } else { field.value };
                (field.name.to_vec(), value.to_vec())
            })
            .collect();
        let mut peer = websocket_server();
        peer.send_headers(1, &changed, false);
        peer.expect_reset(1, ErrorCode::ProtocolError);
    }
}

#[test]
fn a_client_waits_for_the_server_to_offer_extended_connect() {
    let mut peer = Peer::of_client(Config::default());
    let unexpected = CommandError::Malformed(Malformed::UnexpectedPseudo(":protocol".into()));
    assert_eq!(peer.ask(|core, now| core.open(&extended(), false, now)), Err(unexpected));
    peer.send_settings(vec![Setting::EnableConnectProtocol(true)]);
    assert_eq!(peer.ask(|core, now| core.open(&extended(), false, now)), Ok(id(1)));
    assert_eq!(peer.core().role(), Role::Client);
}
