//! Guesses which field the encoder is given next.

/// How many successors are remembered. More than a table of 4,096 octets has entries.
const PLACES: usize = 128;

/// Remembers for each field which entry of the dynamic table came after it last time.
///
/// The messages of a connection resemble one another, and where they do not, it is by a field or
/// two: `accept` differs, and the same fields as ever come behind it. A guess that is right saves
/// the search by hashes; one that is wrong costs a comparison.
///
/// Entries are named by their serial numbers, as [`TableIndex`](super::table_index::TableIndex)
/// gives them. Several fields may share a place: a guess is only that, and is to be compared.
#[derive(Default)]
pub(super) struct Guess {
    /// Serial numbers; 0 where nothing is known yet. Empty until there is something.
    after: Vec<u32>,
    /// The place of the field that was given last.
    last: usize,
}

impl Guess {
    /// The serial number of the entry that may be next.
    #[inline]
    pub(super) fn next(&self) -> Option<u32> {
        self.after.get(self.last).copied()
    }

    /// The next field was this entry of the dynamic table.
    #[inline]
    pub(super) fn entry_came(&mut self, serial: u32) {
        if self.after.is_empty() {
            self.after.resize(PLACES, 0);
        }
        self.after[self.last] = serial;
        self.last = serial as usize % PLACES;
    }

    /// The next field is of no use for a guess, but may have one come after it: this index stands for
    /// it.
    #[inline]
    pub(super) fn other_came(&mut self, index: usize) {
        self.last = index % PLACES;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_after_a_field_is_guessed_after_it() {
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
