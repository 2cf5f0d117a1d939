//! Section 8.5: CONNECT; and extended CONNECT (RFC 8441).

use h2_sync::proto::CommandError;
use h2_sync::{ErrorCode, headers};

use crate::live::{Live, client, server, server_with};
use crate::wire::*;

const CONNECT: (&str, &str) = (":method", "CONNECT");
const TARGET: (&str, &str) = (":authority", "test:443");
const SCHEME: (&str, &str) = (":scheme", "https");
const PATH: (&str, &str) = (":path", "/chat");
const WEBSOCKET: (&str, &str) = (":protocol", "websocket");

/// A tunnel of the peer's through a live server.
#[track_caller]
fn tunnel(live: &mut Live) {
    live.send(headers(1, END_HEADERS, block(&[CONNECT, TARGET])));
    assert_eq!(live.accept(1).authority(), Some("test:443"));
    live.respond(1, &headers!(":status" => "200"), false);
    live.assert_headers(1, false);
}

/// Section 8.5: DATA flows both ways until both sides have ended.
#[test]
fn connect_opens_a_tunnel_of_data() {
    server(|live| {
        tunnel(live);
        live.send(data(1, 0, b"up"));
        live.put_data(1, "down", false);
        live.assert_data(1, 4, false);
        live.send(data(1, END_STREAM, b" and away"));
        assert_eq!(live.content(1), b"up and away");
        live.put_data(1, "", true);
        live.assert_data(1, 0, true);
        live.assert_goes_on();
    });
}

/// Section 8.5: other frames than DATA, RST_STREAM, WINDOW_UPDATE and PRIORITY are a stream error in
/// a tunnel.
#[test]
fn headers_in_a_tunnel_reset_it() {
    server(|live| {
        tunnel(live);
        live.send(window_update(1, 1));
        live.send(priority(1, 0));
        live.assert_ping();
        live.send(headers(1, END, block(&[("a", "trailer")])));
        live.assert_reset(1, ErrorCode::ProtocolError);
    });
    client(|live| {
        let stream =
            live.open_with(&headers!(":method" => "CONNECT", ":authority" => "a:1"), false);
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(headers(stream, END, block(&[("a", "trailer")])));
        live.assert_reset(stream, ErrorCode::ProtocolError);
    });
}

/// Section 8.5: CONNECT has `:authority`, with a port, and neither `:scheme` nor `:path`.
#[test]
fn connect_with_other_pseudo_header_fields_is_malformed() {
    let bad = [
        vec![CONNECT],
        vec![CONNECT, TARGET, SCHEME],
        vec![CONNECT, TARGET, PATH],
        vec![CONNECT, TARGET, SCHEME, PATH],
        vec![CONNECT, TARGET, TARGET],
        vec![CONNECT, TARGET, (":status", "200")],
        vec![CONNECT, (":authority", "")],
        vec![CONNECT, (":authority", "test")],
        vec![CONNECT, (":authority", "test:")],
        vec![CONNECT, (":authority", "test:http")],
        vec![CONNECT, (":authority", "user@test:443")],
        vec![CONNECT, TARGET, WEBSOCKET],
    ];
    server(|live| {
        for fields in &bad {
            live.case(format!("{fields:?}"));
            let stream = live.next_id();
            live.send(headers(stream, END_HEADERS, block(fields)));
            live.assert_malformed(stream);
        }
    });
    client(|live| {
        for fields in &bad {
            live.case(format!("{fields:?}"));
            let headers = fields.iter().copied().collect();
            let error = live.session.open(&headers, false).unwrap_err();
            assert!(matches!(error.as_command_error(), Some(CommandError::Malformed(_))));
        }
        live.assert_goes_on();
    });
}

