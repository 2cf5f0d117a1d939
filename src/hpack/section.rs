//! The field section being decoded, and its limits.

use super::field::FIELD_OVERHEAD;
use super::field_list::FieldList;
use super::table_entry::TableEntry;
use super::{DecodeError, Headers};

/// A section over this many times a limit is not decoded any further.
pub(super) const HARD_LIMIT_FACTOR: usize = 4;

/// The limits of a received field section. They apply during decoding.
///
/// A section over a limit is decoded to its end, to keep the dynamic table correct, but the excess
/// fields are not stored. Over four times a limit, decoding stops with an error.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// The largest section in octets, counting all names and values, plus 32 for each field: the
    /// value of `SETTINGS_MAX_HEADER_LIST_SIZE` (RFC 9113, Section 6.5.2). 64 KiB by default. A
    /// section takes at most an eighth more memory than that, and a few times as much while its
    /// block arrives.
    pub max_section_size: usize,
    /// The most fields, counting each crumb of a cookie. 256 by default.
    pub max_fields: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_section_size: 64 << 10, max_fields: 256 }
    }
}

/// A decoded field section.
#[derive(Debug)]
pub struct Decoded {
    /// The fields, in the order of the block.
    pub headers: Headers,
    /// Whether the section exceeded a limit: `headers` has only its beginning then.
    pub truncated: bool,
}

/// A field section under construction: stores fields up to the limits, and only counts them after.
pub(super) struct Section {
    limits: Limits,
    list: FieldList,
    /// The start of the field being written.
    start: usize,
    size: usize,
    fields: usize,
    truncated: bool,
}

impl Section {
    pub(super) fn new(mut limits: Limits) -> Self {
        // The stored text stays within this limit, and a list holds at most 4 GiB.
        limits.max_section_size = limits.max_section_size.min(u32::MAX as usize);
        let list = FieldList::default();
        Self { limits, list, start: 0, size: 0, fields: 0, truncated: false }
    }

    /// Reserves capacity for a number of fields, and of octets of names and values.
    pub(super) fn reserve(&mut self, fields: usize, bytes: usize) {
        if self.fields == 0 {
            self.list = FieldList::with_capacity(fields, bytes);
        }
    }

    /// Appends a field of a table.
    #[inline]
    pub(super) fn push(&mut self, entry: TableEntry<'_>) -> Result<(), DecodeError> {
        self.count(entry.text.len())?;
        if !self.truncated {
            let start = self.list.text().len();
            self.list.text_mut().extend_from_slice(entry.text);
            self.list.push_slot(start, entry.name_len, false);
        }
        Ok(())
    }

    /// Begins a field and returns the text, to which its name and value are then appended.
    pub(super) fn begin(&mut self) -> &mut Vec<u8> {
        self.start = self.list.text().len();
        self.list.text_mut()
    }

    /// Returns the name and value written since [`begin`](Self::begin).
    pub(super) fn written(&self) -> &[u8] {
        // In bounds: the text is not cut between `begin` and `finish`.
        &self.list.text()[self.start..]
    }

    /// Finishes the field that was written, or drops it if the section is over a limit.
    pub(super) fn finish(&mut self, name_len: usize, sensitive: bool) -> Result<(), DecodeError> {
        self.count(self.written().len())?;
        if self.truncated {
            self.list.text_mut().truncate(self.start);
        } else {
            self.list.push_slot(self.start, name_len, sensitive);
        }
        Ok(())
    }

    /// Takes the section at the end of its block, leaving an empty one.
    pub(super) fn take(&mut self) -> Decoded {
        let mut section = std::mem::replace(self, Self::new(self.limits));
        section.list.trim();
        Decoded { headers: section.list.into(), truncated: section.truncated }
    }

    /// Counts a field with `octets` octets of name and value.
    #[inline]
    fn count(&mut self, octets: usize) -> Result<(), DecodeError> {
        self.size += octets + FIELD_OVERHEAD;
        self.fields += 1;
        if self.size > self.limits.max_section_size || self.fields > self.limits.max_fields {
            return self.go_over();
        }
        Ok(())
    }

    /// Marks the section as over a limit, or fails if it is far over.
    #[cold]
    fn go_over(&mut self) -> Result<(), DecodeError> {
        self.truncated = true;
        let is_over = |is: usize, max: usize| is > max.saturating_mul(HARD_LIMIT_FACTOR);
        if is_over(self.size, self.limits.max_section_size)
            || is_over(self.fields, self.limits.max_fields)
        {
            return Err(DecodeError::SectionTooLarge);
        }
        Ok(())
    }
}
