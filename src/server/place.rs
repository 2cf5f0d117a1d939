//! A connection's entry in the queue for permits.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::permits::Waiter;

/// The state of a connection for the distribution of permits, in either version.
pub(super) struct Place {
    /// The number of its running handlers.
    running: AtomicUsize,
    /// Whether it is queued for a permit.
    is_queued: AtomicBool,
    /// Takes a permit that has become free. Returns `false` if the connection no longer waits.
    take: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Place {
    pub(super) fn new(take: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let (running, is_queued) = Default::default();
        Place { running, is_queued, take: Box::new(take) }
    }

    /// Makes the connection take a permit that has become free. Returns `false` if it no longer
    /// waits.
    pub(super) fn hand_over(&self) -> bool {
        (self.take)()
    }

    pub(super) fn handler_begins(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn handler_ended(&self) {
        self.running.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Waiter for Place {
    fn is_queued(&self) -> &AtomicBool {
        &self.is_queued
    }

    fn running(&self) -> usize {
        self.running.load(Ordering::Relaxed)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Place").field("running", &self.running).finish_non_exhaustive()
    }
}
