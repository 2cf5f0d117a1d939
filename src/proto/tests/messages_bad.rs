//! Invalid messages, in both directions (RFC 9113, Sections 8.1 to 8.3): received ones are a stream
//! error PROTOCOL_ERROR, sent ones an error of the call.

use super::super::{CommandError, Config, Event, Malformed, ResetBy};
use super::{Peer, get, id, post, status, trailers};
use crate::frame::ErrorCode;
use crate::headers;
use crate::hpack::Headers;

fn server() -> Peer {
    Peer::of_server(Config::default())
}

fn client() -> Peer {
    Peer::of_client(Config::default())
}

/// Fields that are invalid in every message.
fn bad_fields() -> Vec<(&'static [u8], &'static [u8], Malformed)> {
    let name = |name: &str| Malformed::Name(name.into());
    let value = || Malformed::Value("x".into());
    let specific = Malformed::ConnectionSpecific;
    vec![
        (b"", b"", name("")),
        (b"Upper", b"", name("Upper")),
        (b"uppeR", b"", name("uppeR")),
        (b"a b", b"", name("a b")),
        (b"a:b", b"", name("a:b")),
        (b"a\0", b"", name("a\0")),
        (b"a\r", b"", name("a\r")),
        (b"a\n", b"", name("a\n")),
        (b"a\x7f", b"", name("a\x7f")),
        (b"a(", b"", name("a(")),
        (b"\xc3\xa9", b"", name("\u{e9}")),
        (b"x", b"a\0b", value()),
        (b"x", b"a\rb", value()),
        (b"x", b"a\nb", value()),
        (b"x", b"a\x01b", value()),
        (b"x", b"a\x7fb", value()),
        (b"x", b" a", value()),
        (b"x", b"\ta", value()),
        (b"x", b"a ", value()),
        (b"x", b"a\t", value()),
        (b"x", b" ", value()),
        (b"connection", b"close", specific("connection")),
        (b"keep-alive", b"1", specific("keep-alive")),
        (b"proxy-connection", b"x", specific("proxy-connection")),
        (b"transfer-encoding", b"chunked", specific("transfer-encoding")),
        (b"upgrade", b"h2c", specific("upgrade")),
        (b"te", b"gzip", Malformed::Te),
        (b"te", b"trailers, gzip", Malformed::Te),
        (b"te", b"", Malformed::Te),
        (b":unknown", b"", Malformed::PseudoAfterRegular(":unknown".into())),
        (b":path", b"/", Malformed::PseudoAfterRegular(":path".into())),
        (b":status", b"200", Malformed::PseudoAfterRegular(":status".into())),
        (b"content-length", b"", Malformed::ContentLength),
        (b"content-length", b"-1", Malformed::ContentLength),
        (b"content-length", b"+1", Malformed::ContentLength),
        (b"content-length", b"0x1", Malformed::ContentLength),
        (b"content-length", b"1, 1", Malformed::ContentLength),
        (b"content-length", b"99999999999999999999", Malformed::ContentLength),
    ]
}

