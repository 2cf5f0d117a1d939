//! Suspends the load during measurements, and when it uses too much processor time.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The gate that each piece of load passes.
#[derive(Default)]
pub(crate) struct Gate {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    is_open: bool,
    is_throttled: bool,
    is_over: bool,
    inside: usize,
}

/// A piece of load in progress, until this is dropped.
pub(crate) struct Inside<'a>(&'a Gate);

impl Gate {
    pub(crate) fn open(&self) {
        self.lock().is_open = true;
        self.changed.notify_all();
    }

    /// Admits no more load; long-running load should finish soon.
    pub(crate) fn shut(&self) {
        self.lock().is_open = false;
        self.changed.notify_all();
    }

    /// Temporarily admits no more load; running load continues.
    pub(crate) fn throttle(&self, on: bool) {
        self.lock().is_throttled = on;
        self.changed.notify_all();
    }

    pub(crate) fn end(&self) {
        self.lock().is_over = true;
        self.changed.notify_all();
    }

    /// Waits until load is admitted; returns `None` at the end of the run.
    pub(crate) fn enter(&self) -> Option<Inside<'_>> {
        let shut = |state: &mut State| (!state.is_open || state.is_throttled) && !state.is_over;
        let waited = self.changed.wait_while(self.lock(), shut);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.is_over {
            return None;
        }
        state.inside += 1;
        Some(Inside(self))
    }

    /// Returns whether all load has finished in time.
    pub(crate) fn wait_until_empty(&self, timeout: Duration) -> bool {
        let busy = |state: &mut State| state.inside > 0;
        let waited = self.changed.wait_timeout_while(self.lock(), timeout, busy);
        waited.unwrap_or_else(PoisonError::into_inner).0.inside == 0
    }

    pub(crate) fn is_shut(&self) -> bool {
        !self.lock().is_open
    }

    /// Sleeps until the time is over or the gate is shut. Returns whether it is still open.
    pub(crate) fn sleep(&self, time: Duration) -> bool {
        let until = Instant::now() + time;
        let mut state = self.lock();
        while state.is_open {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return true;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        false
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside -= 1;
        self.0.changed.notify_all();
    }
}
