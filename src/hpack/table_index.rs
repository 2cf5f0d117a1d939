//! Finds fields in the encoder's dynamic table.

use super::Field;
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// Looks up entries of a dynamic table by the hash of their name, and of their name and value.
///
/// Entries with the same lower bits of a hash form a chain, from newest to oldest; `heads` has the
/// serial number of the first of each chain, and each link says how far back the next one is. As
/// the oldest entries leave the table first, they are always at the ends of their chains, and a
/// chain simply ends where it leaves the table: nothing has to be taken out.
///
/// ```text
///  heads          links  (oldest … newest)
///  ┌────┐                ┌────┬────┬────┬────┬────┬────┐
///  │ 17 │──► newest      │    │    │    │    │    │ 17 │
///  │  … │    and then    │    │    │ -3 │ ◄──────── -3 │   the next one is 3 before that,
///  └────┘                └────┴────┴────┴────┴────┴────┘   and out of the table: the end
/// ```
///
/// A candidate is still to be compared, so hashes need not be good, and serial numbers may wrap.
pub(super) struct TableIndex {
    /// The serial number of the newest entry; the first one has 1.
    newest: u32,
    /// One for each entry of the table, oldest first.
    links: VecDeque<Link>,
    /// Chains by name and value, then chains by name; empty until there is an entry.
    heads: Vec<u32>,
    chains: usize,
}

struct Link {
    hashes: Hashes,
    /// How far back the next entry is in the chain by name and value.
    to_older_field: u32,
    /// The same in the chain by name; 0 if the entry is in none.
    to_older_name: u32,
}

/// The hashes of a field.
#[derive(Clone, Copy)]
pub(super) struct Hashes {
    /// Of name and value.
    pub(super) field: u32,
    /// Of the name alone; none for names that the static table has, which need not be found here.
    name: Option<u32>,
}

impl Hashes {
    /// The hashes of a field whose name the static table has at `static_name`.
    #[inline]
    pub(super) fn new(field: &Field<'_>, static_name: Option<usize>) -> Self {
        match static_name {
            // The index stands for the name.
            Some(index) => Self { field: hash(index as u64, field.value), name: None },
            None => {
                let name = Self::of_name(field.name);
                Self { field: hash(u64::from(name), field.value), name: Some(name) }
            }
        }
    }

    /// The hash of a name that the static table does not have.
    pub(super) fn of_name(name: &[u8]) -> u32 {
        hash(0, name)
    }
}

impl TableIndex {
    /// An index for a table of so many octets.
    pub(super) fn new(table_size: usize) -> Self {
        // A typical entry takes about 64 octets.
        let chains = (table_size / 64).clamp(16, 1024).next_power_of_two();
        Self { newest: 0, links: VecDeque::new(), heads: Vec::new(), chains }
    }

    /// The distance from the newest entry of the first one with this hash of name and value for
    /// which `is_it` says true.
    #[inline]
    pub(super) fn find_field(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut distance = self.first(self.chain(hash))?;
        loop {
            let link = self.link(distance)?;
            if link.hashes.field == hash && is_it(distance) {
                return Some(distance);
            }
            distance = distance.saturating_add(link.to_older_field as usize);
        }
    }

    /// The same, by the hash of the name.
    #[inline]
    pub(super) fn find_name(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut distance = self.first(self.chains + self.chain(hash))?;
        loop {
            let link = self.link(distance)?;
            if link.hashes.name == Some(hash) && is_it(distance) {
                return Some(distance);
            }
            // Serial numbers that have wrapped may lead to an entry that is in no such chain.
            let to_older = NonZeroU32::new(link.to_older_name)?.get();
            distance = distance.saturating_add(to_older as usize);
        }
    }

    /// The serial number of the newest entry, which older ones are counted back from.
    #[inline]
    pub(super) fn newest(&self) -> u32 {
        self.newest
    }

