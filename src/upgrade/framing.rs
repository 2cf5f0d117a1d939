//! How long the body of a request of HTTP/1.1 is (RFC 9112, Section 6).
//!
//! What comes behind it is HTTP/2, so there must be no two opinions on where it ends: that is how
//! requests are smuggled. Whatever is doubtful is refused.

use http::{HeaderMap, StatusCode};

use super::head::members;
use super::refusal::Refusal;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// So many octets; none, if the request says nothing.
    Length(u64),
    /// In chunks, up to one of length zero.
    Chunked,
}

impl Framing {
    pub(super) fn of(fields: &HeaderMap) -> Result<Framing, Refusal> {
        if fields.contains_key("transfer-encoding") {
            return Framing::of_transfer_encoding(fields);
        }
        let mut length = None;
        for value in fields.get_all("content-length") {
            let this = parse_length(value.as_bytes())
                .ok_or(Refusal::bad("content-length is not a number"))?;
            // RFC 9112, Section 6.3: with different values the length is not known.
            if length.replace(this).is_some_and(|before| before != this) {
                return Err(Refusal::bad("there are two values of content-length"));
            }
        }
        Ok(Framing::Length(length.unwrap_or(0)))
    }

    fn of_transfer_encoding(fields: &HeaderMap) -> Result<Framing, Refusal> {
        // RFC 9112, Section 6.1: a message with both is an attempt at smuggling, or is treated as
        // one.
        if fields.contains_key("content-length") {
            return Err(Refusal::bad("there are both transfer-encoding and content-length"));
        }
        let codings: Vec<_> = members(fields, "transfer-encoding").collect();
        let is_chunked = |coding: &&[u8]| coding.eq_ignore_ascii_case(b"chunked");
        let chunked = codings.iter().filter(|coding| is_chunked(coding)).count();
        match (codings.last().is_some_and(is_chunked), chunked, codings.len()) {
            (true, 1, 1) => Ok(Framing::Chunked),
            // RFC 9112, Section 6.1: a coding that is not known is not implemented.
            (true, 1, _) => {
                Err(Refusal::with(StatusCode::NOT_IMPLEMENTED, "chunked is the only coding known"))
            }
            // RFC 9112, Section 6.3: a request whose last coding is not chunked has no end.
            _ => Err(Refusal::bad("transfer-encoding does not end with chunked, once")),
        }
    }
}

/// RFC 9110, Section 8.6: digits alone.
fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn framing(fields: &[(&'static str, &'static str)]) -> Result<Framing, u16> {
        let fields = fields
            .iter()
            .map(|&(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        Framing::of(&fields).map_err(|refusal| refusal.status.unwrap().as_u16())
    }

    #[test]
    fn a_length_is_digits_and_one_value() {
        assert_eq!(framing(&[]), Ok(Framing::Length(0)));
        assert_eq!(framing(&[("content-length", "12")]), Ok(Framing::Length(12)));
        let twice = [("content-length", "12"), ("content-length", "12")];
        assert_eq!(framing(&twice), Ok(Framing::Length(12)));
        for value in ["", "+1", "-1", "0x1", "1, 1", "1 1", "99999999999999999999"] {
            assert_eq!(framing(&[("content-length", value)]), Err(400), "{value:?}");
        }
        assert_eq!(framing(&[("content-length", "1"), ("content-length", "2")]), Err(400));
    }

    #[test]
    fn chunked_stands_alone() {
        let coding = |value| framing(&[("transfer-encoding", value)]);
        assert_eq!(coding("Chunked"), Ok(Framing::Chunked));
        assert_eq!(coding("gzip, chunked"), Err(501));
        for value in ["", "gzip", "chunked, gzip", "chunked, chunked", "xchunked", "identity"] {
            assert_eq!(coding(value), Err(400), "{value:?}");
        }
        let two = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(framing(&two), Err(400));
    }

    #[test]
    fn both_framings_at_once_are_refused() {
        let both = [("transfer-encoding", "chunked"), ("content-length", "1")];
        assert_eq!(framing(&both), Err(400));
    }
}
