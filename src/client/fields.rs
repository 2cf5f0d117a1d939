//! The field section of a request.

use http::header::{
    CONNECTION, CONTENT_LENGTH, EXPECT, HOST, HeaderMap, HeaderName, HeaderValue, TE,
    TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};
use http::{Method, request};

use super::config::Config;
use crate::error::Error;
use crate::hpack::Headers;

/// Connection-specific fields of HTTP/1.1, which HTTP/2 forbids (RFC 9113, Section 8.2.2).
static CONNECTION_SPECIFIC: [HeaderName; 6] = [
    CONNECTION,
    HeaderName::from_static("http2-settings"),
    HeaderName::from_static("keep-alive"),
    HeaderName::from_static("proxy-connection"),
    TRANSFER_ENCODING,
    UPGRADE,
];

/// A request extension that marks an OPTIONS request as server-wide.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asterisk;

/// Reports the first field that cannot be sent, rather than dropping it silently.
pub(super) fn check(headers: &HeaderMap) -> Result<(), Error> {
    let is_trailers = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"trailers");
    for name in headers.keys() {
        let is_odd_te = || name == TE && !headers.get_all(TE).iter().all(is_trailers);
        if CONNECTION_SPECIFIC.contains(name) || is_odd_te() {
            return Err(Error::usage(format!(
                "the field \"{name}\" cannot be sent in HTTP/2 (RFC 9113, Section 8.2.2)"
            )));
        }
        if name == HOST && headers.get_all(HOST).iter().count() > 1 {
            return Err(Error::usage("the field \"host\" occurs twice"));
        }
    }
    Ok(())
}

/// Adds the client's default fields that the request does not set.
pub(super) fn add_defaults(headers: &mut HeaderMap, config: &Config) {
    for name in config.default_headers.keys() {
        if !headers.contains_key(name) {
            for value in config.default_headers.get_all(name) {
                headers.append(name, value.clone());
            }
        }
    }
    if let Some(agent) = config.user_agent.as_ref().filter(|_| !headers.contains_key(USER_AGENT)) {
        headers.insert(USER_AGENT, agent.clone());
    }
}

/// Returns the HTTP/2 field section of a request whose body has `body_len` octets, if known.
/// `added` are the client's own fields; the caller's must have been [checked](check).
pub(super) fn section(
    parts: &request::Parts,
    body_len: Option<u64>,
    added: &[(HeaderName, HeaderValue)],
) -> Headers {
    let mut fields = Headers::from(parts);
    if let Some(host) = parts.headers.get(HOST) {
        // The caller's `host` overrides the authority, while the connection goes to the URL's.
        fields = replaced(&fields, b":authority", host.as_bytes());
    }
    if is_asterisk(parts) {
        // RFC 9113, Section 8.3.1: OPTIONS for a URI without a path uses `*`.
        fields = replaced(&fields, b":path", b"*");
    }
    for (name, value) in added {
        fields.push(name.as_str(), value.as_bytes());
    }
    if body_len == Some(0) && expects_continue(&parts.headers) {
        // RFC 9110, Section 10.1.1: not without content.
        fields.remove(EXPECT.as_str());
    }
    // RFC 9110, Section 8.6: a method that expects content states a length of 0.
    let is_meant = matches!(parts.method, Method::POST | Method::PUT | Method::PATCH);
    match body_len {
        Some(len) if (len > 0 || is_meant) && !parts.headers.contains_key(CONTENT_LENGTH) => {
            fields.push(CONTENT_LENGTH.as_str(), len.to_string());
        }
        _ => {}
    }
    fields
}

/// Whether the request is server-wide (RFC 9110, Section 9.3.7).
pub(super) fn is_asterisk(parts: &request::Parts) -> bool {
    let has_no_path = parts.extensions.get::<Asterisk>().is_some() && parts.uri.query().is_none();
    has_no_path && parts.method == Method::OPTIONS
}

fn replaced(fields: &Headers, which: &[u8], by: &[u8]) -> Headers {
    let mut changed = Headers::new();
    for field in fields {
        match field.name {
            name if name == which => changed.push(name, by),
            name if field.sensitive => changed.push_sensitive(name, field.value),
            name => changed.push(name, field.value),
        }
    }
    changed
}

pub(super) fn expects_continue(headers: &HeaderMap) -> bool {
    let expect = headers.get(EXPECT).map(|value| value.as_bytes());
    expect.is_some_and(|value| value.eq_ignore_ascii_case(b"100-continue"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Request;

    fn section_of(request: http::request::Builder) -> Result<Headers, Error> {
        let parts = request.body(()).unwrap().into_parts().0;
        check(&parts.headers).map(|()| section(&parts, Some(0), &[]))
    }

    #[test]
    fn host_takes_the_place_of_the_authority() {
        let fields = section_of(Request::get("http://127.0.0.1:8080/").header("host", "a.example"));
        let fields = fields.unwrap();
        assert_eq!(fields.get(":authority"), Some("a.example"));
        assert_eq!(fields.get("host"), None);
    }

    #[test]
    fn field_that_cannot_be_sent_is_named() {
        for (name, value) in [
            ("connection", "close"),
            ("keep-alive", "5"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip"),
        ] {
            let error = section_of(Request::get("http://a/").header(name, value)).unwrap_err();
            assert!(error.to_string().contains(&format!("\"{name}\"")), "{error}");
        }
        assert!(section_of(Request::get("http://a/").header("te", "trailers")).is_ok());
        let twice = Request::get("http://a/").header("host", "a").header("host", "b");
        assert!(section_of(twice).is_err());
    }

    #[test]
    fn defaults_do_not_replace_what_the_request_has() {
        let mut config = Config::default();
        config.default_headers.append("x-a", HeaderValue::from_static("1"));
        config.default_headers.append("x-b", HeaderValue::from_static("2"));
        config.default_headers.append("x-b", HeaderValue::from_static("3"));
        let mut headers = HeaderMap::new();
        headers.insert("x-a", HeaderValue::from_static("own"));
        add_defaults(&mut headers, &config);
        assert_eq!(headers.get_all("x-a").iter().collect::<Vec<_>>(), ["own"]);
        assert_eq!(headers.get_all("x-b").iter().collect::<Vec<_>>(), ["2", "3"]);
        assert!(headers.contains_key(USER_AGENT));
    }
}
