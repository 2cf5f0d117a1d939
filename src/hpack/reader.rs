//! Reading the parts of a field block, none of which need be there to its end yet.

use super::{integer, DecodeError};

/// Why reading stopped.
pub(super) enum Stop {
    /// The input ends here, and goes on in the next fragment if there is one.
    Incomplete,
    /// What was read is an error.
    Failed(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Failed(error)
    }
}

/// A string as it lies in the block (RFC 7541, Section 5.2).
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
    /// Reads from the start of `input`, strings to no further than `max_len`.
    pub(super) fn new(input: &'a [u8], max_len: usize) -> Self {
        Self { input, used: 0, max_len }
    }

    /// How many octets have been read.
    pub(super) fn used(&self) -> usize {
        self.used
    }

    /// An integer whose first octet has it in the lower `prefix` bits.
    #[inline]
    pub(super) fn integer(&mut self, prefix: u32) -> Result<usize, Stop> {
        // No more is taken than there is, so `used` is never beyond the input.
        let (value, octets) =
            integer::decode(&self.input[self.used..], prefix)?.ok_or(Stop::Incomplete)?;
        self.used += octets;
        Ok(value)
    }

    /// A string.
    ///
    /// Its length is only believed when the octets are there; a field that would be longer than
    /// allowed is not waited for.
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
