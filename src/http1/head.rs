//! Parsing of the first line and the header section.
//!
//! `httparse` does the parsing. This module adds the checks for which it is too lax in a request:
//! it accepts a bare LF as a line end, and any number of empty lines before the first line.

use std::mem::MaybeUninit;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Version};
use httparse::{Header, ParserConfig, Status};

use super::config::Config;
use super::error::Error;
use super::explain::{Kind, explain};
use super::facts::{Facts, only_length, same_lengths};
use super::target;

/// The number of fields that are parsed without an allocation.
const FEW: usize = 32;

/// Parses the header section of a request into `head`, which has no fields yet, and returns its
/// length. Returns `None` and leaves `head` unchanged while it is incomplete.
pub(super) fn request(
    octets: &[u8],
    config: &Config,
    head: &mut Request<()>,
    facts: &mut Facts,
) -> Result<Option<usize>, Error> {
    let within = within_limits(octets, config.max_request_line.min(config.max_head_size), config);
    let parsed = with_fields(within.len(), config, |fields| {
        let mut request = httparse::Request::new(&mut []);
        let len = match request.parse_with_uninit_headers(within, fields) {
            Ok(Status::Complete(len)) => len,
            Ok(Status::Partial) => return Ok(Ok(None)),
            Err(error) => return Err(error),
        };
        Ok(build_request(&within[..len], &request, head, facts).map(|()| Some(len)))
    });
    match parsed {
        Ok(Ok(None)) if within.len() == octets.len() => Ok(None),
        Ok(Ok(None)) if within.contains(&b'\n') => Err(head_too_large(config)),
        Ok(Ok(None)) => {
            let detail =
                format!("request line over {} octets (max_request_line)", config.max_request_line);
            Err(Error::limit(StatusCode::URI_TOO_LONG, detail))
        }
        Ok(result) => result,
        Err(error) => Err(explain(within, Kind::Request, error, config)),
    }
}

/// Parses the header section of a response, as [`request`] does.
pub(super) fn response(
    octets: &[u8],
    config: &Config,
    head: &mut Response<()>,
    facts: &mut Facts,
) -> Result<Option<usize>, Error> {
    let within = &octets[..octets.len().min(config.max_head_size)];
    let mut lenient = ParserConfig::default();
    lenient
        .allow_spaces_after_header_name_in_responses(true)
        .allow_obsolete_multiline_headers_in_responses(true)
        .allow_multiple_spaces_in_response_status_delimiters(true);
    let parsed = with_fields(within.len(), config, |fields| {
        let mut response = httparse::Response::new(&mut []);
        let parsed = lenient.parse_response_with_uninit_headers(&mut response, within, fields);
        match parsed {
            Ok(Status::Complete(len)) => {
                Ok(build_response(&within[..len], &response, head, facts).map(|()| Some(len)))
            }
            Ok(Status::Partial) => Ok(Ok(None)),
            Err(error) => Err(error),
        }
    });
    match parsed {
        Ok(Ok(None)) if within.len() < octets.len() => Err(head_too_large(config)),
        Ok(result) => result,
        Err(error) => Err(explain(within, Kind::Response, error, config)),
    }
}

/// Returns the octets within the limits. The result of parsing must not depend on octets beyond
/// them, however many arrive at once.
fn within_limits<'a>(octets: &'a [u8], max_line: usize, config: &Config) -> &'a [u8] {
    match octets.get(..max_line) {
        Some(line) if octets.len() > max_line && !line.contains(&b'\n') => line,
        _ => &octets[..octets.len().min(config.max_head_size)],
    }
}

pub(super) fn head_too_large(config: &Config) -> Error {
    let detail = format!("header section over {} octets (max_head_size)", config.max_head_size);
    Error::limit(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, detail)
}

