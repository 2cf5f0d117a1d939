//! Masking of a client's frames (RFC 6455, Section 5.3).

use super::random;

/// Random octets that are fetched at a time: the keys of 64 frames.
const BLOCK: usize = 256;

/// A source of unpredictable masking keys (RFC 6455, Section 10.3).
pub(super) struct Keys {
    block: [u8; BLOCK],
    used: usize,
}

impl Keys {
    pub(super) fn new() -> Self {
        Keys { block: [0; BLOCK], used: BLOCK }
    }

    /// The key of the next frame.
    pub(super) fn next(&mut self) -> [u8; 4] {
        if self.used == BLOCK {
            random::fill(&mut self.block);
            self.used = 0;
        }
        let mut key = [0; 4];
        key.copy_from_slice(&self.block[self.used..self.used + 4]);
        self.used += 4;
        key
    }
}

/// Masks or unmasks octets that begin `offset` octets into the payload.
pub(super) fn apply(key: [u8; 4], offset: usize, octets: &mut [u8]) {
    let mut key = key;
    key.rotate_left(offset % 4);
    let word = u32::from_ne_bytes(key);
    let word = u64::from(word) << 32 | u64::from(word);
    let mut words = octets.chunks_exact_mut(8);
    for octets in &mut words {
        let mut masked = [0; 8];
        masked.copy_from_slice(octets);
        octets.copy_from_slice(&(u64::from_ne_bytes(masked) ^ word).to_ne_bytes());
    }
    for (octet, key) in words.into_remainder().iter_mut().zip(key.iter().cycle()) {
        *octet ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_rest_are_masked_as_octet_by_octet() {
        let key = [0x37, 0xfa, 0x21, 0x3d];
        for len in 0..40 {
            for offset in 0..9 {
                let octets: Vec<u8> = (0..len).collect();
                let one_by_one = |(n, octet): (usize, &u8)| octet ^ key[(offset + n) % 4];
                let expected: Vec<u8> = octets.iter().enumerate().map(one_by_one).collect();
                let mut masked = octets;
                apply(key, offset, &mut masked);
                assert_eq!(masked, expected, "{len} octets at {offset}");
            }
        }
    }

    #[test]
    fn keys_differ() {
        let mut keys = Keys::new();
        let mut all: Vec<_> = (0..1_000).map(|_| keys.next()).collect();
        all.sort_unstable();
        all.dedup();
        assert!(all.len() > 990);
    }
}
