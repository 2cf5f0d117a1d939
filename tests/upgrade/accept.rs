//! Accepted upgrade requests, with their bodies.

use h2_sync::transport::duplex;
use h2_sync::upgrade::{Detected, Opening, Options, Prefixed, UpgradeRequest, Upgraded, detect};
use h2_sync::{ErrorKind, Role};

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use crate::support::{End, STEPS, Scripted, Written, detect_in_steps, rest, scripted, wish};

const SWITCHING: &str =
    "HTTP/1.1 101 Switching Protocols\r\nupgrade: h2c\r\nconnection: upgrade\r\n\r\n";

fn request(input: impl AsRef<[u8]>, step: usize) -> (UpgradeRequest<Scripted>, Written) {
    match detect_in_steps(input, step) {
        (Ok(Detected::Upgrade(request)), written) => (request, written),
        (other, _) => panic!("{other:?}"),
    }
}

/// Accepts a request with these fields and this input after them. Returns the opening, the octets
/// left to be read, and what was written.
fn accept(fields: &str, behind: &str, step: usize) -> (Opening, String, String) {
    let (request, written) = request(wish(fields, behind), step);
    let Upgraded { stream, opening } = request.accept().unwrap();
    (opening, rest(stream), written.text())
}

/// The request is recognised, but its body is answered with an error.
#[track_caller]
fn assert_refused(fields: &str, behind: &str, status: u16) {
    for step in STEPS {
        let (request, written) = request(wish(fields, behind), step);
        let error = request.accept().unwrap_err();
        assert_eq!(written.status(), Some(status), "{behind:?}: {error}");
    }
}

#[test]
fn debug_output_omits_secrets_and_bodies() {
    let request =
        wish("authorization: s3cret\r\ncookie: s3cret\r\ncontent-length: 6\r\n", "s3cret");
    let (detected, _) = detect_in_steps(&request, usize::MAX);
    let Ok(Detected::Upgrade(request)) = detected else { panic!("{detected:?}") };
    let mut shown = format!("{request:?}");
    let upgraded = request.accept().unwrap();
    shown += &format!("{upgraded:?} {:?}", upgraded.opening);
    assert!(!shown.contains("s3cret"), "{shown}");
    assert_eq!(upgraded.opening.request().get("cookie"), Some("s3cret"));
}

#[test]
fn debug_output_omits_replayed_octets() {
    let request = "GET / HTTP/1.1\r\nHost: test\r\nAuthorization: s3cret\r\n\r\n";
    let (detected, _) = detect_in_steps(request, usize::MAX);
    let Ok(Detected::Http1(request)) = detected else { panic!("{detected:?}") };
    let mut shown = format!("{request:?}");
    let prefixed = request.into_stream().unwrap().reader;
    assert!(prefixed.prefix().ends_with(b"s3cret\r\n\r\n"));
    shown += &format!("{:?}", Prefixed::new(prefixed.prefix().to_vec(), ()));
    assert!(!shown.contains("s3cret"), "{shown}");
}

#[test]
fn without_a_body_http2_follows_the_header_section() {
    for step in STEPS {
        let (opening, rest, written) = accept("", "PRI * HTTP/2.0", step);
        assert_eq!((opening.role(), opening.body()), (Role::Server, &b""[..]));
        assert_eq!(opening.request().path(), Some("/in"));
        assert_eq!((&rest[..], &written[..]), ("PRI * HTTP/2.0", SWITCHING));
    }
}

#[test]
fn a_body_with_a_length_is_read_exactly() {
    for step in STEPS {
        let (opening, rest, written) = accept("Content-Length: 4\r\n", "bodyPRI", step);
        assert_eq!((opening.body(), &rest[..]), (&b"body"[..], "PRI"));
        assert_eq!(opening.request().get("content-length"), Some("4"));
        assert_eq!(written, SWITCHING);
    }
}

