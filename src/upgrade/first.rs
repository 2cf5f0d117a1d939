//! Recognition of a peer's protocol by its first octets.

use super::refusal::Refusal;
use crate::frame::PREFACE;

/// The method of the connection preface. It is reserved (RFC 9113, Section 11.6), so no HTTP/1.1
/// request has it.
const METHOD: &[u8] = b"PRI ";

/// The first octet of a TLS record with a handshake message (RFC 8446, Section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

/// How many octets are searched for the end of the first line. A longer line that looks like text
/// is left to the HTTP/1.1 codec and its limits.
const MAX_LINE: usize = 8 << 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// More octets are needed to decide.
    Undecided,
    /// HTTP/2 with prior knowledge (RFC 9113, Section 3.3).
    PriorKnowledge,
    /// A line that ends in `HTTP/1.x`: a request, unless it is malformed.
    Http1,
}

impl First {
    pub(super) fn of(octets: &[u8]) -> Result<First, Refusal> {
        debug_assert!(PREFACE.starts_with(METHOD));
        if octets.starts_with(METHOD) {
            return Ok(First::PriorKnowledge);
        }
        if METHOD.starts_with(octets) {
            return Ok(First::Undecided);
        }
        match octets[0] {
            TLS_HANDSHAKE => {
                let what = "the peer speaks TLS (it sent a ClientHello) on a cleartext port";
                return Err(Refusal::unanswered(what));
            }
            // A method, or empty lines before it, which are skipped (RFC 9112, Section 2.2).
            octet if octet.is_ascii_graphic() || matches!(octet, b'\r' | b'\n') => {}
            _ => return Err(neither()),
        }
        let begin = octets.iter().position(|octet| !matches!(octet, b'\r' | b'\n'));
        let line = &octets[begin.unwrap_or(octets.len())..];
        match line.iter().position(|&octet| octet == b'\n') {
            Some(end) if names_http1(&line[..end]) => Ok(First::Http1),
            Some(_) => Err(neither()),
            None if octets.len() <= MAX_LINE => Ok(First::Undecided),
            // The codec refuses lines that are too long.
            None if line.is_empty() || is_text(line) => Ok(First::Http1),
            None => Err(neither()),
        }
    }
}

/// Returns whether the last word of a line is `HTTP/1.x`. Other errors in the line are answered in
/// HTTP/1.1.
fn names_http1(line: &[u8]) -> bool {
    let mut words = line.trim_ascii_end().rsplit(|octet| octet.is_ascii_whitespace());
    words.next().is_some_and(|word| word.starts_with(b"HTTP/1."))
}

fn is_text(line: &[u8]) -> bool {
    line.iter().all(|octet| octet.is_ascii_graphic() || *octet == b' ')
}

fn neither() -> Refusal {
    Refusal::unanswered("the peer speaks neither HTTP/2 nor HTTP/1.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_preface_is_known_by_its_method() {
        for len in 0..4 {
            assert_eq!(First::of(&PREFACE[..len]), Ok(First::Undecided));
        }
        for len in 4..PREFACE.len() {
            assert_eq!(First::of(&PREFACE[..len]), Ok(First::PriorKnowledge));
        }
    }

    #[test]
    fn request_is_known_by_the_end_of_its_first_line() {
        for line in ["G", "PO", "PRO", "PRIV / HTTP/1.1", "\r\n", "\r\nGET / HTTP/1.1\r"] {
            assert_eq!(First::of(line.as_bytes()), Ok(First::Undecided), "{line:?}");
        }
        for line in
            ["GET / HTTP/1.1\r\n", "\r\nGET / HTTP/1.0\r\n", "G(T\0 HTTP/1.1 \n", "x HTTP/1.9\n"]
        {
            assert_eq!(First::of(line.as_bytes()), Ok(First::Http1), "{line:?}");
        }
    }

    #[test]
    fn line_without_an_http1_version_is_refused() {
        for line in
            ["PRX * HTTP/2.0\r\n", "GET /\r\n", "INVALID CONNECTION PREFACE\r\n", "HTTP/1\n"]
        {
            assert!(First::of(line.as_bytes()).is_err(), "{line:?}");
        }
    }

    #[test]
    fn line_without_an_end_is_bounded() {
        let line = vec![b'a'; MAX_LINE + 1];
        assert_eq!(First::of(&line[1..]), Ok(First::Undecided));
        assert_eq!(First::of(&line), Ok(First::Http1));
        let noise = [&line[..], &[0]].concat();
        assert!(First::of(&noise).is_err());
    }

    #[test]
    fn other_protocols_are_recognised_by_the_first_octet() {
        let tls = First::of(&[0x16]).unwrap_err();
        assert!(tls.what.contains("TLS") && tls.status.is_none());
        for octet in [0x00, 0x04, b' ', 0x7f, 0x80, 0xff] {
            let refusal = First::of(&[octet]).unwrap_err();
            assert!(refusal.what.contains("neither") && refusal.status.is_none());
        }
    }
}
