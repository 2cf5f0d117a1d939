//! The keys of the opening handshake (RFC 6455, Sections 4.1 and 4.2.2).

use base64::Engine;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

use super::random;

/// RFC 6455, Section 1.3.
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Some clients make keys of random characters, so the unused bits of the last one may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// Returns a new value of `sec-websocket-key`: 16 random octets in base64.
pub fn new_key() -> String {
    let mut octets = [0; 16];
    random::fill(&mut octets);
    STANDARD.encode(octets)
}

/// Whether a value of `sec-websocket-key` is 16 octets in base64.
pub fn is_key(key: &[u8]) -> bool {
    LENIENT.decode(key).is_ok_and(|octets| octets.len() == 16)
}

/// Returns the value of `sec-websocket-accept` that belongs to a `sec-websocket-key`.
///
/// ```
/// // The example of RFC 6455, Section 1.3.
/// let accept = h2_sync::ws::accept_key(b"dGhlIHNhbXBsZSBub25jZQ==");
/// assert_eq!(accept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &[u8]) -> String {
    let mut hash = sha1_smol::Sha1::new();
    hash.update(key);
    hash.update(GUID);
    STANDARD.encode(hash.digest().bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_key_is_valid_and_differs_from_the_one_before() {
        let keys = [new_key(), new_key()];
        assert!(keys.iter().all(|key| is_key(key.as_bytes())));
        assert_ne!(keys[0], keys[1]);
    }

    #[test]
    fn a_key_of_random_characters_is_valid() {
        assert!(is_key(b"AAAAAAAAAAAAAAAAAAAAAB=="));
    }

    #[test]
    fn a_key_of_another_length_or_alphabet_is_not_valid() {
        for key in
            ["", "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZ!=="]
        {
            assert!(!is_key(key.as_bytes()), "{key}");
        }
    }
}
