//! Does a request of HTTP/1.1 ask for HTTP/2, and is it one that can be answered there?

use http::header::{CONTENT_LENGTH, EXPECT, HOST};
use http::{Method, Request, StatusCode, Version};

use super::base64url;
use super::framing::Framing;
use super::head::lists;
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
    pub(super) framing: Framing,
    /// The client waits with the body until it is told to go on.
    pub(super) expects_continue: bool,
}

impl Wish {
    /// `None` for a request that does not ask for HTTP/2, or not in the way that RFC 7540,
    /// Section 3.2 asks for: it is an ordinary request then. `octets` are those of the head.
    pub(super) fn of(head: &Request<()>, octets: &[u8]) -> Result<Option<Wish>, Refusal> {
        if !asks(head) {
            return Ok(None);
        }
        check_lines(octets)?;
        let settings = settings(head)?;
        let framing = Framing::of(head.headers())?;
        check_target(head)?;
        let mut request = convert(head);
        let body_len = match framing {
            Framing::Length(length) => usize::try_from(length).ok(),
            Framing::Chunked => None,
        };
        Connection::check_upgrade(&request, body_len, &settings).map_err(|error| match error {
            CommandError::InvalidSetting(what) => Refusal::bad(format!("HTTP2-Settings: {what}")),
            CommandError::Malformed(what) => Refusal::bad(format!("the request: {what}")),
            other => Refusal::bad(other.to_string()),
        })?;
        let expects_continue = lists(head.headers(), EXPECT.as_str(), "100-continue");
        if expects_continue {
            // It will have been answered, or the body was there before it could be.
            request.remove(EXPECT.as_str());
        }
        Ok(Some(Wish { request, settings, framing, expects_continue }))
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

/// RFC 9112, Section 2.2: a recipient may take a bare LF for the end of a line. Another, in front of
/// us, may not have, and have seen one field where we see two. Nor has a target a fragment (RFC
/// 9112, Section 3.2): what is behind `#` is gone from the parsed one.
fn check_lines(octets: &[u8]) -> Result<(), Refusal> {
    let mut lines = octets.split_inclusive(|&octet| octet == b'\n');
    if !lines.clone().all(|line| line.ends_with(b"\r\n")) {
        return Err(Refusal::bad("a line of the head does not end with CR LF"));
    }
    if lines.find(|line| line.len() > 2).is_some_and(|first| first.contains(&b'#')) {
        return Err(Refusal::bad("the request target has a fragment"));
    }
    Ok(())
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

/// What RFC 9112, Section 3.2 asks of target and `Host`, as far as the conversion passes over it.
fn check_target(head: &Request<()>) -> Result<(), Refusal> {
    let uri = head.uri();
    if head.headers().get_all(HOST).iter().count() != 1 {
        return Err(Refusal::bad("a request has one Host"));
    }
    match uri.scheme_str() {
        None if uri.authority().is_some() => {
            Err(Refusal::bad("the request target is an authority alone"))
        }
        // RFC 9110, Section 4.2.4: whoever sends userinfo hides what the authority is.
        Some(_) if uri.authority().is_some_and(|authority| authority.as_str().contains('@')) => {
            Err(Refusal::bad("the request target has userinfo"))
        }
        Some(scheme) if scheme != "http" => {
            // RFC 9110, Section 7.4: not what this connection is for.
            Err(Refusal::with(StatusCode::MISDIRECTED_REQUEST, "the connection is for http alone"))
        }
        _ => Ok(()),
    }
}

fn convert(head: &Request<()>) -> Headers {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = head.method().clone();
    parts.uri = head.uri().clone();
    parts.headers = head.headers().clone();
    // Where it is there twice, with one value, once is enough.
    if let Some(length) = parts.headers.get(CONTENT_LENGTH).cloned() {
        parts.headers.insert(CONTENT_LENGTH, length);
    }
    Headers::from(parts)
}