/// Invalid requests.
fn bad_requests() -> Vec<(Headers, Malformed)> {
    use Malformed::*;
    let with = |name: &'static str, value: &str| {
        // Changes the value of the first field of this name.
        let pairs = [":method", ":scheme", ":authority", ":path"].map(|pseudo| {
            let old = get().get(pseudo).unwrap().to_owned();
            (pseudo, if pseudo == name { value.to_owned() } else { old })
        });
        Headers::from(pairs)
    };
    let without = |name| {
        let mut request = get();
        request.remove(name);
        request
    };
    let unexpected = |name: &str| UnexpectedPseudo(name.into());
    let mut cases = vec![
        (without(":method"), MissingPseudo(":method")),
        (without(":scheme"), MissingPseudo(":scheme")),
        (without(":path"), MissingPseudo(":path")),
        (headers!(), MissingPseudo(":method")),
        (get().with(":path", "/"), DuplicatePseudo(":path")),
        (get().with(":method", "GET"), DuplicatePseudo(":method")),
        (get().with(":scheme", "https"), DuplicatePseudo(":scheme")),
        (get().with(":authority", "a.example"), DuplicatePseudo(":authority")),
        (get().with(":status", "200"), unexpected(":status")),
        (get().with(":unknown", ""), unexpected(":unknown")),
        (get().with(":", ""), unexpected(":")),
        (get().with(":Path", "/"), unexpected(":Path")),
        // Unknown without SETTINGS_ENABLE_CONNECT_PROTOCOL.
        (get().with(":protocol", "websocket"), unexpected(":protocol")),
        (with(":method", ""), InvalidPseudo(":method")),
        (with(":method", "G T"), InvalidPseudo(":method")),
        (with(":method", "GET/"), InvalidPseudo(":method")),
        (with(":scheme", ""), InvalidPseudo(":scheme")),
        (with(":scheme", "1http"), InvalidPseudo(":scheme")),
        (with(":scheme", "https:"), InvalidPseudo(":scheme")),
        (with(":path", ""), InvalidPseudo(":path")),
        (with(":path", "a"), InvalidPseudo(":path")),
        (with(":path", "*"), InvalidPseudo(":path")),
        (with(":path", "https://a.example/"), InvalidPseudo(":path")),
        (headers!(":method" => "GET", ":scheme" => "HTTP", ":path" => "x"), InvalidPseudo(":path")),
        (with(":path", "/a b"), InvalidPseudo(":path")),
        (with(":path", "/#a"), InvalidPseudo(":path")),
        (with(":authority", ""), InvalidPseudo(":authority")),
        (with(":authority", "me@a.example"), InvalidPseudo(":authority")),
        (with(":authority", "a.example/b"), InvalidPseudo(":authority")),
        (with(":authority", "a?b"), InvalidPseudo(":authority")),
        (with(":authority", "a b"), InvalidPseudo(":authority")),
        (with(":authority", "a:b"), InvalidPseudo(":authority")),
        (with(":authority", "a:99999"), InvalidPseudo(":authority")),
        (with(":authority", "a:1:2"), InvalidPseudo(":authority")),
        (with(":authority", ":443"), InvalidPseudo(":authority")),
        (with(":authority", "::1"), InvalidPseudo(":authority")),
        (with(":authority", "[::1"), InvalidPseudo(":authority")),
        (with(":authority", "[a]"), InvalidPseudo(":authority")),
        (with(":authority", "a%4"), InvalidPseudo(":authority")),
        (with(":authority", "a,b"), InvalidPseudo(":authority")),
        (without(":authority").with("host", "a:b"), Host),
        (without(":authority").with("host", ""), Host),
        (without(":authority").with("host", ":443"), Host),
        (without(":authority").with("host", "a:99999"), Host),
        (get().with("host", "b.example"), Host),
        (get().with("host", "a.example:80"), Host),
        (get().with("host", "a.example:99999"), Host),
        (get().with("host", "a.example."), Host),
        (get().with("host", ""), Host),
        (get().with("host", "a.example").with("host", "a.example"), Host),
        (without(":authority").with("host", "me@a.example"), Host),
        (get().with("content-length", "1").with("content-length", "2"), ContentLength),
    ];
    for value in ["/\r", "/\n", "/\0", " /", "/ ", "/\x7f"] {
        cases.push((with(":path", value), Value(":path".into())));
    }
    for name in [":method", ":scheme", ":authority"] {
        cases.push((with(name, "a\r\nb"), Value(name.into())));
    }
    for (name, value, why) in bad_fields() {
        cases.push((get().with("a", "b").with(name, value), why));
    }
    cases
}

fn bad_responses() -> Vec<(Headers, Malformed)> {
    use Malformed::*;
    let mut cases = vec![
        (headers!(), MissingPseudo(":status")),
        (headers!("a" => "b"), MissingPseudo(":status")),
        (status(200).with(":status", "200"), DuplicatePseudo(":status")),
        (status(200).with(":path", "/"), UnexpectedPseudo(":path".into())),
        (status(101), SwitchingProtocols),
        (status(200).with("content-length", "1").with("content-length", "2"), ContentLength),
    ];
    for value in ["", "20", "2000", "20x", "099", "000", "+20", "2 0"] {
        cases.push((headers!(":status" => value), InvalidPseudo(":status")));
    }
    for (name, value, why) in bad_fields() {
        cases.push((status(200).with("a", "b").with(name, value), why));
    }
    cases
}

