//! The errors of decoding a field block.

use std::fmt;

/// The reason why a field block cannot be decoded.
///
/// All variants but [`SectionTooLarge`](Self::SectionTooLarge) are errors of the peer. The dynamic
/// tables of the two sides can then no longer be kept equal, so the connection ends with
/// `COMPRESSION_ERROR` (RFC 9113, Section 4.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DecodeError {
    /// An index is zero or beyond the end of both tables (RFC 7541, Sections 2.3.3 and 6.1).
    InvalidIndex,
    /// An integer is over 32 bits, or encoded in too many octets (RFC 7541, Section 5.1).
    IntegerOverflow,
    /// A Huffman-coded string contains the end-of-string symbol (RFC 7541, Section 5.2).
    HuffmanEos,
    /// A Huffman-coded string ends with more than seven bits of padding, or with padding that is
    /// not all ones (RFC 7541, Section 5.2).
    HuffmanPadding,
    /// A dynamic table size update exceeds the limit that we announced (RFC 7541, Section 6.3).
    SizeUpdateTooLarge,
    /// A dynamic table size update follows a field, or is the third of its block (RFC 7541, Section
    /// 4.2).
    SizeUpdateMisplaced,
    /// The table's limit was lowered, and the next block does not begin with a size update to it or
    /// less (RFC 7541, Section 4.2).
    SizeUpdateMissing,
    /// The block ends inside a field.
    Truncated,
    /// The field section exceeds a limit of ours more than four times, and was not decoded to its
    /// end. The encoding itself is valid.
    SectionTooLarge,
}

impl DecodeError {
    /// Returns true if a limit of ours was exceeded, and false if the block is malformed.
    ///
    /// The connection error is `ENHANCE_YOUR_CALM` in the first case, and `COMPRESSION_ERROR` in
    /// the second.
    pub fn is_limit(&self) -> bool {
        matches!(self, Self::SectionTooLarge)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::InvalidIndex => "index is zero or beyond the tables",
            Self::IntegerOverflow => "integer too large",
            Self::HuffmanEos => "end-of-string symbol inside a Huffman-coded string",
            Self::HuffmanPadding => "invalid padding of a Huffman-coded string",
            Self::SizeUpdateTooLarge => "dynamic table size update over the limit",
            Self::SizeUpdateMisplaced => "dynamic table size update in the wrong place",
            Self::SizeUpdateMissing => "required dynamic table size update is missing",
            Self::Truncated => "field block ends inside a field",
            Self::SectionTooLarge => "field section far over the limit",
        })
    }
}

impl std::error::Error for DecodeError {}
