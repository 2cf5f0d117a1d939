//! Content and its length: tunnels, and responses whose status forbids content. Each rule is tested
//! for sending and for receiving.

use super::super::{CommandError, Config, Event, HeadersKind};
use super::{Peer, get, id, status, trailers};
use crate::frame::{ErrorCode, Setting};
use crate::headers;
use crate::hpack::Headers;

fn connect() -> Headers {
    headers!(":method" => "CONNECT", ":authority" => "a:1")
}

fn extended() -> Headers {
    headers!(
        ":method" => "CONNECT", ":protocol" => "websocket", ":scheme" => "https",
        ":authority" => "a", ":path" => "/chat",
    )
}

/// Returns a server that has received this request on stream 1.
fn server(request: &Headers, end_stream: bool) -> Peer {
    let mut peer = Peer::of_server(Config { enable_connect_protocol: true, ..Config::default() });
    peer.send_headers(1, request, end_stream);
    peer.expect_nothing();
    peer.events();
    peer
}

/// Returns a client that has sent this request on stream 1.
fn client(request: &Headers, end_stream: bool) -> Peer {
    let mut peer = Peer::of_client(Config::default());
    peer.send_settings(vec![Setting::EnableConnectProtocol(true)]);
    peer.ask(|core, now| core.open(request, end_stream, now)).unwrap();
    peer.sent();
    peer.events();
    peer
}

/// Returns the field section that a client reports after it has received `answer`.
fn told(peer: &mut Peer) -> Headers {
    let headers = peer.events().into_iter().find_map(|event| match event {
        Event::Headers { headers, .. } => Some(headers),
        _ => None,
    });
    headers.expect("a field section")
}

const LENGTHS: [&str; 3] = ["0", "5", "18446744073709551615"];

#[test]
fn every_connect_is_a_tunnel_after_any_2xx() {
    for request in [connect(), extended()] {
        for code in [200, 201, 204, 205, 299] {
            for length in LENGTHS {
                let answer = status(code).with("content-length", length);

                let mut peer = server(&request.clone().with("content-length", length), false);
                peer.ask(|core, now| core.send_headers(id(1), &answer, false, now)).unwrap();
                assert_eq!(peer.expect_headers(1, false), status(code), "the length is left out");
                peer.ask(|core, now| core.send_data(id(1), "down".into(), false, now)).unwrap();
                peer.expect_data(1, b"down", false);
                peer.send_data(1, b"upwards", true);
                peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
                peer.expect_data(1, b"", true);

                let mut peer = client(&request.clone().with("content-length", length), false);
                peer.send_headers(1, &answer, false);
                assert_eq!(told(&mut peer), status(code), "the length is left out");
                peer.send_data(1, b"down", true);
                peer.ask(|core, now| core.send_data(id(1), "upwards".into(), true, now)).unwrap();
                peer.expect_data(1, b"upwards", true);
            }
        }
    }
}

#[test]
fn no_tunnel_has_trailers() {
    for request in [connect(), extended()] {
        for code in [200, 204] {
            let tunnel_trailers = Err(CommandError::TrailersInTunnel(id(1)));
            let mut peer = server(&request, false);
            peer.ask(|core, now| core.send_headers(id(1), &status(code), false, now)).unwrap();
            peer.expect_headers(1, false);
            let sent = peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now));
            assert_eq!(sent, tunnel_trailers);
            peer.send_headers(1, &trailers(), true);
            peer.expect_reset(1, ErrorCode::ProtocolError);

            let mut peer = client(&request, false);
            peer.send_headers(1, &status(code), false);
            let sent = peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now));
            assert_eq!(sent, tunnel_trailers);
            peer.send_headers(1, &trailers(), true);
            peer.expect_reset(1, ErrorCode::ProtocolError);
        }
    }
}

#[test]
fn a_refused_tunnel_has_an_ordinary_response() {
    for request in [connect(), extended()] {
        let answer = status(407).with("content-length", "5");
        let mut peer = server(&request, false);
        peer.ask(|core, now| core.send_headers(id(1), &answer, false, now)).unwrap();
        assert_eq!(peer.expect_headers(1, false), answer);
        let sent = peer.ask(|core, now| core.send_data(id(1), "too long".into(), false, now));
        assert_eq!(sent, Err(CommandError::ContentLength(id(1))));
        peer.ask(|core, now| core.send_data(id(1), "hello".into(), false, now)).unwrap();
        peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now)).unwrap();

        let mut peer = client(&request, false);
        peer.send_headers(1, &answer, false);
        assert_eq!(told(&mut peer), answer);
        peer.send_data(1, b"too long", true);
        peer.expect_reset(1, ErrorCode::ProtocolError);
    }
}

#[test]
fn a_length_that_a_status_forbids_is_left_out() {
    let ends = |code: u16| code >= 200;
    for (code, length) in [(100, "0"), (103, "5"), (204, "0"), (204, "5"), (205, "5")] {
        let answer = status(code).with("content-length", length).with("x", "y");
        let without = status(code).with("x", "y");

        let mut peer = server(&get(), true);
        peer.ask(|core, now| core.send_headers(id(1), &answer, ends(code), now)).unwrap();
        assert_eq!(peer.expect_headers(1, ends(code)), without);

        let mut peer = client(&get(), true);
        peer.send_headers(1, &answer, ends(code));
        peer.expect_nothing();
        assert_eq!(told(&mut peer), without);
    }
}

#[test]
fn a_valid_length_is_kept() {
    let head = headers!(
        ":method" => "HEAD", ":scheme" => "https", ":authority" => "a", ":path" => "/",
    );
    for (request, code, length) in
        [(get(), 205, "0"), (get(), 304, "5"), (head, 200, "5"), (get(), 200, "0")]
    {
        let answer = status(code).with("content-length", length);
        let mut peer = server(&request, true);
        peer.ask(|core, now| core.send_headers(id(1), &answer, true, now)).unwrap();
        assert_eq!(peer.expect_headers(1, true), answer);
        let mut peer = client(&request, true);
        peer.send_headers(1, &answer, true);
        peer.expect_nothing();
        let expected = Event::Headers {
            stream_id: id(1),
            headers: answer,
            kind: HeadersKind::Response,
            end_stream: true,
        };
        assert_eq!(peer.events()[0], expected);
    }
}

#[test]
fn a_status_that_forbids_content_has_no_octets() {
    for code in [204, 205, 304] {
        let mut peer = server(&get(), true);
        peer.ask(|core, now| core.send_headers(id(1), &status(code), false, now)).unwrap();
        peer.expect_headers(1, false);
        let sent = peer.ask(|core, now| core.send_data(id(1), "content".into(), true, now));
        assert_eq!(sent, Err(CommandError::NoBodyAllowed(id(1))));
        peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
        peer.expect_data(1, b"", true);

        let mut peer = client(&get(), true);
        peer.send_headers(1, &status(code), false);
        peer.send_data(1, b"content", true);
        peer.expect_reset(1, ErrorCode::ProtocolError);
    }
}
