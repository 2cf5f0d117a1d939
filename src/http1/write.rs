//! Encoding of header sections and chunk lines.

use http::header::{self, HeaderMap};
use http::{StatusCode, Uri};

use super::body_size::BodySize;
use super::facts::{members, parse_length};
use super::send_error::SendError;

/// Appends a field line.
#[inline]
pub(super) fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\r\n");
}

pub(super) fn content_length(out: &mut Vec<u8>, len: u64) {
    out.extend_from_slice(b"content-length: ");
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = len;
    loop {
        at -= 1;
        // A digit.
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line before a chunk.
pub(super) fn chunk_size(out: &mut Vec<u8>, len: usize) {
    let digits = (len.max(1).ilog2() / 4 + 1) as usize;
    for place in (0..digits).rev() {
        out.push(b"0123456789abcdef"[len >> (4 * place) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

pub(super) fn status_line(out: &mut Vec<u8>, status: StatusCode) {
    if status == StatusCode::OK {
        return out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(status.as_str().as_bytes());
    out.push(b' ');
    out.extend_from_slice(status.canonical_reason().unwrap_or_default().as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// The caller's fields that concern what the codec writes itself.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) closes: bool,
    pub(super) length: Option<u64>,
    pub(super) hosts: usize,
    pub(super) has_upgrade: bool,
    pub(super) has_te: bool,
    pub(super) expects_continue: bool,
    has_connection: bool,
}

impl Given {
    pub(super) fn of(headers: &HeaderMap) -> Result<Self, SendError> {
        let mut given = Given::default();
        for (name, value) in headers {
            match *name {
                header::CONNECTION => {
                    given.has_connection = true;
                    let mut options = members(value.as_bytes());
                    given.closes |= options.any(|it| it.eq_ignore_ascii_case(b"close"));
                }
                header::CONTENT_LENGTH => {
                    let length = parse_length(value.as_bytes());
                    if length.is_none() || (given.length.is_some() && given.length != length) {
                        return Err(SendError::ContentLength);
                    }
                    given.length = length;
                }
                header::HOST => given.hosts += 1,
                header::UPGRADE => given.has_upgrade = true,
                header::TE => given.has_te = true,
                header::EXPECT => {
                    given.expects_continue |=
                        value.as_bytes().eq_ignore_ascii_case(b"100-continue");
                }
                _ => {}
            }
        }
        Ok(given)
    }

    /// Combines the size given by the caller with that of the field.
    pub(super) fn size(&self, size: BodySize) -> Result<BodySize, SendError> {
        match (size, self.length) {
            (BodySize::Known(size), Some(length)) if size != length => {
                Err(SendError::ContentLength)
            }
            (BodySize::Unknown, Some(length)) => Ok(BodySize::Known(length)),
            _ => Ok(size),
        }
    }
}

/// Appends the caller's fields, except those that the codec writes itself.
pub(super) fn fields(out: &mut Vec<u8>, headers: &HeaderMap) {
    for (name, value) in headers {
        match *name {
            header::CONNECTION
            | header::CONTENT_LENGTH
            | header::TRANSFER_ENCODING
            | header::HOST => {}
            _ if matches!(name.as_str(), "keep-alive" | "proxy-connection") => {}
            _ => field(out, name.as_str().as_bytes(), value.as_bytes()),
        }
    }
}

/// Appends `connection`: the caller's options, and those that the codec adds.
pub(super) fn connection(
    out: &mut Vec<u8>,
    headers: &HeaderMap,
    given: &Given,
    added: &[&'static str],
) {
    if !given.has_connection && added.is_empty() {
        return;
    }
    let is_ours = |option: &&[u8]| {
        let ours = ["close", "keep-alive"].iter().chain(added);
        ours.into_iter().any(|it| option.eq_ignore_ascii_case(it.as_bytes()))
    };
    let theirs = headers.get_all(header::CONNECTION).into_iter();
    let theirs = theirs.flat_map(|value| members(value.as_bytes())).filter(|it| !is_ours(it));
    let options = theirs.chain(added.iter().map(|option| option.as_bytes()));
    let options: Vec<_> = options.collect();
    if !options.is_empty() {
        field(out, b"connection", &options.join(&b", "[..]));
    }
}

/// Appends a request target in origin form (RFC 9112, Section 3.2.1), or in asterisk form.
pub(super) fn path(out: &mut Vec<u8>, uri: &Uri) {
    let path = uri.path_and_query().map_or("/", |path| path.as_str());
    if !path.starts_with(['/', '*']) {
        out.push(b'/');
    }
    out.extend_from_slice(path.as_bytes());
}
