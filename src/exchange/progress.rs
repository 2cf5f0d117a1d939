//! The leader's progress, as one number that can be read without the lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// The leader is in a handler or a write, not in a read.
const WORKING: u64 = 1 << 63;
/// Readers of large bodies have deferred wakes.
const DEFERRED_WAKES: u64 = 1 << 62;
const COUNT_BITS: u32 = 31;
const COUNT: u64 = (1 << COUNT_BITS) - 1;

/// A snapshot of the leader's progress. Its counters wrap around, so they are only compared for
/// equality.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Progress(u64);

impl Progress {
    pub(crate) fn new(is_working: bool, has_deferred_wakes: bool, reads: u64, steps: u64) -> Self {
        let working = if is_working { WORKING } else { 0 };
        let deferred = if has_deferred_wakes { DEFERRED_WAKES } else { 0 };
        Progress(working | deferred | (reads & COUNT) << COUNT_BITS | steps & COUNT)
    }

    /// Returns whether the leader is in a handler or in a write.
    pub(crate) fn is_working(self) -> bool {
        self.0 & WORKING != 0
    }

    /// Returns whether there are readers that only the clock wakes, should nothing more arrive.
    pub(crate) fn has_deferred_wakes(self) -> bool {
        self.0 & DEFERRED_WAKES != 0
    }

    /// Returns whether no read has ended between the two.
    pub(crate) fn has_read_as_often(self, other: Progress) -> bool {
        (self.0 ^ other.0) >> COUNT_BITS & COUNT == 0
    }

    /// Returns whether the leader has begun no action between the two.
    pub(crate) fn is_at_the_step_of(self, other: Progress) -> bool {
        (self.0 ^ other.0) & !DEFERRED_WAKES == 0
    }
}

/// The latest [`Progress`]. Written under the connection's lock, read without it.
#[derive(Debug, Default)]
pub(super) struct Published(AtomicU64);

impl Published {
    pub(super) fn set(&self, progress: Progress) {
        self.0.store(progress.0, Ordering::Release);
    }

    pub(super) fn get(&self) -> Progress {
        Progress(self.0.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_and_flags_are_kept_apart() {
        let before = Progress::new(true, false, 5, 7);
        assert!(before.is_working() && !before.has_deferred_wakes());
        assert!(before.is_at_the_step_of(Progress::new(true, true, 5, 7)));
        assert!(!before.is_at_the_step_of(Progress::new(true, false, 5, 8)));
        assert!(before.has_read_as_often(Progress::new(false, true, 5, 8)));
        assert!(!before.has_read_as_often(Progress::new(true, false, 6, 7)));
    }

    #[test]
    fn a_counter_that_wraps_around_leaves_the_others_alone() {
        let progress = Progress::new(false, false, u64::MAX, u64::MAX);
        assert!(!progress.is_working() && !progress.has_deferred_wakes());
        assert!(!progress.has_read_as_often(Progress::new(false, false, 0, 0)));
    }
}
