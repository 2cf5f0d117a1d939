//! What is allocated, over the whole process; and whose turn it is.

use std::sync::{PoisonError, RwLock};

use peak_alloc::PeakAlloc;

use crate::support::{within, LONG};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Tests that measure have it to write, all others to read.
static ALONE: RwLock<()> = RwLock::new(());

pub(crate) const KIB: usize = 1 << 10;
pub(crate) const MIB: usize = 1 << 20;

/// Runs a test that could hang, beside others that measure nothing either.
pub(crate) fn bounded(test: impl FnOnce() + Send + 'static) {
    let _turn = ALONE.read().unwrap_or_else(PoisonError::into_inner);
    within(2 * LONG, test);
}

/// Runs a test that could hang, while no other runs.
pub(crate) fn measured(test: impl FnOnce(&Memory) + Send + 'static) {
    let _turn = ALONE.write().unwrap_or_else(PoisonError::into_inner);
    within(3 * LONG, || test(&Memory(())));
}

/// The right to measure. The stacks of threads are not among what is measured.
#[derive(Debug)]
pub(crate) struct Memory(());

impl Memory {
    /// From here on.
    pub(crate) fn start(&self) -> Measured {
        ALLOCATOR.reset_peak_usage();
        Measured { start: ALLOCATOR.current_usage() }
    }
}

/// A measurement that goes on. What the attacker and the neighbours hold is among it.
#[derive(Debug)]
pub(crate) struct Measured {
    start: usize,
}

impl Measured {
    /// The most that was allocated at once since the start, over what was allocated then.
    pub(crate) fn peak(&self) -> usize {
        ALLOCATOR.peak_usage().saturating_sub(self.start)
    }

    /// What is allocated now, over what was then.
    pub(crate) fn kept(&self) -> usize {
        ALLOCATOR.current_usage().saturating_sub(self.start)
    }

    /// The most was no more than this.
    #[track_caller]
    pub(crate) fn assert_peak(&self, bound: usize) {
        let peak = self.peak();
        assert!(peak <= bound, "{peak} octets were allocated, and {bound} is the bound");
    }

    /// It comes to be that no more than this is kept.
    #[track_caller]
    pub(crate) fn assert_kept(&self, bound: usize) {
        crate::support::eventually(|| self.kept() <= bound);
    }
}

#[test]
fn the_peak_is_what_was_there_at_once() {
    measured(|memory| {
        let measured = memory.start();
        drop(vec![1_u8; MIB]);
        drop(vec![1_u8; 2 * MIB]);
        assert!((2 * MIB..3 * MIB).contains(&measured.peak()), "{measured:?}");
        assert!(measured.kept() < MIB, "{measured:?}");
    });
}
