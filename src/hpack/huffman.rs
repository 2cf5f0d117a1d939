//! The Huffman code for strings (RFC 7541, Section 5.2 and Appendix B).
//!
//! Octets that are frequent in fields take 5 to 8 bits, rare ones up to 30. A string is the codes
//! of its octets one after the other, padded with ones to a whole octet.
//!
//! The decoder takes 12 bits at a time: a table maps them to the one or two octets that they begin
//! with, and the number of bits those take. One fill of a 64-bit word serves four such steps.
//!
//! ```
//! use h2_sync::hpack::huffman;
//!
//! let mut coded = Vec::new();
//! huffman::encode(b"www.example.com", &mut coded);
//! assert_eq!(coded.len(), 12);
//!
//! let mut text = Vec::new();
//! huffman::decode(&coded, &mut text)?;
//! assert_eq!(text, b"www.example.com");
//! # Ok::<(), h2_sync::hpack::DecodeError>(())
//! ```

use super::DecodeError;
use super::huffman_table::{CODES, MAX_LENGTH, STEP_BITS, STEPS, long_symbol};

/// Returns the number of octets that [`encode`] appends for `text`; may exceed the length of
/// `text`.
pub fn encoded_len(text: &[u8]) -> usize {
    let bits: usize = text.iter().map(|&octet| usize::from(CODES[usize::from(octet)].length)).sum();
    bits.div_ceil(8)
}

/// Appends the Huffman code of `text` to `out`.
pub fn encode(text: &[u8], out: &mut Vec<u8>) {
    // The lowest `pending` bits of the word are not yet written: at most 31, plus up to 30 new
    // ones.
    let mut word = 0_u64;
    let mut pending = 0;
    for &octet in text {
        let code = CODES[usize::from(octet)];
        word = word << code.length | u64::from(code.bits);
        pending += u32::from(code.length);
        if pending >= 32 {
            pending -= 32;
            out.extend_from_slice(&((word >> pending) as u32).to_be_bytes());
        }
    }
    // RFC 7541, Section 5.2: the last octet is padded with the most significant bits of EOS, all
    // ones.
    word = word << 32 | u64::from(u32::MAX);
    let octets = ((word >> pending) as u32).to_be_bytes();
    out.extend_from_slice(&octets[..pending.div_ceil(8) as usize]);
}

/// Decodes a Huffman-coded string and appends its text to `out`.
///
/// # Errors
///
/// If the string contains the end-of-string symbol, or if its padding is longer than seven bits or
/// not all ones (RFC 7541, Section 5.2). Text appended before the error stays in `out`.
pub fn decode(coded: &[u8], out: &mut Vec<u8>) -> Result<(), DecodeError> {
    // The shortest code has five bits. Whole words are written, and the excess is removed at the
    // end.
    out.reserve(coded.len() / 5 * 8 + 16);

    let mut bits = Bits::default();
    let mut rest = coded;
    let mut left = 8 * coded.len();
    loop {
        // At least 56 bits: enough for four steps of 12 bits, or for one long code.
        rest = bits.fill(rest);
        // RFC 7541, Section 5.2: padding is at most seven bits of EOS. No code of that length is
        // all ones.
        if left < 8 && bits.word.leading_ones() as usize >= left {
            return Ok(());
        }
        let before = bits.count;
        let mut octets = 0_u64;
        let mut count = 0;
        for _ in 0..4 {
            let step = STEPS[bits.step()];
            if step.count == 0 {
                break;
            }
            octets |= u64::from(u16::from_le_bytes(step.symbols)) << (8 * count);
            count += usize::from(step.count);
            bits.skip(u32::from(step.bits));
        }
        if count == 0 {
            let Some((octet, length)) = long_symbol(bits.word) else {
                let is_eos = left >= MAX_LENGTH as usize;
                return Err(if is_eos {
                    DecodeError::HuffmanEos
                } else {
                    DecodeError::HuffmanPadding
                });
            };
            out.push(octet);
            bits.skip(length);
        } else {
            let end = out.len() + count;
            out.extend_from_slice(&octets.to_le_bytes());
            out.truncate(end);
        }
        // A code that ends beyond the end of the string can only be padding.
        left =
            left.checked_sub((before - bits.count) as usize).ok_or(DecodeError::HuffmanPadding)?;
    }
}

/// Bits to be decoded: the most significant `count` bits of the word. The bits below are zero, or
/// already those that the next fill puts there.
#[derive(Default)]
struct Bits {
    word: u64,
    count: u32,
}

impl Bits {
    /// Refills to at least 56 bits, and returns the remaining octets. After the last octet the word
    /// is filled with ones, like padding.
    #[inline]
    fn fill<'a>(&mut self, octets: &'a [u8]) -> &'a [u8] {
        let next = octets.first_chunk().copied().unwrap_or_else(|| {
            let mut padded = [0xff; 8];
            padded[..octets.len()].copy_from_slice(octets);
            padded
        });
        self.word |= u64::from_be_bytes(next) >> self.count;
        let taken = (63 - self.count) / 8;
        self.count += 8 * taken;
        octets.get(taken as usize..).unwrap_or_default()
    }

    /// The next bits, as an index into [`STEPS`].
    fn step(&self) -> usize {
        (self.word >> (u64::BITS - STEP_BITS)) as usize
    }

    /// Removes bits; `bits` must not exceed the number present.
    fn skip(&mut self, bits: u32) {
        self.word <<= bits;
        self.count -= bits;
    }
}
