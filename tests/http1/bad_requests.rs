//! Requests in doubt, and how a server answers them (RFC 9112, Section 11.2).
//!
//! Each stands between two honest requests: the first is served, and neither the bad one nor what
//! comes behind it is. Each is given whole, octet by octet and in pieces.

use crate::messages::Seen;
use crate::pieces::served;

const HONEST: &[u8] = b"GET /honest HTTP/1.1\r\nhost: a\r\n\r\n";

/// A name for the case, the octets, the status, and a part of the text.
type Case = (&'static str, &'static [u8], u16, &'static str);

#[track_caller]
fn assert_refused(cases: &[Case]) {
    for (name, octets, status, text) in cases {
        let log = served(&[HONEST, octets, HONEST].concat());
        let error = log.refusal().unwrap_or_else(|| panic!("{name} is taken: {log:?}"));
        assert_eq!(error.status().unwrap().as_u16(), *status, "{name}: {error}");
        assert!(error.detail().contains(text), "{name}: {error}");
        assert_eq!(log.messages(), 1, "{name}: {log:?}");
        let is_honest =
            |seen: &&Seen| matches!(seen, Seen::Request(_, uri, ..) if uri == "/honest");
        assert_eq!(log.seen.iter().filter(is_honest).count(), 1, "{name}: {log:?}");
    }
}

#[test]
fn a_request_line_in_doubt_is_refused() {
    assert_refused(&[
        ("an empty method", b" / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("a method with a colon", b"G:T / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("a method with NUL", b"G\0T / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("no target", b"GET HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("an empty target", b"GET  HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("two blanks before the target", b"GET  / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("two blanks behind the target", b"GET /  HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("a tab for a blank", b"GET\t/ HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("a blank behind the version", b"GET / HTTP/1.1 \r\nhost: a\r\n\r\n", 400, "CR LF"),
        ("a blank in the target", b"GET /a b HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("NUL in the target", b"GET /\0 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("DEL in the target", b"GET /\x7f HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("CR in the target", b"GET /\r HTTP/1.1\r\nhost: a\r\n\r\n", 400, "first line"),
        ("HTTP/0.9", b"GET /\r\n\r\n", 400, "first line"),
        ("lower case in the version", b"GET / http/1.1\r\nhost: a\r\n\r\n", 400, "version"),
        ("noise behind the version", b"GET / HTTP/1.1x\r\nhost: a\r\n\r\n", 400, "CR LF"),
        (
            "two empty lines before it",
            b"\r\n\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n",
            400,
            "empty line",
        ),
        ("a bare LF before it", b"\nGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "empty line"),
        ("a bare CR before it", b"\rGET / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "empty line"),
        ("a ClientHello", b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03", 400, "first line"),
    ]);
}

#[test]
fn a_version_that_is_not_implemented_is_refused() {
    assert_refused(&[
        ("HTTP/2.0", b"GET / HTTP/2.0\r\nhost: a\r\n\r\n", 505, "version"),
        ("HTTP/1.2", b"GET / HTTP/1.2\r\nhost: a\r\n\r\n", 505, "version"),
        ("HTTP/3", b"GET / HTTP/3\r\nhost: a\r\n\r\n", 505, "version"),
        ("HTTP/11.1", b"GET / HTTP/11.1\r\nhost: a\r\n\r\n", 505, "version"),
        ("the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "version"),
    ]);
}

#[test]
fn a_target_in_doubt_is_refused() {
    assert_refused(&[
        ("a fragment", b"GET /#a HTTP/1.1\r\nhost: a\r\n\r\n", 400, "fragment"),
        ("a path without slash", b"GET a/b HTTP/1.1\r\nhost: a\r\n\r\n", 400, "neither"),
        ("an authority alone", b"GET a:80 HTTP/1.1\r\nhost: a\r\n\r\n", 400, "neither"),
        ("a query alone", b"GET ?a HTTP/1.1\r\nhost: a\r\n\r\n", 400, "neither"),
        ("an asterisk in GET", b"GET * HTTP/1.1\r\nhost: a\r\n\r\n", 400, "OPTIONS"),
        ("an asterisk and more", b"OPTIONS *a HTTP/1.1\r\nhost: a\r\n\r\n", 400, "OPTIONS"),
        ("no host in it", b"GET http:///a HTTP/1.1\r\nhost: a\r\n\r\n", 400, "valid host"),
        ("userinfo", b"GET http://u@a/ HTTP/1.1\r\nhost: a\r\n\r\n", 400, "valid host"),
        ("a port beyond 65535", b"GET http://a:65536/ HTTP/1.1\r\nhost: a\r\n\r\n", 400, "host"),
        ("CONNECT with a path", b"CONNECT / HTTP/1.1\r\nhost: a\r\n\r\n", 400, "CONNECT"),
        ("CONNECT without a port", b"CONNECT a HTTP/1.1\r\nhost: a\r\n\r\n", 400, "CONNECT"),
        ("CONNECT to port 0", b"CONNECT a:0 HTTP/1.1\r\nhost: a:0\r\n\r\n", 400, "CONNECT"),
        ("CONNECT with a URI", b"CONNECT http://a:80/ HTTP/1.1\r\nhost: a\r\n\r\n", 400, "CONNECT"),
    ]);
}

#[test]
fn a_host_in_doubt_is_refused() {
    assert_refused(&[
        ("none", b"GET / HTTP/1.1\r\n\r\n", 400, "no host"),
        ("two", b"GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n", 400, "more than one host"),
        ("the same twice", b"GET / HTTP/1.1\r\nhost: a\r\nHost: a\r\n\r\n", 400, "more than one"),
        ("two in HTTP/1.0", b"GET / HTTP/1.0\r\nhost: a\r\nhost: a\r\n\r\n", 400, "more than one"),
        ("a list", b"GET / HTTP/1.1\r\nhost: a, b\r\n\r\n", 400, "host"),
        ("a path", b"GET / HTTP/1.1\r\nhost: a/b\r\n\r\n", 400, "host"),
        ("userinfo", b"GET / HTTP/1.1\r\nhost: u@a\r\n\r\n", 400, "host"),
        ("a port with a sign", b"GET / HTTP/1.1\r\nhost: a:+80\r\n\r\n", 400, "host"),
        ("another than the target's", b"GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", 400, "differs"),
        ("another port", b"GET http://a:81/ HTTP/1.1\r\nhost: a:82\r\n\r\n", 400, "differs"),
        ("an empty one", b"GET http://a/ HTTP/1.1\r\nhost:\r\n\r\n", 400, "differs"),
        (
            "another than CONNECT's",
            b"CONNECT a:443 HTTP/1.1\r\nhost: b:443\r\n\r\n",
            400,
            "differs",
        ),
    ]);
}

#[test]
fn a_field_line_in_doubt_is_refused() {
    assert_refused(&[
        ("a fold", b"GET / HTTP/1.1\r\nhost: a\r\n b\r\n\r\n", 400, "folded"),
        ("a fold by a tab", b"GET / HTTP/1.1\r\nhost: a\r\nb: c\r\n\td\r\n\r\n", 400, "folded"),
        ("a blank before all", b"GET / HTTP/1.1\r\n host: a\r\n\r\n", 400, "folded"),
        ("a blank before the colon", b"GET / HTTP/1.1\r\nhost : a\r\n\r\n", 400, "\"host\""),
        ("a tab before the colon", b"GET / HTTP/1.1\r\nhost: a\r\nb\t: c\r\n\r\n", 400, "\"b\""),
        ("a blank in the name", b"GET / HTTP/1.1\r\nhost: a\r\nb c: d\r\n\r\n", 400, "\"b\""),
        ("no name", b"GET / HTTP/1.1\r\nhost: a\r\n: b\r\n\r\n", 400, "no name"),
        ("no colon", b"GET / HTTP/1.1\r\nhost: a\r\nb\r\n\r\n", 400, "no colon"),
        ("NUL in the name", b"GET / HTTP/1.1\r\nhost: a\r\nb\0: c\r\n\r\n", 400, "0x00"),
        ("a bracket in the name", b"GET / HTTP/1.1\r\nhost: a\r\nb(: c\r\n\r\n", 400, "0x28"),
        ("0xff in the name", b"GET / HTTP/1.1\r\nhost: a\r\nb\xff: c\r\n\r\n", 400, "0xff"),
        ("NUL in the value", b"GET / HTTP/1.1\r\nhost: a\r\nb: \0\r\n\r\n", 400, "0x00"),
        ("a control octet", b"GET / HTTP/1.1\r\nhost: a\r\nb: c\x0bd\r\n\r\n", 400, "0x0b"),
        ("DEL in the value", b"GET / HTTP/1.1\r\nhost: a\r\nb: \x7f\r\n\r\n", 400, "0x7f"),
        ("a bare CR", b"GET / HTTP/1.1\r\nhost: a\r\nb: c\rd: e\r\n\r\n", 400, "0x0d"),
        ("a CR too many", b"GET / HTTP/1.1\r\nhost: a\r\r\n\r\n", 400, "0x0d"),
    ]);
}

#[test]
fn a_line_that_ends_with_lf_alone_is_refused() {
    assert_refused(&[
        ("the first", b"GET / HTTP/1.1\nhost: a\r\n\r\n", 400, "CR LF"),
        ("a field", b"GET / HTTP/1.1\r\nhost: a\nb: c\r\n\r\n", 400, "CR LF"),
        ("the last field", b"GET / HTTP/1.1\r\nhost: a\n\r\n", 400, "CR LF"),
        ("the empty one", b"GET / HTTP/1.1\r\nhost: a\r\n\n", 400, "CR LF"),
        ("all", b"GET / HTTP/1.1\nhost: a\n\n", 400, "CR LF"),
        ("an empty value", b"GET / HTTP/1.1\r\nhost: a\r\nb:\nc: d\r\n\r\n", 400, "CR LF"),
        ("without fields", b"GET / HTTP/1.0\n\r\n", 400, "CR LF"),
    ]);
}

#[test]
fn a_content_length_in_doubt_is_refused() {
    let cases: &[Case] = &[
        ("empty", b"content-length:\r\n", 400, "\"\""),
        ("with a sign", b"content-length: +5\r\n", 400, "\"+5\""),
        ("below zero", b"content-length: -1\r\n", 400, "\"-1\""),
        ("hexadecimal", b"content-length: 0x5\r\n", 400, "\"0x5\""),
        ("with a blank", b"content-length: 1 0\r\n", 400, "\"1 0\""),
        ("with a point", b"content-length: 5.0\r\n", 400, "\"5.0\""),
        ("a list", b"content-length: 5, 5\r\n", 400, "\"5, 5\""),
        ("beyond 64 bits", b"content-length: 18446744073709551616\r\n", 400, "64 bits"),
        ("two that differ", b"content-length: 5\r\ncontent-length: 6\r\n", 400, "more than one"),
        ("the same twice", b"content-length: 5\r\nContent-Length: 5\r\n", 400, "more than one"),
    ];
    assert_fields_refused(cases);
}

#[test]
fn a_transfer_encoding_in_doubt_is_refused() {
    assert_fields_refused(&[
        (
            "a length beside it",
            b"transfer-encoding: chunked\r\ncontent-length: 5\r\n",
            400,
            "both content-length",
        ),
        (
            "behind a length",
            b"content-length: 0\r\ntransfer-encoding: chunked\r\n",
            400,
            "both content-length",
        ),
        ("an empty one", b"transfer-encoding:\r\n", 400, "single chunked"),
        ("identity", b"transfer-encoding: identity\r\n", 400, "single chunked"),
        ("another alone", b"transfer-encoding: gzip\r\n", 400, "single chunked"),
        ("behind chunked", b"transfer-encoding: chunked, gzip\r\n", 400, "single chunked"),
        ("chunked twice", b"transfer-encoding: chunked, chunked\r\n", 400, "single chunked"),
        (
            "two fields",
            b"transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
            400,
            "single chunked",
        ),
        ("an empty member", b"transfer-encoding: ,chunked\r\n", 400, "single chunked"),
        ("a parameter", b"transfer-encoding: chunked;a=b\r\n", 400, "single chunked"),
        ("a misspelt one", b"transfer-encoding: xchunked\r\n", 400, "single chunked"),
        ("quotes", b"transfer-encoding: \"chunked\"\r\n", 400, "single chunked"),
        ("a form feed", b"transfer-encoding: \x0cchunked\r\n", 400, "0x0c"),
        ("a fold", b"transfer-encoding:\r\n chunked\r\n", 400, "folded"),
        ("a blank before the colon", b"transfer-encoding : chunked\r\n", 400, "transfer-encoding"),
        ("another and chunked", b"transfer-encoding: gzip, chunked\r\n", 501, "not implemented"),
    ]);
    assert_refused(&[(
        "in HTTP/1.0",
        b"POST / HTTP/1.0\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
        "HTTP/1.0",
    )]);
}

#[test]
fn connect_with_content_is_refused() {
    let head = b"CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n";
    for field in ["content-length: 5\r\n\r\nhello", "transfer-encoding: chunked\r\n\r\n0\r\n\r\n"] {
        let log = served(&[&head[..], field.as_bytes()].concat());
        assert!(log.refusal().is_some_and(|error| error.detail().contains("CONNECT")), "{log:?}");
    }
}

/// Refuses these fields in a POST, with a body that they may or may not announce.
#[track_caller]
fn assert_fields_refused(cases: &[Case]) {
    for (name, fields, status, text) in cases {
        let head = b"POST / HTTP/1.1\r\nhost: a\r\n";
        let request = [&head[..], fields, b"\r\n5\r\nhello\r\n0\r\n\r\n"].concat();
        let log = served(&[HONEST, &request, HONEST].concat());
        let error = log.refusal().unwrap_or_else(|| panic!("{name} is taken: {log:?}"));
        assert_eq!(error.status().unwrap().as_u16(), *status, "{name}: {error}");
        assert!(error.detail().contains(text), "{name}: {error}");
        assert_eq!(log.messages(), 1, "{name}: {log:?}");
    }
}

/// Refuses a body in chunks, once its head has been taken.
#[track_caller]
fn assert_chunks_refused(cases: &[(&str, &[u8], &str)]) {
    for (name, body, text) in cases {
        let head = b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        let log = served(&[&head[..], body, HONEST].concat());
        let error = log.refusal().unwrap_or_else(|| panic!("{name} is taken: {log:?}"));
        assert_eq!(error.status().unwrap().as_u16(), 400, "{name}: {error}");
        assert!(error.detail().contains(text), "{name}: {error}");
        assert_eq!(log.messages(), 0, "{name}: {log:?}");
    }
}

#[test]
fn a_chunk_size_in_doubt_is_refused() {
    assert_chunks_refused(&[
        ("an empty one", b"\r\nhello\r\n0\r\n\r\n", "\"\""),
        ("a sign", b"+5\r\nhello\r\n0\r\n\r\n", "\"+5\""),
        ("below zero", b"-5\r\nhello\r\n0\r\n\r\n", "\"-5\""),
        ("0x", b"0x5\r\nhello\r\n0\r\n\r\n", "\"0x5\""),
        ("a blank in front", b" 5\r\nhello\r\n0\r\n\r\n", "\" 5\""),
        ("a blank behind", b"5 \r\nhello\r\n0\r\n\r\n", "\"5 \""),
        ("a tab behind", b"5\t\r\nhello\r\n0\r\n\r\n", "5"),
        ("a blank before an extension", b"5 ;a\r\nhello\r\n0\r\n\r\n", "\"5 ;a\""),
        ("other digits", b"5g\r\nhello\r\n0\r\n\r\n", "\"5g\""),
        ("a quote", b"\"5\"\r\nhello\r\n0\r\n\r\n", "chunk size"),
        ("65 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n", "64 bits"),
        ("too many digits", b"00000000000000005\r\nhello\r\n0\r\n\r\n", "64 bits"),
        ("too many zeros", b"5\r\nhello\r\n00000000000000000\r\n\r\n", "64 bits"),
    ]);
}

#[test]
fn a_chunk_line_in_doubt_is_refused() {
    assert_chunks_refused(&[
        ("LF alone", b"5\nhello\r\n0\r\n\r\n", "CR LF"),
        ("CR alone", b"5\rhello\r\n0\r\n\r\n", "CR LF"),
        ("a CR in an extension", b"5;a\rb\r\nhello\r\n0\r\n\r\n", "CR LF"),
        ("NUL in an extension", b"5;a\0\r\nhello\r\n0\r\n\r\n", "chunk size"),
        ("LF in a quoted extension", b"5;a=\"\n\"\r\nhello\r\n0\r\n\r\n", "CR LF"),
        ("data longer than its size", b"4\r\nhello\r\n0\r\n\r\n", "longer"),
        ("data shorter than its size", b"6\r\nhello\r\n0\r\n\r\n", "longer"),
        ("LF behind the data", b"5\r\nhello\n0\r\n\r\n", "longer"),
        ("nothing behind the data", b"5\r\nhello0\r\n\r\n", "longer"),
    ]);
    let endless = [b"5;", &[b'a'; 300][..], b"\r\nhello\r\n0\r\n\r\n"].concat();
    assert_chunks_refused(&[("an extension without end", &endless, "max_chunk_line")]);
}

#[test]
fn a_trailer_section_in_doubt_is_refused() {
    assert_chunks_refused(&[
        ("LF alone", b"0\r\na: b\n\r\n", "CR LF"),
        ("an empty line of LF", b"0\r\n\n", "CR LF"),
        ("a fold", b"0\r\na: b\r\n c\r\n\r\n", "folded"),
        ("a blank before the colon", b"0\r\na : b\r\n\r\n", "\"a\""),
        ("NUL", b"0\r\na: \0\r\n\r\n", "0x00"),
        ("no colon", b"0\r\nGET / HTTP/1.1\r\n\r\n", "GET"),
    ]);
}

#[test]
fn a_field_that_must_not_be_a_trailer_is_refused() {
    for name in [
        "content-length",
        "transfer-encoding",
        "host",
        "connection",
        "te",
        "trailer",
        "upgrade",
        "keep-alive",
        "authorization",
        "cookie",
        "set-cookie",
        "content-type",
        "content-encoding",
        "content-range",
        "range",
        "expect",
        "if-match",
        "cache-control",
        "location",
        "date",
    ] {
        let trailers = format!("0\r\n{name}: 5\r\n\r\n");
        assert_chunks_refused(&[(name, trailers.as_bytes(), name)]);
    }
}

#[test]
fn a_request_that_breaks_off_is_refused() {
    let whole =
        b"POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for end in 1..whole.len() {
        let log = served(&whole[..end]);
        let kind = log.refusal().map(|error| error.kind());
        assert_eq!(kind, Some(h2_sync::http1::ErrorKind::Truncated), "after {end}");
    }
    let log = served(b"POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\nhell");
    assert!(log.refusal().unwrap().detail().contains("1 octets short"));
}
