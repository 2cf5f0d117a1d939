//! The gate at which a connection's thread waits for a permit.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(super) struct Gate {
    state: Mutex<State>,
    opened: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum State {
    /// No thread waits, so permits are not accepted.
    #[default]
    Unused,
    Waits,
    Open,
    /// The connection has ended: no more permits are accepted.
    Closed,
}

impl Gate {
    /// Prepares to wait: permits are accepted from now on.
    pub(super) fn arm(&self) {
        let mut state = self.lock();
        if *state != State::Closed {
            *state = State::Waits;
        }
    }

    /// Ends the wait, since the connection has ended. A permit that has arrived is still returned.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        if *state != State::Open {
            *state = State::Closed;
        }
        drop(state);
        self.opened.notify_one();
    }

    /// Passes a permit to the waiting thread. Returns `false` if no thread waits for it.
    pub(super) fn open(&self) -> bool {
        let mut state = self.lock();
        if *state != State::Waits {
            return false;
        }
        *state = State::Open;
        drop(state);
        self.opened.notify_one();
        true
    }

    /// Waits for a permit, for at most `timeout`. Returns whether it has arrived; after that none
    /// is accepted.
    pub(super) fn wait(&self, timeout: Duration) -> bool {
        let until = Instant::now().checked_add(timeout);
        let mut state = self.lock();
        while *state == State::Waits {
            let left =
                until.map_or(Duration::MAX, |it| it.saturating_duration_since(Instant::now()));
            if left.is_zero() {
                break;
            }
            let waited = self.opened.wait_timeout(state, left.min(Duration::from_secs(3_600)));
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state.end()
    }

    /// Cancels the wait. Returns whether a permit has arrived in the meantime.
    pub(super) fn disarm(&self) -> bool {
        self.lock().end()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Ends the wait. Returns whether a permit has arrived.
    fn end(&mut self) -> bool {
        match self {
            State::Closed => false,
            state => std::mem::take(state) == State::Open,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permit_that_comes_before_the_wait_is_not_lost() {
        let gate = Gate::default();
        gate.arm();
        assert!(gate.open());
        assert!(gate.wait(Duration::ZERO));
    }

    #[test]
    fn gate_of_a_connection_that_has_ended_does_not_wait() {
        let gate = Gate::default();
        gate.close();
        gate.arm();
        assert!(!gate.open());
        assert!(!gate.wait(Duration::MAX));
    }

    #[test]
    fn permit_that_came_before_the_end_is_not_lost() {
        let gate = Gate::default();
        gate.arm();
        assert!(gate.open());
        gate.close();
        assert!(gate.wait(Duration::ZERO));
    }

    #[test]
    fn permit_that_no_thread_waits_for_goes_on_to_another() {
        let gate = Gate::default();
        assert!(!gate.open());
        gate.arm();
        assert!(!gate.wait(Duration::ZERO));
        assert!(!gate.open());
    }
}
