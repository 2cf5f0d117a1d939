//! The state of a connection at the server: what may come next, and when it ends.

use bytes::BytesMut;
use h2_sync::http1::{BodySize, Config, Received, SendError, ServerConnection};
use http::{HeaderMap, Request, StatusCode};

pub(crate) const GET: &str = "GET / HTTP/1.1\r\nhost: a\r\n\r\n";
const EXPECT: &str =
    "POST / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n";

pub(crate) fn server() -> ServerConnection {
    ServerConnection::new(Config::default())
}

/// A connection that has received this head, and what stands behind it.
#[track_caller]
pub(crate) fn asked(octets: &str) -> (ServerConnection, Request<()>, BytesMut) {
    let (mut connection, mut input) = (server(), BytesMut::from(octets));
    let request = connection.receive_request(&mut input).unwrap().expect("the head is complete");
    (connection, request, input)
}

/// Answers with content of this text.
#[track_caller]
pub(crate) fn answer(connection: &mut ServerConnection, text: &str) -> String {
    let mut out = Vec::new();
    let size = BodySize::Known(text.len() as u64);
    connection.send_response(StatusCode::OK, &HeaderMap::new(), size, &mut out).unwrap();
    connection.send_data(text.as_bytes(), &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn a_pipelined_request_waits_for_the_response_before() {
    let (mut connection, _, mut input) = asked(&GET.repeat(2));
    assert!(connection.receive_request(&mut input).unwrap().is_none());
    assert_eq!(input, GET);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    answer(&mut connection, "");
    assert!(connection.is_idle() && !connection.is_closed());
    assert!(connection.receive_request(&mut input).unwrap().is_some());
}

#[test]
fn the_next_request_waits_for_the_end_of_a_body_that_is_not_read() {
    let (mut connection, _, mut input) =
        asked(&format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nok{GET}"));
    answer(&mut connection, "early");
    assert!(!connection.is_idle() && !connection.is_closed());
    assert!(connection.receive_request(&mut input).unwrap().is_none());
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(2)));
    assert_eq!(connection.take_content(&mut input), "ok");
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert!(connection.is_idle());
    assert!(connection.receive_request(&mut input).unwrap().is_some());
}

#[test]
fn content_may_be_read_past_the_input() {
    let (mut connection, _, mut input) =
        asked("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nff\r\nab");
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(255)));
    assert_eq!(connection.take_content(&mut input), "ab");
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(253)));
    assert!(connection.take_content(&mut input).is_empty());
    connection.consume(250);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(3)));
    connection.consume(3);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::NeedMore));
    input.extend_from_slice(b"\r\n0\r\n\r\n");
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
}

#[should_panic = "3 octets consumed of 2"]
#[test]
fn more_content_than_announced_cannot_be_consumed() {
    let (mut connection, _, _) = asked("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\n");
    connection.consume(3);
}

#[test]
fn close_of_either_side_ends_the_connection_after_the_response() {
    let (mut connection, _, mut input) =
        asked(&format!("GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n{GET}"));
    assert!(answer(&mut connection, "").contains("connection: close\r\n"));
    assert!(connection.is_closed() && !connection.is_idle());
    assert!(connection.receive_request(&mut input).unwrap().is_none());
    assert_eq!(input, GET);

    let (mut connection, _, _) = asked(GET);
    connection.close_after_response();
    assert!(!connection.is_closed());
    assert!(answer(&mut connection, "").contains("connection: close\r\n"));
    assert!(connection.is_closed());

    let (mut connection, ..) = asked(GET);
    answer(&mut connection, "");
    connection.close_after_response();
    assert!(connection.is_closed());
}

#[test]
fn a_client_that_has_closed_its_direction_gets_its_response() {
    let (mut connection, _, mut input) = asked(GET);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    connection.end_of_input(&input).unwrap();
    assert!(answer(&mut connection, "bye").ends_with("connection: close\r\n\r\nbye"));
    assert!(connection.is_closed());
}

#[test]
fn http_1_0_is_kept_alive_where_it_asks_for_it() {
    let head = "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n";
    let (mut connection, ..) = asked(head);
    let text = answer(&mut connection, "ok");
    assert!(text.starts_with("HTTP/1.1 200 OK\r\n") && text.contains("connection: keep-alive\r\n"));
    assert!(connection.is_idle());

    // Without a length, the close is the end.
    let (mut connection, ..) = asked(head);
    let mut out = Vec::new();
    let ok = StatusCode::OK;
    connection.send_response(ok, &HeaderMap::new(), BodySize::Unknown, &mut out).unwrap();
    connection.send_data(b"ok", &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\nok");
    assert!(connection.is_closed());

    let (mut connection, ..) = asked("GET / HTTP/1.0\r\n\r\n");
    assert!(answer(&mut connection, "ok").contains("connection: close\r\n"));
}

#[test]
fn a_client_that_expects_100_gets_it_when_the_body_is_read() {
    let (mut connection, _, mut input) = asked(EXPECT);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(2)));
    assert!(connection.expects_continue());
    let mut out = Vec::new();
    connection.send_interim(StatusCode::CONTINUE, &HeaderMap::new(), &mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 100 Continue\r\n\r\n");
    assert!(!connection.expects_continue());
    connection.consume(2);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert!(!answer(&mut connection, "").contains("close"));
}

#[test]
fn a_client_that_sends_content_does_not_expect_100_any_more() {
    let (mut connection, _, mut input) = asked(&format!("{EXPECT}o"));
    assert!(connection.expects_continue());
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(2)));
    assert!(!connection.expects_continue());
}

