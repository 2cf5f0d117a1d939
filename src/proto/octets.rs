//! The octets allowed in names, values, methods and targets.
//!
//! Each kind of string has a table of its allowed octets. Names and values are first checked eight
//! octets at a time: nearly all are plain.

/// RFC 9113, Section 8.2.1: the token characters of RFC 9110, Section 5.6.2, except upper case.
#[inline]
pub(super) fn is_name(name: &[u8]) -> bool {
    !name.is_empty() && (is_plain(name, no_letters) || all_in(&NAME_OCTETS, name))
}

/// RFC 9113, Section 8.2.1: no NUL, CR or LF; nor the other control characters that RFC 9110,
/// Section 5.5, calls invalid.
#[inline]
pub(super) fn is_text(text: &[u8]) -> bool {
    is_plain(text, controls) || all_in(&TEXT_OCTETS, text)
}

/// RFC 9113, Section 8.2.1: no leading or trailing whitespace.
#[inline]
pub(super) fn is_trimmed(value: &[u8]) -> bool {
    let is_space = |octet: Option<&u8>| matches!(octet, Some(b' ' | b'\t'));
    !is_space(value.first()) && !is_space(value.last())
}

/// RFC 9110, Section 5.6.2: methods and protocol names are tokens.
pub(super) fn is_token(token: &[u8]) -> bool {
    !token.is_empty() && all_in(&TOKEN_OCTETS, token)
}

/// RFC 3986, Section 3.1.
pub(super) fn is_scheme(scheme: &[u8]) -> bool {
    scheme.first().is_some_and(u8::is_ascii_alphabetic) && all_in(&SCHEME_OCTETS, scheme)
}

/// Whether a request target is free of spaces, control characters and a fragment.
pub(super) fn is_path(path: &[u8]) -> bool {
    all_in(&PATH_OCTETS, path)
}

