//! A connection's place in the line for permits.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::permits::Waiter;

/// What the server counts of a connection, in either version, when it gives out permits.
pub(super) struct Place {
    /// Handlers that run for it now.
    running: AtomicUsize,
    /// It stands in line for a permit.
    is_queued: AtomicBool,
    /// Takes the permit that has become free. `false` if the connection does not wait any more.
    take: Box<dyn Fn() -> bool + Send + Sync>,
}

impl Place {
    pub(super) fn new(take: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        let (running, is_queued) = Default::default();
        Place { running, is_queued, take: Box::new(take) }
    }

    /// Has the connection take a permit that has become free. `false` if it does not wait any more.
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
