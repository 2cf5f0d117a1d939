//! Does a request of HTTP/1.1 ask for HTTP/2, and is it one that can be answered there?

use http::header::{HeaderMap, CONTENT_LENGTH, EXPECT, TRANSFER_ENCODING};
use http::{Method, Request, StatusCode, Version};

use super::base64url;
use super::lists::lists;
use super::refusal::Refusal;
use crate::hpack::Headers;
use crate::proto::{CommandError, Connection};

/// What a request that upgrades says.
#[derive(Debug)]
pub(super) struct Wish {
    /// The request as one of HTTP/2.
    pub(super) request: Headers,
    /// The payload of the client's SETTINGS.
    pub(super) settings: Vec<u8>,
    /// `None` if the body comes in chunks.
    pub(super) body_len: Option<u64>,
}

impl Wish {
    /// `None` for a request that does not ask for HTTP/2, or not in the way that RFC 7540,
    /// Section 3.2 asks for: it is an ordinary request then. The codec has found the head valid.
    pub(super) fn of(head: &Request<()>) -> Result<Option<Wish>, Refusal> {
        if !asks(head) {
            return Ok(None);
        }
        let settings = settings(head)?;
        if head.uri().scheme_str().is_some_and(|scheme| scheme != "http") {
            // RFC 9110, Section 7.4: not what this connection is for.
            let what = "the connection is for http alone";
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
            // It will have been answered, or the body was there before it could be.
            request.remove(EXPECT.as_str());
        }
        Ok(Some(Wish { request, settings, body_len }))
    }
}

fn asks(head: &Request<()>) -> bool {
    let fields = head.headers();
    // RFC 9110, Section 7.8: in HTTP/1.0 `upgrade` is ignored, and so it is where `connection` does
    // not list it, as it is from somewhere else then.
    head.version() == Version::HTTP_11
        && lists(fields, "upgrade", "h2c")
        && lists(fields, "connection", "upgrade")
        // RFC 7540, Section 3.2.1: not without this field, and it has to be listed as well.
        && fields.contains_key("http2-settings")
        && lists(fields, "connection", "http2-settings")
        // Its stream would have to be half-closed from the start.
        && head.method() != Method::CONNECT
}

/// The length of the body; `None` in chunks.
fn body_len(fields: &HeaderMap) -> Option<u64> {
    if fields.contains_key(TRANSFER_ENCODING) {
        return None;
    }
    let length = fields.get(CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    Some(length.and_then(|length| length.parse().ok()).unwrap_or(0))
}

/// What `HTTP2-Settings` holds.
fn settings(head: &Request<()>) -> Result<Vec<u8>, Refusal> {
    let mut values = head.headers().get_all("http2-settings").into_iter();
    let value = values.next().map_or(&b""[..], |value| value.as_bytes());
    if values.next().is_some() {
        // RFC 7540, Section 3.2.1: exactly one.
        return Err(Refusal::bad("there is more than one HTTP2-Settings"));
    }
    // RFC 7540, Section 3.2.1: without padding. Six octets are eight characters, so a value that is
    // in order would never need it.
    base64url::decode(value).ok_or(Refusal::bad("HTTP2-Settings is not in base64url"))
}

fn convert(head: &Request<()>) -> Headers {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = head.method().clone();
    parts.uri = head.uri().clone();
    parts.headers = head.headers().clone();
    Headers::from(parts)
}
