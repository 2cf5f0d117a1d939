//! Deadlines, and the steps of the end of a connection.

use std::time::Instant;

use super::ending::{DRAIN_TIMEOUT, End, EndStep, WriteFailure};
use super::state::{Driver, Guard, State, Wire};
use crate::error::Error;
use crate::logging;
use crate::proto::{CloseReason, CommandError};

impl<D> State<D> {
    /// Returns how the connection has ended; `None` while it is alive.
    pub(crate) fn end(&self) -> Option<End> {
        Some(match (self.core.close_reason()?, &self.end.failed) {
            (CloseReason::Peer(None), Some(error)) if self.core.has_settings() => {
                End::Transport(error.clone())
            }
            (CloseReason::Peer(None), Some(error)) => {
                End::Transport(error.clone().before_settings())
            }
            (reason, _) => End::Core(reason.clone()),
        })
    }

    /// Returns the error for calls after the end of the connection; `None` while it is alive.
    pub(crate) fn end_error(&self) -> Option<Error> {
        Some(match self.end()? {
            End::Transport(error) => error,
            End::Core(CloseReason::Error(error)) => error.into(),
            End::Core(CloseReason::Peer(None)) if !self.core.has_settings() => {
                Error::closed_by_peer(None).before_settings()
            }
            End::Core(CloseReason::Peer(goaway)) => Error::closed_by_peer(goaway),
            End::Core(CloseReason::Local) => CommandError::Closed.into(),
        })
    }

    /// Returns whether the connection has ended for the application.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.since.is_some()
    }

    /// Returns whether the transport has no more input.
    pub(crate) fn is_over(&self) -> bool {
        self.end.read_ended || self.end.is_cut
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.end.is_cut
    }

    /// Returns whether a write has failed.
    pub(crate) fn has_write_failed(&self) -> bool {
        self.end.write_failed.is_some()
    }

    /// Returns whether the last frames have been written, or cannot be.
    pub(crate) fn has_final_flush_ended(&self) -> bool {
        self.has_ended() && (self.end.write_shut.is_some() || self.has_write_failed())
    }

    /// Returns the time of the next action, if nothing else happens before.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.has_ended() {
            return self.end.deadline();
        }
        let write_failed = self.end.write_failed.as_ref().map(|failure| failure.decided_at);
        [self.core.poll_timeout(), write_failed].into_iter().flatten().min()
    }

    /// Ends the connection after a failure of the transport. Only the first failure is recorded as
    /// the reason. A failed write takes precedence over a later read error, except for a TLS error:
    /// the peer may send an alert and close, and our failed write may be noticed before the alert.
    pub(crate) fn fail(&mut self, error: Option<Error>) {
        if self.core.close_reason().is_none() {
            let write = self.end.write_failed.as_ref().map(|failure| failure.error.clone());
            self.end.failed = match error {
                Some(error) if error.is_tls() => Some(error),
                error => write.or(error),
            };
            self.core.end_of_input();
        }
    }

    /// Records that a write has failed. Input from the peer may still explain why.
    pub(super) fn fail_writes(&mut self, error: Error, now: Instant) {
        self.end.write_failed.get_or_insert_with(|| WriteFailure::new(error, now));
    }

    /// Records that a read has found nothing. After a failed write, this means that the input does
    /// not explain it.
    pub(super) fn note_nothing_read(&mut self) {
        if let Some(failure) = &mut self.end.write_failed {
            failure.is_searched = true;
        }
    }

    /// Ends the connection if a write has failed and the reader has had its time. If no read has
    /// returned since, the reader gets the same time once more, since its thread may have been
    /// delayed.
    fn decide_write_failure(&mut self, now: Instant) {
        let Some(failure) = &mut self.end.write_failed else { return };
        if now < failure.decided_at {
            return;
        }
        if std::mem::replace(&mut failure.is_searched, true) {
            self.fail(None);
        } else {
            failure.decided_at = now + DRAIN_TIMEOUT;
        }
    }

    /// Returns whether the time for writing the last frames is over.
    pub(super) fn is_past_final_flush(&self, now: Instant) -> bool {
        self.end.is_past_final_flush(now)
    }

    /// Returns whether a deadline of the live connection has passed.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.has_ended() && self.deadline().is_some_and(|at| at <= now)
    }
}

impl<D: Driver> State<D> {
    /// Handles deadlines that have passed, and returns the time of the next one. The steps of the
    /// end are done by [`Wire::end`].
    pub(crate) fn run_deadlines(&mut self, now: Instant) -> Option<Instant> {
        let next = self.deadline();
        if self.has_ended() || next.is_none_or(|at| at > now) {
            return next;
        }
        // The core keeps an error as the reason for the end.
        let _ = self.core.handle_timeout(now);
        self.decide_write_failure(now);
        self.deliver(now);
        self.deadline()
    }

    pub(crate) fn end_step(&self, now: Instant) -> EndStep {
        let is_written = self.writing.as_ref().is_some_and(|writing| writing.buffer.is_done())
            && !self.core.wants_transmit();
        self.end.next(now, is_written)
    }

    #[cfg(test)]
    pub(crate) fn set_write_failed(&mut self, error: Error) {
        self.fail_writes(error, Instant::now());
    }
}

impl<D: Driver> Wire<D> {
    /// Shuts our direction if it is time for that, and returns the next step, which is never
    /// [`EndStep::Shut`]. Releases the lock in between.
    pub(crate) fn end<'a>(&'a self, mut state: Guard<'a, D>) -> (Guard<'a, D>, EndStep) {
        let now = Instant::now();
        let mut step = state.end_step(now);
        if step == EndStep::Shut {
            state.end.write_shut = Some(now);
            let writing = state.writing.take();
            drop(state);
            // The connection has ended; nothing depends on the result.
            let _ = self.closer.shutdown_write();
            // For a pipe, dropping the writer is what closes it.
            drop(writing);
            state = self.lock();
            step = state.end_step(now);
        }
        (state, step)
    }

    /// Cuts the transport: blocked reads and writes return, and its halves are dropped, at once or
    /// when those calls return. An ended connection therefore holds no descriptor, even if streams
    /// still refer to it.
    pub(crate) fn cut(&self) {
        let mut state = self.lock();
        state.end.is_cut = true;
        state.fail(None);
        state.deliver(Instant::now());
        let halves = (state.reading.take(), state.writing.take());
        drop(state);
        if let Err(error) = self.closer.close() {
            logging::debug!("closing the transport: {error}");
        }
        drop(halves);
    }
}
