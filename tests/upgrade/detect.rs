//! Detection of the client's protocol.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use h2_sync::transport::{Transport, duplex};
use h2_sync::upgrade::{Detected, Options, Upgraded, detect};
use h2_sync::{ErrorKind, Headers};

use crate::support::{End, GOAWAY, STEPS, Scripted, detect_in_steps, rest, scripted, wish};

const PREFACE: &str = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

fn http1(
    input: &str,
    step: usize,
) -> (h2_sync::upgrade::Http1Request<Scripted>, crate::support::Written) {
    match detect_in_steps(input, step) {
        (Ok(Detected::Http1(request)), written) => (request, written),
        (other, _) => panic!("{input:?}: {other:?}"),
    }
}

#[test]
fn prior_knowledge_is_detected_from_four_octets_and_replayed() {
    for step in [1, 2, 4] {
        let (stream, written) = scripted("PRI ", step, End::Forbidden);
        let detected = detect(stream, &Options::default()).unwrap();
        assert!(matches!(detected, Detected::PriorKnowledge(_)), "{detected:?}");
        assert_eq!(written.text(), "");
    }
    for step in STEPS {
        let (Ok(Detected::PriorKnowledge(stream)), _) = detect_in_steps(PREFACE, step) else {
            panic!("expected the preface");
        };
        assert_eq!(rest(stream), PREFACE);
    }
}

#[test]
fn methods_that_begin_like_the_preface_are_requests() {
    for method in ["P", "PR", "PRX", "PRIX", "POST", "PUT", "PATCH", "PROPFIND"] {
        for step in STEPS {
            let (request, _) = http1(&format!("{method} / HTTP/1.1\r\nhost: a\r\n\r\n"), step);
            assert_eq!(request.head().method(), method);
        }
    }
}

#[test]
fn it_reads_no_more_than_the_header_section() {
    let (stream, _) = scripted("GET / HTTP/1.1\r\nhost: a\r\n\r\n", 1, End::Forbidden);
    assert!(matches!(detect(stream, &Options::default()), Ok(Detected::Http1(_))));
    let (stream, _) = scripted(wish("content-length: 5\r\n", ""), 1, End::Forbidden);
    assert!(matches!(detect(stream, &Options::default()), Ok(Detected::Upgrade(_))));
}

#[test]
fn an_ordinary_request_gets_an_explanation() {
    for step in STEPS {
        let (request, written) = http1("GET / HTTP/1.1\r\nhost: a\r\n\r\n", step);
        request.refuse().unwrap();
        let text = written.text();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 426 Upgrade Required\r\n"), "{head}");
        assert!(head.contains("\r\nconnection: upgrade, close"), "{head}");
        assert!(head.contains("\r\nupgrade: h2c\r\n"), "{head}");
        assert!(head.contains(&format!("\r\ncontent-length: {}", body.len())), "{head}");
        assert!(head.contains("\r\ncontent-type: text/plain") && head.contains("\r\ndate: "));
        assert!(body.contains("--http2-prior-knowledge") && body.contains("Upgrade: h2c"));
    }
}

#[test]
fn the_refusal_of_head_has_no_body() {
    let (request, written) = http1("HEAD / HTTP/1.1\r\nhost: a\r\n\r\n", 1);
    request.refuse().unwrap();
    let text = written.text();
    assert!(text.ends_with("\r\n\r\n") && !text.contains("content-length: 0"), "{text}");
}

#[test]
fn http_1_0_is_answered_with_505() {
    let (request, written) = http1("GET / HTTP/1.0\r\n\r\n", 1);
    request.refuse().unwrap();
    assert_eq!(written.status(), Some(505));
    assert!(!written.text().contains("\r\nupgrade:"));
}

#[test]
fn a_server_without_upgrades_does_not_mention_them() {
    let mut options = Options::default();
    options.upgrade = false;
    let (stream, written) = scripted(wish("", ""), 1, End::Closed);
    let Ok(Detected::Http1(request)) = detect(stream, &options) else {
        panic!("upgrades are disabled");
    };
    request.refuse().unwrap();
    assert_eq!(written.status(), Some(505));
    assert!(!written.text().contains("Upgrade"), "{}", written.text());
}

#[test]
fn an_http1_server_gets_all_octets_of_the_request() {
    let input = "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\n\r\nbody";
    for step in STEPS {
        let (request, written) = http1(input, step);
        assert!("body".as_bytes().starts_with(request.read_beyond()));
        assert_eq!(rest(request.into_stream().unwrap()), input);
        assert_eq!(written.text(), "");
    }
}

#[test]
fn a_declined_upgrade_is_an_ordinary_request() {
    let input = wish("content-length: 4\r\n", "body");
    for step in STEPS {
        let (Ok(Detected::Upgrade(request)), written) = detect_in_steps(&input, step) else {
            panic!("expected an upgrade request");
        };
        assert_eq!(request.body_len(), Some(4));
        assert_eq!(rest(request.decline().into_stream().unwrap()), input);
        assert_eq!(written.text(), "");
    }
}

