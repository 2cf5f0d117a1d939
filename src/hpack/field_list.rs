//! The storage behind [`Headers`](super::Headers).

use super::field::{Field, FIELD_OVERHEAD};

/// Octets of text that a list may have room for and not use, beside an eighth of its text.
const MAX_SPARE_TEXT: usize = 256;
/// The same in fields, beside as many as it has.
const MAX_SPARE_SLOTS: usize = 8;

/// Fields in order: all text in one buffer, without gaps, and where each field lies in it.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct FieldList {
    text: Vec<u8>,
    slots: Vec<Slot>,
}

/// Where one field lies in the text: its name, and its value right behind.
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

    /// Gives back the memory of a larger list before it, or of a last doubling. Lists of about one
    /// size in a row keep theirs.
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

    /// The names and values of all fields, one after the other. What is appended here becomes a
    /// field by [`push_slot`](Self::push_slot), and is to be cut off otherwise.
    pub(super) fn text_mut(&mut self) -> &mut Vec<u8> {
        &mut self.text
    }

    /// Makes a field of the text from `start` on.
    ///
    /// # Panics
    ///
    /// If the text has passed 4 GiB.
    #[inline]
    pub(super) fn push_slot(&mut self, start: usize, name_len: usize, sensitive: bool) {
        let end = self.text.len();
        assert!(u32::try_from(end).is_ok(), "a field section is limited to 4 GiB");
        // No cast loses anything: `start <= start + name_len <= end`, which fits.
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

    /// RFC 9113, Section 6.5.2.
    pub(super) fn section_size(&self) -> usize {
        self.text.len() + FIELD_OVERHEAD * self.slots.len()
    }
}

impl Slot {
    /// The field that lies here in the text of the slot's list.
    #[inline]
    pub(super) fn field<'a>(&self, text: &'a [u8]) -> Field<'a> {
        let (name_len, value_len) = (self.name_len as usize, self.value_len as usize);
        // A slot lies within the text it was made of, which is never cut below it.
        let (name, rest) = text[self.start as usize..].split_at(name_len);
        Field { name, value: &rest[..value_len], sensitive: self.sensitive }
    }
}