fn bad_trailers() -> Vec<(Headers, Malformed)> {
    let unexpected = |name: &str| Malformed::UnexpectedPseudo(name.into());
    let mut cases = vec![
        (headers!(":path" => "/"), unexpected(":path")),
        (headers!(":status" => "200"), unexpected(":status")),
        (headers!(":unknown" => ""), unexpected(":unknown")),
    ];
    for (name, value, why) in bad_fields() {
        cases.push((trailers().with(name, value), why));
    }
    cases
}

#[test]
fn bad_requests_are_reset_and_never_seen() {
    for (request, why) in bad_requests() {
        let mut peer = server();
        peer.send_headers(1, &request, true);
        assert_eq!(peer.result, Ok(()), "{request:?}");
        let sent = peer.sent();
        let reset =
            crate::frame::RstStream { stream_id: id(1), error_code: ErrorCode::ProtocolError };
        assert_eq!(sent, [super::Sent::Frame(reset.into())], "{request:?}: {why}");
        assert_eq!(peer.events(), []);
    }
}

#[test]
fn bad_responses_are_reset_and_the_error_gives_the_reason() {
    for (response, why) in bad_responses() {
        let mut peer = client();
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.sent();
        peer.send_headers(1, &response, false);
        peer.expect_reset(1, ErrorCode::ProtocolError);
        let events = peer.events();
        let by = ResetBy::Violation;
        assert!(matches!(events[0], Event::Reset { by: cause, .. } if cause == by), "{events:?}");
        let Event::Reset { detail, .. } = &events[0] else { unreachable!() };
        assert_eq!(detail.as_deref(), Some(&*why.to_string()));
    }
}

#[test]
fn bad_trailers_are_reset() {
    for (bad, _) in bad_trailers() {
        let mut peer = server();
        peer.send_headers(1, &post(), false);
        peer.events();
        peer.send_headers(1, &bad, true);
        peer.expect_reset(1, ErrorCode::ProtocolError);
        assert!(matches!(peer.events()[0], Event::Reset { .. }), "{bad:?}");
    }
}

#[test]
fn bad_requests_are_not_sent() {
    for (request, why) in bad_requests() {
        let mut peer = client();
        let answer = peer.ask(|core, now| core.open(&request, true, now));
        assert_eq!(answer, Err(CommandError::Malformed(why)), "{request:?}");
        peer.expect_nothing();
        // Nothing has changed: the identifier is still available.
        assert_eq!(peer.ask(|core, now| core.open(&get(), true, now)), Ok(id(1)));
    }
}

#[test]
fn bad_responses_are_not_sent() {
    for (response, why) in bad_responses() {
        let mut peer = server();
        peer.send_headers(1, &get(), true);
        let answer = peer.ask(|core, now| core.send_headers(id(1), &response, false, now));
        assert_eq!(answer, Err(CommandError::Malformed(why)), "{response:?}");
        peer.expect_nothing();
        peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
        peer.expect_headers(1, true);
    }
}

#[test]
fn bad_trailers_are_not_sent() {
    for (bad, why) in bad_trailers() {
        let mut peer = client();
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
        peer.sent();
        let answer = peer.ask(|core, now| core.send_headers(id(1), &bad, true, now));
        assert_eq!(answer, Err(CommandError::Malformed(why)), "{bad:?}");
        peer.expect_nothing();
        peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now)).unwrap();
        peer.expect_headers(1, true);
    }
}

#[test]
fn an_interim_response_that_ends_the_stream_is_rejected_in_both_directions() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer.send_headers(1, &status(103), true);
    peer.expect_reset(1, ErrorCode::ProtocolError);
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    let answer = peer.ask(|core, now| core.send_headers(id(1), &status(103), true, now));
    assert_eq!(answer, Err(CommandError::Malformed(Malformed::InformationalEnd)));
}

#[test]
fn data_before_the_response_is_reset() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer.send_headers(1, &status(103), false);
    peer.send_data(1, b"early", false);
    peer.expect_reset(1, ErrorCode::ProtocolError);
}

#[test]
fn trailers_that_do_not_end_the_stream_are_rejected_in_both_directions() {
    let mut peer = server();
    peer.send_headers(1, &post(), false);
    peer.send_headers(1, &trailers(), false);
    peer.expect_reset(1, ErrorCode::ProtocolError);
    peer.send_headers(3, &get(), true);
    peer.ask(|core, now| core.send_headers(id(3), &status(200), false, now)).unwrap();
    let answer = peer.ask(|core, now| core.send_headers(id(3), &trailers(), false, now));
    assert_eq!(answer, Err(CommandError::TrailersWithoutEnd(id(3))));
}

