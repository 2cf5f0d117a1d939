//! Predicts the next field that the encoder will be given.

/// The number of successors that are remembered, more than the entries of a table of 4,096 octets.
const PLACES: usize = 128;

/// Remembers for each field which dynamic table entry followed it last time.
///
/// Consecutive messages on a connection mostly have the same fields in the same order, or differ in
/// a few. A correct prediction saves the search by hash; a wrong one costs a comparison.
///
/// Entries are identified by their serial numbers, as in
/// [`TableIndex`](super::table_index::TableIndex). Several fields may share a place, so a
/// prediction must be compared with the actual field.
#[derive(Default)]
pub(super) struct Guess {
    /// Serial numbers, 0 if unknown. The list is empty before the first one.
    after: Vec<u32>,
    /// The place of the last field.
    last: usize,
}

impl Guess {
    /// Returns the serial number of the predicted entry.
    #[inline]
    pub(super) fn next(&self) -> Option<u32> {
        self.after.get(self.last).copied()
    }

    /// Records that the next field was this entry of the dynamic table.
    #[inline]
    pub(super) fn entry_came(&mut self, serial: u32) {
        if self.after.is_empty() {
            self.after.resize(PLACES, 0);
        }
        self.after[self.last] = serial;
        self.last = serial as usize % PLACES;
    }

    /// Records a field that cannot be predicted itself. Its successor can: `index` identifies the
    /// field.
    #[inline]
    pub(super) fn other_came(&mut self, index: usize) {
        self.last = index % PLACES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_successor_of_a_field_is_predicted() {
        let mut guess = Guess::default();
        assert_eq!(guess.next(), None);
        guess.other_came(2);
        guess.entry_came(1000);
        guess.entry_came(7);
        guess.other_came(2);
        assert_eq!(guess.next(), Some(1000));
        guess.entry_came(1000);
        assert_eq!(guess.next(), Some(7));
        guess.entry_came(8);
        guess.entry_came(1000);
        assert_eq!(guess.next(), Some(8));
    }
}
