//! Between [`Headers`] and the types of the `http` crate, which the ecosystem speaks.
//!
//! ```
//! use h2_sync::Headers;
//!
//! let request = http::Request::get("http://example.com/a?b").header("accept", "*/*").body(())?;
//! let (parts, ()) = request.into_parts();
//! let headers = Headers::from(&parts);
//! assert_eq!(headers.authority(), Some("example.com"));
//! assert_eq!(headers.path(), Some("/a?b"));
//!
//! let back = http::request::Parts::try_from(&headers)?;
//! assert_eq!(back.uri, parts.uri);
//! assert_eq!(back.headers, parts.headers);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! To [`Headers`]: the pseudo-header fields are made from method, URI and status. Fields that belong
//! to one connection of HTTP/1.1 are left out (RFC 9113, Section 8.2.2), those that `connection`
//! names included, so a message of HTTP/1.1 can be passed on. The mark of a sensitive value goes
//! along in both directions.
//!
//! From [`Headers`]: the pseudo-header fields become method, URI and status, and regular fields the
//! `HeaderMap`.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderName, HeaderValue, CONNECTION, HOST, TE};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{request, response, HeaderMap, Method, StatusCode, Uri, Version};

use crate::hpack::Headers;

/// The `:protocol` of an extended CONNECT (RFC 8441): `websocket`, say. Kept among the extensions
/// of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protocol(HeaderValue);

impl Protocol {
    /// A protocol by its name in IANA's registry of upgrade tokens.
    ///
    /// # Panics
    ///
    /// If `name` has an octet that a field value cannot have.
    pub fn from_static(name: &'static str) -> Self {
        Protocol(HeaderValue::from_static(name))
    }

    /// The name; empty if it is not ASCII.
    pub fn as_str(&self) -> &str {
        self.0.to_str().unwrap_or_default()
    }
}

/// A field section that the `http` crate has no place for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConvertError {
    what: &'static str,
    field: String,
}

impl ConvertError {
    fn new(what: &'static str, field: &[u8]) -> Self {
        ConvertError { what, field: String::from_utf8_lossy(field).into_owned() }
    }

    /// The name of the field that is missing or not valid.
    pub fn field(&self) -> &str {
        &self.field
    }
}

impl fmt::Display for ConvertError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.what, self.field)
    }
}

impl std::error::Error for ConvertError {}

impl From<&HeaderMap> for Headers {
    fn from(map: &HeaderMap) -> Self {
        let octets = map.iter().map(|(name, value)| name.as_str().len() + value.len()).sum();
        let mut headers = Headers::with_capacity(map.len(), octets);
        push_regular(&mut headers, map, false);
        headers
    }
}

impl From<&request::Parts> for Headers {
    /// `:authority` is that of the URI without user information, else the `host` field. `:scheme`
    /// is that of the URI, else `http`; give an absolute URI where that would be wrong.
    fn from(parts: &request::Parts) -> Self {
        let uri = &parts.uri;
        let protocol = parts.extensions.get::<Protocol>();
        let mut headers = Headers::with_capacity(parts.headers.len() + 5, 256);
        headers.push(":method", parts.method.as_str());
        // RFC 9113, Section 8.5: CONNECT has neither, unless RFC 8441 extends it.
        if parts.method != Method::CONNECT || protocol.is_some() {
            headers.push(":scheme", uri.scheme_str().unwrap_or("http"));
        }
        let host = parts.headers.get(HOST).map(HeaderValue::as_bytes);
        let authority = uri.authority().map(|authority| without_user(authority).as_bytes());
        if let Some(authority) = authority.or(host) {
            headers.push(":authority", authority);
        }
        if parts.method != Method::CONNECT || protocol.is_some() {
            let path = uri.path_and_query().map_or("/", PathAndQuery::as_str);
            headers.push(":path", if path.is_empty() { "/" } else { path });
        }
        if let Some(Protocol(name)) = protocol {
            headers.push(":protocol", name);
        }
        push_regular(&mut headers, &parts.headers, true);
        headers
    }
}

impl From<&response::Parts> for Headers {
    fn from(parts: &response::Parts) -> Self {
        let mut headers = Headers::with_capacity(parts.headers.len() + 1, 256);
        headers.push(":status", parts.status.as_str());
        push_regular(&mut headers, &parts.headers, false);
        headers
    }
}

impl TryFrom<&Headers> for HeaderMap {
    type Error = ConvertError;

    /// The regular fields; pseudo-header fields are left out.
    fn try_from(headers: &Headers) -> Result<Self, ConvertError> {
        let regular = || headers.iter().filter(|field| !field.name.starts_with(b":"));
        // One buffer holds all values, and each is a slice of it.
        let mut values = BytesMut::with_capacity(regular().map(|field| field.value.len()).sum());
        regular().for_each(|field| values.extend_from_slice(field.value));
        let mut values: Bytes = values.freeze();
        let mut map = HeaderMap::with_capacity(regular().count());
        for field in regular() {
            let name = HeaderName::from_bytes(field.name)
                .map_err(|_| ConvertError::new("not a field name", field.name))?;
            let value = values.split_to(field.value.len());
            let mut value = HeaderValue::from_maybe_shared(value)
                .map_err(|_| ConvertError::new("not a field value", field.name))?;
            value.set_sensitive(field.sensitive);
            map.append(name, value);
        }
        Ok(map)
    }
}