#[test]
fn refusing_a_declined_upgrade_does_not_suggest_an_upgrade() {
    let (Ok(Detected::Upgrade(request)), written) = detect_in_steps(wish("", ""), 9) else {
        panic!("expected an upgrade request");
    };
    request.decline().refuse().unwrap();
    assert_eq!(written.status(), Some(505));
}

#[test]
fn an_empty_line_before_a_request_is_skipped() {
    for step in STEPS {
        let (request, _) = http1("\r\nGET /x HTTP/1.1\r\nhost: a\r\n\r\n", step);
        assert_eq!(request.head().uri(), "/x");
    }
}

#[test]
fn tls_is_named_and_answered_with_goaway() {
    for step in STEPS {
        let (result, written) = detect_in_steps(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc", step);
        let error = result.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Peer);
        assert!(error.to_string().contains("TLS"), "{error}");
        assert_eq!(written.text(), GOAWAY);
    }
}

#[test]
fn other_protocols_are_an_error_and_answered_with_goaway() {
    for input in [&b"\x00\x00\x00\x04\x00\x00\x00\x00\x00"[..], b"\x80\x2e\x01", b"\x00", b" GET"] {
        let (result, written) = detect_in_steps(input, 1);
        let error = result.unwrap_err();
        assert!(error.to_string().contains("neither HTTP/2 nor HTTP/1.1"), "{error}");
        assert_eq!(written.text(), GOAWAY);
    }
}

#[test]
fn a_client_that_sends_nothing_is_reported_as_closed() {
    for input in ["", "P", "PRI", "GET / HTTP"] {
        let (result, written) = detect_in_steps(input, 1);
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Closed, "{input:?}");
        assert_eq!(written.text(), "");
    }
}

#[test]
fn silence_ends_at_the_deadline_and_is_not_answered() {
    let (mut near, far) = duplex(1 << 10);
    let mut options = Options::default();
    options.timeout = Some(Duration::from_millis(20));
    let error = detect(far, &options).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "");
}

#[test]
fn half_a_request_is_answered_with_408_at_the_deadline() {
    let (mut near, far) = duplex(1 << 10);
    near.write_all(b"GET / HTTP/1.1\r\nhost:").unwrap();
    let server = thread::spawn(move || {
        let mut options = Options::default();
        options.timeout = Some(Duration::from_millis(500));
        detect(far, &options).unwrap_err()
    });
    let mut answer = String::new();
    near.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    drop(near);
    assert!(server.join().unwrap().is_timeout());
}

#[test]
fn the_returned_stream_has_no_read_timeout() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    near.write_all(wish("", "").as_bytes()).unwrap();
    let far = listener.accept().unwrap().0;
    let Ok(Detected::Upgrade(request)) = detect(far, &Options::default()) else {
        panic!("expected an upgrade request");
    };
    let Upgraded { stream, .. } = request.accept().unwrap();
    assert_eq!(stream.reader.get_ref().get_ref().read_timeout().unwrap(), None);
    assert_eq!(stream.reader.prefix(), b"");
}

#[test]
fn split_halves_are_accepted() {
    let (mut near, far) = duplex(1 << 10);
    near.write_all(PREFACE.as_bytes()).unwrap();
    let halves = far.split().unwrap();
    let Ok(Detected::PriorKnowledge(stream)) = detect(halves, &Options::default()) else {
        panic!("expected the preface");
    };
    drop(near);
    assert_eq!(rest(stream.split().unwrap()), PREFACE);
}

#[test]
fn a_request_is_converted_to_http2() {
    let translated = |request: &str| -> Headers {
        match detect_in_steps(request, 3) {
            (Ok(Detected::Upgrade(request)), _) => request.headers().clone(),
            (other, _) => panic!("{request:?}: {other:?}"),
        }
    };
    let fields = "Connection: X-Hop\r\nX-Hop: 1\r\nX-End: a\r\nCookie: b=c\r\nX-End: d\r\n\
                  TE: trailers\r\nKeep-Alive: timeout=5\r\n";
    let pseudo = |method: &str, authority: &str, path: &str| {
        h2_sync::headers!(
            ":method" => method, ":scheme" => "http", ":authority" => authority, ":path" => path,
        )
    };
    let mut headers = translated(&wish(fields, ""));
    assert_eq!(headers.get_all("x-end").collect::<Vec<_>>(), [b"a", b"d"]);
    headers.remove("x-end");
    let expected = pseudo("POST", "test", "/in").with("cookie", "b=c").with("te", "trailers");
    assert_eq!(headers, expected);

    let with_line = |line: &str| format!("{line}\r\n{}\r\n", crate::support::WISH);
    let absolute = translated(&with_line("GET http://test/x?y HTTP/1.1"));
    assert_eq!(absolute, pseudo("GET", "test", "/x?y"));
    let whole_server = translated(&with_line("OPTIONS * HTTP/1.1"));
    assert_eq!(whole_server, pseudo("OPTIONS", "test", "*"));
    let slashes = translated(&with_line("GET //x HTTP/1.1"));
    assert_eq!(slashes, pseudo("GET", "test", "//x"));
}