    /// Takes in a new entry.
    pub(super) fn insert(&mut self, hashes: Hashes) {
        if self.heads.is_empty() {
            self.heads.resize(2 * self.chains, 0);
        }
        self.newest = self.newest.wrapping_add(1);
        let to_older_field = self.put_first(self.chain(hashes.field));
        let to_older_name =
            hashes.name.map_or(0, |hash| self.put_first(self.chains + self.chain(hash)));
        self.links.push_back(Link { hashes, to_older_field, to_older_name });
    }

    /// Forgets the oldest entries, so that `len` are left.
    pub(super) fn evict_to(&mut self, len: usize) {
        while self.links.len() > len {
            self.links.pop_front();
        }
    }

    /// Makes the newest entry the first of a chain, and says how far back the former first one is.
    fn put_first(&mut self, chain: usize) -> u32 {
        // There are two times `chains` heads, and the sum for a name is less than that.
        let older = std::mem::replace(&mut self.heads[chain], self.newest);
        // The very last one, 2^32 entries ago, is as good as gone.
        self.newest.wrapping_sub(older).max(1)
    }

    fn chain(&self, hash: u32) -> usize {
        hash as usize & (self.chains - 1)
    }

    /// How far the first entry of a chain is from the newest.
    #[inline]
    fn first(&self, chain: usize) -> Option<usize> {
        Some(self.newest.wrapping_sub(*self.heads.get(chain)?) as usize)
    }

    /// What there is at a distance from the newest entry, if the table still has it.
    #[inline]
    fn link(&self, distance: usize) -> Option<&Link> {
        self.links.get(self.links.len().checked_sub(distance.checked_add(1)?)?)
    }
}

/// Hashes octets on top of `seed`, eight at a time.
#[inline]
fn hash(seed: u64, octets: &[u8]) -> u32 {
    let mut hash = mix(seed, octets.len() as u64);
    let mut rest = octets;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*chunk));
        rest = behind;
    }
    hash = match octets.last_chunk() {
        // What the chunks have left over, and some octets a second time, in one word.
        Some(last) => mix(hash, u64::from_le_bytes(*last)),
        None => mix(hash, rest.iter().fold(0, |word, &octet| word << 8 | u64::from(octet))),
    };
    (hash >> 32) as u32
}

/// Multiplying moves differences upwards, rotating brings them down again.
#[inline]
fn mix(hash: u64, word: u64) -> u64 {
    (hash.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIELD: Field<'static> = Field { name: b"x", value: b"1", sensitive: false };

    #[test]
    fn newest_entry_is_found_first() {
        let mut index = TableIndex::new(4096);
        let hashes = Hashes::new(&FIELD, None);
        assert_eq!(index.find_field(hashes.field, |_| true), None);
        (0..3).for_each(|_| index.insert(hashes));
        assert_eq!(index.find_field(hashes.field, |_| true), Some(0));
        assert_eq!(index.find_field(hashes.field, |distance| distance > 1), Some(2));
        assert_eq!(index.find_name(Hashes::of_name(b"x"), |distance| distance > 0), Some(1));
    }

    #[test]
    fn evicted_entries_are_not_found() {
        let mut index = TableIndex::new(4096);
        let hashes = Hashes::new(&FIELD, None);
        (0..3).for_each(|_| index.insert(hashes));
        index.evict_to(2);
        assert_eq!(index.find_field(hashes.field, |distance| distance > 1), None);
        index.evict_to(0);
        assert_eq!(index.find_field(hashes.field, |_| true), None);
        assert_eq!(index.find_name(Hashes::of_name(b"x"), |_| true), None);
    }

    #[test]
    fn serial_numbers_may_wrap() {
        let mut index = TableIndex::new(4096);
        index.newest = u32::MAX - 1;
        let hashes = Hashes::new(&FIELD, None);
        (0..4).for_each(|_| index.insert(hashes));
        assert_eq!(index.find_field(hashes.field, |distance| distance == 3), Some(3));
        assert_eq!(index.find_field(hashes.field, |distance| distance > 3), None);
    }
}
