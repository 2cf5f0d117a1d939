//! Integers with an N-bit prefix (RFC 7541, Section 5.1).
//!
//! A value below `2^prefix - 1` fits into the prefix. Otherwise the prefix is all ones, and the
//! remainder follows in groups of seven bits, lowest first. Each group but the last has its upper
//! bit set.

use super::DecodeError;

/// The most octets after the prefix, enough for 32 bits.
const MAX_CONTINUATION: usize = 5;

/// Appends an integer after the upper bits `flags` of the first octet.
#[inline]
pub(super) fn encode(value: usize, prefix: u32, flags: u8, out: &mut Vec<u8>) {
    let full = (1_usize << prefix) - 1;
    if value < full {
        out.push(flags | value as u8);
    } else {
        out.push(flags | full as u8);
        encode_rest(value - full, out);
    }
}

/// Appends the part of an integer that exceeds the prefix.
fn encode_rest(mut rest: usize, out: &mut Vec<u8>) {
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest >>= 7;
    }
    out.push(rest as u8);
}

/// Decodes the integer at the start of `input`, and returns it with its length in octets, or `None`
/// if it is incomplete.
///
/// # Errors
///
/// If the integer is over 32 bits or too long. RFC 7541, Section 5.1 requires limits on both, since
/// zeros could follow without end.
pub(super) fn decode(input: &[u8], prefix: u32) -> Result<Option<(usize, usize)>, DecodeError> {
    let full = u8::MAX >> (8 - prefix);
    let Some((first, rest)) = input.split_first() else { return Ok(None) };
    if first & full < full {
        return Ok(Some((usize::from(first & full), 1)));
    }
    let mut value = u64::from(full);
    for (place, &octet) in rest.iter().take(MAX_CONTINUATION).enumerate() {
        value += u64::from(octet & 0x7f) << (7 * place);
        if octet & 0x80 == 0 {
            let value = u32::try_from(value).map_err(|_| DecodeError::IntegerOverflow)?;
            return Ok(Some((value as usize, place + 2)));
        }
    }
    if rest.len() < MAX_CONTINUATION { Ok(None) } else { Err(DecodeError::IntegerOverflow) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn assert_both_ways(value: usize, prefix: u32, octets: &[u8]) {
        let mut out = Vec::new();
        encode(value, prefix, 0, &mut out);
        assert_eq!(out, octets);
        assert_eq!(decode(octets, prefix), Ok(Some((value, octets.len()))));
    }

    /// RFC 7541, Appendix C.1.
    #[test]
    fn examples_of_the_rfc() {
        assert_both_ways(10, 5, &[0b01010]);
        assert_both_ways(1337, 5, &[0b11111, 0b1001_1010, 0b0000_1010]);
        assert_both_ways(42, 8, &[42]);
    }

    #[test]
    fn prefix_alone_cannot_hold_its_own_maximum() {
        assert_both_ways(30, 5, &[30]);
        assert_both_ways(31, 5, &[31, 0]);
        assert_both_ways(126, 7, &[126]);
        assert_both_ways(127, 7, &[127, 0]);
        assert_both_ways(127 + 128, 7, &[127, 0x80, 1]);
    }

    #[test]
    fn upper_bits_of_the_first_octet_are_not_part_of_the_value() {
        let mut out = Vec::new();
        encode(5, 6, 0b0100_0000, &mut out);
        assert_eq!(out, [0b0100_0101]);
        assert_eq!(decode(&out, 6), Ok(Some((5, 1))));
    }

    #[test]
    fn incomplete_integers_are_not_errors() {
        for input in [&[][..], &[31], &[31, 0x9a], &[31, 0x80, 0x80, 0x80, 0x80]] {
            assert_eq!(decode(input, 5), Ok(None), "{input:x?}");
        }
    }

    #[test]
    fn greatest_value_has_32_bits() {
        assert_both_ways(u32::MAX as usize, 7, &[127, 0x80, 0xff, 0xff, 0xff, 0x0f]);
        let input = [127, 0x81, 0xff, 0xff, 0xff, 0x0f];
        assert_eq!(decode(&input, 7), Err(DecodeError::IntegerOverflow));
    }

    #[test]
    fn too_many_continuation_octets_are_refused() {
        assert_eq!(decode(&[31, 0x80, 0x80, 0x80, 0x80, 0], 5), Ok(Some((31, 6))));
        let input = [31, 0x80, 0x80, 0x80, 0x80, 0x80];
        assert_eq!(decode(&input, 5), Err(DecodeError::IntegerOverflow));
    }
}
