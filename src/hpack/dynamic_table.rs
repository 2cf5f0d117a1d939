//! The dynamic table of encoder and decoder (RFC 7541, Section 2.3.2).

use super::field::FIELD_OVERHEAD;
use super::table_entry::TableEntry;
use std::collections::VecDeque;
use std::fmt;

/// The initial maximum size of the table in octets (RFC 9113, Section 6.5.2).
pub(super) const DEFAULT_MAX_SIZE: usize = 4096;

/// A queue of fields: new ones are added at the front, the oldest are evicted when it is full.
///
/// All text lies in one buffer, oldest first, so that an entry needs no allocation of its own:
///
/// ```text
///  text  ░░░░░░░░░│name value│name value│name value│········
///         evicted   oldest                newest      room
/// ```
///
/// New text is appended to the free space at the end. If there is none, the live text moves to the
/// start of the buffer, provided it is no longer than the evicted text; otherwise the buffer grows.
/// So moving costs at most one octet per octet inserted, and the buffer never exceeds twice the
/// maximum size.
pub(super) struct DynamicTable {
    text: Vec<u8>,
    /// Oldest first.
    spans: VecDeque<Span>,
    size: usize,
    max_size: usize,
}

/// The position of one entry in the text.
struct Span {
    start: usize,
    name_len: u32,
    value_len: u32,
}

impl DynamicTable {
    pub(super) fn new() -> Self {
        let (text, spans) = (Vec::new(), VecDeque::new());
        Self { text, spans, size: 0, max_size: DEFAULT_MAX_SIZE }
    }

    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.spans.len()
    }

    /// The sum of the sizes of all entries (RFC 7541, Section 4.1).
    pub(super) fn size(&self) -> usize {
        self.size
    }

    /// The largest size that the table may have.
    pub(super) fn max_size(&self) -> usize {
        self.max_size
    }

    /// The entry at a distance from the newest one, which has distance 0.
    #[inline]
    pub(super) fn get(&self, distance: usize) -> Option<TableEntry<'_>> {
        let place = self.spans.len().checked_sub(distance.checked_add(1)?)?;
        let span = self.spans.get(place)?;
        // In bounds: spans lie within the text, which is cut only before the oldest entry.
        Some(TableEntry {
            text: &self.text[span.start..span.end()],
            name_len: span.name_len as usize,
        })
    }

    /// Inserts an entry.
    ///
    /// RFC 7541, Section 4.4: old entries are evicted first to make room. An entry larger than the
    /// table empties it, which is not an error.
    pub(super) fn insert(&mut self, name: &[u8], value: &[u8]) {
        let size = name.len() + value.len() + FIELD_OVERHEAD;
        self.evict_to(self.max_size.saturating_sub(size));
        if size > self.max_size {
            return;
        }
        self.make_room(name.len() + value.len());
        let start = self.text.len();
        self.text.extend_from_slice(name);
        self.text.extend_from_slice(value);
        // No truncation: the maximum size, and so any length in here, fits 32 bits.
        let (name_len, value_len) = (name.len() as u32, value.len() as u32);
        self.spans.push_back(Span { start, name_len, value_len });
        self.size += size;
    }

    /// Changes the maximum size, and evicts entries that no longer fit (RFC 7541, Section 4.3).
    pub(super) fn set_max_size(&mut self, max_size: usize) {
        self.max_size = max_size.min(u32::MAX as usize);
        self.evict_to(max_size);
        if self.spans.is_empty() {
            (self.text, self.spans) = (Vec::new(), VecDeque::new());
        }
    }

    fn evict_to(&mut self, size: usize) {
        while self.size > size {
            // A size above zero means that there is an entry.
            let Some(oldest) = self.spans.pop_front() else { break };
            self.size -= oldest.len() + FIELD_OVERHEAD;
        }
    }

    /// Makes room for `octets` more octets of text.
    fn make_room(&mut self, octets: usize) {
        let len = self.text.len();
        if self.text.capacity() - len >= octets {
            return;
        }
        let evicted = self.spans.front().map_or(len, |oldest| oldest.start);
        if evicted >= len - evicted {
            self.text.drain(..evicted);
            self.spans.iter_mut().for_each(|span| span.start -= evicted);
        }
        let len = self.text.len();
        if self.text.capacity() - len < octets {
            let wanted = (self.text.capacity() * 2).min(self.max_size * 2).max(len + octets);
            self.text.reserve_exact(wanted - len);
        }
    }
}

impl Span {
    fn len(&self) -> usize {
        self.name_len as usize + self.value_len as usize
    }

    fn end(&self) -> usize {
        self.start + self.len()
    }
}

/// Prints no entries, since their values may be confidential.
impl fmt::Debug for DynamicTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} entries, {} of {} octets", self.len(), self.size, self.max_size)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(max_size: usize) -> DynamicTable {
        let mut table = DynamicTable::new();
        table.set_max_size(max_size);
        table
    }

    fn texts(table: &DynamicTable) -> Vec<&[u8]> {
        (0..).map_while(|distance| table.get(distance)).map(|entry| entry.text).collect()
    }

    #[test]
    fn newest_entry_comes_first() {
        let mut table = table(4096);
        table.insert(b"a", b"b");
        table.insert(b"cd", b"e");
        assert_eq!(texts(&table), [&b"cde"[..], b"ab"]);
        assert_eq!((table.len(), table.size()), (2, 2 + 3 + 64));
        let newest = table.get(0).unwrap();
        assert_eq!((newest.name(), newest.value()), (&b"cd"[..], &b"e"[..]));
        assert!(table.get(usize::MAX - 1).is_none());
    }

    #[test]
    fn oldest_entries_are_evicted() {
        let mut table = table(3 * 34);
        for text in [b"11", b"22", b"33", b"44"] {
            table.insert(&text[..1], &text[1..]);
        }
        assert_eq!(texts(&table), [b"44", b"33", b"22"]);
        table.insert(b"a", b" longer one");
        assert_eq!(texts(&table), [&b"a longer one"[..], b"44"]);
    }

    /// RFC 7541, Section 4.4.
    #[test]
    fn entry_larger_than_the_table_empties_it() {
        let mut table = table(40);
        table.insert(b"1", b"2345678");
        assert_eq!(table.len(), 1);
        table.insert(b"1", b"23456789");
        assert_eq!((table.len(), table.size()), (0, 0));
    }

    #[test]
    fn smaller_maximum_evicts() {
        let mut table = table(4096);
        table.insert(b"a", b"b");
        table.insert(b"c", b"d");
        table.set_max_size(34);
        assert_eq!(texts(&table), [b"cd"]);
        table.set_max_size(33);
        assert_eq!(table.len(), 0);
        table.set_max_size(4096);
        assert_eq!(table.len(), 0);
    }

    #[test]
    fn moved_text_stays_intact_and_within_twice_the_maximum() {
        let mut table = table(500);
        let mut expected = VecDeque::new();
        for round in 0..1000_usize {
            let text = vec![b'a' + (round % 26) as u8; round * 7 % 90];
            let (name, value) = text.split_at(text.len() / 2);
            table.insert(name, value);
            expected.push_front(text);
            while expected.iter().map(|text| text.len() + 32).sum::<usize>() > 500 {
                expected.pop_back();
            }
            assert_eq!(texts(&table), Vec::from(expected.clone()));
            assert!(table.text.capacity() <= 1000);
        }
    }
}
