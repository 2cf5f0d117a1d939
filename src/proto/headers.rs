//! Validation of field sections as parts of HTTP messages (RFC 9113, Sections 8.1 to 8.5).
//!
//! The same checks apply to what the peer sends (a stream error PROTOCOL_ERROR) and to what the
//! application sends (an error of that call): what they reject cannot be smuggled through an
//! HTTP/1.1 hop behind this endpoint.

use super::authority::Authority;
use super::error::Malformed;
use super::octets::{is_name, is_path, is_scheme, is_text, is_token, is_trimmed, parse_length};
use super::priority::Priority;
use crate::hpack::Headers;

/// What a request's method implies for its response.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RequestKind {
    /// No special rule.
    #[default]
    Ordinary,
    /// HEAD: the response has no content.
    Head,
    /// CONNECT, with or without `:protocol` (RFC 8441): 2xx opens a tunnel.
    Connect,
}

/// The properties of a request that the rest of the core needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RequestFacts {
    pub(crate) kind: RequestKind,
    pub(crate) content_length: Option<u64>,
    /// The `priority` field, if present and valid.
    pub(crate) priority: Option<Priority>,
}

/// The properties of a response that the rest of the core needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ResponseFacts {
    pub(crate) status: u16,
    pub(crate) content_length: Option<u64>,
}

impl ResponseFacts {
    pub(crate) fn is_informational(&self) -> bool {
        (100..200).contains(&self.status)
    }
}

/// Checks a request (RFC 9113, Sections 8.3.1 and 8.5; RFC 8441 with `extended_connect`).
pub(crate) fn check_request(
    headers: &Headers,
    extended_connect: bool,
) -> Result<RequestFacts, Malformed> {
    let mut pseudo = RequestPseudo::default();
    let mut regular = Regular::default();
    walk(headers, &mut regular, |name, value| {
        let (slot, known) = match name {
            b":method" => (&mut pseudo.method, ":method"),
            b":scheme" => (&mut pseudo.scheme, ":scheme"),
            b":authority" => (&mut pseudo.authority, ":authority"),
            b":path" => (&mut pseudo.path, ":path"),
            b":protocol" if extended_connect => (&mut pseudo.protocol, ":protocol"),
            _ => return Err(Malformed::UnexpectedPseudo(lossy(name))),
        };
        // RFC 9113, Section 8.3: a pseudo-header field must not be repeated.
        if slot.replace(value).is_some() {
            return Err(Malformed::DuplicatePseudo(known));
        }
        Ok(())
    })?;
    let method = pseudo.method.ok_or(Malformed::MissingPseudo(":method"))?;
    let kind = match method {
        b"HEAD" => RequestKind::Head,
        b"CONNECT" => RequestKind::Connect,
        _ if is_token(method) => RequestKind::Ordinary,
        _ => return Err(Malformed::InvalidPseudo(":method")),
    };
    let authority = if kind == RequestKind::Connect && pseudo.protocol.is_none() {
        Some(pseudo.check_connect()?)
    } else {
        pseudo.check_ordinary(method)?
    };
    regular.check_host(authority, pseudo.scheme)?;
    let priority = match regular.has_priority {
        true => Priority::from_lines(headers.get_all("priority")),
        false => None,
    };
    Ok(RequestFacts { kind, content_length: regular.content_length, priority })
}

/// Trims whitespace from values, for servers that send it (malformed by RFC 9113, Section 8.2.1).
pub(crate) fn trim_values(headers: &mut Headers) {
    if headers.iter().all(|field| is_trimmed(field.value)) {
        return;
    }
    let mut trimmed = Headers::with_capacity(headers.len(), headers.section_size());
    for field in headers.iter() {
        let value = field.value.trim_ascii();
        match field.sensitive {
            true => trimmed.push_sensitive(field.name, value),
            false => trimmed.push(field.name, value),
        }
    }
    *headers = trimmed;
}

