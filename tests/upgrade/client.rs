//! The client's side: the upgrade request, and the handling of its answer.

use std::io::Read;
use std::time::Duration;

use h2_sync::transport::duplex;
use h2_sync::upgrade::{Options, Outcome, Upgraded, request_upgrade};
use h2_sync::{Config, Error, ErrorKind, Role};
use http::{Request, StatusCode, Version};

use crate::support::{End, STEPS, Scripted, rest, scripted};

const SWITCHING: &str =
    "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n";

fn get() -> Request<()> {
    Request::get("http://test/x?y").header("accept", "*/*").body(()).unwrap()
}

fn ask(
    request: &Request<()>,
    answer: &str,
    step: usize,
) -> (Result<Outcome<Scripted>, Error>, String) {
    let (stream, written) = scripted(answer, step, End::Closed);
    let outcome = request_upgrade(stream, request, &Config::default(), &Options::default());
    (outcome, written.text())
}

/// Returns what was sent for a request.
fn sent(request: &Request<()>) -> String {
    let (outcome, sent) = ask(request, SWITCHING, 100);
    assert!(matches!(outcome, Ok(Outcome::Upgraded(_))), "{outcome:?}");
    sent
}

#[track_caller]
fn assert_bad(answer: &str, kind: ErrorKind, text: &str) {
    for step in STEPS {
        let error = ask(&get(), answer, step).0.unwrap_err();
        assert_eq!(error.kind(), kind, "{answer:?}: {error}");
        assert!(error.to_string().contains(text), "{answer:?}: {error}");
    }
}

/// The request is refused, and nothing is sent.
#[track_caller]
fn assert_mistake(request: &Request<()>) {
    let (outcome, sent) = ask(request, SWITCHING, 100);
    assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Caller);
    assert_eq!(sent, "");
}

#[test]
fn the_request_asks_for_h2c_with_the_settings_to_come() {
    let expected = "GET /x?y HTTP/1.1\r\nhost: test\r\naccept: */*\r\nupgrade: h2c\r\n\
                    http2-settings: AAIAAAAAAAQABAAAAAYAAQAAAAkAAAAB\r\n\
                    connection: http2-settings, upgrade\r\n\r\n";
    assert_eq!(sent(&get()), expected);
}

#[test]
fn a_request_in_origin_form_takes_its_authority_from_host() {
    let request = Request::get("/x").header("host", "test:81").body(()).unwrap();
    assert!(sent(&request).starts_with("GET /x HTTP/1.1\r\nhost: test:81\r\n"));
}

#[test]
fn a_request_whose_method_could_have_a_body_says_that_there_is_none() {
    for method in ["POST", "PUT", "PATCH"] {
        let request = Request::builder().method(method).uri("http://test/").body(()).unwrap();
        assert_eq!(sent(&request).matches("content-length: 0\r\n").count(), 1);
    }
    let request = Request::post("http://test/").header("content-length", "0").body(()).unwrap();
    assert_eq!(sent(&request).matches("content-length: 0\r\n").count(), 1);
}

#[test]
fn te_is_listed_in_connection() {
    let request = Request::get("http://test/").header("te", "trailers").body(()).unwrap();
    let sent = sent(&request);
    assert!(sent.contains("connection: http2-settings, upgrade, te\r\n"), "{sent}");
    assert!(sent.contains("\r\nte: trailers\r\n"), "{sent}");
}

#[test]
fn connection_specific_fields_are_dropped() {
    let request = Request::get("http://test/")
        .header("connection", "keep-alive, x-hop")
        .header("keep-alive", "timeout=5")
        .header("x-hop", "1")
        .header("upgrade", "websocket")
        .body(())
        .unwrap();
    let sent = sent(&request);
    assert!(!sent.contains("x-hop") && !sent.contains("websocket"), "{sent}");
    assert_eq!(sent.matches("connection: ").count(), 1, "{sent}");
}

#[test]
fn an_invalid_request_is_an_error_of_the_caller() {
    let builder = || Request::builder().uri("http://test/");
    assert_mistake(&builder().header("content-length", "1").body(()).unwrap());
    assert_mistake(&Request::get("https://test/").body(()).unwrap());
    assert_mistake(&Request::get("/").body(()).unwrap());
    assert_mistake(&Request::connect("test:80").body(()).unwrap());
}

