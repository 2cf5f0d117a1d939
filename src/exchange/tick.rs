//! The tick of an owner's clock for a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::{Conn, State};
use super::leader::Leader;
use crate::wire::EndStep;

/// While no thread reads, a deadline that is due is checked again after this time.
const UNREAD_RETRY: Duration = Duration::from_millis(100);

/// The work left after a [`Conn::tick`], to be done outside of the lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    Nothing,
    /// There is data to write.
    Flush,
    /// The end of the connection has timed out: the transport must be cut.
    Cut,
}

impl State {
    /// Returns whether a due deadline of the core has to be put off: no thread reads, so input that
    /// arrived in time may be unread.
    //
    // A read that has returned, or two consecutive checks that find a thread blocked in a read,
    // show that there is none.
    fn puts_off(&mut self, now: Instant) -> bool {
        let is_due = self.core.poll_timeout().is_some_and(|at| at <= now);
        if !is_due || self.has_ended() || self.has_write_failed() {
            return false;
        }
        let is_read = matches!(self.leader, Leader::None) || self.leader.is_reading();
        let puts_off = match self.put_off {
            None => !is_read,
            Some((reads, was_read)) => reads == self.reads && !(was_read && is_read),
        };
        self.put_off = puts_off.then_some((self.reads, is_read));
        puts_off
    }
}

impl Conn {
    /// Handles deadlines, and returns the work that is left. Called by the clock.
    pub(crate) fn tick(self: &Arc<Self>, now: Instant) -> Tick {
        let mut state = self.lock();
        if !state.take_call(now) {
            return Tick::Nothing;
        }
        if state.puts_off(now) {
            self.wire.call_at(&mut state, now + UNREAD_RETRY);
            return if state.must_write() { Tick::Flush } else { Tick::Nothing };
        }
        state.run_deadlines(now);
        if state.end_step(now) == EndStep::Cut {
            return Tick::Cut;
        }
        self.wire.call_in_time(&mut state);
        if state.must_write() { Tick::Flush } else { Tick::Nothing }
    }
}
