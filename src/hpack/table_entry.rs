//! How both tables hand out an entry.

/// A field of a table, its value right behind its name: one copy takes both.
#[derive(Clone, Copy)]
pub(super) struct TableEntry<'a> {
    pub(super) text: &'a [u8],
    pub(super) name_len: usize,
}

impl<'a> TableEntry<'a> {
    #[inline]
    pub(super) fn name(&self) -> &'a [u8] {
        // Entries are made with a name that is within their text.
        &self.text[..self.name_len]
    }

    #[inline]
    pub(super) fn value(&self) -> &'a [u8] {
        &self.text[self.name_len..]
    }
}
