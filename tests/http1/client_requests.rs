//! What a client sends, octet for octet.

use h2_sync::http1::{BodySize, ClientConnection, Config, SendError};
use http::{HeaderMap, HeaderName, Method, Uri};

fn client() -> ClientConnection {
    ClientConnection::new(Config::default())
}

fn fields(fields: &[(&'static str, &str)]) -> HeaderMap {
    let fields = fields.iter();
    fields.map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
}

fn head(
    connection: &mut ClientConnection,
    method: &str,
    uri: &'static str,
    headers: &HeaderMap,
    size: BodySize,
) -> Result<String, SendError> {
    let mut out = Vec::new();
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let sent = connection.send_request(&method, &Uri::from_static(uri), headers, size, &mut out);
    assert!(sent.is_ok() || out.is_empty());
    sent.map(|()| String::from_utf8(out).unwrap())
}

/// A request without content.
fn plain(method: &str, uri: &'static str, headers: &HeaderMap) -> Result<String, SendError> {
    head(&mut client(), method, uri, headers, BodySize::Known(0))
}

#[test]
fn a_request_is_sent_in_origin_form() {
    let none = HeaderMap::new();
    let expected = "GET /b?c HTTP/1.1\r\nhost: a\r\n\r\n";
    assert_eq!(plain("GET", "http://a/b?c", &none).unwrap(), expected);
    assert_eq!(plain("GET", "http://u:p@a/b?c", &none).unwrap(), expected);
    let text = plain("GET", "http://a:8080", &fields(&[("x-a", "b")])).unwrap();
    assert_eq!(text, "GET / HTTP/1.1\r\nhost: a:8080\r\nx-a: b\r\n\r\n");
    let text = plain("GET", "http://a?b", &none).unwrap();
    assert!(text.starts_with("GET /?b HTTP/1.1\r\n"), "{text}");
    assert_eq!(plain("GET", "/b?c", &fields(&[("host", "a")])).unwrap(), expected);
    let text = plain("GET", "http://a/", &fields(&[("host", "b")])).unwrap();
    assert_eq!(text, "GET / HTTP/1.1\r\nhost: b\r\n\r\n");
}

#[test]
fn a_request_to_a_proxy_is_sent_in_absolute_form() {
    let proxy = || ClientConnection::to_proxy(Config::default());
    let none = BodySize::Known(0);
    let text = head(&mut proxy(), "GET", "http://u@a:81/b?c", &HeaderMap::new(), none).unwrap();
    assert_eq!(text, "GET http://a:81/b?c HTTP/1.1\r\nhost: a:81\r\n\r\n");
    let host = fields(&[("host", "A:80")]);
    let text = head(&mut proxy(), "GET", "http://a", &host, none).unwrap();
    assert_eq!(text, "GET http://a/ HTTP/1.1\r\nhost: A:80\r\n\r\n");
    let other = fields(&[("host", "b")]);
    assert_eq!(head(&mut proxy(), "GET", "http://a", &other, none), Err(SendError::Host));
    assert_eq!(head(&mut proxy(), "GET", "/", &other, none), Err(SendError::Target));
    // RFC 9112, Section 3.2.4: what is about the server as a whole has no path.
    let whole = http::Uri::builder().scheme("http").authority("a").path_and_query("*");
    let (whole, mut out) = (whole.build().unwrap(), Vec::new());
    let options = http::Method::OPTIONS;
    proxy().send_request(&options, &whole, &HeaderMap::new(), none, &mut out).unwrap();
    assert_eq!(out, b"OPTIONS http://a HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn connect_and_options_have_forms_of_their_own() {
    let none = HeaderMap::new();
    let text = plain("CONNECT", "a:443", &none).unwrap();
    assert_eq!(text, "CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n");
    let text = plain("OPTIONS", "*", &fields(&[("host", "a")])).unwrap();
    assert_eq!(text, "OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n");
    assert_eq!(plain("CONNECT", "a", &none), Err(SendError::Target));
    assert_eq!(plain("GET", "*", &fields(&[("host", "a")])), Err(SendError::Target));
    let with_content = head(&mut client(), "CONNECT", "a:443", &none, BodySize::Unknown);
    assert_eq!(with_content, Err(SendError::NoContentAllowed));
}

#[test]
fn a_request_needs_one_valid_host() {
    assert_eq!(plain("GET", "/", &HeaderMap::new()), Err(SendError::NoHost));
    assert_eq!(plain("GET", "/", &fields(&[("host", "a b")])), Err(SendError::Host));
    let mut two = fields(&[("host", "a")]);
    two.append("host", "a".parse().unwrap());
    assert_eq!(plain("GET", "/", &two), Err(SendError::Host));
}

#[test]
fn content_has_a_length_or_comes_in_chunks() {
    let none = HeaderMap::new();
    for (method, uri, size, field) in [
        ("PUT", "http://a/", BodySize::Known(5), "content-length: 5\r\n"),
        ("POST", "http://a/", BodySize::Known(0), "content-length: 0\r\n"),
        ("PATCH", "http://a/", BodySize::Known(0), "content-length: 0\r\n"),
        ("GET", "http://a/", BodySize::Known(0), ""),
        ("DELETE", "http://a/", BodySize::Known(1), "content-length: 1\r\n"),
        ("POST", "http://a/", BodySize::Unknown, "transfer-encoding: chunked\r\n"),
    ] {
        let text = head(&mut client(), method, uri, &none, size).unwrap();
        assert_eq!(text, format!("{method} / HTTP/1.1\r\nhost: a\r\n{field}\r\n"));
    }
    let length = fields(&[("content-length", "5")]);
    let text = head(&mut client(), "PUT", "http://a/", &length, BodySize::Unknown).unwrap();
    assert_eq!(text, "PUT / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
    let disagree = head(&mut client(), "PUT", "http://a/", &length, BodySize::Known(4));
    assert_eq!(disagree, Err(SendError::ContentLength));
}

#[test]
fn fields_about_the_connection_are_listed_in_it() {
    let given = fields(&[("te", "trailers"), ("upgrade", "x"), ("connection", "close, y")]);
    let text = plain("GET", "http://a/", &given).unwrap();
    assert!(text.ends_with("\r\nconnection: y, close, upgrade, te\r\n\r\n"), "{text}");
    let given =
        fields(&[("transfer-encoding", "gzip"), ("keep-alive", "1"), ("connection", "keep-alive")]);
    let text = plain("GET", "http://a/", &given).unwrap();
    assert_eq!(text, "GET / HTTP/1.1\r\nhost: a\r\n\r\n");
}

#[test]
fn content_and_trailers_follow_the_head() {
    let mut connection = client();
    let none = HeaderMap::new();
    head(&mut connection, "POST", "http://a/", &none, BodySize::Unknown).unwrap();
    let mut out = Vec::new();
    connection.send_data(b"hello", &mut out).unwrap();
    let refused = connection.finish(Some(&fields(&[("host", "b")])), &mut out);
    assert_eq!(refused, Err(SendError::ForbiddenTrailer(http::header::HOST)));
    connection.finish(Some(&fields(&[("x-sum", "1")])), &mut out).unwrap();
    assert_eq!(out, b"5\r\nhello\r\n0\r\nx-sum: 1\r\n\r\n");
}
