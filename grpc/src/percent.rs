//! The field `grpc-message`: UTF-8, percent-encoded where it is not printable ASCII.

use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode, utf8_percent_encode};

/// The ASCII characters that are encoded. Spaces at either end are encoded too, since a field value
/// has none.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%');

/// Encodes a message as a field value.
pub(crate) fn encode(message: &str) -> String {
    let trimmed = message.trim_matches(' ');
    if trimmed.is_empty() {
        return "%20".repeat(message.len());
    }
    let before = message.len() - message.trim_start_matches(' ').len();
    let after = message.len() - before - trimmed.len();
    let inner = Cow::from(utf8_percent_encode(trimmed, ENCODED));
    if before + after == 0 {
        return inner.into_owned();
    }
    format!("{}{inner}{}", "%20".repeat(before), "%20".repeat(after))
}

/// Decodes a field value. Invalid escapes are kept, and octets that are not UTF-8 become U+FFFD, so
/// that a malformed message does not hide the status.
pub(crate) fn decode(value: &[u8]) -> String {
    percent_decode(value).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn printable_ascii_stays_as_it_is() {
        let all: String = (b' '..=b'~').map(char::from).filter(|char| *char != '%').collect();
        let text = all.trim_start();
        assert_eq!(encode(text), text);
        assert_eq!(decode(text.as_bytes()), text);
    }

    #[test]
    fn everything_else_is_encoded() {
        assert_eq!(encode("50 %"), "50 %25");
        assert_eq!(encode("a\r\n\tb\0\x7f"), "a%0D%0A%09b%00%7F");
        assert_eq!(encode("☺😈"), "%E2%98%BA%F0%9F%98%88");
        assert_eq!(encode("  x "), "%20%20x%20");
        assert_eq!(encode("  "), "%20%20");
        assert_eq!(encode(""), "");
    }

    #[test]
    fn messages_go_there_and_back() {
        let special = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n";
        for message in [special, "", " ", "100%", "%41", "ü", "\0"] {
            assert_eq!(decode(encode(message).as_bytes()), message);
        }
    }

    #[test]
    fn what_is_wrongly_encoded_is_kept() {
        assert_eq!(decode(b"%"), "%");
        assert_eq!(decode(b"%4"), "%4");
        assert_eq!(decode(b"%zz%41"), "%zzA");
        assert_eq!(decode(b"%ff"), "\u{fffd}");
        assert_eq!(decode(b"\xff"), "\u{fffd}");
    }
}
