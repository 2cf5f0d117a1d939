//! The head of a message of HTTP/1.x: the first line and the fields.

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, Response, StatusCode, Uri, Version};

use super::options::Options;
use super::refusal::Refusal;

/// While there is not more than this, the head is parsed after each read; then only when a line
/// has ended, so that octets that come one at a time do not cost their square.
const SHORT: usize = 1 << 10;

/// A head, and how many octets it has.
#[derive(Debug)]
pub(super) struct Parsed<H> {
    pub(super) head: H,
    pub(super) len: usize,
}

/// Parses the head of a request; `None` while it is not complete. `new` is how many of the octets
/// have come since the last time; all of them, if no more are to come.
pub(super) fn request(
    octets: &[u8],
    new: usize,
    options: &Options,
) -> Result<Option<Parsed<Request<()>>>, Refusal> {
    parse(octets, new, options, |octets, fields| {
        let mut request = httparse::Request::new(fields);
        let len = match request.parse(octets) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(refusal(octets, error)),
        };
        let target = request.path.unwrap_or_default();
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = Method::from_bytes(request.method.unwrap_or_default().as_bytes())
            .map_err(|_| Refusal::bad("the method is not valid"))?;
        parts.uri =
            Uri::try_from(target).map_err(|_| Refusal::bad("the request target is not valid"))?;
        parts.version = version(request.version);
        parts.headers = header_map(request.headers)?;
        Ok(Some(Parsed { head: Request::from_parts(parts, ()), len }))
    })
}

/// The same for a response.
pub(super) fn response(
    octets: &[u8],
    new: usize,
    options: &Options,
) -> Result<Option<Parsed<Response<()>>>, Refusal> {
    parse(octets, new, options, |octets, fields| {
        let mut response = httparse::Response::new(fields);
        let len = match response.parse(octets) {
            Ok(httparse::Status::Complete(len)) => len,
            Ok(httparse::Status::Partial) => return Ok(None),
            Err(error) => return Err(refusal(octets, error)),
        };
        let (mut parts, ()) = Response::new(()).into_parts();
        parts.status = StatusCode::from_u16(response.code.unwrap_or_default())
            .map_err(|_| Refusal::bad("the status code is not valid"))?;
        parts.version = version(response.version);
        parts.headers = header_map(response.headers)?;
        Ok(Some(Parsed { head: Response::from_parts(parts, ()), len }))
    })
}

fn parse<H>(
    octets: &[u8],
    new: usize,
    options: &Options,
    parse: impl for<'a> FnOnce(
        &'a [u8],
        &mut [httparse::Header<'a>],
    ) -> Result<Option<Parsed<H>>, Refusal>,
) -> Result<Option<Parsed<H>>, Refusal> {
    let last = &octets[octets.len().saturating_sub(new)..];
    let is_over = octets.len() > options.max_head_size;
    if octets.len() > SHORT && !is_over && new < octets.len() && !last.contains(&b'\n') {
        return Ok(None);
    }
    // What is behind the limit changes nothing, however much comes at once.
    let octets = &octets[..octets.len().min(options.max_head_size)];
    let mut fields = vec![httparse::EMPTY_HEADER; options.max_fields];
    let parsed = parse(octets, &mut fields)?;
    if parsed.is_some() || !is_over {
        return Ok(parsed);
    }
    Err(if octets.trim_ascii_start().contains(&b'\n') {
        Refusal::limit(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "the fields are too large")
    } else {
        Refusal::limit(StatusCode::URI_TOO_LONG, "the first line is too long")
    })
}

fn refusal(octets: &[u8], error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::TooManyHeaders => Refusal::limit(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            "the head has too many fields",
        ),
        httparse::Error::Version if has_version(octets) => Refusal::with(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "the version is neither HTTP/1.0 nor HTTP/1.1",
        ),
        error => Refusal::bad(format!("the head is malformed: {error}")),
    }
}

/// Whether the third word of the first line is the name of some version of HTTP.
fn has_version(octets: &[u8]) -> bool {
    let mut words = octets.trim_ascii_start().split(|&octet| octet == b' ' || octet == b'\n');
    words.nth(2).is_some_and(|word| word.starts_with(b"HTTP/"))
}

fn version(minor: Option<u8>) -> Version {
    match minor {
        Some(1) => Version::HTTP_11,
        _ => Version::HTTP_10,
    }
}

fn header_map(fields: &[httparse::Header<'_>]) -> Result<HeaderMap, Refusal> {
    let too_many = |_| Refusal::bad("there are too many fields");
    let mut map = HeaderMap::try_with_capacity(fields.len()).map_err(too_many)?;
    for field in fields {
        let name = HeaderName::from_bytes(field.name.as_bytes())
            .map_err(|_| Refusal::bad("a field name is not valid"))?;
        let value = HeaderValue::from_bytes(field.value)
            .map_err(|_| Refusal::bad("a field value is not valid"))?;
        map.try_append(name, value).map_err(|_| Refusal::bad("there are too many fields"))?;
    }
    Ok(map)
}

/// The members of all lists in the fields of one name (RFC 9110, Section 5.6.1).
pub(super) fn members<'a>(map: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    map.get_all(name)
        .into_iter()
        .flat_map(|value| value.as_bytes().split(|&octet| octet == b','))
        .map(<[u8]>::trim_ascii)
        .filter(|member| !member.is_empty())
}

/// Whether one of the members of a list is this, whatever its case.
pub(super) fn lists(map: &HeaderMap, name: &str, wanted: &str) -> bool {
    members(map, name).any(|member| member.eq_ignore_ascii_case(wanted.as_bytes()))
}
