//! Section 8.3: control data, which is in pseudo-header fields.

use h2_sync::proto::CommandError;
use h2_sync::{Act, Headers, headers};

use crate::live::{client, id, request, server};
use crate::wire::*;

const METHOD: (&str, &str) = (":method", "GET");
const SCHEME: (&str, &str) = (":scheme", "http");
const AUTHORITY: (&str, &str) = (":authority", "test");
const PATH: (&str, &str) = (":path", "/");

/// Requests that are malformed.
fn bad_requests() -> Vec<Vec<(&'static str, &'static str)>> {
    let with = |field| vec![METHOD, SCHEME, AUTHORITY, PATH, field];
    vec![
        // Section 8.3.1: exactly one of each.
        vec![],
        vec![SCHEME, AUTHORITY, PATH],
        vec![METHOD, AUTHORITY, PATH],
        vec![METHOD, SCHEME, AUTHORITY],
        with(METHOD),
        with(SCHEME),
        with(AUTHORITY),
        with(PATH),
        with((":path", "/other")),
        // Section 8.3: none that is unknown, or of a response, or of another message.
        with((":unknown", "x")),
        with((":", "x")),
        with((":Path", "/")),
        with((":status", "200")),
        with((":protocol", "websocket")),
        // Section 8.3: all of them before regular fields.
        vec![METHOD, SCHEME, AUTHORITY, ("a", "b"), PATH],
        vec![("a", "b"), METHOD, SCHEME, AUTHORITY, PATH],
        // Section 8.3.1: `:path` is not empty, and starts with "/".
        vec![METHOD, SCHEME, AUTHORITY, (":path", "")],
        vec![METHOD, SCHEME, AUTHORITY, (":path", "index")],
        vec![METHOD, SCHEME, AUTHORITY, (":path", "http://test/")],
        vec![METHOD, SCHEME, AUTHORITY, (":path", "*")],
        vec![METHOD, SCHEME, AUTHORITY, (":path", "/a b")],
        vec![METHOD, SCHEME, AUTHORITY, (":path", "/#fragment")],
        vec![(":method", "OPTIONS"), SCHEME, AUTHORITY, (":path", "")],
        // Methods and schemes are tokens.
        vec![(":method", ""), SCHEME, AUTHORITY, PATH],
        vec![(":method", "G ET"), SCHEME, AUTHORITY, PATH],
        vec![(":method", "GET / HTTP/1.1"), SCHEME, AUTHORITY, PATH],
        vec![METHOD, (":scheme", ""), AUTHORITY, PATH],
        vec![METHOD, (":scheme", "ht tp"), AUTHORITY, PATH],
        vec![METHOD, (":scheme", "http://evil/"), AUTHORITY, PATH],
        // Section 8.3.1: no userinfo in `:authority`.
        vec![METHOD, SCHEME, (":authority", "user@test"), PATH],
        vec![METHOD, SCHEME, (":authority", "user:password@test"), PATH],
        vec![METHOD, SCHEME, (":authority", ""), PATH],
        vec![METHOD, SCHEME, (":authority", "te st"), PATH],
        vec![METHOD, SCHEME, (":authority", "test/path"), PATH],
        vec![METHOD, SCHEME, (":authority", "test:port"), PATH],
        vec![METHOD, SCHEME, (":authority", "test:65536"), PATH],
        vec![METHOD, SCHEME, (":authority", "::1"), PATH],
        vec![METHOD, SCHEME, (":authority", "[test]"), PATH],
        vec![METHOD, SCHEME, (":authority", "test%zz"), PATH],
        // Section 8.3.1: `host` says the same as `:authority`; and once.
        with(("host", "other")),
        with(("host", "test:1")),
        with(("host", "test:99999")),
        with(("host", "")),
        vec![METHOD, SCHEME, AUTHORITY, PATH, ("host", "test"), ("host", "test")],
        vec![METHOD, SCHEME, PATH, ("host", "test"), ("host", "other")],
        vec![METHOD, SCHEME, PATH, ("host", "user@test")],
    ]
}

/// Sections 8.3 and 8.3.1: each is a stream error PROTOCOL_ERROR.
#[test]
fn requests_without_the_right_pseudo_header_fields_are_malformed() {
    server(|live| {
        for fields in bad_requests() {
            live.case(format!("{fields:?}"));
            let stream = live.next_id();
            live.send(headers(stream, END, block(&fields)));
            live.assert_malformed(stream);
        }
    });
}

/// Section 8.3: a live client sends none of these either.
#[test]
fn a_live_client_sends_no_request_without_the_right_pseudo_header_fields() {
    client(|live| {
        for fields in bad_requests() {
            live.case(format!("{fields:?}"));
            let headers: Headers = fields.iter().copied().collect();
            let error = live.session.open(&headers, true).unwrap_err();
            assert!(matches!(error.as_command_error(), Some(CommandError::Malformed(_))));
        }
        live.assert_goes_on();
    });
}

