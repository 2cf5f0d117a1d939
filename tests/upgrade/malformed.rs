//! Requests that are answered with an HTTP/1.1 error.

use h2_sync::ErrorKind;
use h2_sync::upgrade::{Detected, Options, detect};

use crate::support::{End, GOAWAY, STEPS, WISH, detect_in_steps, scripted, wish};

/// The request is answered with this status, and the connection is closed.
#[track_caller]
fn assert_refused(request: impl AsRef<[u8]>, status: u16) {
    for step in STEPS {
        let (detected, written) = detect_in_steps(&request, step);
        let text = String::from_utf8_lossy(request.as_ref()).into_owned();
        let error = detected.expect_err(&text);
        assert_eq!(written.status(), Some(status), "{text}: {error}");
        assert!(written.text().contains("\r\nconnection: close\r\n"), "{text}");
        assert!(matches!(error.kind(), ErrorKind::Peer | ErrorKind::Limit), "{text}: {error:?}");
    }
}

/// A valid request with one change.
fn but(from: &str, to: &str) -> String {
    let request = format!("GET / HTTP/1.1\r\n{WISH}\r\n");
    assert!(request.contains(from));
    request.replacen(from, to, 1)
}

fn settings(value: &str) -> String {
    but("AAMAAABkAAQAAP__", value)
}

#[test]
fn an_invalid_request_line() {
    for line in ["GET /a b HTTP/1.1", "G(T / HTTP/1.1"] {
        assert_refused(format!("{line}\r\n\r\n"), 400);
    }
    assert_refused("GET \x01 HTTP/1.1\r\n\r\n", 400);
}

/// An HTTP/2 peer would take text for a frame.
#[test]
fn line_that_does_not_end_in_http1_is_answered_with_goaway() {
    for line in ["GET", "GET /", "GET / HTTP/1.1 x", "{}", "GET / HTTP/2.0", "A BROKEN PREFACE"] {
        for step in STEPS {
            let (detected, written) = detect_in_steps(format!("{line}\r\n\r\n"), step);
            assert_eq!(detected.unwrap_err().kind(), ErrorKind::Peer);
            assert_eq!(written.text(), GOAWAY);
        }
    }
}

#[test]
fn another_version() {
    assert_refused("GET / HTTP/1.2\r\n\r\n", 505);
}

#[test]
fn an_invalid_field() {
    for field in ["a b: c", ": c", "a", "a\u{7f}: b", " a: b", "a : b"] {
        assert_refused(format!("GET / HTTP/1.1\r\n{field}\r\n\r\n"), 400);
    }
}

#[test]
fn a_folded_line() {
    assert_refused("GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n", 400);
}

#[test]
fn control_characters_and_a_bare_cr_in_a_value() {
    for octet in ["\0", "\x01", "\x7f", "\r"] {
        assert_refused(format!("GET / HTTP/1.1\r\na: b{octet}c\r\n\r\n"), 400);
    }
}

/// An intermediary may interpret two such lines as one.
#[test]
fn a_bare_lf_in_an_upgrade_request() {
    assert_refused(but(" HTTP/1.1\r\n", " HTTP/1.1\n"), 400);
    assert_refused(but("Host: test\r\n", "Host: test\n"), 400);
    assert_refused(but("\r\n\r\n", "\r\na: b\ntransfer-encoding: chunked\r\n\r\n"), 400);
    assert_refused(but("\r\n\r\n", "\r\n\n"), 400);
    assert_refused(but("GET", "\nGET"), 400);
}

#[test]
fn a_truncated_header_section() {
    assert_refused("GET / HTTP/1.1\r\nhost: a\r\n", 400);
}

#[test]
fn a_first_line_over_the_limit() {
    assert_refused(format!("GET /{}", "a".repeat(20_000)), 414);
    assert_refused(format!("\r\nGET /{}", "a".repeat(20_000)), 414);
}

#[test]
fn fields_over_the_limit_in_size() {
    let field = format!("a: {}\r\n", "b".repeat(1_000));
    assert_refused(format!("GET / HTTP/1.1\r\n{}", field.repeat(20)), 431);
    // Complete in one read, but too large.
    assert_refused(format!("GET / HTTP/1.1\r\n{}\r\n", field.repeat(20)), 431);
}

