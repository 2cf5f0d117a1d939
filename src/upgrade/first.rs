//! What a peer speaks, by the first octets that it sends.

use super::refusal::Refusal;
use crate::frame::PREFACE;

/// The method of the preface. RFC 9113, Section 11.6 has it registered, so that no request of
/// HTTP/1.1 has it: whoever sends it has begun with the preface.
const METHOD: &[u8] = b"PRI ";

/// The first octet of a TLS record with a handshake message (RFC 8446, Section 5.1).
const TLS_HANDSHAKE: u8 = 0x16;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum First {
    /// More octets are needed to tell.
    Undecided,
    /// RFC 9113, Section 3.3: HTTP/2 with prior knowledge.
    PriorKnowledge,
    /// The beginning of a message of HTTP/1.x, if it is in order.
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
            TLS_HANDSHAKE => Err(Refusal::unanswered(
                "the peer speaks TLS (a ClientHello), and this is a cleartext port",
            )),
            // A method; or empty lines before it, which RFC 9112, Section 2.2 has us pass over.
            octet if octet.is_ascii_graphic() || matches!(octet, b'\r' | b'\n') => Ok(First::Http1),
            _ => Err(Refusal::unanswered("the peer speaks neither HTTP/2 nor HTTP/1.1")),
        }
    }
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
    fn a_method_is_told_from_the_preface_by_the_first_octet_that_differs() {
        for text in ["PO", "PU", "PRO", "PRIV", "G", "GET / HTTP/1.1", "\r\n"] {
            assert_eq!(First::of(text.as_bytes()), Ok(First::Http1), "{text:?}");
        }
    }

    #[test]
    fn what_is_no_http_is_seen_by_its_first_octet() {
        let tls = First::of(&[0x16]).unwrap_err();
        assert!(tls.what.contains("TLS") && tls.status.is_none());
        for octet in [0x00, 0x04, b' ', 0x7f, 0x80, 0xff] {
            let refusal = First::of(&[octet]).unwrap_err();
            assert!(refusal.what.contains("neither") && refusal.status.is_none());
        }
    }
}
