//! Field sections that were encoded or decoded before and come again while the dynamic table is the
//! same. Their blocks are then the same too.
//!
//! Calls of one gRPC method, polls and health checks repeat their header sections, and most
//! responses differ from the one before in nothing. A repeated section costs a comparison in place
//! of its fields one by one; measured in `benches/README.md`.

use super::table_index::hash;

/// The number of sections that are kept: a response and its trailers.
const KEPT: usize = 2;

/// Sections up to this size are kept, in octets: twice that much memory for each direction.
pub(super) const MAX_KEPT_SIZE: usize = 2 << 10;

/// The sections kept of one direction of a connection.
pub(super) struct Repeats<T> {
    kept: Vec<T>,
    /// The hashes of the last sections that were not kept, or zero.
    hashes: [u32; KEPT],
    oldest: usize,
}

impl<T> Default for Repeats<T> {
    fn default() -> Self {
        Repeats { kept: Vec::new(), hashes: [0; KEPT], oldest: 0 }
    }
}

impl<T> Repeats<T> {
    /// Returns the kept section that `is_it` recognises.
    #[inline]
    pub(super) fn find(&self, is_it: impl FnMut(&&T) -> bool) -> Option<&T> {
        self.kept.iter().find(is_it)
    }

    /// Returns whether a section has probably come before: its octets, or its block, have the hash of
    /// one of the last. So a section that comes once costs a hash, and is not copied.
    #[inline]
    pub(super) fn may_repeat(&mut self, octets: &[u8]) -> bool {
        if octets.len() > MAX_KEPT_SIZE {
            return false;
        }
        let hash = hash(0, octets);
        let has_come = self.hashes.contains(&hash);
        self.hashes[self.oldest] = hash;
        self.oldest = (self.oldest + 1) % KEPT;
        has_come
    }

    /// Keeps a section, in place of the oldest one.
    pub(super) fn keep(&mut self, section: T) {
        if self.kept.len() == KEPT {
            self.kept.remove(0);
        }
        self.kept.push(section);
    }

    /// Drops all sections, since the dynamic table has changed.
    #[inline]
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}
