//! Responses that a client does not take.

use h2_sync::http1::ErrorKind;
use http::Method;

use crate::messages::Seen;
use crate::pieces::fetched;

#[track_caller]
fn assert_refused(cases: &[(&str, &[u8], &str)]) {
    for (name, octets, text) in cases {
        let log = fetched(&[Method::GET, Method::GET], octets);
        let error = log.refusal().unwrap_or_else(|| panic!("{name} is taken: {log:?}"));
        assert!(error.detail().contains(text), "{name}: {error}");
        assert_eq!(error.status(), None);
        assert_eq!(log.messages(), 0, "{name}: {log:?}");
    }
}

#[test]
fn a_status_line_that_is_not_one_is_refused() {
    assert_refused(&[
        ("another protocol", b"SSH-2.0-OpenSSH\r\n", "version"),
        ("frames of HTTP/2", b"\0\0\x12\x04\0\0\0\0\0", "version"),
        ("no version", b"200 OK\r\n\r\n", "version"),
        ("HTTP/2.0", b"HTTP/2.0 200 OK\r\n\r\n", "neither HTTP/1.0 nor"),
        ("two digits", b"HTTP/1.1 20 OK\r\n\r\n", "three digits"),
        ("four digits", b"HTTP/1.1 2000 OK\r\n\r\n", "three digits"),
        ("noise before the version", b"\x02\r\nHTTP/2 200 OK\r\n\r\n", "end with a version"),
        ("letters", b"HTTP/1.1 2xx OK\r\n\r\n", "three digits"),
        ("a status below 100", b"HTTP/1.1 099 OK\r\n\r\n", "below 100"),
    ]);
}

#[test]
fn a_field_that_cannot_be_read_is_refused() {
    assert_refused(&[
        ("NUL in a value", b"HTTP/1.1 200 OK\r\na: \0\r\n\r\n", "0x00"),
        ("a bare CR", b"HTTP/1.1 200 OK\r\na: b\rc\r\n\r\n", "0x0d"),
        ("no colon", b"HTTP/1.1 200 OK\r\na\r\n\r\n", "no colon"),
        ("no name", b"HTTP/1.1 200 OK\r\n: a\r\n\r\n", "no name"),
        ("a blank before all", b"HTTP/1.1 200 OK\r\n a: b\r\n\r\n", "folded"),
    ]);
}

#[test]
fn lengths_that_disagree_are_refused() {
    assert_refused(&[
        (
            "two fields",
            b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n..",
            "1 and 2",
        ),
        ("a list", b"HTTP/1.1 200 OK\r\ncontent-length: 2, 1\r\n\r\n..", "2 and 1"),
        ("a sign", b"HTTP/1.1 200 OK\r\ncontent-length: +1\r\n\r\n.", "\"+1\""),
        ("an empty one", b"HTTP/1.1 200 OK\r\ncontent-length:\r\n\r\n", "\"\""),
        ("a folded one", b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\n 2\r\n\r\n.", "\"1 2\""),
        (
            "too large",
            b"HTTP/1.1 200 OK\r\ncontent-length: 18446744073709551616\r\n\r\n",
            "64 bits",
        ),
    ]);
}

#[test]
fn a_transfer_coding_that_is_not_known_is_refused() {
    assert_refused(&[
        ("gzip", b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\n", "not implemented"),
        (
            "gzip and chunked",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n",
            "not imp",
        ),
        (
            "chunked twice",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked, chunked\r\n\r\n",
            "not imp",
        ),
        (
            "in HTTP/1.0",
            b"HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.0",
        ),
    ]);
}

#[test]
fn chunks_in_doubt_are_refused() {
    let head = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    for (name, body, text) in [
        ("a sign", &b"+5\r\nhello\r\n0\r\n\r\n"[..], "\"+5\""),
        ("0x", b"0x5\r\nhello\r\n0\r\n\r\n", "\"0x5\""),
        ("a blank in front", b" 5\r\nhello\r\n0\r\n\r\n", "\" 5\""),
        ("65 bits", b"10000000000000005\r\nhello\r\n0\r\n\r\n", "64 bits"),
        ("LF alone", b"5\nhello\r\n0\r\n\r\n", "CR LF"),
        ("too much data", b"4\r\nhello\r\n0\r\n\r\n", "longer"),
    ] {
        let octets = [head, body].concat();
        assert_refused(&[(name, &octets, text)]);
    }
}

#[test]
fn a_response_that_breaks_off_is_refused() {
    let whole = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    for end in 1..whole.len() {
        let log = fetched(&[Method::GET], &whole[..end]);
        assert_eq!(
            log.refusal().map(|error| error.kind()),
            Some(ErrorKind::Truncated),
            "after {end}"
        );
    }
    let log = fetched(&[Method::GET], b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhell");
    assert!(log.refusal().unwrap().detail().contains("1 octets short"));
    let log = fetched(&[Method::GET], b"HTTP/1.1 103 Early Hints\r\n\r\n");
    assert_eq!(log.refusal().unwrap().kind(), ErrorKind::Truncated);
}

#[test]
fn a_server_that_closes_first_leaves_the_request_unanswered() {
    let log = fetched(&[Method::GET], b"");
    assert_eq!(log.refusal().unwrap().kind(), ErrorKind::Unanswered);
    let log = fetched(&[Method::GET, Method::GET], b"HTTP/1.1 204 No Content\r\n\r\n");
    assert_eq!((log.messages(), log.refusal().unwrap().kind()), (1, ErrorKind::Unanswered));
}

#[test]
fn octets_that_answer_no_request_are_refused() {
    for (method, octets) in [
        (Method::GET, &b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok!"[..]),
        (Method::GET, b"HTTP/1.1 204 No Content\r\n\r\n\r\n"),
        (Method::HEAD, b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"),
        (Method::GET, b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\nHTTP/1.1 408 Late\r\n\r\n"),
    ] {
        let log = fetched(&[method], octets);
        assert_eq!(log.messages(), 1);
        assert!(log.refusal().is_some_and(|it| it.detail().contains("no request")), "{log:?}");
    }
}

#[test]
fn a_switch_of_protocols_that_was_not_asked_for_is_refused() {
    let switch = b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n";
    assert_refused(&[("unasked", switch, "101")]);
    let log = fetched(&[Method::OPTIONS], b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
    assert!(log.refusal().is_some(), "{log:?}");
    // The requests for OPTIONS ask for an upgrade.
    let log = fetched(&[Method::OPTIONS], &[&switch[..], b"x!"].concat());
    assert_eq!(log.seen.last(), Some(&Seen::Tunnel(b"x!".to_vec())));
}
