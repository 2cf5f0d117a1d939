//! The storage behind [`Headers`](super::Headers).

use super::field::{FIELD_OVERHEAD, Field};

/// The most unused capacity of a list's text in octets, in addition to an eighth of its length.
const MAX_SPARE_TEXT: usize = 256;
/// The most unused capacity for fields, in addition to the number of fields.
const MAX_SPARE_SLOTS: usize = 8;

/// Fields in order: one buffer with the text of all fields without gaps, and the position of each.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct FieldList {
    text: Vec<u8>,
    slots: Vec<Slot>,
}

/// The position of one field in the text: its name, directly followed by its value.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Slot {
    start: u32,
    name_len: u32,
    value_len: u32,
    sensitive: bool,
}

impl FieldList {
    pub(super) fn with_capacity(fields: usize, bytes: usize) -> Self {
        Self { text: Vec::with_capacity(bytes), slots: Vec::with_capacity(fields) }
    }

    /// Frees excess capacity, left over from a larger list or from doubling. Lists of similar size
    /// keep theirs.
    #[inline]
    pub(super) fn trim(&mut self) {
        let text = self.text.len();
        if self.text.capacity() > text + text / 8 + MAX_SPARE_TEXT {
            self.text.shrink_to_fit();
        }
        if self.slots.capacity() > 2 * self.slots.len() + MAX_SPARE_SLOTS {
            self.slots.shrink_to_fit();
        }
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.slots.clear();
    }

    /// # Panics
    ///
    /// If the text would pass 4 GiB.
    pub(super) fn push(&mut self, field: Field<'_>) {
        let start = self.text.len();
        self.text.extend_from_slice(field.name);
        self.text.extend_from_slice(field.value);
        self.push_slot(start, field.name.len(), field.sensitive);
    }

    /// The names and values of all fields, one after the other. Text appended here becomes a field
    /// by [`push_slot`](Self::push_slot), and must be removed otherwise.
    pub(super) fn text_mut(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Makes a field of the text from `start` to its end.
    ///
    /// # Panics
    ///
    /// If the text has exceeded 4 GiB.
    #[inline]
    pub(super) fn push_slot(&mut self, start: usize, name_len: usize, sensitive: bool) {
        let end = self.text.len();
        assert!(u32::try_from(end).is_ok(), "a field section is limited to 4 GiB");
        // No truncation: `start <= start + name_len <= end`, which fits 32 bits.
        let value_len = (end - start - name_len) as u32;
        let (start, name_len) = (start as u32, name_len as u32);
        self.slots.push(Slot { start, name_len, value_len, sensitive });
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The size of the section (RFC 9113, Section 6.5.2).
    pub(super) fn section_size(&self) -> usize {
        self.text.len() + FIELD_OVERHEAD * self.slots.len()
    }
}

impl Slot {
    /// Returns the field at this position. `text` is the text of the slot's list.
    #[inline]
    pub(super) fn field<'a>(&self, text: &'a [u8]) -> Field<'a> {
        let (name_len, value_len) = (self.name_len as usize, self.value_len as usize);
        // In bounds: a slot lies within its list's text, which is not cut below it.
        let (name, rest) = text[self.start as usize..].split_at(name_len);
        Field { name, value: &rest[..value_len], sensitive: self.sensitive }
    }
}
