//! Deadlines, and the steps of the end.

use std::time::Instant;

use super::ending::{End, EndStep, WriteFailure, DRAIN_TIMEOUT, FINAL_FLUSH_TIMEOUT};
use super::state::{Driver, Guard, State, Wire};
use crate::error::Error;
use crate::logging;
use crate::proto::{CloseReason, CommandError};

impl<D> State<D> {
    /// How the connection has ended; `None` while it is alive.
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

    /// Why nothing can be asked of the connection; `None` while it is alive.
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

    /// Whether nothing can be asked of the connection any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.end.since.is_some()
    }

    /// Whether nothing more comes from the transport.
    pub(crate) fn is_over(&self) -> bool {
        self.end.read_ended || self.end.is_cut
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.end.is_cut
    }

    /// Whether a write has failed.
    pub(crate) fn has_write_failed(&self) -> bool {
        self.end.write_failed.is_some()
    }

    /// Whether the last frames have been written, or cannot be.
    pub(crate) fn has_final_flush_ended(&self) -> bool {
        self.has_ended() && (self.end.write_shut.is_some() || self.has_write_failed())
    }

    /// When there is something to do, if nothing else happens.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if self.has_ended() {
            return self.end.deadline();
        }
        let write_failed = self.end.write_failed.as_ref().map(|failure| failure.decided_at);
        [self.core.poll_timeout(), write_failed].into_iter().flatten().min()
    }

    /// Ends the connection since the transport has failed, unless it has ended before: what fails
    /// later is not why. A write that failed first is the reason, unless TLS gives one: the peer may
    /// send an alert and close, and a write that fails then may be noticed before the alert.
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

    /// Nothing more can be written. What the peer has sent before may still explain it.
    pub(super) fn fail_writes(&mut self, error: Error, now: Instant) {
        self.end.write_failed.get_or_insert_with(|| WriteFailure::new(error, now));
    }

    /// A read has given up. After a failed write, that shows that the peer has not explained it.
    pub(super) fn note_nothing_read(&mut self) {
        if let Some(failure) = &mut self.end.write_failed {
            failure.is_searched = true;
        }
    }

    /// Ends the connection if a write has failed and the reader has had its time. Where no read
    /// has returned since, it gets that time once more: its thread may have been late.
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

    /// Whether the last frames have had their time.
    pub(super) fn is_past_final_flush(&self, now: Instant) -> bool {
        self.end.since.is_some_and(|since| now >= since + FINAL_FLUSH_TIMEOUT)
    }

    /// Whether a deadline of the connection, not of its end, has passed.
    pub(crate) fn is_due(&self, now: Instant) -> bool {
        !self.has_ended() && self.deadline().is_some_and(|at| at <= now)
    }
}

impl<D: Driver> State<D> {
    /// Does what is due, and says when there is something to do next. What is left of the end is
    /// done by [`Wire::end`].
    pub(crate) fn run_deadlines(&mut self, now: Instant) -> Option<Instant> {
        if self.is_due(now) {
            // An error is kept by the core as the reason of the end.
            let _ = self.core.handle_timeout(now);
            self.decide_write_failure(now);
            self.deliver(now);
        }
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
    /// Shuts our direction if it is time for that, and says what the end needs next: never
    /// [`EndStep::Shut`]. The lock is given back meanwhile.
    pub(crate) fn end<'a>(&'a self, mut state: Guard<'a, D>) -> (Guard<'a, D>, EndStep) {
        let now = Instant::now();
        let mut step = state.end_step(now);
        if step == EndStep::Shut {
            state.end.write_shut = Some(now);
            let writing = state.writing.take();
            drop(state);
            // Whether that arrives is the peer's business now.
            let _ = self.closer.shutdown_write();
            // A pipe is closed by that alone.
            drop(writing);
            state = self.lock();
            step = state.end_step(now);
        }
        (state, step)
    }

    /// Cuts the transport: blocked reads and writes return, and its halves are dropped, at once or
    /// when they come back. So an ended connection holds no descriptor, whoever still holds a stream.
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
