//! Describes which octet of a header section is wrong and why, which the parser does not report.
//!
//! The text depends only on the octets up to the wrong one, not on how many have been received.

use std::borrow::Cow;

use http::StatusCode;

use super::config::Config;
use super::error::Error;

/// The longest quotation of a name in octets.
const QUOTED: usize = 40;

/// Request or response: the version is at a different place in each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Request,
    Response,
}

/// Describes why `octets`, the beginning of a message, cannot be parsed.
pub(super) fn explain(octets: &[u8], kind: Kind, error: httparse::Error, config: &Config) -> Error {
    use httparse::Error::*;
    let detail = match error {
        TooManyHeaders => {
            let status = StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE;
            let max = config.max_fields;
            return Error::limit(status, format!("more than {max} fields (max_fields)"));
        }
        Version if has_version(octets, kind) => {
            let status = StatusCode::HTTP_VERSION_NOT_SUPPORTED;
            return Error::unsupported(status, "the version is neither HTTP/1.0 nor HTTP/1.1");
        }
        Version => "the first line does not end with a version of HTTP/1".into(),
        Status => "the status is not a number of three digits".into(),
        Token => "the first line has an invalid octet in the method or request target".into(),
        NewLine => "a line does not end with CR LF".into(),
        HeaderName => bad_name(octets),
        HeaderValue => bad_value(octets),
    };
    Error::malformed(detail)
}

/// Returns whether the first line has the form of an HTTP version.
fn has_version(octets: &[u8], kind: Kind) -> bool {
    let is_line_end = |octet: &u8| matches!(octet, b'\r' | b'\n');
    let start = octets.iter().position(|octet| !is_line_end(octet)).unwrap_or(octets.len());
    let place = if kind == Kind::Request { 2 } else { 0 };
    let version = octets[start..].split(|octet| *octet == b' ').nth(place);
    matches!(version, Some([b'H', b'T', b'T', b'P', b'/', b'0'..=b'9', ..]))
}

fn bad_name(octets: &[u8]) -> Cow<'static, str> {
    for line in field_lines(octets) {
        let Some(end) = line.iter().position(|octet| !is_token(*octet)) else { continue };
        let name = quote(&line[..end]);
        return match line[end] {
            b'\r' | b'\n' if end == 0 => continue,
            b':' if end == 0 => "a field line has no name".into(),
            b':' => continue,
            b' ' | b'\t' if end == 0 => "a field line is folded (obs-fold)".into(),
            b' ' | b'\t' => format!("white space in or after the field name {name}").into(),
            b'\r' | b'\n' => format!("the field line {name} has no colon").into(),
            octet => format!("octet {octet:#04x} after {name} in a field name").into(),
        };
    }
    "invalid octet in a field name".into()
}

fn bad_value(octets: &[u8]) -> Cow<'static, str> {
    let mut name = &octets[..0];
    for line in field_lines(octets) {
        // A line that begins with a blank continues the previous value.
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            name = line.split(|octet| *octet == b':').next().unwrap_or_default();
        }
        let value = line.strip_suffix(b"\n").unwrap_or(line);
        let value = value.strip_suffix(b"\r").unwrap_or(value);
        let is_control = |octet: &&u8| octet.is_ascii_control() && **octet != b'\t';
        if let Some(octet) = value.iter().find(is_control) {
            return format!("invalid octet {octet:#04x} in the value of {}", quote(name)).into();
        }
    }
    "invalid octet in a field value".into()
}

/// Iterates over the lines after the first one, with their line ends.
fn field_lines(octets: &[u8]) -> impl Iterator<Item = &[u8]> {
    octets.split_inclusive(|&octet| octet == b'\n').skip(1)
}

fn quote(name: &[u8]) -> String {
    let is_cut = name.len() > QUOTED;
    let name = name[..name.len().min(QUOTED)].escape_ascii();
    format!("\"{name}{}\"", if is_cut { "…" } else { "" })
}

/// Returns whether an octet may be part of a token (RFC 9110, Section 5.6.2).
fn is_token(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&octet)
}
