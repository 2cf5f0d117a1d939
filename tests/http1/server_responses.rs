//! What a server sends, octet for octet.

use h2_sync::http1::{BodySize, SendError};
use http::{HeaderMap, HeaderName, StatusCode};

use crate::server::{GET, asked};

const HEAD: &str = "HEAD / HTTP/1.1\r\nhost: a\r\n\r\n";

fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let fields = fields.iter();
    fields.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

/// The response to a request, with content where it has any.
#[track_caller]
fn response(
    request: &str,
    status: u16,
    headers: &HeaderMap,
    size: BodySize,
    data: &[&str],
) -> String {
    let (mut connection, ..) = asked(request);
    let mut out = Vec::new();
    let status = StatusCode::from_u16(status).unwrap();
    connection.send_response(status, headers, size, &mut out).unwrap();
    for data in data {
        connection.send_data(data.as_bytes(), &mut out).unwrap();
    }
    connection.finish(None, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

#[test]
fn content_of_known_size_has_a_length() {
    let text = response(GET, 404, &fields(&[("x-a", "b")]), BodySize::Known(4), &["he", "", "re"]);
    assert_eq!(text, "HTTP/1.1 404 Not Found\r\nx-a: b\r\ncontent-length: 4\r\n\r\nhere");
    let text = response(GET, 200, &HeaderMap::new(), BodySize::Known(0), &[]);
    assert_eq!(text, "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n");
    let text = response(GET, 599, &HeaderMap::new(), BodySize::Known(0), &[]);
    assert!(text.starts_with("HTTP/1.1 599 \r\n"), "{text}");
}

#[test]
fn content_of_unknown_size_is_sent_in_chunks() {
    let long = "a".repeat(0x123);
    let text = response(GET, 200, &HeaderMap::new(), BodySize::Unknown, &["hello", "", &long]);
    let expected = format!(
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n123\r\n{long}\r\n0\r\n\r\n"
    );
    assert_eq!(text, expected);
}

#[test]
fn a_length_among_the_fields_is_the_length() {
    let length = fields(&[("content-length", "2")]);
    let text = response(GET, 200, &length, BodySize::Unknown, &["ok"]);
    assert_eq!(text, "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    assert_eq!(response(GET, 200, &length, BodySize::Known(2), &["ok"]), text);
    let (mut connection, ..) = asked(GET);
    for (length, size) in [("3", BodySize::Known(2)), ("x", BodySize::Unknown)] {
        let (mut out, fields) = (Vec::new(), fields(&[("content-length", length)]));
        let sent = connection.send_response(StatusCode::OK, &fields, size, &mut out);
        assert_eq!((sent, out.len()), (Err(SendError::ContentLength), 0));
    }
}

#[test]
fn response_to_head_has_a_length_and_no_content() {
    let text = response(HEAD, 200, &HeaderMap::new(), BodySize::Known(5), &[""]);
    assert_eq!(text, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
    let text = response(HEAD, 200, &fields(&[("content-length", "7")]), BodySize::Known(0), &[]);
    assert_eq!(text, "HTTP/1.1 200 OK\r\ncontent-length: 7\r\n\r\n");
    let text = response(HEAD, 200, &HeaderMap::new(), BodySize::Unknown, &[]);
    assert_eq!(text, "HTTP/1.1 200 OK\r\n\r\n");
}

#[test]
fn no_content_follows_head_204_and_304() {
    for (request, status) in [(HEAD, 200), (GET, 204), (GET, 304)] {
        let (mut connection, ..) = asked(request);
        let (mut out, status) = (Vec::new(), StatusCode::from_u16(status).unwrap());
        connection.send_response(status, &HeaderMap::new(), BodySize::Unknown, &mut out).unwrap();
        assert!(!connection.may_send_content());
        let len = out.len();
        assert_eq!(connection.send_data(b"x", &mut out), Err(SendError::NoContentAllowed));
        connection.finish(None, &mut out).unwrap();
        assert_eq!(out.len(), len);
        assert!(connection.is_idle());
    }
}

#[test]
fn a_204_has_no_length_and_a_304_that_of_the_caller() {
    let length = fields(&[("content-length", "5")]);
    let text = response(GET, 204, &length, BodySize::Unknown, &[]);
    assert_eq!(text, "HTTP/1.1 204 No Content\r\n\r\n");
    let text = response(GET, 304, &length, BodySize::Known(0), &[]);
    assert_eq!(text, "HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n");
    let text = response(GET, 304, &HeaderMap::new(), BodySize::Known(0), &[]);
    assert_eq!(text, "HTTP/1.1 304 Not Modified\r\n\r\n");
}

#[test]
fn fields_of_the_connection_are_the_codecs() {
    let given = fields(&[
        ("transfer-encoding", "gzip"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("connection", "keep-alive, x-a"),
        ("x-a", "b"),
    ]);
    let text = response(GET, 200, &given, BodySize::Known(0), &[]);
    let expected = "HTTP/1.1 200 OK\r\nx-a: b\r\ncontent-length: 0\r\nconnection: x-a\r\n\r\n";
    assert_eq!(text, expected);
    let given = fields(&[("connection", "x-a, Close")]);
    let text = response(GET, 200, &given, BodySize::Known(0), &[]);
    assert!(text.ends_with("\r\nconnection: x-a, close\r\n\r\n"), "{text}");
}

#[test]
fn content_and_length_have_to_agree() {
    let (mut connection, ..) = asked(GET);
    let (mut out, size) = (Vec::new(), BodySize::Known(4));
    connection.send_response(StatusCode::OK, &HeaderMap::new(), size, &mut out).unwrap();
    let len = out.len();
    let too_long = SendError::TooLong { left: 4, len: 5 };
    assert_eq!(connection.send_data(b"hello", &mut out), Err(too_long));
    assert_eq!(out.len(), len);
    connection.send_data(b"hel", &mut out).unwrap();
    assert_eq!(connection.finish(None, &mut out), Err(SendError::TooShort { left: 1 }));
    assert!(!connection.is_idle() && !connection.is_closed());
    connection.send_data(b"l", &mut out).unwrap();
    connection.finish(None, &mut out).unwrap();
    assert!(connection.is_idle());
}

#[test]
fn framing_can_be_written_around_content_that_is_not_copied() {
    let (mut connection, ..) = asked(GET);
    let mut out = Vec::new();
    let ok = StatusCode::OK;
    connection.send_response(ok, &HeaderMap::new(), BodySize::Unknown, &mut out).unwrap();
    out.clear();
    assert_eq!(connection.frame_data(0x1f, &mut out), Ok(&b"\r\n"[..]));
    assert_eq!(out, b"1f\r\n");
    assert_eq!(connection.frame_data(0, &mut out), Ok(&b""[..]));
    assert_eq!(out, b"1f\r\n");
}

#[test]
fn trailers_go_to_a_client_that_takes_them() {
    let trailers = fields(&[("x-sum", "1")]);
    for (te, is_sent) in [("te: trailers\r\n", true), ("te: gzip, Trailers\r\n", true), ("", false)]
    {
        let (mut connection, ..) = asked(&format!("GET / HTTP/1.1\r\nhost: a\r\n{te}\r\n"));
        assert_eq!(connection.takes_trailers(), is_sent);
        let mut out = Vec::new();
        let ok = StatusCode::OK;
        connection.send_response(ok, &HeaderMap::new(), BodySize::Unknown, &mut out).unwrap();
        out.clear();
        connection.finish(Some(&trailers), &mut out).unwrap();
        let expected = if is_sent { "0\r\nx-sum: 1\r\n\r\n" } else { "0\r\n\r\n" };
        assert_eq!(out, expected.as_bytes());
    }
}

#[test]
fn a_field_that_must_not_be_a_trailer_is_not_sent() {
    let (mut connection, ..) = asked("GET / HTTP/1.1\r\nhost: a\r\nte: trailers\r\n\r\n");
    let mut out = Vec::new();
    let ok = StatusCode::OK;
    connection.send_response(ok, &HeaderMap::new(), BodySize::Unknown, &mut out).unwrap();
    let len = out.len();
    let result = connection.finish(Some(&fields(&[("content-length", "1")])), &mut out);
    assert_eq!(result, Err(SendError::ForbiddenTrailer(http::header::CONTENT_LENGTH)));
    assert_eq!(out.len(), len);
}

#[test]
fn interim_responses_come_before_the_final_one_and_not_in_http_1_0() {
    let (mut connection, ..) = asked(GET);
    let (mut out, hints) = (Vec::new(), StatusCode::EARLY_HINTS);
    connection.send_interim(hints, &fields(&[("link", "<a>")]), &mut out).unwrap();
    assert_eq!(out, b"HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n");
    for status in [StatusCode::OK, StatusCode::SWITCHING_PROTOCOLS] {
        let refused = SendError::Status(status.as_u16());
        assert_eq!(connection.send_interim(status, &HeaderMap::new(), &mut out), Err(refused));
    }
    let size = BodySize::Known(0);
    let refused = connection.send_response(hints, &HeaderMap::new(), size, &mut out);
    assert_eq!(refused, Err(SendError::Status(103)));
    connection.send_response(StatusCode::OK, &HeaderMap::new(), size, &mut out).unwrap();
    let late = connection.send_interim(hints, &HeaderMap::new(), &mut out);
    assert_eq!(late, Err(SendError::NoRequest));

    let (mut connection, ..) = asked("GET / HTTP/1.0\r\n\r\n");
    let mut out = Vec::new();
    connection.send_interim(hints, &HeaderMap::new(), &mut out).unwrap();
    assert!(out.is_empty());
}

#[test]
fn a_second_final_response_is_refused() {
    let (mut connection, ..) = asked(GET);
    let (mut out, size, ok) = (Vec::new(), BodySize::Known(0), StatusCode::OK);
    connection.send_response(ok, &HeaderMap::new(), size, &mut out).unwrap();
    let again = connection.send_response(ok, &HeaderMap::new(), size, &mut out);
    assert_eq!(again, Err(SendError::NoRequest));
    connection.finish(None, &mut out).unwrap();
    assert_eq!(connection.finish(None, &mut out), Err(SendError::NoMessage));
}
