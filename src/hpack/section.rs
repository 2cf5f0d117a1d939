//! The field section that is being decoded, and its limits.

use super::field::FIELD_OVERHEAD;
use super::field_list::FieldList;
use super::table_entry::TableEntry;
use super::{DecodeError, Headers};

/// How many times a limit a section may be large before it is not decoded any further.
pub(super) const HARD_LIMIT_FACTOR: usize = 4;

/// The bounds of a received field section. They hold while it is decoded, not only afterwards.
///
/// A section over a limit is decoded to its end, so that the table stays right, but not stored; one
/// over four times a limit is not even decoded.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Octets of all names and values, and 32 for each field: what
    /// `SETTINGS_MAX_HEADER_LIST_SIZE` announces (RFC 9113, Section 6.5.2). 64 KiB by default; a
    /// section takes an eighth more memory at most, with a few times as much while its block comes in.
    pub max_section_size: usize,
    /// Number of fields, each crumb of a cookie counted. 256 by default.
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
    /// The section was over a limit: `headers` has only its beginning.
    pub truncated: bool,
}

/// A field section in the making: collects fields up to the limits, and from there on counts them.
pub(super) struct Section {
    limits: Limits,
    list: FieldList,
    /// Where the field begins that is being written.
    start: usize,
    size: usize,
    fields: usize,
    truncated: bool,
}

impl Section {
    pub(super) fn new(mut limits: Limits) -> Self {
        // What is stored stays within this limit, and a list has no place for more than 4 GiB.
        limits.max_section_size = limits.max_section_size.min(u32::MAX as usize);
        let list = FieldList::default();
        Self { limits, list, start: 0, size: 0, fields: 0, truncated: false }
    }

    /// Makes room for so many fields, and so many octets of names and values.
    pub(super) fn reserve(&mut self, fields: usize, bytes: usize) {
        if self.fields == 0 {
            self.list = FieldList::with_capacity(fields, bytes);
        }
    }

    /// Adds a field that a table has.
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

    /// Begins a field, whose name and value are then appended to the text returned.
    pub(super) fn begin(&mut self) -> &mut Vec<u8> {
        self.start = self.list.text().len();
        self.list.text_mut()
    }

    /// Name and value, as written since [`begin`](Self::begin).
    pub(super) fn written(&self) -> &[u8] {
        // Nothing cuts the text between `begin` and `finish`.
        &self.list.text()[self.start..]
    }

    /// Makes a field of what was written, or drops it if the section is over a limit.
    pub(super) fn finish(&mut self, name_len: usize, sensitive: bool) -> Result<(), DecodeError> {
        self.count(self.written().len())?;
        if self.truncated {
            self.list.text_mut().truncate(self.start);
        } else {
            self.list.push_slot(self.start, name_len, sensitive);
        }
        Ok(())
    }

    /// The section as it is at the end of its block, leaving an empty one.
    pub(super) fn take(&mut self) -> Decoded {
        let mut section = std::mem::replace(self, Self::new(self.limits));
        section.list.trim();
        Decoded { headers: section.list.into(), truncated: section.truncated }
    }

    /// Counts a field with so many octets of name and value.
    #[inline]
    fn count(&mut self, octets: usize) -> Result<(), DecodeError> {
        self.size += octets + FIELD_OVERHEAD;
        self.fields += 1;
        if self.size > self.limits.max_section_size || self.fields > self.limits.max_fields {
            return self.go_over();
        }
        Ok(())
    }

    /// The section is over a limit, and perhaps far over it.
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
