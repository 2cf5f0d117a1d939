//! Writing on a thread of the application, which saves waking the writer thread.

use std::time::{Duration, Instant};

use super::driver::Guard;
use super::shared::Shared;
use crate::proto::{CommandError, Connection};
use crate::wire::{What, Wrote};

/// How long a thread of the application writes before it leaves the rest to the writer.
const WRITE_TURN_MAX: Duration = Duration::from_millis(5);

impl Shared {
    /// Like [`command`](Self::command), and writes what is pending on the calling thread, while the
    /// writer sleeps.
    pub(super) fn command_and_write<T>(
        &self,
        command: impl FnOnce(&mut Connection, Instant) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut state = self.wire.lock();
        if state.closing.is_some() {
            return Err(CommandError::Closed);
        }
        let now = Instant::now();
        let result = command(&mut state.core, now);
        state.deliver(now);
        let state = self.write_here(state, now);
        self.release(state, now);
        result
    }

    /// Called after several events were taken, with `left` more in the channel: delivers if that is
    /// due, and writes the credit.
    pub(super) fn taken_and_write(&self, left: usize) {
        if !self.is_due(left) {
            return;
        }
        // Delivering queues credit, which this thread writes: the writer is not woken for it.
        self.wire.lock().is_written_here = true;
        self.deliver();
        let now = Instant::now();
        let state = self.write_here(self.wire.lock(), now);
        self.release(state, now);
    }

    /// Writes for a few milliseconds, unless the writer does. The unlocking thread wakes the writer for
    /// what is left.
    fn write_here<'a>(&'a self, mut state: Guard<'a>, now: Instant) -> Guard<'a> {
        let until = now + WRITE_TURN_MAX;
        state.is_written_here = state.parked.is_some();
        while state.is_written_here && state.has_to_write() && !state.has_closed() {
            let (after, wrote) = self.wire.write_once(state, What::Until(until));
            state = after;
            if wrote != Wrote::Some || Instant::now() >= until {
                break;
            }
            if state.core.has_events() {
                // They are delivered before a write that may block.
                drop(state);
                self.deliver();
                state = self.wire.lock();
            }
        }
        state.is_written_here = false;
        state
    }
}
