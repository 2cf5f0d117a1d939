//! Reads the parts of a field block, which may be incomplete.

use super::{DecodeError, integer};

/// Why reading stopped.
pub(super) enum Stop {
    /// The input ends here; the field may continue in the next fragment.
    Incomplete,
    /// The block is malformed or over a limit.
    Failed(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Failed(error)
    }
}

/// A string literal, not yet decoded (RFC 7541, Section 5.2).
pub(super) struct StringLiteral<'a> {
    pub(super) octets: &'a [u8],
    pub(super) is_huffman: bool,
}

/// Reads one field representation.
pub(super) struct Reader<'a> {
    input: &'a [u8],
    used: usize,
    max_len: usize,
}

impl<'a> Reader<'a> {
    /// Creates a reader at the start of `input` that accepts fields of up to `max_len` octets.
    pub(super) fn new(input: &'a [u8], max_len: usize) -> Self {
        Self { input, used: 0, max_len }
    }

    /// The number of octets that have been read.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// Reads an integer with a prefix of `prefix` bits.
    #[inline]
    pub(super) fn integer(&mut self, prefix: u32) -> Result<usize, Stop> {
        // In bounds: no more is taken than there is.
        let (value, octets) =
            integer::decode(&self.input[self.used..], prefix)?.ok_or(Stop::Incomplete)?;
        self.used += octets;
        Ok(value)
    }

    /// Reads a string literal.
    ///
    /// A claimed length allocates nothing before the octets have arrived. If it exceeds the limit,
    /// the error comes at once.
    #[inline]
    pub(super) fn string(&mut self) -> Result<StringLiteral<'a>, Stop> {
        let first = *self.input.get(self.used).ok_or(Stop::Incomplete)?;
        let len = self.integer(7)?;
        if len > self.max_len.saturating_sub(self.used) {
            return Err(DecodeError::SectionTooLarge.into());
        }
        let octets = self.input[self.used..].get(..len).ok_or(Stop::Incomplete)?;
        self.used += len;
        Ok(StringLiteral { octets, is_huffman: first & 0x80 != 0 })
    }
}
