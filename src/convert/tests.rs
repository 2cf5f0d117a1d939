use http::header::{HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version, request, response};

use super::{ConvertError, Protocol};
use crate::headers;
use crate::hpack::Headers;

fn map(fields: &[(&'static str, &'static str)]) -> HeaderMap {
    fields.iter().map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

fn request(method: &str, uri: &str, fields: &[(&'static str, &'static str)]) -> request::Parts {
    let (mut parts, ()) = Request::builder().method(method).uri(uri).body(()).unwrap().into_parts();
    for &(name, value) in fields {
        parts.headers.append(name, value.parse().unwrap());
    }
    parts
}

fn error<T: for<'a> TryFrom<&'a Headers, Error = ConvertError>>(headers: &Headers) -> String {
    T::try_from(headers).err().expect("the conversion must fail").to_string()
}

#[test]
fn fields_of_one_name_keep_their_order() {
    let headers = headers!("set-cookie" => "a=1", "set-cookie" => "b=2", "set-cookie" => "c=3");
    let map = HeaderMap::try_from(&headers).unwrap();
    assert_eq!(Headers::from(map), headers);
}

#[test]
fn octets_beyond_ascii_survive() {
    let headers = headers!("x-latin" => [0xe4, b' ', 0xff], "x-empty" => "");
    let map = HeaderMap::try_from(&headers).unwrap();
    assert_eq!(map["x-latin"].as_bytes(), [0xe4, b' ', 0xff]);
    assert_eq!(Headers::from(&map), headers);
}

#[test]
fn sensitive_values_stay_sensitive_both_ways() {
    let mut headers = headers!("accept" => "*/*");
    headers.push_sensitive("authorization", "Basic eA==");
    let map = HeaderMap::try_from(&headers).unwrap();
    assert!(map["authorization"].is_sensitive() && !map["accept"].is_sensitive());
    assert_eq!(Headers::from(&map), headers);
}

#[test]
fn connection_specific_fields_are_dropped() {
    let map = map(&[
        ("connection", "close, X-Hop , http2-settings"),
        ("http2-settings", "AAMAAABk"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("te", "gzip;q=0.5"),
        ("transfer-encoding", "chunked"),
        ("upgrade", "h2c"),
        ("x-end", "stays"),
        ("x-hop", "goes"),
    ]);
    assert_eq!(Headers::from(&map), headers!("x-end" => "stays"));
}

#[test]
fn te_keeps_only_trailers() {
    for value in ["trailers", "gzip, Trailers", "TRAILERS"] {
        let map = HeaderMap::from_iter([("te".parse().unwrap(), value.parse().unwrap())]);
        assert_eq!(Headers::from(&map), headers!("te" => "trailers"), "{value}");
    }
}

#[test]
fn pseudo_header_fields_have_no_place_in_a_map() {
    let map = HeaderMap::try_from(&headers!(":status" => "200", "a" => "b")).unwrap();
    assert_eq!(map.len(), 1);
}

#[test]
fn cookie_crumbs_are_joined_and_stay_sensitive() {
    let mut headers = headers!("cookie" => "a=1", "accept" => "*/*", "cookie" => "b=2");
    headers.push_sensitive("cookie", "c=3");
    let map = HeaderMap::try_from(&headers).unwrap();
    assert_eq!(map.get_all("cookie").iter().collect::<Vec<_>>(), ["a=1; b=2; c=3"]);
    assert!(map["cookie"].is_sensitive());
    let one = HeaderMap::try_from(&headers!("cookie" => "a=1")).unwrap();
    assert_eq!(one["cookie"], "a=1");
}

#[test]
fn an_error_names_the_invalid_field() {
    assert_eq!(error::<HeaderMap>(&headers!("a b" => "c")), "invalid field name \"a b\"");
    assert_eq!(error::<HeaderMap>(&headers!("a" => "\n")), "invalid value of \"a\"");
    assert_eq!(
        error::<HeaderMap>(&headers!("cookie" => "a", "cookie" => "\n")),
        "invalid value of \"cookie\"",
    );
    let many: Headers = (0..40_000).map(|n| (format!("x-{n}"), "")).collect();
    assert!(error::<HeaderMap>(&many).contains("more fields"));
    assert_eq!(error::<response::Parts>(&headers!()), "\":status\" is missing");
    assert!(error::<response::Parts>(&headers!(":status" => "2000")).contains(":status"));
    let get = |path: &str| headers!(":method" => "GET", ":scheme" => "http", ":path" => path);
    assert!(error::<request::Parts>(&headers!()).contains(":method"));
    assert!(error::<request::Parts>(&get("/ ")).contains(":path"));
    assert!(error::<request::Parts>(&get("/").with(":authority", "a b")).contains(":authority"));
    assert!(error::<request::Parts>(&headers!(":method" => "CONNECT")).contains(":authority"));
}

#[test]
fn an_error_has_the_name_of_the_field() {
    let missing = request::Parts::try_from(&headers!(":method" => "GET")).unwrap_err();
    assert_eq!(missing.field(), ":path");
    let not_valid = HeaderMap::try_from(&headers!("bad name" => "x")).unwrap_err();
    assert_eq!(not_valid.field(), "bad name");
}

#[test]
fn a_request_round_trips() {
    let fields = [("x-one", "1"), ("x-two", "2"), ("x-one", "3")];
    let parts = request("POST", "https://test:8443/a?b=c", &fields);
    let back = request::Parts::try_from(&Headers::from(&parts)).unwrap();
    assert_eq!((back.method, back.uri, back.headers), (parts.method, parts.uri, parts.headers));
    assert_eq!(back.version, Version::HTTP_2);
}

#[test]
fn an_authority_comes_from_the_uri_or_else_from_host() {
    let authority = |uri, host: Option<&'static str>| {
        let host = host.map(|host| ("host", host));
        let headers = Headers::from(request("GET", uri, host.as_slice()));
        assert_eq!(headers.get("host"), None);
        headers.authority().map(str::to_owned)
    };
    assert_eq!(authority("http://uri/", None).as_deref(), Some("uri"));
    assert_eq!(authority("http://uri/", Some("host")).as_deref(), Some("uri"));
    assert_eq!(authority("/", Some("host:80")).as_deref(), Some("host:80"));
    assert_eq!(authority("/", None), None);
    assert_eq!(authority("http://me:secret@uri:80/", None).as_deref(), Some("uri:80"));
}

#[test]
fn a_request_in_origin_form_gets_scheme_http_and_a_path() {
    let headers = Headers::from(request("GET", "/a?b", &[]));
    assert_eq!((headers.scheme(), headers.path()), (Some("http"), Some("/a?b")));
    let headers = Headers::from(request("GET", "https://test", &[]));
    assert_eq!((headers.scheme(), headers.path()), (Some("https"), Some("/")));
}

#[test]
fn connect_has_only_an_authority() {
    let headers = Headers::from(request("CONNECT", "test:443", &[]));
    assert_eq!(headers, headers!(":method" => "CONNECT", ":authority" => "test:443"));
    let back = request::Parts::try_from(&headers).unwrap();
    assert_eq!((back.method, back.uri), (Method::CONNECT, Uri::from_static("test:443")));
}

#[test]
fn extended_connect_keeps_its_protocol() {
    let mut parts = request("CONNECT", "https://test/chat", &[]);
    parts.extensions.insert(Protocol::from_static("websocket"));
    let headers = Headers::from(&parts);
    assert_eq!(
        headers,
        headers!(
            ":method" => "CONNECT",
            ":scheme" => "https",
            ":authority" => "test",
            ":path" => "/chat",
            ":protocol" => "websocket",
        ),
    );
    let back = request::Parts::try_from(&headers).unwrap();
    assert_eq!(back.uri, parts.uri);
    assert_eq!(back.extensions.get::<Protocol>().unwrap().as_str(), "websocket");
}

#[test]
fn options_of_the_whole_server_keeps_its_asterisk() {
    let headers = Headers::from(request("OPTIONS", "*", &[("host", "test")]));
    let expected = headers!(
        ":method" => "OPTIONS", ":scheme" => "http", ":authority" => "test", ":path" => "*",
    );
    assert_eq!(headers, expected);
    let back = request::Parts::try_from(&headers).unwrap();
    assert_eq!(back.uri, Uri::from_static("*"));
    assert_eq!(back.headers["host"], "test");
}

#[test]
fn a_request_without_authority_uses_host_or_only_a_path() {
    let headers = headers!(":method" => "GET", ":scheme" => "https", ":path" => "/a");
    let parts = request::Parts::try_from(&headers).unwrap();
    assert_eq!(parts.uri, Uri::from_static("/a"));
    let parts = request::Parts::try_from(&headers.with("host", "test")).unwrap();
    assert_eq!(parts.uri, Uri::from_static("https://test/a"));
    assert_eq!(parts.headers["host"], HeaderValue::from_static("test"));
}

#[test]
fn a_response_round_trips() {
    let response = Response::builder().status(418).header("a", "b").body(()).unwrap();
    let headers = Headers::from(response.into_parts().0);
    assert_eq!(headers, headers!(":status" => "418", "a" => "b"));
    let back = response::Parts::try_from(&headers).unwrap();
    assert_eq!((back.status, back.version), (StatusCode::IM_A_TEAPOT, Version::HTTP_2));
    assert_eq!(back.headers.len(), 1);
}