#[test]
fn fields_over_the_limit_in_number() {
    assert_refused(format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(101)), 431);
    let (detected, _) = detect_in_steps(
        format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "a: b\r\n".repeat(99)),
        1_000,
    );
    assert!(matches!(detected, Ok(Detected::Http1(_))));
}

#[test]
fn empty_lines_without_end() {
    assert_refused("\r\n".repeat(10_000), 400);
}

#[test]
fn custom_limits() {
    let mut options = Options::default();
    (options.max_head_size, options.max_fields) = (50, 2);
    for (request, status) in [
        ("GET / HTTP/1.1\r\na: 1\r\nb: 2\r\nc: 3\r\n\r\n".to_owned(), 431),
        (format!("GET / HTTP/1.1\r\na: {}\r\n\r\n", "1".repeat(50)), 431),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "1".repeat(50)), 414),
    ] {
        for step in STEPS {
            let (stream, written) = scripted(&request, step, End::Closed);
            let error = detect(stream, &options).unwrap_err();
            assert_eq!((written.status(), error.kind()), (Some(status), ErrorKind::Limit));
        }
    }
}

#[test]
fn more_than_one_http2_settings() {
    assert_refused(but("\r\n\r\n", "\r\nHTTP2-Settings: AAMAAABk\r\n\r\n"), 400);
}

#[test]
fn settings_that_are_not_base64url() {
    for value in ["AAMAAABkAA", "AAMAAABk====", "AAMAAAB+", "AAMAAAB/", "AAMA AABk", "AAMAAABk,"] {
        assert_refused(settings(value), 400);
    }
}

#[test]
fn an_invalid_settings_payload() {
    // Five octets; ENABLE_PUSH 2; INITIAL_WINDOW_SIZE 2^31; MAX_FRAME_SIZE 1.
    for value in ["AAMAAAA", "AAIAAAAC", "AASAAAAA", "AAUAAAAB"] {
        assert_refused(settings(value), 400);
    }
}

#[test]
fn a_missing_repeated_or_invalid_host() {
    assert_refused(but("Host: test\r\n", ""), 400);
    assert_refused(but("Host: test", "Host: test\r\nHost: test"), 400);
    for host in ["", "a b", "a/b", "me@a", "a,b"] {
        assert_refused(but("Host: test", &format!("Host: {host}")), 400);
    }
}

#[test]
fn an_invalid_target() {
    assert_refused(but("GET / ", "GET test "), 400);
    assert_refused(but("GET / ", "GET test:80 "), 400);
    assert_refused(but("GET / ", "GET * "), 400);
    assert_refused(but("GET / ", "GET http://me@test/ "), 400);
    assert_refused(but("GET / ", "GET /a#b "), 400);
    assert_refused(but("GET / ", "\r\nGET http://test/#b "), 400);
}

#[test]
fn a_target_for_tls() {
    assert_refused(but("GET / ", "GET https://test/ "), 421);
}

#[test]
fn ambiguous_lengths() {
    for fields in [
        "content-length: 1\r\ncontent-length: 2\r\n",
        "content-length: 1\r\ncontent-length: 1\r\n",
        "content-length: 1, 1\r\n",
        "content-length: +1\r\n",
        "content-length: 0x1\r\n",
        "content-length: 1\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked, identity\r\n",
        "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: xchunked\r\n",
        "transfer-encoding:\r\n",
    ] {
        assert_refused(wish(fields, "x"), 400);
    }
    assert_refused(wish("transfer-encoding: gzip, chunked\r\n", ""), 501);
}

#[test]
fn te_without_trailers_is_dropped() {
    let (detected, _) = detect_in_steps(wish("te: gzip\r\n", ""), 9);
    let Ok(Detected::Upgrade(request)) = detected else { panic!("{detected:?}") };
    assert_eq!(request.headers().get("te"), None);
}

#[test]
fn the_response_to_head_has_no_body() {
    let (detected, written) = detect_in_steps(but("GET", "HEAD").replace("AAMAAABk", "?"), 1);
    detected.unwrap_err();
    assert!(written.text().ends_with("\r\n\r\n"), "{}", written.text());
}