impl TryFrom<&Headers> for request::Parts {
    type Error = ConvertError;

    /// The URI is absolute where there is an `:authority`, or a `host` in its place; that of CONNECT
    /// is the authority alone. That of `OPTIONS *` is `*`, and the authority is in `host` then.
    fn try_from(headers: &Headers) -> Result<Self, ConvertError> {
        let method = required(headers, ":method")?;
        let method = Method::from_bytes(method.as_bytes())
            .map_err(|_| ConvertError::new("not a method", b":method"))?;
        let protocol = match headers.get_bytes(":protocol") {
            Some(name) => Some(Protocol(
                HeaderValue::from_bytes(name)
                    .map_err(|_| ConvertError::new("not a protocol", b":protocol"))?,
            )),
            None => None,
        };
        let mut map = HeaderMap::try_from(headers)?;
        let authority = match headers.authority().or_else(|| headers.get("host")) {
            Some(authority) => Some(
                Authority::try_from(authority)
                    .map_err(|_| ConvertError::new("not an authority", b":authority"))?,
            ),
            None => None,
        };
        let mut uri = http::uri::Parts::default();
        if method == Method::CONNECT && protocol.is_none() {
            uri.authority = authority;
        } else {
            let path = required(headers, ":path")?;
            let path_and_query = PathAndQuery::try_from(path)
                .map_err(|_| ConvertError::new("not a path", b":path"))?;
            uri.path_and_query = Some(path_and_query);
            match authority {
                Some(authority) if path == "*" => {
                    let host = HeaderValue::from_str(authority.as_str())
                        .map_err(|_| ConvertError::new("not an authority", b":authority"))?;
                    map.insert(HOST, host);
                }
                Some(authority) => {
                    let scheme = Scheme::try_from(required(headers, ":scheme")?)
                        .map_err(|_| ConvertError::new("not a scheme", b":scheme"))?;
                    uri.scheme = Some(scheme);
                    uri.authority = Some(authority);
                }
                None => {}
            }
        }
        let uri =
            Uri::from_parts(uri).map_err(|_| ConvertError::new("does not make a URI", b":path"))?;
        let (mut parts, ()) = http::Request::new(()).into_parts();
        (parts.method, parts.uri) = (method, uri);
        (parts.version, parts.headers) = (Version::HTTP_2, map);
        if let Some(protocol) = protocol {
            parts.extensions.insert(protocol);
        }
        Ok(parts)
    }
}

impl TryFrom<&Headers> for response::Parts {
    type Error = ConvertError;

    fn try_from(headers: &Headers) -> Result<Self, ConvertError> {
        let status = required(headers, ":status")?;
        let status = StatusCode::from_bytes(status.as_bytes())
            .map_err(|_| ConvertError::new("not a status", b":status"))?;
        let (mut parts, ()) = http::Response::new(()).into_parts();
        (parts.status, parts.version) = (status, Version::HTTP_2);
        parts.headers = HeaderMap::try_from(headers)?;
        Ok(parts)
    }
}

fn required<'a>(headers: &'a Headers, name: &'static str) -> Result<&'a str, ConvertError> {
    headers.get(name).ok_or_else(|| ConvertError::new("missing, or not text", name.as_bytes()))
}

/// RFC 9113, Section 8.3.1: `:authority` does not include user information.
fn without_user(authority: &Authority) -> &str {
    let text = authority.as_str();
    text.rsplit_once('@').map_or(text, |(_, host)| host)
}

/// Adds what HTTP/2 can carry of `map`.
fn push_regular(headers: &mut Headers, map: &HeaderMap, host_is_authority: bool) {
    for (name, value) in map {
        let skipped = is_of_connection(name, value)
            || is_named_by_connection(map, name)
            || (host_is_authority && name == HOST);
        if skipped {
            continue;
        }
        if value.is_sensitive() {
            headers.push_sensitive(name, value);
        } else {
            headers.push(name, value);
        }
    }
}

fn is_of_connection(name: &HeaderName, value: &HeaderValue) -> bool {
    match name.as_str() {
        "connection" | "keep-alive" | "proxy-connection" | "transfer-encoding" | "upgrade"
        | "http2-settings" => true,
        _ => *name == TE && !value.as_bytes().eq_ignore_ascii_case(b"trailers"),
    }
}