#[test]
fn chunks_are_joined_and_leave_no_trace_in_the_request() {
    for step in STEPS {
        let chunks = "2;x\r\nbo\r\n2\r\ndy\r\n0\r\nx-end: 1\r\n\r\nPRI";
        let (opening, rest, _) = accept("Transfer-Encoding: chunked\r\n", chunks, step);
        assert_eq!((opening.body(), &rest[..]), (&b"body"[..], "PRI"));
        assert_eq!(opening.request().get("transfer-encoding"), None);
        assert_eq!(opening.request().get("content-length"), None);
    }
}

#[test]
fn it_reads_no_more_than_the_body() {
    for body in [wish("Content-Length: 4\r\n", "body"), wish("", "")] {
        let (stream, written) = scripted(body, 1, End::Forbidden);
        let Ok(Detected::Upgrade(request)) = detect(stream, &Options::default()) else {
            panic!("expected an upgrade request");
        };
        request.accept().unwrap();
        assert_eq!(written.text(), SWITCHING);
    }
}

#[test]
fn a_body_over_the_limit_is_answered_with_413_before_it_arrives() {
    let fields = "content-length: 65537\r\nexpect: 100-continue\r\n";
    assert_refused(fields, "", 413);
    assert_refused("content-length: 18446744073709551615\r\n", "", 413);
    assert_refused("transfer-encoding: chunked\r\n", "10001\r\n", 413);
    let body = "x".repeat(65_536);
    let (opening, ..) = accept("content-length: 65536\r\n", &body, 5_000);
    assert_eq!(opening.body(), body.as_bytes());
}

#[test]
fn a_malformed_or_incomplete_body_is_answered_with_400() {
    assert_refused("content-length: 4\r\n", "bod", 400);
    let chunked = "transfer-encoding: chunked\r\n";
    for body in ["x\r\n", "1\r\nxy\r\n0\r\n\r\n", "1\nx\n0\n\n", "1\r\nx\r\n", "0\r\n"] {
        assert_refused(chunked, body, 400);
    }
}

#[test]
fn a_client_that_expects_100_gets_it() {
    let (mut near, far) = duplex(1 << 10);
    let server = thread::spawn(move || {
        let Ok(Detected::Upgrade(request)) = detect(far, &Options::default()) else {
            panic!("expected an upgrade request");
        };
        request.accept().unwrap().opening
    });
    let fields = "content-length: 4\r\nexpect: 100-Continue\r\n";
    near.write_all(wish(fields, "").as_bytes()).unwrap();
    let mut go_on = [0; 25];
    near.read_exact(&mut go_on).unwrap();
    assert_eq!(&go_on, b"HTTP/1.1 100 Continue\r\n\r\n");
    near.write_all(b"body").unwrap();
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, SWITCHING);
    let opening = server.join().unwrap();
    assert_eq!((opening.body(), opening.request().get("expect")), (&b"body"[..], None));
}

#[test]
fn a_client_whose_body_has_arrived_gets_no_100() {
    let (_, _, written) = accept("content-length: 1\r\nexpect: 100-continue\r\n", "x", usize::MAX);
    assert_eq!(written, SWITCHING);
    let (_, _, written) = accept("expect: 100-continue\r\n", "", 1);
    assert_eq!(written, SWITCHING);
}

#[test]
fn a_missing_body_ends_at_the_deadline() {
    let (mut near, far) = duplex(1 << 10);
    near.write_all(wish("content-length: 4\r\n", "bod").as_bytes()).unwrap();
    let server = thread::spawn(move || {
        let mut options = Options::default();
        options.timeout = Some(Duration::from_millis(500));
        let Ok(Detected::Upgrade(request)) = detect(far, &options) else {
            panic!("expected an upgrade request");
        };
        request.accept().unwrap_err()
    });
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    drop(near);
    assert_eq!(server.join().unwrap().kind(), ErrorKind::Timeout);
}
