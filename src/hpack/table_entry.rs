//! An entry of either table.

/// A field of a table. The value follows its name directly, so that one copy takes both.
#[derive(Clone, Copy)]
pub(super) struct TableEntry<'a> {
    pub(super) text: &'a [u8],
    pub(super) name_len: usize,
}

impl<'a> TableEntry<'a> {
    #[inline]
    pub(super) fn name(&self) -> &'a [u8] {
        // In bounds: entries are created with a name within their text.
        &self.text[..self.name_len]
    }

    #[inline]
    pub(super) fn value(&self) -> &'a [u8] {
        &self.text[self.name_len..]
    }
}
