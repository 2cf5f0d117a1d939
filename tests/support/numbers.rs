//! Reproducible random numbers.

/// A random number generator with the same sequence in each run.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    /// Returns a number below `below`.
    pub(crate) fn next(&mut self, below: u64) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % below
    }
}