#[test]
fn a_response_while_100_is_expected_ends_the_connection() {
    let (mut connection, ..) = asked(EXPECT);
    assert!(answer(&mut connection, "no").contains("connection: close\r\n"));
    assert!(connection.is_closed());
}

#[test]
fn expectation_without_content_or_in_http_1_0_is_ignored() {
    for head in [
        "GET / HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\r\n",
        "POST / HTTP/1.0\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nhost: a\r\nexpect: other\r\ncontent-length: 2\r\n\r\n",
    ] {
        assert!(!asked(head).0.expects_continue(), "{head}");
    }
}

#[test]
fn a_connect_that_is_refused_ends_the_connection() {
    let (mut connection, _, mut input) =
        asked(&format!("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n{GET}"));
    let mut out = Vec::new();
    let (status, fields) = (StatusCode::METHOD_NOT_ALLOWED, HeaderMap::new());
    connection.send_response(status, &fields, BodySize::Known(0), &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    assert!(connection.is_closed());
    assert!(connection.receive_request(&mut input).unwrap().is_none());
}

#[test]
fn a_connect_that_is_accepted_leaves_the_rest_to_the_tunnel() {
    let (mut connection, _, mut input) =
        asked(&format!("CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n{GET}"));
    let (mut out, size) = (Vec::new(), BodySize::Unknown);
    connection.send_response(StatusCode::OK, &HeaderMap::new(), size, &mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 200 OK\r\n\r\n");
    assert!(connection.is_tunnel() && !connection.is_idle());
    assert!(connection.receive_request(&mut input).unwrap().is_none());
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert_eq!(input, GET);
    assert_eq!(connection.send_data(b"raw", &mut out), Err(SendError::NoMessage));
}

#[test]
fn an_upgrade_is_accepted_after_the_whole_request() {
    let head = "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: x\r\n";
    let mut fields = HeaderMap::new();
    fields.insert("upgrade", "x".parse().unwrap());
    let switch = |connection: &mut ServerConnection, fields: &HeaderMap| {
        let (mut out, size) = (Vec::new(), BodySize::Known(0));
        let status = StatusCode::SWITCHING_PROTOCOLS;
        connection.send_response(status, fields, size, &mut out)?;
        Ok::<_, SendError>(String::from_utf8(out).unwrap())
    };
    let (mut connection, _, input) = asked(&format!("{head}\r\nraw"));
    assert_eq!(switch(&mut connection, &HeaderMap::new()), Err(SendError::Upgrade));
    let text = switch(&mut connection, &fields).unwrap();
    let expected = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n";
    assert_eq!(text, expected);
    assert!(connection.is_tunnel());
    assert_eq!(input, "raw");

    let (mut connection, _, mut input) = asked(&format!("{head}content-length: 2\r\n\r\nok"));
    assert_eq!(switch(&mut connection, &fields), Err(SendError::Upgrade));
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(2)));
    connection.take_content(&mut input);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert!(switch(&mut connection, &fields).is_ok());

    for head in [GET, "GET / HTTP/1.1\r\nhost: a\r\nupgrade: x\r\n\r\n"] {
        assert_eq!(switch(&mut asked(head).0, &fields), Err(SendError::Upgrade));
    }
}

#[test]
fn a_timeout_can_be_answered_before_a_request() {
    let (mut connection, mut input) = (server(), BytesMut::from("GET / HT"));
    assert!(connection.receive_request(&mut input).unwrap().is_none());
    let (mut out, fields, size) = (Vec::new(), HeaderMap::new(), BodySize::Known(0));
    let status = StatusCode::REQUEST_TIMEOUT;
    let early = connection.send_response(status, &fields, size, &mut out);
    assert_eq!((early, out.len()), (Err(SendError::NoRequest), 0));
    connection.stop_receiving();
    connection.send_response(status, &fields, size, &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    let text = String::from_utf8(out).unwrap();
    assert!(text.starts_with("HTTP/1.1 408 ") && text.contains("connection: close\r\n"), "{text}");
    assert!(connection.is_closed());
    input.extend_from_slice(b"TP/1.1\r\nhost: a\r\n\r\n");
    assert!(connection.receive_request(&mut input).unwrap().is_none());
}

#[test]
fn a_body_that_is_given_up_ends_the_connection() {
    let (mut connection, _, mut input) =
        asked(&format!("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 999\r\n\r\n{GET}"));
    connection.stop_receiving();
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert!(answer(&mut connection, "").contains("connection: close\r\n"));
    assert!(connection.is_closed());
}

#[test]
fn a_body_that_is_malformed_can_be_answered() {
    let (mut connection, _, mut input) =
        asked("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nx\r\n");
    let error = connection.receive_body(&mut input).unwrap_err();
    assert_eq!(connection.receive_body(&mut input), Err(error));
    assert!(answer(&mut connection, "no").contains("connection: close\r\n"));
    assert!(connection.is_closed());
}

#[test]
fn memory_of_fields_is_used_again() {
    let (mut connection, request, mut input) = asked(&GET.repeat(2));
    let headers = request.into_parts().0.headers;
    let capacity = headers.capacity();
    connection.recycle(headers);
    answer(&mut connection, "");
    let request = connection.receive_request(&mut input).unwrap().unwrap();
    assert_eq!((request.headers().len(), request.headers().capacity()), (1, capacity));
}