/// Section 8.3.1: what is unusual and good.
#[test]
fn unusual_requests_are_taken() {
    server(|live| {
        for fields in [
            vec![PATH, AUTHORITY, SCHEME, METHOD],
            vec![METHOD, SCHEME, PATH, ("host", "test")],
            vec![METHOD, SCHEME, AUTHORITY, PATH, ("host", "test")],
            vec![METHOD, SCHEME, AUTHORITY, PATH, ("host", "TEST")],
            vec![(":method", "OPTIONS"), SCHEME, AUTHORITY, (":path", "*")],
            vec![(":method", "PATCH"), SCHEME, AUTHORITY, PATH],
            vec![(":method", "m!#$%&'*+-.^_`|~"), SCHEME, AUTHORITY, PATH],
            vec![METHOD, (":scheme", "https"), AUTHORITY, PATH],
            vec![METHOD, (":scheme", "foo+bar"), (":path", "anything")],
            vec![METHOD, SCHEME, (":authority", "[::1]:8080"), (":path", "/?a=b%20c")],
        ] {
            live.case(format!("{fields:?}"));
            let stream = live.next_id();
            live.send(headers(stream, END, block(&fields)));
            let told = live.accept(stream);
            assert_eq!(told.len(), fields.len());
            live.answer(stream);
        }
    });
}

/// Responses that are malformed.
fn bad_responses() -> Vec<Vec<(&'static str, &'static str)>> {
    let ok = (":status", "200");
    let mut responses = vec![
        vec![],
        vec![("a", "b")],
        vec![ok, ok],
        vec![ok, (":status", "404")],
        vec![ok, PATH],
        vec![ok, METHOD],
        vec![ok, (":unknown", "x")],
        vec![("a", "b"), ok],
    ];
    for status in
        ["", "2", "20", "2000", "abc", "2x0", "+20", "-20", "000", "099", " 200", "200 OK"]
    {
        responses.push(vec![(":status", status)]);
    }
    responses
}

/// Sections 8.3 and 8.3.2: `:status` with three digits, and no other pseudo-header field.
#[test]
fn responses_without_the_right_pseudo_header_fields_are_malformed() {
    client(|live| {
        for fields in bad_responses() {
            live.case(format!("{fields:?}"));
            let stream = live.open(true);
            live.send(headers(stream, END, block(&fields)));
            live.assert_malformed(stream);
        }
    });
}

/// Section 8.3.2: a live server sends none of these either.
#[test]
fn a_live_server_sends_no_response_without_the_right_pseudo_header_fields() {
    server(|live| {
        live.whole_request(1);
        for fields in bad_responses() {
            live.case(format!("{fields:?}"));
            let headers: Headers = fields.iter().copied().collect();
            let (stream_identifier, is_end_stream) = (id(1), true);
            let act = Act::SendHeaders { stream_identifier, headers, is_end_stream };
            assert!(matches!(live.refused(act), CommandError::Malformed(_)));
        }
        live.answer(1);
    });
}

/// Section 8.3.2: unknown status codes are accepted.
#[test]
fn any_code_of_three_digits_is_taken() {
    client(|live| {
        for (code, number) in [("200", 200), ("299", 299), ("418", 418), ("599", 599), ("999", 999)]
        {
            let stream = live.open(true);
            live.send(headers(stream, END, status(code)));
            assert_eq!(live.accept(stream).status(), Some(number));
        }
        live.assert_goes_on();
    });
}

/// Section 8.3.1: a live client's request has its pseudo-header fields first.
#[test]
fn pseudo_header_fields_of_a_live_request_come_first() {
    client(|live| {
        live.open_with(&request("GET").with("a", "b"), true);
        let fields = live.peer.section.clone().unwrap();
        let names: Vec<_> = fields.iter().map(|field| field.name).collect();
        assert_eq!(names, [&b":method"[..], b":scheme", b":authority", b":path", b"a"]);
    });
}

/// Section 8.6: HTTP/2 has no Upgrade, and no 101 (Switching Protocols).
#[test]
fn switching_protocols_is_malformed() {
    client(|live| {
        for flags in [END_HEADERS, END] {
            let stream = live.open(true);
            live.send(headers(stream, flags, status("101")));
            live.assert_malformed(stream);
        }
    });
    server(|live| {
        live.whole_request(1);
        let (stream_identifier, is_end_stream) = (id(1), false);
        let headers = headers!(":status" => "101");
        let act = Act::SendHeaders { stream_identifier, headers, is_end_stream };
        assert!(matches!(live.refused(act), CommandError::Malformed(_)));
        live.answer(1);
    });
}

/// Section 8.7: a request that was refused with REFUSED_STREAM was not processed, and is safe to
/// send again.
#[test]
fn a_refused_request_can_be_sent_again() {
    client(|live| {
        let stream = live.open(true);
        live.send(rst_stream(stream, 7));
        assert!(live.reset(stream).1);
        live.assert_goes_on();
    });
}