/// Checks a response, interim or final (RFC 9113, Section 8.3.2).
pub(crate) fn check_response(
    headers: &Headers,
    end_stream: bool,
) -> Result<ResponseFacts, Malformed> {
    let mut status = None;
    let mut regular = Regular::default();
    walk(headers, &mut regular, |name, value| {
        if name != b":status" {
            return Err(Malformed::UnexpectedPseudo(lossy(name)));
        }
        match status.replace(value) {
            Some(_) => Err(Malformed::DuplicatePseudo(":status")),
            None => Ok(()),
        }
    })?;
    let status = match status.ok_or(Malformed::MissingPseudo(":status"))? {
        &[a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9'] => {
            u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0')
        }
        _ => return Err(Malformed::InvalidPseudo(":status")),
    };
    // RFC 9113, Section 8.6: HTTP/2 does not support 101 (Switching Protocols).
    if status == 101 {
        return Err(Malformed::SwitchingProtocols);
    }
    let facts = ResponseFacts { status, content_length: regular.content_length };
    // RFC 9113, Section 8.1: an interim response cannot carry END_STREAM.
    if facts.is_informational() && end_stream {
        return Err(Malformed::InformationalEnd);
    }
    Ok(facts)
}

/// Checks trailers, which have no pseudo-header fields (RFC 9113, Section 8.1).
pub(crate) fn check_trailers(headers: &Headers) -> Result<(), Malformed> {
    let mut regular = Regular::default();
    walk(headers, &mut regular, |name, _| Err(Malformed::UnexpectedPseudo(lossy(name))))
}

/// Checks that a promised request is safe and has no body (RFC 9113, Section 8.4.1).
pub(crate) fn check_promise(headers: &Headers) -> Result<RequestFacts, Malformed> {
    let facts = check_request(headers, false)?;
    let safe = matches!(headers.get_bytes(":method"), Some(b"GET" | b"HEAD"));
    if !safe || facts.content_length.is_some_and(|length| length > 0) {
        return Err(Malformed::UnsafePush);
    }
    Ok(facts)
}

/// Calls `on_pseudo` for each pseudo-header field and checks the others.
fn walk<'a>(
    headers: &'a Headers,
    regular: &mut Regular<'a>,
    mut on_pseudo: impl FnMut(&'a [u8], &'a [u8]) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut in_pseudo = true;
    // Checks all text at once, since it is nearly always valid; otherwise field by field, to name
    // the invalid one.
    let is_clean = is_text(headers.text());
    for field in headers.iter() {
        if !(is_clean || is_text(field.value)) || !is_trimmed(field.value) {
            return Err(Malformed::Value(lossy(field.name)));
        }
        if field.name.first() == Some(&b':') {
            // RFC 9113, Section 8.3: pseudo-header fields precede all regular fields.
            if !in_pseudo {
                return Err(Malformed::PseudoAfterRegular(lossy(field.name)));
            }
            on_pseudo(field.name, field.value)?;
        } else {
            in_pseudo = false;
            regular.check(field.name, field.value)?;
        }
    }
    Ok(())
}

#[derive(Default)]
struct RequestPseudo<'a> {
    method: Option<&'a [u8]>,
    scheme: Option<&'a [u8]>,
    authority: Option<&'a [u8]>,
    path: Option<&'a [u8]>,
    protocol: Option<&'a [u8]>,
}

impl<'a> RequestPseudo<'a> {
    /// RFC 9113, Section 8.5: CONNECT has `:authority` (host and port), but neither `:scheme` nor
    /// `:path`.
    fn check_connect(&self) -> Result<Authority<'a>, Malformed> {
        for (value, name) in [(self.scheme, ":scheme"), (self.path, ":path")] {
            if value.is_some() {
                return Err(Malformed::UnexpectedPseudo(name.to_owned()));
            }
        }
        let authority = self.authority.ok_or(Malformed::MissingPseudo(":authority"))?;
        match Authority::parse(authority) {
            Some(authority) if authority.has_port() && !authority.has_empty_host() => Ok(authority),
            _ => Err(Malformed::InvalidPseudo(":authority")),
        }
    }

    fn check_ordinary(&self, method: &[u8]) -> Result<Option<Authority<'a>>, Malformed> {
        let scheme = self.scheme.ok_or(Malformed::MissingPseudo(":scheme"))?;
        let is_http = is_http(scheme);
        if !(is_http || is_scheme(scheme)) {
            return Err(Malformed::InvalidPseudo(":scheme"));
        }
        let path = self.path.ok_or(Malformed::MissingPseudo(":path"))?;
        // RFC 9113, Section 8.3.1: for http and https not empty; starts with "/", or is "*" for
        // OPTIONS.
        let shape = match path.first() {
            Some(b'/') => true,
            Some(_) if is_http => method == b"OPTIONS" && path == b"*",
            Some(_) => true,
            None => !is_http,
        };
        if !shape || !is_path(path) {
            return Err(Malformed::InvalidPseudo(":path"));
        }
        if let Some(protocol) = self.protocol {
            // RFC 8441, Section 4: `:protocol` is only for CONNECT, and requires `:authority`.
            if method != b"CONNECT" {
                return Err(Malformed::UnexpectedPseudo(":protocol".to_owned()));
            }
            if !is_token(protocol) {
                return Err(Malformed::InvalidPseudo(":protocol"));
            }
            if self.authority.is_none() {
                return Err(Malformed::MissingPseudo(":authority"));
            }
        }
        let Some(authority) = self.authority else { return Ok(None) };
        match Authority::parse(without_userinfo(authority, is_http)) {
            // RFC 9110, Section 4.2.1: an http URI with an empty host is invalid.
            Some(authority) if !(is_http && authority.has_empty_host()) => Ok(Some(authority)),
            _ => Err(Malformed::InvalidPseudo(":authority")),
        }
    }
}

