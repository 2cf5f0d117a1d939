//! What is over a limit, and what just fits.

use h2_sync::http1::{Config, ErrorKind};
use http::Method;

use crate::messages::Log;
use crate::pieces::{fetched_within, served_within};

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config::default();
    change(&mut config);
    config
}

#[track_caller]
fn assert_over(log: &Log, status: u16, text: &str) {
    let error = log.refusal().unwrap_or_else(|| panic!("it is taken: {log:?}"));
    assert_eq!((error.kind(), error.status().unwrap().as_u16()), (ErrorKind::Limit, status));
    assert!(error.detail().contains(text), "{error}");
}

#[test]
fn a_request_line_has_a_limit() {
    let config = config(|config| config.max_request_line = 30);
    let request = |len: usize| format!("GET /{} HTTP/1.1\r\nhost: a\r\n\r\n", "a".repeat(len - 16));
    assert_eq!(served_within(&config, request(30).as_bytes()).messages(), 1);
    assert_over(&served_within(&config, request(31).as_bytes()), 414, "30 octets");
    assert_over(&served_within(&config, request(300).as_bytes()), 414, "max_request_line");
}

#[test]
fn a_head_has_a_limit() {
    let config = config(|config| config.max_head_size = 50);
    let request =
        |len: usize| format!("GET / HTTP/1.1\r\nhost: a\r\nb: {}\r\n\r\n", "b".repeat(len - 32));
    assert_eq!(served_within(&config, request(50).as_bytes()).messages(), 1);
    assert_over(&served_within(&config, request(51).as_bytes()), 431, "50 octets");
    assert_over(&served_within(&config, request(500).as_bytes()), 431, "max_head_size");
    let response = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(50));
    let log = fetched_within(&config, &[Method::GET], response.as_bytes());
    assert_eq!(log.refusal().unwrap().kind(), ErrorKind::Limit);
}

#[test]
fn limit_of_fields_holds_below_and_above_the_stack_buffer() {
    for max in [3, 32, 33, 100] {
        let config = config(|config| config.max_fields = max);
        let request =
            |fields| format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "b: c\r\n".repeat(fields - 1));
        assert_eq!(served_within(&config, request(max).as_bytes()).messages(), 1);
        assert_over(&served_within(&config, request(max + 1).as_bytes()), 431, "max_fields");
    }
}

#[test]
fn fields_without_a_limit_are_bounded_by_the_head() {
    let config = config(|config| config.max_fields = usize::MAX);
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{}\r\n", "b:\r\n".repeat(1_000));
    assert_eq!(served_within(&config, request.as_bytes()).messages(), 1);
}

#[test]
fn the_default_limits_let_large_heads_through() {
    let config = Config::default();
    let fields = format!("b: {}\r\n", "c".repeat(240)).repeat(255);
    let request = format!("GET / HTTP/1.1\r\nhost: a\r\n{fields}\r\n");
    let log = h2_messages(&config, request.as_bytes());
    assert_eq!(log.messages(), 1, "{:?}", log.refusal());
    let target = "a".repeat((16 << 10) - 16);
    let request = format!("GET /{target} HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(h2_messages(&config, request.as_bytes()).messages(), 1);
}

/// Whole alone: octet by octet, large heads take a while without optimization.
fn h2_messages(config: &Config, octets: &[u8]) -> Log {
    crate::messages::serve(config, octets, usize::MAX)
}

#[test]
fn content_has_a_limit_that_is_known_from_its_length() {
    let config = config(|config| config.max_body_size = Some(5));
    let request = |len: usize| {
        format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: {len}\r\n\r\n{}", "a".repeat(len))
    };
    assert_eq!(served_within(&config, request(5).as_bytes()).content(), b"aaaaa");
    let log = served_within(&config, request(6).as_bytes());
    assert_over(&log, 413, "5 octets");
    assert!(log.content().is_empty());
}

#[test]
fn content_in_chunks_has_a_limit() {
    let config = config(|config| config.max_body_size = Some(5));
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
    let fits = format!("{head}2\r\naa\r\n3\r\naaa\r\n0\r\n\r\n");
    assert_eq!(served_within(&config, fits.as_bytes()).content(), b"aaaaa");
    for body in
        ["6\r\naaaaaa\r\n", "5\r\naaaaa\r\n1\r\na\r\n", "5\r\naaaaa\r\nffffffffffffffff\r\n"]
    {
        assert_over(
            &served_within(&config, format!("{head}{body}").as_bytes()),
            413,
            "max_body_size",
        );
    }
}

#[test]
fn content_until_the_close_has_a_limit() {
    let config = config(|config| config.max_body_size = Some(5));
    let log = fetched_within(&config, &[Method::GET], b"HTTP/1.1 200 OK\r\n\r\naaaaa");
    assert_eq!((log.content(), log.messages()), (b"aaaaa".to_vec(), 1));
    let log = fetched_within(&config, &[Method::GET], b"HTTP/1.1 200 OK\r\n\r\naaaaaa");
    assert_eq!(log.refusal().unwrap().kind(), ErrorKind::Limit);
}

#[test]
fn a_trailer_section_has_the_limits_of_a_head() {
    let config = config(|config| {
        config.max_head_size = 60;
        config.max_fields = 3;
    });
    let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n0\r\n";
    let large = format!("{head}a: {}\r\n\r\n", "b".repeat(60));
    assert_over(&served_within(&config, large.as_bytes()), 431, "max_head_size");
    let many = format!("{head}{}\r\n", "a: b\r\n".repeat(4));
    assert_over(&served_within(&config, many.as_bytes()), 431, "max_fields");
    let fits = format!("{head}{}\r\n", "a: b\r\n".repeat(3));
    assert_eq!(served_within(&config, fits.as_bytes()).messages(), 1);
}

#[test]
fn extensions_out_of_proportion_to_the_content_are_refused() {
    let chunks = |extension: usize, count: usize| {
        let chunk = format!("1;{}\r\na\r\n", "x".repeat(extension));
        let head = "POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n";
        format!("{head}{}0\r\n\r\n", chunk.repeat(count))
    };
    let config = Config::default();
    let log = served_within(&config, chunks(100, 300).as_bytes());
    assert!(log.refusal().is_some_and(|error| error.detail().contains("proportion")));
    assert_eq!(served_within(&config, chunks(10, 3_000).as_bytes()).content().len(), 3_000);
}

#[test]
fn interim_responses_have_a_limit() {
    let config = config(|config| config.max_interim = 2);
    let interim = "HTTP/1.1 103 Early Hints\r\n\r\n";
    let last = "HTTP/1.1 204 No Content\r\n\r\n";
    let fits = [interim, interim, last].concat();
    let log = fetched_within(&config, &[Method::GET], fits.as_bytes());
    assert_eq!((log.messages(), log.refusal()), (1, None));
    let over = [interim, interim, interim, last].concat();
    let log = fetched_within(&config, &[Method::GET], over.as_bytes());
    assert_eq!(log.refusal().unwrap().kind(), ErrorKind::Limit);
}
