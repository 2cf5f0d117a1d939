//! What the clock of an owner does for a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::{Conn, State};
use super::leader::Leader;
use crate::wire::EndStep;

/// While no thread reads, a deadline that is due is looked at again after this time.
const UNREAD_RETRY: Duration = Duration::from_millis(100);

/// What is to be done outside of the lock after a [`Conn::tick`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    Nothing,
    /// There is something to write.
    Flush,
    /// It has had its time: the transport is to be cut.
    Cut,
}

impl State {
    /// Whether a deadline of the core's that is due has to wait: no thread reads, and so what the peer
    /// has sent in time may lie unread.
    //
    // One read that has returned, or two looks in a row at a thread that waits in one, show that nothing
    // does.
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
    /// Called by the clock: runs the deadlines and says what is left to do.
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
        if state.must_write() {
            Tick::Flush
        } else {
            Tick::Nothing
        }
    }
}
