//! The state of a connection at the client: when it may be used again, and when it ends.

use bytes::BytesMut;
use h2_sync::http1::{BodySize, ClientConnection, Config, Received, SendError};
use http::{HeaderMap, Method, StatusCode, Uri};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

/// A connection with the head of a POST sent.
fn posted(headers: &HeaderMap, size: BodySize) -> ClientConnection {
    let mut connection = ClientConnection::new(Config::default());
    post(&mut connection, headers, size).unwrap();
    connection
}

fn post(
    connection: &mut ClientConnection,
    headers: &HeaderMap,
    size: BodySize,
) -> Result<(), SendError> {
    let uri = Uri::from_static("http://a/");
    connection.send_request(&Method::POST, &uri, headers, size, &mut Vec::new())
}

/// Receives a whole response.
#[track_caller]
fn receive(connection: &mut ClientConnection, octets: &[u8]) -> StatusCode {
    let mut input = BytesMut::from(octets);
    let response = connection.receive_response(&mut input).unwrap().expect("it is complete");
    while let Received::Content(_) = connection.receive_body(&mut input).unwrap() {
        connection.take_content(&mut input);
    }
    assert!(input.is_empty());
    response.status()
}

#[test]
fn a_connection_is_idle_once_both_directions_have_ended() {
    let mut connection = posted(&HeaderMap::new(), BodySize::Known(2));
    assert!(!connection.is_idle());
    let again = post(&mut connection, &HeaderMap::new(), BodySize::Known(0));
    assert_eq!(again, Err(SendError::Busy));
    let mut out = Vec::new();
    connection.send_data(b"ok", &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    assert!(!connection.is_idle());
    receive(&mut connection, OK);
    assert!(connection.is_idle() && !connection.is_closed());
    post(&mut connection, &HeaderMap::new(), BodySize::Known(0)).unwrap();
}

#[test]
fn an_upload_may_go_on_behind_an_early_response() {
    let mut connection = posted(&HeaderMap::new(), BodySize::Unknown);
    receive(&mut connection, OK);
    assert!(!connection.is_idle() && !connection.is_closed());
    let mut out = Vec::new();
    connection.send_data(b"late", &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    assert!(connection.is_idle());
}

#[test]
fn an_upload_that_is_given_up_ends_the_connection() {
    let mut connection = posted(&HeaderMap::new(), BodySize::Known(9));
    receive(&mut connection, b"HTTP/1.1 413 No\r\ncontent-length: 0\r\n\r\n");
    connection.stop_sending();
    assert!(connection.is_closed() && !connection.is_idle());
    assert_eq!(connection.send_data(b"x", &mut Vec::new()), Err(SendError::NoMessage));

    let mut connection = posted(&HeaderMap::new(), BodySize::Known(9));
    connection.stop_sending();
    assert!(!connection.is_closed());
    receive(&mut connection, OK);
    assert!(connection.is_closed());
}

#[test]
fn close_of_either_side_ends_the_connection() {
    let mut close = HeaderMap::new();
    close.insert("connection", "close".parse().unwrap());
    let mut connection = posted(&close, BodySize::Known(0));
    connection.finish(None, &mut Vec::new()).unwrap();
    receive(&mut connection, OK);
    assert!(connection.is_closed() && !connection.is_idle());

    let mut connection = posted(&HeaderMap::new(), BodySize::Known(0));
    connection.finish(None, &mut Vec::new()).unwrap();
    receive(&mut connection, b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n");
    assert!(connection.is_closed() && !connection.is_idle());
    let again = post(&mut connection, &HeaderMap::new(), BodySize::Known(0));
    assert_eq!(again, Err(SendError::Busy));
}

#[test]
fn an_idle_connection_is_looked_at_before_it_is_used_again() {
    let mut connection = ClientConnection::new(Config::default());
    assert!(connection.receive_response(&mut BytesMut::new()).unwrap().is_none());
    assert!(connection.is_idle());
    let mut late = BytesMut::from("HTTP/1.1 408 Request Timeout\r\n\r\n");
    assert!(connection.receive_response(&mut late).is_err());
    assert!(!connection.is_idle() && connection.is_closed());

    let mut connection = ClientConnection::new(Config::default());
    connection.end_of_input(b"").unwrap();
    assert!(!connection.is_idle() && connection.is_closed());
}

#[test]
fn content_waits_for_100() {
    let mut expect = HeaderMap::new();
    expect.insert("expect", "100-continue".parse().unwrap());
    for (octets, is_over) in [
        (&b"HTTP/1.1 103 Early Hints\r\n\r\n"[..], false),
        (b"HTTP/1.1 100 Continue\r\n\r\n", true),
        (b"HTTP/1.1 417 No\r\ncontent-length: 0\r\n\r\n", true),
    ] {
        let mut connection = posted(&expect, BodySize::Known(2));
        assert!(connection.awaits_continue());
        let mut input = BytesMut::from(octets);
        assert!(connection.receive_response(&mut input).unwrap().is_some());
        assert_eq!(connection.awaits_continue(), !is_over);
    }
    assert!(!posted(&expect, BodySize::Known(0)).awaits_continue());
    assert!(!posted(&HeaderMap::new(), BodySize::Known(2)).awaits_continue());
}

#[test]
fn no_body_before_the_head() {
    let mut connection = posted(&HeaderMap::new(), BodySize::Known(0));
    let mut input = BytesMut::from(OK);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert_eq!(input, OK);
    assert!(connection.receive_response(&mut input).unwrap().is_some());
    assert!(connection.receive_response(&mut input).unwrap().is_none());
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(2)));
}

#[test]
fn content_until_the_close_is_read_past_the_input() {
    let mut connection = posted(&HeaderMap::new(), BodySize::Known(0));
    connection.finish(None, &mut Vec::new()).unwrap();
    let mut input = BytesMut::from("HTTP/1.1 200 OK\r\n\r\n");
    assert!(connection.receive_response(&mut input).unwrap().is_some());
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(u64::MAX)));
    connection.consume(1 << 40);
    assert_eq!(connection.receive_body(&mut input), Ok(Received::Content(u64::MAX)));
    connection.end_of_input(&input).unwrap();
    assert_eq!(connection.receive_body(&mut input), Ok(Received::End));
    assert!(connection.is_closed());
}

#[test]
fn a_failed_connection_keeps_its_error() {
    let mut connection = posted(&HeaderMap::new(), BodySize::Known(0));
    let mut input = BytesMut::from("noise\r\n");
    let error = connection.receive_response(&mut input).unwrap_err();
    assert_eq!(connection.receive_response(&mut input).unwrap_err(), error);
    assert_eq!(connection.receive_body(&mut input), Err(error.clone()));
    assert_eq!(connection.end_of_input(&input), Err(error));
    assert!(connection.is_closed());
}
