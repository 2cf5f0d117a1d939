//! Recognition and validation of upgrade requests.

use http::header::{CONTENT_LENGTH, EXPECT, HeaderMap, TRANSFER_ENCODING};
use http::{Method, Request, StatusCode, Version};

use super::base64url;
use super::lists::lists;
use super::refusal::Refusal;
use crate::hpack::Headers;
use crate::proto::{CommandError, Connection};

/// The content of an upgrade request.
#[derive(Debug)]
pub(super) struct Wish {
    /// The request in its HTTP/2 form.
    pub(super) request: Headers,
    /// The payload of the client's SETTINGS.
    pub(super) settings: Vec<u8>,
    /// The length of the body; `None` if it is chunked.
    pub(super) body_len: Option<u64>,
}

impl Wish {
    /// Parses an upgrade request, whose header section the codec has validated. Returns `None` for
    /// a request that does not ask for HTTP/2 as RFC 7540, Section 3.2 requires: it is an ordinary
    /// HTTP/1.1 request.
    pub(super) fn of(head: &Request<()>) -> Result<Option<Wish>, Refusal> {
        if !asks(head) {
            return Ok(None);
        }
        let settings = settings(head)?;
        if head.uri().scheme_str().is_some_and(|scheme| scheme != "http") {
            // RFC 9110, Section 7.4: the connection does not serve other schemes.
            let what = "this connection only serves the scheme http";
            return Err(Refusal::with(StatusCode::MISDIRECTED_REQUEST, what));
        }
        let mut request = convert(head);
        let body_len = body_len(head.headers());
        let len = body_len.and_then(|len| usize::try_from(len).ok());
        Connection::check_upgrade(&request, len, &settings).map_err(|error| match error {
            CommandError::InvalidSetting(what) => Refusal::bad(format!("HTTP2-Settings: {what}")),
            CommandError::Malformed(what) => Refusal::bad(format!("the request: {what}")),
            other => Refusal::bad(other.to_string()),
        })?;
        if lists(head.headers(), EXPECT.as_str(), "100-continue") {
            // 100 (Continue) has been sent by then, or the body arrived without it.
            request.remove(EXPECT.as_str());
        }
        Ok(Some(Wish { request, settings, body_len }))
    }
}

fn asks(head: &Request<()>) -> bool {
    let fields = head.headers();
    // RFC 9110, Section 7.8: `upgrade` is ignored in HTTP/1.0, and if `connection` does not list
    // it, since another hop may have sent it then.
    head.version() == Version::HTTP_11
        && lists(fields, "upgrade", "h2c")
        && lists(fields, "connection", "upgrade")
        // RFC 7540, Section 3.2.1: this field is required, and must be listed in `connection`.
        && fields.contains_key("http2-settings")
        && lists(fields, "connection", "http2-settings")
        // The stream of a CONNECT could not be half-closed from the start.
        && head.method() != Method::CONNECT
}

/// Returns the length of the body; `None` if it is chunked.
fn body_len(fields: &HeaderMap) -> Option<u64> {
    if fields.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let length = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(length.and_then(|length| length.parse().ok()).unwrap_or(0))
}

/// Decodes `HTTP2-Settings`.
fn settings(head: &Request<()>) -> Result<Vec<u8>, Refusal> {
    let mut values = head.headers().get_all("http2-settings").into_iter();
    let value = values.next().map_or(&b""[..], |value| value.as_bytes());
    if values.next().is_some() {
        // RFC 7540, Section 3.2.1: exactly one.
        return Err(Refusal::bad("more than one HTTP2-Settings field"));
    }
    // RFC 7540, Section 3.2.1: without padding. Valid values never need it, since a setting of six
    // octets takes eight characters.
    base64url::decode(value).ok_or(Refusal::bad("HTTP2-Settings is not valid base64url"))
}

fn convert(head: &Request<()>) -> Headers {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = head.method().clone();
    parts.uri = head.uri().clone();
    parts.headers = head.headers().clone();
    Headers::from(parts)
}
