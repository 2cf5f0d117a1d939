//! Decoding of chunked content (RFC 9112, Section 7.1).

use bytes::{Buf, BytesMut};
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderName};

use super::config::Config;
use super::error::Error;
use super::head::{self, head_too_large};
use super::received::Received;

/// The most octets of chunk lines in a message, beyond 16 for each chunk and one for each octet of
/// content. Extensions are ignored, so nothing else limits how many of them are read.
const MAX_EXCESS: u64 = 16 << 10;

/// The state of the chunked decoder between two pieces of input.
#[derive(Debug)]
pub(super) struct Chunked {
    at: At,
    /// The octets of chunk lines beyond the expected proportion.
    excess: u64,
    /// The octets of content in all chunk sizes received.
    announced: u64,
    /// The octets of the trailer section that were searched for its end.
    searched: usize,
    /// Whether blanks around a chunk size are accepted, as in a response.
    is_lenient: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Size,
    Data(u64),
    /// The line end after the octets of a chunk.
    DataEnd,
    Trailers,
    Done,
}

impl Chunked {
    pub(super) fn new(is_lenient: bool) -> Self {
        Chunked { at: At::Size, excess: 0, announced: 0, searched: 0, is_lenient }
    }

    /// Removes lines from the front of `input`, up to the next octets of content.
    pub(super) fn receive(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Received, Error> {
        loop {
            self.at = match self.at {
                At::Size => {
                    let Some(len) = line_len(input, config.max_chunk_line)? else {
                        return Ok(Received::NeedMore);
                    };
                    let size = self.size(&input[..len])?;
                    input.advance(len);
                    self.announce(size, len, config)?;
                    if size == 0 { At::Trailers } else { At::Data(size) }
                }
                At::Data(0) => At::DataEnd,
                At::Data(left) => return Ok(Received::Content(left)),
                At::DataEnd => {
                    let len = input.len().min(2);
                    if input[..len] != b"\r\n"[..len] {
                        return Err(Error::malformed("a chunk is longer than its size"));
                    }
                    if len < 2 {
                        return Ok(Received::NeedMore);
                    }
                    input.advance(len);
                    At::Size
                }
                At::Trailers => {
                    let Some(trailers) = self.trailers(input, config)? else {
                        return Ok(Received::NeedMore);
                    };
                    self.at = At::Done;
                    if !trailers.is_empty() {
                        return Ok(Received::Trailers(trailers));
                    }
                    At::Done
                }
                At::Done => return Ok(Received::End),
            };
        }
    }

    /// The octets of content that come next.
    pub(super) fn ahead(&self) -> u64 {
        match self.at {
            At::Data(left) => left,
            _ => 0,
        }
    }

    pub(super) fn consume(&mut self, len: u64) {
        if let At::Data(left) = &mut self.at {
            *left -= len;
        }
    }

    fn announce(&mut self, size: u64, line: usize, config: &Config) -> Result<(), Error> {
        let line = line as u64;
        self.excess = (self.excess + line).saturating_sub(16).saturating_sub(size);
        if self.excess > MAX_EXCESS {
            return Err(Error::malformed(
                "chunk extensions are too long in proportion to the content",
            ));
        }
        self.announced = self.announced.saturating_add(size);
        check_size(self.announced, config)
    }

    /// RFC 9112, Section 7.1: hexadecimal digits; extensions are ignored.
    fn size(&self, line: &[u8]) -> Result<u64, Error> {
        let line = line.strip_suffix(b"\r\n");
        let Some(line) = line.filter(|line| !line.contains(&b'\r')) else {
            return Err(Error::malformed("a chunk line does not end with CR LF"));
        };
        let digits = line.iter().take_while(|octet| octet.is_ascii_hexdigit()).count();
        let (digits, mut rest) = line.split_at(digits);
        if self.is_lenient {
            rest = rest.trim_ascii_start();
        }
        let is_text = |octet: &u8| !octet.is_ascii_control() || *octet == b'\t';
        let is_end = matches!(rest, [] | [b';', ..]) && rest.iter().all(is_text);
        let size = digits.iter().try_fold(0_u64, |size, digit| {
            let digit = char::from(*digit).to_digit(16)?;
            size.checked_mul(16)?.checked_add(u64::from(digit))
        });
        size.filter(|_| is_end && (1..=16).contains(&digits.len())).ok_or_else(|| {
            let line = line[..line.len().min(32)].escape_ascii();
            Error::malformed(format!(
                "chunk size \"{line}\" is not a hexadecimal number of at most 64 bits"
            ))
        })
    }

    /// Parses the trailer section, once it is complete.
    fn trailers(
        &mut self,
        input: &mut BytesMut,
        config: &Config,
    ) -> Result<Option<HeaderMap>, Error> {
        let within = &input[..input.len().min(config.max_head_size)];
        let Some(len) = section_len(within, self.searched) else {
            if within.len() < input.len() {
                return Err(head_too_large(config));
            }
            self.searched = input.len();
            return Ok(None);
        };
        let mut trailers = head::trailers(&within[..len], config)?;
        input.advance(len);
        if self.is_lenient {
            drop_forbidden(&mut trailers);
        } else if let Some(name) = trailers.keys().find(|name| is_forbidden_trailer(name)) {
            return Err(Error::malformed(format!(
                "field {:?} is not allowed in a trailer section",
                name.as_str()
            )));
        }
        Ok(Some(trailers))
    }
}

/// Fails with 413 if the content of a message exceeds the limit.
pub(super) fn check_size(size: u64, config: &Config) -> Result<(), Error> {
    match config.max_body_size {
        Some(max) if size > max => Err(too_large(config)),
        _ => Ok(()),
    }
}

pub(super) fn too_large(config: &Config) -> Error {
    let max = config.max_body_size.unwrap_or(u64::MAX);
    let detail = format!("content over {max} octets (max_body_size)");
    Error::limit(StatusCode::PAYLOAD_TOO_LARGE, detail)
}

/// Returns whether a field is not allowed in a trailer section (RFC 9110, Section 6.5.1): framing,
/// routing, request modifiers, authentication, response control data, and content encoding.
pub(super) fn is_forbidden_trailer(name: &HeaderName) -> bool {
    matches!(
        *name,
        header::CONNECTION
            | header::CONTENT_LENGTH
            | header::TE
            | header::TRAILER
            | header::TRANSFER_ENCODING
            | header::UPGRADE
            | header::HOST
            | header::CACHE_CONTROL
            | header::EXPECT
            | header::MAX_FORWARDS
            | header::PRAGMA
            | header::RANGE
            | header::IF_MATCH
            | header::IF_MODIFIED_SINCE
            | header::IF_NONE_MATCH
            | header::IF_RANGE
            | header::IF_UNMODIFIED_SINCE
            | header::AUTHORIZATION
            | header::PROXY_AUTHENTICATE
            | header::PROXY_AUTHORIZATION
            | header::WWW_AUTHENTICATE
            | header::COOKIE
            | header::SET_COOKIE
            | header::AGE
            | header::EXPIRES
            | header::DATE
            | header::LOCATION
            | header::RETRY_AFTER
            | header::VARY
            | header::WARNING
            | header::CONTENT_ENCODING
            | header::CONTENT_TYPE
            | header::CONTENT_RANGE
    ) || matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

fn drop_forbidden(trailers: &mut HeaderMap) {
    let forbidden: Vec<_> =
        trailers.keys().filter(|it| is_forbidden_trailer(it)).cloned().collect();
    for name in forbidden {
        trailers.remove(name);
    }
}

/// Returns the length of a line with its end, or `None` while it is incomplete.
fn line_len(input: &[u8], max: usize) -> Result<Option<usize>, Error> {
    let within = &input[..input.len().min(max)];
    match within.iter().position(|&octet| octet == b'\n') {
        Some(end) => Ok(Some(end + 1)),
        None if within.len() < max => Ok(None),
        None => Err(Error::malformed(format!("chunk line over {max} octets (max_chunk_line)"))),
    }
}

/// Returns the length of a trailer section with its final empty line.
fn section_len(octets: &[u8], searched: usize) -> Option<usize> {
    // The empty line may begin in the part that was searched before.
    let mut start = searched.saturating_sub(2);
    if start > 0 {
        start += 1 + octets[start..].iter().position(|&octet| octet == b'\n')?;
    }
    loop {
        // In bounds: `start` is the beginning of a line.
        match &octets[start..] {
            [b'\n', ..] => return Some(start + 1),
            [b'\r', b'\n', ..] => return Some(start + 2),
            rest => start += 1 + rest.iter().position(|&octet| octet == b'\n')?,
        }
    }
}
