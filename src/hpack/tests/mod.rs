//! Tests of the whole module; those of a single part are in its file.

use super::*;
use crate::headers;

mod appendix_c;
mod decoding;
mod encoding;
mod headers_list;
mod limits;
mod properties;
mod repeats;
mod size_updates;

/// Decodes hexadecimal digits with any spacing.
fn hex(digits: &str) -> Vec<u8> {
    let digits: Vec<u8> =
        digits.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
    digits.chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn decode(block: &[u8]) -> Result<Headers, DecodeError> {
    decode_next(&mut Decoder::new(Limits::default()), block)
}

/// Decodes a block in one piece whose section is within the limits.
fn decode_next(decoder: &mut Decoder, block: &[u8]) -> Result<Headers, DecodeError> {
    let decoded = decoder.decode(block, true)?.expect("a section at the end of a block");
    assert!(!decoded.truncated);
    Ok(decoded.headers)
}

fn encode_next(encoder: &mut Encoder, headers: &Headers) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.encode(headers, &mut block);
    block
}