/// RFC 9110, Section 7.6.1: `connection` lists further fields that end with the connection.
fn is_named_by_connection(map: &HeaderMap, name: &HeaderName) -> bool {
    map.get_all(CONNECTION).iter().any(|list| {
        list.as_bytes()
            .split(|&octet| octet == b',')
            .any(|option| option.trim_ascii().eq_ignore_ascii_case(name.as_str().as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::headers;

    fn request_parts(request: http::Request<()>) -> request::Parts {
        request.into_parts().0
    }

    #[test]
    fn a_request_comes_back_as_it_was() {
        let request = http::Request::post("https://example.com:8443/a/b?c=d")
            .header("x-one", "1")
            .header("x-two", "2")
            .header("x-one", "3");
        let parts = request_parts(request.body(()).unwrap());
        let back = request::Parts::try_from(&Headers::from(&parts)).unwrap();
        assert_eq!((&back.method, &back.uri), (&parts.method, &parts.uri));
        assert_eq!(back.headers, parts.headers);
        assert_eq!(back.version, Version::HTTP_2);
    }

    #[test]
    fn fields_of_one_http1_connection_are_left_out() {
        let request = http::Request::get("http://a/")
            .header("connection", "close, X-Hop")
            .header("x-hop", "1")
            .header("keep-alive", "timeout=5")
            .header("transfer-encoding", "chunked")
            .header("upgrade", "h2c")
            .header("te", "gzip")
            .header("x-end", "1");
        let headers = Headers::from(&request_parts(request.body(()).unwrap()));
        let names: Vec<_> = headers.iter().map(|field| field.name).collect();
        assert_eq!(names, [&b":method"[..], b":scheme", b":authority", b":path", b"x-end"]);
    }

    #[test]
    fn te_trailers_is_kept() {
        let mut map = HeaderMap::new();
        map.insert("te", HeaderValue::from_static("trailers"));
        assert_eq!(Headers::from(&map).get("te"), Some("trailers"));
    }

    #[test]
    fn host_becomes_the_authority_and_user_information_stays_behind() {
        let request = http::Request::get("/x").header("host", "example.com").body(()).unwrap();
        let headers = Headers::from(&request_parts(request));
        assert_eq!(headers.authority(), Some("example.com"));
        assert_eq!(headers.get("host"), None);

        let request = http::Request::get("http://me:secret@example.com/x").body(()).unwrap();
        let headers = Headers::from(&request_parts(request));
        assert_eq!(headers.authority(), Some("example.com"));
    }

    #[test]
    fn connect_has_an_authority_alone() {
        let request = http::Request::connect("example.com:443").body(()).unwrap();
        let headers = Headers::from(&request_parts(request));
        let expected = headers!(":method" => "CONNECT", ":authority" => "example.com:443");
        assert_eq!(headers, expected);
        let back = request::Parts::try_from(&headers).unwrap();
        assert_eq!(back.uri, "example.com:443");
    }

    #[test]
    fn an_extended_connect_keeps_its_protocol() {
        let mut parts = request_parts(http::Request::connect("https://a/chat").body(()).unwrap());
        parts.extensions.insert(Protocol::from_static("websocket"));
        let headers = Headers::from(&parts);
        assert_eq!(headers.get(":protocol"), Some("websocket"));
        assert_eq!(headers.path(), Some("/chat"));
        let back = request::Parts::try_from(&headers).unwrap();
        assert_eq!(back.extensions.get::<Protocol>().unwrap().as_str(), "websocket");
        assert_eq!(back.uri, parts.uri);
    }

    #[test]
    fn options_of_a_whole_server_keeps_its_authority_in_host() {
        let headers = headers!(
            ":method" => "OPTIONS", ":scheme" => "http", ":authority" => "a", ":path" => "*",
        );
        let parts = request::Parts::try_from(&headers).unwrap();
        assert_eq!(parts.uri, "*");
        assert_eq!(parts.headers[HOST], "a");
        assert_eq!(Headers::from(&parts), headers);
    }

    #[test]
    fn a_response_comes_back_as_it_was() {
        let response = http::Response::builder().status(404).header("set-cookie", "a");
        let (parts, ()) = response.header("set-cookie", "b").body(()).unwrap().into_parts();
        let headers = Headers::from(&parts);
        assert_eq!(headers.status(), Some(404));
        let back = response::Parts::try_from(&headers).unwrap();
        assert_eq!((back.status, back.headers), (parts.status, parts.headers));
    }

    #[test]
    fn a_sensitive_value_stays_sensitive_both_ways() {
        let mut headers = Headers::new();
        headers.push_sensitive("authorization", "secret");
        let map = HeaderMap::try_from(&headers).unwrap();
        assert!(map["authorization"].is_sensitive());
        assert_eq!(Headers::from(&map), headers);
    }

    #[test]
    fn what_is_missing_or_not_valid_is_named() {
        let error = request::Parts::try_from(&headers!(":method" => "GET")).unwrap_err();
        assert_eq!(error.field(), ":path");
        let error = HeaderMap::try_from(&headers!("bad name" => "x")).unwrap_err();
        assert_eq!(error.field(), "bad name");
        let error = response::Parts::try_from(&headers!(":status" => "99")).unwrap_err();
        assert_eq!(error.to_string(), "not a status: \":status\"");
    }
}
