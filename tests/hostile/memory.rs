//! Measurement of allocated memory in the whole process, which excludes other tests.

use std::sync::{PoisonError, RwLock};

use peak_alloc::PeakAlloc;

use crate::support;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Measuring tests lock it exclusively, all others share it.
static ALONE: RwLock<()> = RwLock::new(());

pub(crate) const KIB: usize = 1 << 10;
pub(crate) const MIB: usize = 1 << 20;

/// Runs a test that could hang, concurrently with others that do not measure.
pub(crate) fn bounded(test: impl FnOnce() + Send + 'static) {
    let _turn = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    support::bounded(test);
}

/// Runs a test that could hang, while no other test runs.
pub(crate) fn measured(test: impl FnOnce(&Memory) + Send + 'static) {
    let _turn = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    support::bounded(|| test(&Memory(())));
}

/// The permission to measure. Thread stacks are not counted.
#[derive(Debug)]
pub(crate) struct Memory(());

impl Memory {
    /// Starts a measurement.
    pub(crate) fn start(&self) -> Measured {
        ALLOCATOR.reset_peak_usage();
        Measured { start: ALLOCATOR.current_usage() }
    }
}

/// A measurement in progress. It includes the memory of the attacker and the neighbours.
#[derive(Debug)]
pub(crate) struct Measured {
    start: usize,
}

impl Measured {
    /// The peak since the start, relative to the start.
    pub(crate) fn peak(&self) -> usize {
        ALLOCATOR.peak_usage().saturating_sub(self.start)
    }

    /// The memory allocated now, relative to the start.
    pub(crate) fn kept(&self) -> usize {
        ALLOCATOR.current_usage().saturating_sub(self.start)
    }

    /// Checks that the peak is within the bound.
    #[track_caller]
    pub(crate) fn assert_peak(&self, bound: usize) {
        let peak = self.peak();
        assert!(peak <= bound, "{peak} octets were allocated, over the bound of {bound}");
    }

    /// Waits until at most `bound` octets are allocated.
    #[track_caller]
    pub(crate) fn assert_kept(&self, bound: usize) {
        crate::support::eventually(|| self.kept() <= bound);
    }
}

#[test]
fn the_peak_counts_concurrent_allocations() {
    measured(|memory| {
        let measured = memory.start();
        // Much more than threads of other tests, which may still be ending, allocate and free.
        drop(vec![1_u8; 32 * MIB]);
        drop(vec![1_u8; 64 * MIB]);
        let peak = measured.peak();
        assert!((48 * MIB..80 * MIB).contains(&peak), "{peak} of {measured:?}");
        assert!(measured.kept() < 16 * MIB, "{measured:?}");
    });
}