/// Bodies that contradict `content-length: 5`: pieces, and whether trailers end them.
const WRONG_BODIES: [(&[&[u8]], bool); 6] = [
    (&[b""], false),
    (&[b"four"], false),
    (&[b"sixsix"], false),
    (&[b"four", b"more"], false),
    (&[], true),
    (&[b"four"], true),
];

#[test]
fn a_received_body_that_contradicts_its_content_length_is_reset() {
    for (pieces, with_trailers) in WRONG_BODIES {
        let mut peers = [server(), client()];
        peers[0].send_headers(1, &post().with("content-length", "5"), false);
        peers[1].ask(|core, now| core.open(&get(), true, now)).unwrap();
        peers[1].send_headers(1, &status(200).with("content-length", "5"), false);
        for mut peer in peers {
            peer.sent();
            for (index, piece) in pieces.iter().enumerate() {
                peer.send_data(1, piece, !with_trailers && index + 1 == pieces.len());
            }
            if with_trailers {
                peer.send_headers(1, &trailers(), true);
            }
            peer.expect_reset(1, ErrorCode::ProtocolError);
        }
    }
}

#[test]
fn a_body_that_contradicts_its_content_length_is_not_sent() {
    for (pieces, with_trailers) in WRONG_BODIES {
        let mut peers = [server(), client()];
        let length = |headers: Headers| headers.with("content-length", "5");
        peers[0].send_headers(1, &get(), true);
        let response = length(status(200));
        peers[0].ask(|core, now| core.send_headers(id(1), &response, false, now)).unwrap();
        peers[1].ask(|core, now| core.open(&length(post()), false, now)).unwrap();
        for mut peer in peers {
            let mut answer = Ok(());
            for (index, piece) in pieces.iter().enumerate() {
                let end = !with_trailers && index + 1 == pieces.len();
                answer = peer.ask(|core, now| core.send_data(id(1), (*piece).into(), end, now));
            }
            if with_trailers {
                answer = peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now));
            }
            assert_eq!(answer, Err(CommandError::ContentLength(id(1))), "{pieces:?}");
        }
    }
}

#[test]
fn headers_that_end_the_stream_and_announce_a_body_are_rejected_in_both_directions() {
    let mut peer = server();
    peer.send_headers(1, &post().with("content-length", "5"), true);
    peer.expect_reset(1, ErrorCode::ProtocolError);
    peer.send_headers(3, &get(), true);
    let response = status(200).with("content-length", "5");
    let answer = peer.ask(|core, now| core.send_headers(id(3), &response, true, now));
    assert_eq!(answer, Err(CommandError::ContentLength(id(3))));

    let mut peer = client();
    let request = post().with("content-length", "5");
    let answer = peer.ask(|core, now| core.open(&request, true, now));
    assert_eq!(answer, Err(CommandError::ContentLength(id(1))));
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer.send_headers(1, &response, true);
    peer.expect_reset(1, ErrorCode::ProtocolError);
}

#[test]
fn a_forbidden_body_is_rejected_in_both_directions() {
    let mut head = get();
    head.retain(|field| field.name != b":method");
    let head: Headers = headers!(":method" => "HEAD").iter().chain(head.iter()).collect();
    for (request, code) in [(&head, 200), (&get(), 204), (&get(), 304)] {
        let mut peer = client();
        peer.ask(|core, now| core.open(request, true, now)).unwrap();
        peer.sent();
        peer.send_headers(1, &status(code), false);
        peer.send_data(1, b"x", true);
        peer.expect_reset(1, ErrorCode::ProtocolError);
        let mut peer = server();
        peer.send_headers(1, request, true);
        peer.ask(|core, now| core.send_headers(id(1), &status(code), false, now)).unwrap();
        let answer = peer.ask(|core, now| core.send_data(id(1), "x".into(), true, now));
        assert_eq!(answer, Err(CommandError::NoBodyAllowed(id(1))));
    }
}

#[test]
fn a_bad_message_does_not_affect_other_streams() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.send_headers(3, &get().with("Bad", ""), true);
    peer.expect_reset(3, ErrorCode::ProtocolError);
    peer.ask(|core, now| core.send_headers(id(1), &status(200), true, now)).unwrap();
    peer.expect_headers(1, true);
    peer.expect_alive();
}
