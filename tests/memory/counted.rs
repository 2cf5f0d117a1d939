//! What is allocated, over the whole process.

use std::sync::{Mutex, PoisonError};

use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Held by the test that measures.
static ALONE: Mutex<()> = Mutex::new(());

pub(crate) const KIB: usize = 1 << 10;

/// What the test harness may allocate or free meanwhile.
const NOISE: usize = 64 * KIB;

/// Runs a test while no other runs.
pub(crate) fn measured(test: impl FnOnce(&Memory)) {
    let _turn = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    test(&Memory { before: ALLOCATOR.current_usage() });
}

/// Counts from the start of a test on.
pub(crate) struct Memory {
    before: usize,
}

impl Memory {
    /// Octets that are allocated now and were not at the start.
    pub(crate) fn kept(&self) -> usize {
        ALLOCATOR.current_usage().saturating_sub(self.before)
    }

    #[track_caller]
    pub(crate) fn assert_kept(&self, bound: usize) {
        let kept = self.kept();
        assert!(kept <= bound + NOISE, "{kept} octets are kept, and {bound} is the bound");
    }
}

#[test]
fn what_is_allocated_is_counted_until_it_is_freed() {
    measured(|memory| {
        let octets = vec![1_u8; 1024 * KIB];
        let kept = memory.kept();
        assert!(kept.abs_diff(1024 * KIB) < NOISE, "{kept}");
        drop(octets);
        memory.assert_kept(0);
    });
}