/// Parses digits only: RFC 9110, Section 8.6, allows no sign, space or list that would need
/// interpretation.
pub(super) fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() {
        return None;
    }
    value.iter().try_fold(0_u64, |length, octet| {
        let digit = octet.checked_sub(b'0').filter(|digit| *digit < 10)?;
        length.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Whether a table allows all octets. Does not branch per octet, since nearly all are allowed.
#[inline]
fn all_in(table: &Table, octets: &[u8]) -> bool {
    octets.iter().fold(true, |all, &octet| all & table[usize::from(octet)])
}

/// Returns the length of the longest allowed prefix.
#[inline]
pub(super) fn len_in(table: &Table, octets: &[u8]) -> usize {
    octets.iter().position(|&octet| !table[usize::from(octet)]).unwrap_or(octets.len())
}

/// Whether `odd` flags no octet; it gets words of eight octets and sets the high bit of each that
/// is not plain. Returns `false` for fewer than four octets.
#[inline]
fn is_plain(octets: &[u8], odd: impl Fn(u64) -> u64) -> bool {
    let odd = |word: &[u8; 8]| odd(u64::from_le_bytes(*word));
    // A remainder shorter than a word is covered by the last word, which overlaps the previous one.
    let found = if let Some(last) = octets.last_chunk() {
        octets.chunks_exact(8).fold(odd(last), |found, word| {
            // Cannot fail: the chunks have eight octets.
            found | word.try_into().map_or(HIGH, odd)
        })
    } else if let (Some([a, b, c, d]), Some([e, f, g, h])) =
        (octets.first_chunk(), octets.last_chunk())
    {
        odd(&[*a, *b, *c, *d, *e, *f, *g, *h])
    } else {
        return false;
    };
    found & HIGH == 0
}

/// A word with 1 in each octet, and one with only the high bits.
const ONES: u64 = u64::MAX / 0xff;
const HIGH: u64 = ONES * 0x80;

/// Sets the high bit of each octet that is a control character.
#[inline]
fn controls(word: u64) -> u64 {
    // With the high bits cleared, no addition carries into the next octet, and a sum's high bit is
    // set exactly from some value of its octet on.
    let low = word & !HIGH;
    let from_space = low + ONES * (0x80 - 0x20);
    // 0x7f + 1 is 0x80.
    let from_del = low + ONES;
    (!from_space | from_del) & !word
}

/// Sets the high bit of each octet that is neither a lower-case letter nor a hyphen.
#[inline]
fn no_letters(word: u64) -> u64 {
    let low = word & !HIGH;
    let from_a = low + ONES * (0x80 - b'a' as u64);
    let beyond_z = low + ONES * (0x7f - b'z' as u64);
    let no_hyphen = (low ^ (ONES * b'-' as u64)) + ONES * 0x7f;
    (!from_a | beyond_z) & no_hyphen | word
}

/// Marks the allowed octets.
pub(super) type Table = [bool; 256];

static NAME_OCTETS: Table = range(TOKEN_OCTETS, b'A', b'Z', false);
static TEXT_OCTETS: Table = {
    let without_controls = range([true; 256], 0x00, 0x1f, false);
    each(each(without_controls, b"\x7f", false), b"\t", true)
};
static TOKEN_OCTETS: Table = each(LETTERS_AND_DIGITS, b"!#$%&'*+-.^_`|~", true);
static SCHEME_OCTETS: Table = each(LETTERS_AND_DIGITS, b"+-.", true);
static PATH_OCTETS: Table = each(range([true; 256], 0x00, 0x20, false), b"\x7f#", false);
/// RFC 3986, Section 3.2.2: the octets of a host name, except the comma and percent-encoding.
pub(super) static HOST_OCTETS: Table = each(LETTERS_AND_DIGITS, b"-._~!$&'()*+;=", true);

const LETTERS_AND_DIGITS: Table = {
    let digits = range([false; 256], b'0', b'9', true);
    range(range(digits, b'A', b'Z', true), b'a', b'z', true)
};

/// Sets whether the octets from `first` to `last` are allowed.
const fn range(mut table: Table, first: u8, last: u8, allowed: bool) -> Table {
    let mut octet = first as usize;
    while octet <= last as usize {
        table[octet] = allowed;
        octet += 1;
    }
    table
}

/// Sets whether each of these octets is allowed.
const fn each(mut table: Table, octets: &[u8], allowed: bool) -> Table {
    let mut at = 0;
    while at < octets.len() {
        table[octets[at] as usize] = allowed;
        at += 1;
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks that `check` agrees with `good` for each octet, at each position of strings with and
    /// without whole words.
    #[track_caller]
    fn assert_judged(check: fn(&[u8]) -> bool, good: impl Fn(u8) -> bool) {
        for octet in 0..=u8::MAX {
            for len in [3, 5, 7, 8, 9, 16, 20] {
                for at in 1..len - 1 {
                    let mut string = vec![b'a'; len];
                    string[at] = octet;
                    assert_eq!(check(&string), good(octet), "{octet:#x} at {at} of {len}");
                }
            }
        }
    }

    #[test]
    fn a_text_is_judged_alike_wherever_an_octet_stands() {
        assert_judged(is_text, |octet| (octet >= 0x20 || octet == b'\t') && octet != 0x7f);
    }

    #[test]
    fn a_name_is_judged_alike_wherever_an_octet_stands() {
        let is_good = |octet: u8| {
            octet.is_ascii_lowercase()
                || octet.is_ascii_digit()
                || (octet.is_ascii_punctuation() && !b"\"(),/:;<=>?@[\\]{}".contains(&octet))
        };
        assert_judged(is_name, is_good);
    }

    /// Two adjacent octets, either of which could mask the other.
    #[test]
    fn octets_of_a_name_do_not_stand_in_for_one_another() {
        for one in 0..=u8::MAX {
            for other in 0..=u8::MAX {
                let is_good = |octet| is_name(&[octet]);
                let name = [b'a', one, other, b'a', b'-', b'z', other, one];
                assert_eq!(is_name(&name), is_good(one) && is_good(other), "{one:#x}, {other:#x}");
            }
        }
    }

    #[test]
    fn white_space_may_stand_inside_a_value_alone() {
        for value in [&b"a b"[..], b"a\tb", b"", b"a"] {
            assert!(is_trimmed(value), "{value:?}");
        }
        for value in [&b" "[..], b" a", b"a\t", b"\ta", b"a "] {
            assert!(!is_trimmed(value), "{value:?}");
        }
    }

    #[test]
    fn a_length_has_digits_alone_and_64_bits() {
        assert_eq!(parse_length(b"0"), Some(0));
        assert_eq!(parse_length(b"007"), Some(7));
        assert_eq!(parse_length(b"18446744073709551615"), Some(u64::MAX));
        for value in
            ["", "18446744073709551616", "99999999999999999999", "+1", "-1", " 1", "1,1", "0x1"]
        {
            assert_eq!(parse_length(value.as_bytes()), None, "{value:?}");
        }
    }
}