/// RFC 9113, Section 8.3.1: http and https forbid userinfo; other schemes may have it.
fn without_userinfo(authority: &[u8], is_http: bool) -> &[u8] {
    if is_http {
        return authority;
    }
    let at = authority.iter().rposition(|&octet| octet == b'@');
    at.map_or(authority, |at| &authority[at + 1..])
}

/// RFC 3986, Section 3.1: schemes are case-insensitive.
fn is_http(scheme: &[u8]) -> bool {
    matches!(scheme, b"https" | b"http")
        || scheme.eq_ignore_ascii_case(b"https")
        || scheme.eq_ignore_ascii_case(b"http")
}

/// The regular fields that affect the protocol.
#[derive(Default)]
struct Regular<'a> {
    host: Option<&'a [u8]>,
    content_length: Option<u64>,
    has_priority: bool,
}

impl<'a> Regular<'a> {
    #[inline]
    fn check(&mut self, name: &'a [u8], value: &'a [u8]) -> Result<(), Malformed> {
        if !is_name(name) {
            return Err(Malformed::Name(lossy(name)));
        }
        match name {
            b"host" => {
                let before = self.host.replace(value);
                if before.is_some() {
                    return Err(Malformed::Host);
                }
            }
            b"content-length" => {
                let length = parse_length(value).ok_or(Malformed::ContentLength)?;
                if self.content_length.replace(length).is_some_and(|other| other != length) {
                    return Err(Malformed::ContentLength);
                }
            }
            b"priority" => self.has_priority = true,
            // RFC 9113, Section 8.2.2: `te` may only contain "trailers".
            b"te" if !value.eq_ignore_ascii_case(b"trailers") => return Err(Malformed::Te),
            b"connection" => return Err(Malformed::ConnectionSpecific("connection")),
            b"keep-alive" => return Err(Malformed::ConnectionSpecific("keep-alive")),
            b"proxy-connection" => return Err(Malformed::ConnectionSpecific("proxy-connection")),
            b"transfer-encoding" => return Err(Malformed::ConnectionSpecific("transfer-encoding")),
            b"upgrade" => return Err(Malformed::ConnectionSpecific("upgrade")),
            _ => {}
        }
        Ok(())
    }

    /// RFC 9113, Section 8.3.1: a request is malformed if `host` and `:authority` name different
    /// entities.
    fn check_host(
        &self,
        authority: Option<Authority<'_>>,
        scheme: Option<&[u8]>,
    ) -> Result<(), Malformed> {
        let Some(host) = self.host else { return Ok(()) };
        let host = Authority::parse(host).ok_or(Malformed::Host)?;
        let is_valid = match authority {
            Some(authority) => authority.is_same(&host, scheme),
            // RFC 9110, Section 4.2.1: `host` replaces a missing authority.
            None => !(host.has_empty_host() && scheme.is_some_and(is_http)),
        };
        is_valid.then_some(()).ok_or(Malformed::Host)
    }
}

fn lossy(name: &[u8]) -> String {
    // Truncated to identify the name: it may be as long as a field section.
    String::from_utf8_lossy(&name[..name.len().min(64)]).into_owned()
}
