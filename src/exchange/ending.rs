//! Deadlines, and how a connection ends.
//!
//! ```text
//!   the core is closed ─▶ flush writes GOAWAY, shuts our direction ─▶ whoever leads drains ─▶ cut
//!                         (LAST_WORDS at most)                        (LINGER at most)
//! ```
//!
//! Closing with octets unread would have the system send a TCP RST, which can destroy the GOAWAY
//! before the peer reads it; that is what the draining is for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::{Conn, State};
use super::turn::Lead;
use crate::error::Error;
use crate::link::{LAST_WORDS, LINGER};
use crate::proto::{CloseReason, CommandError};

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
    /// Why the connection has ended; `None` while it is alive.
    pub(crate) fn end_error(&self) -> Option<Error> {
        Some(match self.core.close_reason()? {
            CloseReason::Error(error) => error.clone().into(),
            CloseReason::Peer(goaway) => match (goaway, &self.end.failed) {
                (None, Some(error)) => error.clone(),
                (goaway, _) => Error::closed_by_peer(goaway.clone()),
            },
            CloseReason::Local => CommandError::Closed.into(),
        })
    }

    /// Whether nothing can be asked of the connection any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.since.is_some()
    }

    /// Whether nothing more comes from the transport.
    pub(crate) fn is_over(&self) -> bool {
        self.end.read_ended || self.end.is_cut
    }

    /// When there is something to do, if nothing else happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let end = &self.end;
        match end.since {
            Some(_) if end.is_cut => None,
            // There are no last words that the peer could miss for want of being drained.
            Some(since) if end.write_failed.is_some() => Some(since),
            Some(since) => {
                let cut = since + LAST_WORDS + LINGER;
                Some(end.write_shut.map_or(cut, |shut| cut.min(shut + LINGER)))
            }
            None => {
                let write_failed = end.write_failed.as_ref().map(|(at, _)| *at + LINGER);
                [self.core.poll_timeout(), write_failed].into_iter().flatten().min()
            }
        }
    }

    /// Whether a deadline of the core's that is due has to wait: no thread reads, and so what the peer
    /// has sent in time may lie unread.
    //
    // One read that has returned, or two looks in a row at a thread that waits in one, show that nothing
    // does.
    fn puts_off(&mut self, now: Instant) -> bool {
        let is_due = self.core.poll_timeout().is_some_and(|at| at <= now);
        if !is_due || self.end.since.is_some() || self.end.write_failed.is_some() {
            return false;
        }
        let is_read = !matches!(self.lead, Lead::Held { reads: false, .. } | Lead::Promised);
        let puts_off = match self.put_off {
            None => !is_read,
            Some((reads, was_read)) => reads == self.reads && !(was_read && is_read),
        };
        self.put_off = puts_off.then_some((self.reads, is_read));
        puts_off
    }

    /// Does what is due, and says whether anything was.
    pub(super) fn run_clock(&mut self, now: Instant) -> bool {
        if self.end.since.is_some() || self.deadline().is_none_or(|at| now < at) {
            return false;
        }
        // An error is kept by the core as the reason of the end.
        let _ = self.core.handle_timeout(now);
        if self.end.write_failed.as_ref().is_some_and(|(at, _)| *at + LINGER <= now) {
            // The peer has said nothing that would explain it.
            self.fail(None);
        }
        self.hand_out(now);
        true
    }

    /// Ends the connection since the transport has failed, unless it has ended before: what fails
    /// later is not why. If a write has failed, that came first.
    pub(super) fn fail(&mut self, error: Option<Error>) {
        if self.core.close_reason().is_none() {
            let first = self.end.write_failed.as_ref().map(|(_, error)| error.clone());
            self.end.failed = first.or(error);
            self.core.end_of_input();
        }
    }

    /// Whether the last frames have had their time.
    pub(super) fn is_past_last_words(&self, now: Instant) -> bool {
        self.end.since.is_some_and(|since| now >= since + LAST_WORDS)
    }
}

impl Conn {
    /// Called by the clock: does what is due and says what is left to do.
    pub(crate) fn tick(self: &Arc<Self>, now: Instant) -> Tick {
        let mut state = self.lock();
        if state.armed.is_some_and(|at| now < at) {
            // An earlier call has done what this one was for, and has called for the next.
            return Tick::Nothing;
        }
        state.armed = None;
        if state.puts_off(now) {
            let at = now + UNREAD_RETRY;
            state.armed = Some(at);
            if let Some(hooks) = &self.hooks {
                hooks.arm(self, at);
            }
            return if state.has_to_write() { Tick::Flush } else { Tick::Nothing };
        }
        state.run_clock(now);
        if state.end.since.is_some() && state.deadline().is_some_and(|at| at <= now) {
            return Tick::Cut;
        }
        self.arm(&mut state);
        if state.has_to_write() {
            Tick::Flush
        } else {
            Tick::Nothing
        }
    }

    /// Sees to it that the server's clock comes back in time.
    pub(super) fn arm(self: &Arc<Self>, state: &mut State) {
        let Some((hooks, at)) = self.hooks.as_ref().zip(state.deadline()) else { return };
        if state.armed.is_none_or(|armed| at < armed) {
            state.armed = Some(at);
            hooks.arm(self, at);
        }
    }

    /// Has a server's threads take care of what has arrived without a read.
    pub(crate) fn work_elsewhere(&self) {
        if let Some(hooks) = &self.hooks {
            hooks.work();
        }
    }

    /// Cuts the transport: blocked reads and writes return, and its halves are dropped, at once or
    /// when they come back. So an ended connection holds no descriptor, whoever still holds a stream.
    pub(crate) fn cut(&self) {
        let mut state = self.lock();
        state.end.is_cut = true;
        state.core.end_of_input();
        state.hand_out(Instant::now());
        let halves = (state.reading.take(), state.writing.take());
        drop(state);
        if let Err(error) = self.closer.close() {
            log::debug!("closing the transport: {error}");
        }
        drop(halves);
    }
}
