//! The hash of stream identifiers in hash tables.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Creates hashers with a random key, so that a peer cannot choose colliding identifiers. Hashing
/// an identifier takes one multiplication, a tenth of the time of SipHash.
#[derive(Debug, Clone)]
pub(crate) struct IdHashState {
    key: u64,
    factor: u64,
}

impl Default for IdHashState {
    fn default() -> Self {
        let random = RandomState::new();
        // An even factor would lose a bit.
        IdHashState { key: random.hash_one(0), factor: random.hash_one(1) | 1 }
    }
}

impl BuildHasher for IdHashState {
    type Hasher = IdHasher;

    fn build_hasher(&self) -> IdHasher {
        IdHasher { state: self.key, factor: self.factor }
    }
}

/// The hasher of one identifier.
#[derive(Debug)]
pub(crate) struct IdHasher {
    state: u64,
    factor: u64,
}

impl Hasher for IdHasher {
    fn write(&mut self, octets: &[u8]) {
        octets.iter().for_each(|&octet| self.write_u32(u32::from(octet)));
    }

    fn write_u32(&mut self, n: u32) {
        // Folds both halves of the product, so that each bit of the key affects each bit of the
        // hash.
        let product = u128::from(self.state ^ u64::from(n)) * u128::from(self.factor);
        self.state = product as u64 ^ (product >> 64) as u64;
    }

    fn finish(&self) -> u64 {
        self.state
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns how many of the identifiers share the fullest of 1,024 buckets.
    fn fullest(ids: impl Iterator<Item = u32>) -> usize {
        let state = IdHashState::default();
        let mut places = vec![0; 1_024];
        ids.for_each(|id| places[(state.hash_one(id) % 1_024) as usize] += 1);
        places.into_iter().max().unwrap_or(0)
    }

    #[test]
    fn identifiers_in_any_step_are_spread() {
        for step in [2, 1 << 8, 1 << 16, 1 << 21] {
            // One per bucket on average.
            assert!(fullest((0..1_024).map(|n| 1 + n * step)) < 30, "step {step}");
        }
    }

    #[test]
    fn two_tables_place_identifiers_differently() {
        let (one, other) = (IdHashState::default(), IdHashState::default());
        assert!((1..100u32).any(|id| one.hash_one(id) != other.hash_one(id)));
    }
}