#[test]
fn after_101_the_connection_speaks_http_2() {
    for step in STEPS {
        let (outcome, _) = ask(&get(), &format!("{SWITCHING}frames"), step);
        let Ok(Outcome::Upgraded(Upgraded { stream, opening })) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(rest(stream), "frames");
        assert_eq!((opening.role(), opening.request().path()), (Role::Client, Some("/x?y")));
    }
}

#[test]
fn it_reads_no_more_than_the_header_section() {
    let (stream, _) = scripted(SWITCHING, 1, End::Forbidden);
    request_upgrade(stream, &get(), &Config::default(), &Options::default()).unwrap();
}

#[test]
fn interim_responses_are_skipped() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n";
    for step in STEPS {
        let (outcome, _) = ask(&get(), &format!("{interim}{SWITCHING}frames"), step);
        let Ok(Outcome::Upgraded(Upgraded { stream, .. })) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(rest(stream), "frames");
    }
}

#[test]
fn endless_interim_responses_exceed_a_limit() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\n".repeat(100);
    assert_bad(&interim, ErrorKind::Limit, "interim");
}

#[test]
fn any_other_response_is_returned_with_its_unread_body() {
    let answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nx: y\r\n\r\nhello";
    for step in STEPS {
        let (outcome, _) = ask(&get(), answer, step);
        let Ok(Outcome::Declined(declined)) = outcome else { panic!("{outcome:?}") };
        assert_eq!(declined.head.status(), StatusCode::OK);
        assert_eq!(declined.head.version(), Version::HTTP_11);
        assert_eq!(declined.head.headers()["x"], "y");
        assert_eq!(rest(declined.stream), "hello");
    }
    let (outcome, _) = ask(&get(), "HTTP/1.0 404 \r\n\r\n", 1);
    let Ok(Outcome::Declined(declined)) = outcome else { panic!("{outcome:?}") };
    assert_eq!(declined.head.version(), Version::HTTP_10);
}

#[test]
fn a_switch_to_another_protocol_is_an_error() {
    for head in ["Connection: Upgrade\r\nUpgrade: websocket", "Upgrade: h2c", "Connection: Upgrade"]
    {
        let answer = format!("HTTP/1.1 101 Switching Protocols\r\n{head}\r\n\r\n");
        let text = if head.contains("Upgrade:") { "other than h2c" } else { "without an upgrade" };
        assert_bad(&answer, ErrorKind::Peer, text);
    }
}

#[test]
fn the_error_names_the_protocol_of_another_server() {
    assert_bad("SSH-2.0-OpenSSH", ErrorKind::Peer, "does not speak HTTP/1.1");
    assert_bad("\0\0\0\x04\0\0\0\0\0", ErrorKind::Peer, "prior knowledge");
    assert_bad("\0\0\0\x07\0\0\0\0\0", ErrorKind::Peer, "neither");
    assert_bad("HTTP/1.1 2xx\r\n\r\n", ErrorKind::Peer, "status");
}

#[test]
fn an_answer_over_a_limit_is_an_error() {
    let field = format!("a: {}\r\n", "b".repeat(1_000));
    assert_bad(
        &format!("HTTP/1.1 200 OK\r\n{}", field.repeat(20)),
        ErrorKind::Limit,
        "max_head_size",
    );
    let many = "a: b\r\n".repeat(101);
    assert_bad(&format!("HTTP/1.1 200 OK\r\n{many}\r\n"), ErrorKind::Limit, "max_fields");
}

#[test]
fn a_server_that_closes_is_reported_as_closed() {
    assert_bad("", ErrorKind::Closed, "closed");
    assert_bad("HTTP/1.1 200 OK\r\n", ErrorKind::Closed, "within a header section");
}

#[test]
fn a_silent_server_times_out() {
    let (near, mut far) = duplex(1 << 10);
    let mut options = Options::default();
    options.timeout = Some(Duration::from_millis(20));
    let error = request_upgrade(near, &get(), &Config::default(), &options).unwrap_err();
    assert!(error.is_timeout(), "{error}");
    let mut sent = String::new();
    far.read_to_string(&mut sent).unwrap();
    assert!(sent.starts_with("GET "), "{sent}");
}