/// Section 8.5: a live client asks with `:method` and `:authority` alone; a `content-length` of the
/// answer counts for nothing.
#[test]
fn a_live_client_opens_a_tunnel() {
    client(|live| {
        let connect = headers!(":method" => "CONNECT", ":authority" => "test:443");
        let stream = live.open_with(&connect, false);
        assert_eq!(live.peer.section.as_ref().map(|fields| fields.len()), Some(2));
        live.send(headers(stream, END_HEADERS, and(ok(), &[("content-length", "1")])));
        live.accept(stream);
        live.put_data(stream, "up", false);
        live.assert_data(stream, 2, false);
        live.send(data(stream, END_STREAM, b"down"));
        assert_eq!(live.content(stream), b"down");
    });
}

/// Section 8.5: a CONNECT that failed has an answer like any other.
#[test]
fn a_connect_that_failed_is_answered_as_other_requests_are() {
    client(|live| {
        let connect = headers!(":method" => "CONNECT", ":authority" => "test:443");
        let stream = live.open_with(&connect, false);
        live.send(headers(stream, END_HEADERS, status("502")));
        live.send(data(stream, 0, b"sorry"));
        live.send(headers(stream, END, block(&[("a", "trailer")])));
        live.accept(stream);
        assert_eq!(live.accept(stream).get("a"), Some("trailer"));
        live.assert_goes_on();
    });
}

/// Section 8.5: a connection that breaks is told with RST_STREAM, in either direction.
#[test]
fn a_tunnel_may_be_reset() {
    server(|live| {
        tunnel(live);
        live.send(rst_stream(1, 0x0a));
        assert_eq!(live.reset(1).0, ErrorCode::ConnectError);
        live.assert_goes_on();
    });
}

/// RFC 8441, Section 4: where the server has said so, CONNECT may have `:protocol`, and then all
/// others as well.
#[test]
fn extended_connect_is_taken_where_it_was_announced() {
    server_with(
        |config| config.enable_connect_protocol = true,
        |live| {
            assert!(live.peer.transcript[0].contains("ENABLE_CONNECT_PROTOCOL=1"));
            let fields = [CONNECT, WEBSOCKET, SCHEME, PATH, TARGET];
            live.send(headers(1, END_HEADERS, block(&fields)));
            assert_eq!(live.accept(1).get(":protocol"), Some("websocket"));
            live.respond(1, &headers!(":status" => "200"), false);
            live.assert_headers(1, false);
            live.send(data(1, END_STREAM, b"frames"));
            assert_eq!(live.content(1), b"frames");
            live.assert_goes_on();
        },
    );
}

/// RFC 8441, Section 4: not without one of them, twice, or with another method.
#[test]
fn extended_connect_with_other_pseudo_header_fields_is_malformed() {
    server_with(
        |config| config.enable_connect_protocol = true,
        |live| {
            for fields in [
                vec![CONNECT, WEBSOCKET, SCHEME, TARGET],
                vec![CONNECT, WEBSOCKET, PATH, TARGET],
                vec![CONNECT, WEBSOCKET, SCHEME, PATH],
                vec![CONNECT, WEBSOCKET, WEBSOCKET, SCHEME, PATH, TARGET],
                vec![CONNECT, (":protocol", ""), SCHEME, PATH, TARGET],
                vec![(":method", "GET"), WEBSOCKET, SCHEME, PATH, TARGET],
            ] {
                live.case(format!("{fields:?}"));
                let stream = live.next_id();
                live.send(headers(stream, END_HEADERS, block(&fields)));
                live.assert_malformed(stream);
            }
        },
    );
}

/// RFC 8441, Sections 3 and 4: a live client uses it only where it was announced; and what was
/// announced is not taken back.
#[test]
fn a_live_client_uses_extended_connect_where_it_was_announced() {
    let connect = headers!(
        ":method" => "CONNECT", ":protocol" => "websocket", ":scheme" => "https",
        ":authority" => "test", ":path" => "/chat",
    );
    client(|live| {
        assert!(live.session.open(&connect, false).is_err());
        live.settings(&[(ENABLE_CONNECT_PROTOCOL, 1)]);
        live.open_with(&connect, false);
        live.send(settings(&[(ENABLE_CONNECT_PROTOCOL, 0)]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}