/// Calls `parse` with room for a few fields. If those are too few, it calls it again with the most
/// that the limit allows and that fit into `octets`.
fn with_fields<'a, T>(
    octets: usize,
    config: &Config,
    mut parse: impl FnMut(&mut [MaybeUninit<Header<'a>>]) -> Result<T, httparse::Error>,
) -> Result<T, httparse::Error> {
    let mut few = [const { MaybeUninit::uninit() }; FEW];
    let len = config.max_fields.min(FEW);
    match parse(&mut few[..len]) {
        Err(httparse::Error::TooManyHeaders) if config.max_fields > FEW => {
            // A field line has at least one octet of name, a colon and a line end.
            let len = config.max_fields.min(octets / 3 + 1);
            let mut many = Vec::with_capacity(len);
            parse(&mut many.spare_capacity_mut()[..len])
        }
        result => result,
    }
}

fn build_request(
    octets: &[u8],
    parsed: &httparse::Request<'_, '_>,
    head: &mut Request<()>,
    facts: &mut Facts,
) -> Result<(), Error> {
    check_line_ends(octets, parsed.headers)?;
    let shared = Shared::new(octets);
    *head.method_mut() = Method::from_bytes(parsed.method.unwrap_or_default().as_bytes())
        .map_err(|_| Error::malformed("the method is not a token"))?;
    let target = shared.slice(parsed.path.unwrap_or_default().as_bytes());
    *head.uri_mut() = target::parse(head.method(), target)?;
    *head.version_mut() = version(parsed.version);
    let mut host = None;
    head.headers_mut().reserve(parsed.headers.len());
    for field in &*parsed.headers {
        let name = field_name(field)?;
        facts.note(&name, field.value, only_length)?;
        if name == HOST && host.replace(field.value).is_some() {
            return Err(Error::malformed("more than one host field"));
        }
        append(head.headers_mut(), name, shared.value(field.value)?)?;
    }
    // RFC 9112, Section 3.2: exactly one `host`; optional in HTTP/1.0.
    match host {
        Some(host) => target::check_host(head.uri(), host),
        None if head.version() == Version::HTTP_10 => Ok(()),
        None => Err(Error::malformed("no host field")),
    }
}

fn build_response(
    octets: &[u8],
    parsed: &httparse::Response<'_, '_>,
    head: &mut Response<()>,
    facts: &mut Facts,
) -> Result<(), Error> {
    let shared = Shared::new(octets);
    let status = StatusCode::from_u16(parsed.code.unwrap_or_default())
        .map_err(|_| Error::malformed("the status is below 100"))?;
    (*head.status_mut(), *head.version_mut()) = (status, version(parsed.version));
    // RFC 9112, Section 6.3: these have no content; a length or coding is ignored.
    let is_bodyless = status.is_informational() || status == StatusCode::NO_CONTENT;
    let lengths = if is_bodyless { any_length } else { same_lengths };
    head.headers_mut().reserve(parsed.headers.len());
    for field in &*parsed.headers {
        let name = field_name(field)?;
        let value = shared.unfolded(field.value)?;
        facts.note(&name, value.as_bytes(), lengths)?;
        append(head.headers_mut(), name, value)?;
    }
    Ok(())
}

/// Parses a trailer section, from its first field line to the empty line.
pub(super) fn trailers(octets: &[u8], config: &Config) -> Result<HeaderMap, Error> {
    let lines = octets.iter().filter(|octet| **octet == b'\n').count();
    let mut fields = vec![httparse::EMPTY_HEADER; lines.min(config.max_fields)];
    // `explain` skips a first line.
    let explain = |error| explain(&[b"\n", octets].concat(), Kind::Response, error, config);
    let fields = match httparse::parse_headers(octets, &mut fields).map_err(explain)? {
        Status::Complete((_, fields)) => fields,
        // Not reached: the caller has found the empty line.
        Status::Partial => return Err(Error::malformed("the trailer section has no end")),
    };
    check_line_ends(octets, fields)?;
    let shared = Shared::new(octets);
    let mut headers = HeaderMap::with_capacity(fields.len());
    for field in fields {
        append(&mut headers, field_name(field)?, shared.value(field.value)?)?;
    }
    Ok(headers)
}

fn any_length(_: Option<u64>, _: &[u8]) -> Result<u64, Error> {
    Ok(0)
}

/// Checks that each line ends with CR LF (RFC 9112, Section 2.2). Accepting a bare LF would be
/// legal. But a proxy that does not accept it would see one field where we see two.
fn check_line_ends(octets: &[u8], fields: &[Header<'_>]) -> Result<(), Error> {
    let is_end = |end: usize| octets[..end].ends_with(b"\r\n");
    let starts = fields.iter().map(|field| place(octets, field.name.as_bytes()));
    // A field line begins directly after the end of the previous one, and the last one ends before
    // the empty line.
    match starts.filter(|&start| start > 0).all(is_end) && octets.ends_with(b"\r\n") {
        true if octets.len() == 2 || octets.ends_with(b"\r\n\r\n") => Ok(()),
        _ => Err(Error::malformed("a line does not end with CR LF")),
    }
}

fn field_name(field: &Header<'_>) -> Result<HeaderName, Error> {
    HeaderName::from_bytes(field.name.as_bytes())
        .map_err(|_| Error::malformed("a field name is not a token"))
}

#[inline]
fn append(headers: &mut HeaderMap, name: HeaderName, value: HeaderValue) -> Result<(), Error> {
    let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
    let too_many = |_| Error::limit(status, "more fields than a header map can hold");
    headers.try_append(name, value).map(drop).map_err(too_many)
}

fn version(minor: Option<u8>) -> Version {
    match minor {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    }
}

/// Returns the offset of `part` in `octets`, of which it is a slice.
fn place(octets: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(octets.as_ptr() as usize).min(octets.len())
}

/// A copy of the header section that the request target and the field values share. They cannot
/// share the caller's input buffer, which they would keep alive.
struct Shared<'a> {
    octets: &'a [u8],
    copy: Bytes,
}

impl<'a> Shared<'a> {
    fn new(octets: &'a [u8]) -> Self {
        Shared { octets, copy: Bytes::copy_from_slice(octets) }
    }

    #[inline]
    fn slice(&self, part: &[u8]) -> Bytes {
        let start = place(self.octets, part);
        self.copy.slice(start..(start + part.len()).min(self.copy.len()))
    }

    #[inline]
    fn value(&self, value: &[u8]) -> Result<HeaderValue, Error> {
        header_value(self.slice(value))
    }

    /// Replaces each fold with a space, as a client must (RFC 9112, Section 5.2).
    fn unfolded(&self, value: &[u8]) -> Result<HeaderValue, Error> {
        if !value.contains(&b'\n') {
            return self.value(value);
        }
        let lines: Vec<_> = value.split(|&octet| octet == b'\n').map(<[u8]>::trim_ascii).collect();
        header_value(lines.join(&b' ').into())
    }
}

#[inline]
fn header_value(value: Bytes) -> Result<HeaderValue, Error> {
    HeaderValue::from_maybe_shared(value)
        .map_err(|_| Error::malformed("invalid octet in a field value"))
}
