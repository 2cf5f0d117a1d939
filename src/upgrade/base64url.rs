//! Base64 with the alphabet for URLs and without padding (RFC 4648, Section 5), which the
//! `HTTP2-Settings` field is written in.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

pub(super) fn encode(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for group in octets.chunks(3) {
        let bits = (0..3).fold(0, |bits, i| bits << 8 | u32::from(*group.get(i).unwrap_or(&0)));
        for i in 0..=group.len() {
            // Six bits, so it is in the alphabet.
            text.push(char::from(ALPHABET[(bits >> (18 - 6 * i)) as usize & 0x3f]));
        }
    }
    text
}

/// `None` if it is not what [`encode`] makes: another alphabet, padding, or bits left over.
pub(super) fn decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut octets = Vec::with_capacity(text.len() / 4 * 3 + 2);
    for group in text.chunks(4) {
        let mut bits = 0;
        for i in 0..4 {
            bits = bits << 6 | group.get(i).map_or(Some(0), |&octet| value(octet))?;
        }
        let [_, first, second, third] = bits.to_be_bytes();
        match group.len() {
            4 => octets.extend_from_slice(&[first, second, third]),
            3 if third == 0 => octets.extend_from_slice(&[first, second]),
            2 if (second, third) == (0, 0) => octets.push(first),
            _ => return None,
        }
    }
    Some(octets)
}

fn value(octet: u8) -> Option<u32> {
    Some(u32::from(match octet {
        b'A'..=b'Z' => octet - b'A',
        b'a'..=b'z' => octet - b'a' + 26,
        b'0'..=b'9' => octet - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_examples_of_rfc_4648_without_padding() {
        for (octets, text) in [
            ("", ""),
            ("f", "Zg"),
            ("fo", "Zm8"),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg"),
            ("fooba", "Zm9vYmE"),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(encode(octets.as_bytes()), text);
            assert_eq!(decode(text.as_bytes()).as_deref(), Some(octets.as_bytes()));
        }
    }

    #[test]
    fn the_alphabet_is_that_for_urls() {
        assert_eq!(encode(&[0xfb, 0xff]), "-_8");
        assert_eq!(decode(b"-_8"), Some(vec![0xfb, 0xff]));
        assert_eq!(decode(b"+/8"), None);
    }

    #[test]
    fn every_octet_survives() {
        let octets: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(encode(&octets).as_bytes()), Some(octets));
    }

    #[test]
    fn padding_odd_lengths_and_bits_left_over_are_refused() {
        for text in ["Zg==", "Zg=", "Z", "Zm9vY", "Zh", "Zm9", "Zm 9v", "Zm9v\n"] {
            assert_eq!(decode(text.as_bytes()), None, "{text:?}");
        }
    }
}
