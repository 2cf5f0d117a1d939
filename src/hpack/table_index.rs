//! An index for lookups in the encoder's dynamic table.

use super::Field;
use std::collections::VecDeque;
use std::num::NonZeroU32;

/// Looks up entries of a dynamic table by the hash of their name, and of their name and value.
///
/// Entries with the same lower bits of a hash form a chain, from newest to oldest. `heads` has the
/// serial number of the first entry of each chain, and each link has the distance to the next one.
/// The oldest entries leave the table first, and are at the ends of their chains. So eviction needs
/// no update: a chain ends at the first entry that has left the table.
///
/// ```text
///  heads          links  (oldest … newest)
///  ┌────┐                ┌────┬────┬────┬────┬────┬────┐
///  │ 17 │──► newest      │    │    │    │    │    │ 17 │
///  │  … │    and then    │    │    │ -3 │ ◄──────── -3 │   the next one is 3 before that,
///  └────┘                └────┴────┴────┴────┴────┴────┘   and out of the table: the end
/// ```
///
/// The caller compares each candidate, so hash collisions and wrapped serial numbers do no harm.
pub(super) struct TableIndex {
    /// The serial number of the newest entry; the first one has 1.
    newest: u32,
    /// One link for each entry of the table, oldest first.
    links: VecDeque<Link>,
    /// Chains by name and value, then chains by name; empty until there is an entry.
    heads: Vec<u32>,
    chains: usize,
}

struct Link {
    hashes: Hashes,
    /// The distance to the next entry in the chain by name and value.
    to_older_field: u32,
    /// The distance to the next entry in the chain by name; 0 if the entry is in none.
    to_older_name: u32,
}

/// The hashes of a field.
#[derive(Clone, Copy)]
pub(super) struct Hashes {
    /// The hash of name and value.
    pub(super) field: u32,
    /// The hash of the name; `None` for names of the static table, which need no lookup here.
    name: Option<u32>,
}

impl Hashes {
    /// Computes the hashes of a field. `static_name` is the index of its name in the static table.
    #[inline]
    pub(super) fn new(field: &Field<'_>, static_name: Option<usize>) -> Self {
        match static_name {
            // The index represents the name.
            Some(index) => Self { field: hash(index as u64, field.value), name: None },
            None => {
                let name = Self::of_name(field.name);
                Self { field: hash(u64::from(name), field.value), name: Some(name) }
            }
        }
    }

    /// The hash of a name that is not in the static table.
    pub(super) fn of_name(name: &[u8]) -> u32 {
        hash(0, name)
    }
}

impl TableIndex {
    /// Creates an index for a table of `table_size` octets.
    pub(super) fn new(table_size: usize) -> Self {
        // A typical entry takes about 64 octets.
        let chains = (table_size / 64).clamp(16, 1024).next_power_of_two();
        Self { newest: 0, links: VecDeque::new(), heads: Vec::new(), chains }
    }

    /// Returns the distance from the newest entry of the first one with this hash of name and value
    /// for which `is_it` returns true.
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

    /// Returns the distance of the first entry with this hash of the name for which `is_it` returns
    /// true.
    #[inline]
    pub(super) fn find_name(&self, hash: u32, is_it: impl Fn(usize) -> bool) -> Option<usize> {
        let mut distance = self.first(self.chains + self.chain(hash))?;
        loop {
            let link = self.link(distance)?;
            if link.hashes.name == Some(hash) && is_it(distance) {
                return Some(distance);
            }
            // After serial numbers have wrapped, a chain may lead to an entry that is not part of
            // it.
            let to_older = NonZeroU32::new(link.to_older_name)?.get();
            distance = distance.saturating_add(to_older as usize);
        }
    }

    /// The serial number of the newest entry, from which older ones are counted.
    #[inline]
    pub(super) fn newest(&self) -> u32 {
        self.newest
    }

    /// Adds a new entry.
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

    /// Removes the oldest entries, so that `len` are left.
    pub(super) fn evict_to(&mut self, len: usize) {
        while self.links.len() > len {
            self.links.pop_front();
        }
    }

    /// Makes the newest entry the head of a chain, and returns the distance to the former head.
    fn put_first(&mut self, chain: usize) -> u32 {
        // In bounds: there are twice `chains` heads, and the index for a name is less than that.
        let older = std::mem::replace(&mut self.heads[chain], self.newest);
        // An entry 2^32 insertions ago has long been evicted.
        self.newest.wrapping_sub(older).max(1)
    }

    fn chain(&self, hash: u32) -> usize {
        hash as usize & (self.chains - 1)
    }

    /// The distance of a chain's first entry from the newest one.
    #[inline]
    fn first(&self, chain: usize) -> Option<usize> {
        Some(self.newest.wrapping_sub(*self.heads.get(chain)?) as usize)
    }

    /// The link at a distance from the newest entry, if the entry is still in the table.
    #[inline]
    fn link(&self, distance: usize) -> Option<&Link> {
        self.links.get(self.links.len().checked_sub(distance.checked_add(1)?)?)
    }
}

/// Hashes octets with `seed`, eight at a time.
#[inline]
pub(super) fn hash(seed: u64, octets: &[u8]) -> u32 {
    let mut hash = mix(seed, octets.len() as u64);
    let mut rest = octets;
    while let Some((chunk, behind)) = rest.split_first_chunk() {
        hash = mix(hash, u64::from_le_bytes(*chunk));
        rest = behind;
    }
    hash = match octets.last_chunk() {
        // The remainder of the chunks, with some octets repeated, in one word.
        Some(last) => mix(hash, u64::from_le_bytes(*last)),
        None => mix(hash, rest.iter().fold(0, |word, &octet| word << 8 | u64::from(octet))),
    };
    (hash >> 32) as u32
}

/// Multiplication moves differences to the upper bits, rotation back to the lower ones.
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
