//! Unpredictable octets.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;

/// Fills `octets` from the system's source of randomness.
pub(super) fn fill(octets: &mut [u8]) {
    if getrandom::fill(octets).is_err() {
        // The standard library has keyed its hash tables from the same source by then.
        let keyed = RandomState::new();
        for (n, octets) in octets.chunks_mut(8).enumerate() {
            let random = keyed.hash_one(n).to_ne_bytes();
            octets.copy_from_slice(&random[..octets.len()]);
        }
    }
}
