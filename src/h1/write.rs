//! Writing the queued octets.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::link::{Guard, Link, State, Writing};
use super::read::Lending;
use crate::error::{Error, ErrorKind};
use crate::logging;
use crate::proto::{GRACE, LATE};
use crate::transport::gave_up;

/// A peer that takes less than this within `stall_timeout` makes no progress.
const STALL_PROGRESS_MIN: usize = 4 << 10;

/// Measures how long the peer has made no progress.
struct Stall {
    limit: Option<Duration>,
    since: Instant,
    progress: usize,
    /// Set after this thread has not run for a while: the peer's progress meanwhile is unknown.
    grace_until: Option<Instant>,
}

impl Stall {
    fn begin(limit: Option<Duration>) -> Self {
        Stall { limit, since: Instant::now(), progress: 0, grace_until: None }
    }

    fn took(&mut self, octets: usize) {
        self.progress += octets;
        if self.progress >= STALL_PROGRESS_MIN {
            *self = Stall::begin(self.limit);
        }
    }

    fn is_over(&mut self, now: Instant) -> bool {
        let Some(limit) = self.limit else { return false };
        let stalled = now.saturating_duration_since(self.since);
        if stalled.saturating_sub(limit) > LATE && self.grace_until.is_none() {
            self.grace_until = now.checked_add(GRACE);
        }
        stalled >= limit && self.grace_until.is_none_or(|until| until <= now)
    }
}

impl Link {
    /// Writes all queued octets, until `until` at the latest.
    ///
    /// # Errors
    ///
    /// Fails if the transport has failed, the peer takes nothing, or the time is over. The next
    /// call writes the rest.
    pub(crate) fn flush(&self, until: Option<Instant>) -> Result<(), Error> {
        let state = self.lock();
        if state.outgoing.is_empty() && state.is_all_written() {
            return state.send_error().map_or(Ok(()), Err);
        }
        self.flush_locked(state, until, true)
    }

    /// Writes until `until`. Returns `false` if octets are left.
    pub(crate) fn flush_until(&self, until: Instant) -> bool {
        !self.flush_locked(self.lock(), Some(until), false).is_err_and(|error| error.is_timeout())
    }

    /// Whether no octets are queued or being written.
    pub(crate) fn is_all_written(&self) -> bool {
        let state = self.lock();
        state.outgoing.is_empty() && state.is_all_written()
    }

    /// Writes on a thread of the server, without a caller to report to.
    pub(crate) fn flush_for_others(&self) {
        // The error is kept for the halves.
        let _ = self.flush_locked(self.lock(), None, false);
    }

    pub(super) fn flush_locked<'a>(
        &'a self,
        state: Guard<'a>,
        until: Option<Instant>,
        is_handler: bool,
    ) -> Result<(), Error> {
        self.flush_unless(state, until, is_handler, || false).map(drop)
    }

    /// Writes until the queue is empty or `stop`, asked before each write, returns true. Returns
    /// whether the queue is empty.
    pub(super) fn flush_unless<'a>(
        &'a self,
        mut state: Guard<'a>,
        until: Option<Instant>,
        is_handler: bool,
        mut has_else: impl FnMut() -> bool,
    ) -> Result<bool, Error> {
        let mut lending = None;
        let mut stall = Stall::begin(self.limits.stall_timeout);
        loop {
            if let Some(error) = state.send_error() {
                return Err(error);
            }
            let Some(mut writing) = state.writing.take() else {
                // The thread that is writing takes the queued octets as well.
                let now = Instant::now();
                if until.is_some_and(|until| until <= now) {
                    return Err(late());
                }
                state = self.wait_for_change(state, until);
                if state.is_all_written() && state.outgoing.is_empty() {
                    return state.send_error().map_or(Ok(true), Err);
                }
                continue;
            };
            if writing.out.is_empty() {
                std::mem::swap(&mut writing.out, &mut state.outgoing);
            }
            if writing.out.is_empty() && !writing.unflushed {
                state.writing = Some(writing);
                return Ok(true);
            }
            state.in_flight = writing.out.len();
            drop(state);
            if has_else() {
                self.put_back(self.lock(), writing);
                return Ok(false);
            }
            let blocked;
            (state, blocked) = self.write_once(writing, &mut stall);
            if !blocked {
                continue;
            }
            let now = Instant::now();
            if until.is_some_and(|until| until <= now) {
                return Err(late());
            }
            if stall.is_over(now) {
                drop(state);
                self.cut(Error::timeout("the peer took nothing more in time (stall_timeout)"));
            } else if is_handler {
                drop(state);
                lending.get_or_insert_with(|| Lending::due(self)).lend_if_due(self, now);
            } else {
                continue;
            }
            state = self.lock();
        }
    }

    /// Writes once, and returns the writer to the state. Returns whether the transport took
    /// nothing.
    fn write_once(&self, mut writing: Box<Writing>, stall: &mut Stall) -> (Guard<'_>, bool) {
        // The transport may be the application's; its panic ends this connection alone.
        let result = catch_unwind(AssertUnwindSafe(|| writing.write_once(stall)));
        let mut state = self.lock();
        let error = match result {
            Ok(Ok(octets)) => {
                state.octets.1 += octets as u64;
                None
            }
            Ok(Err(error)) if gave_up(&error) => {
                return (self.put_back(state, writing), true);
            }
            Ok(Err(error)) => Some(Error::from(error)),
            Err(_) => Some(Error::text(ErrorKind::Internal, "the transport panicked in a write")),
        };
        if let Some(error) = error {
            logging::debug!("writing: {error}");
            state.write_failed.get_or_insert(error);
            state.outgoing.clear();
            writing.out.clear();
            writing.unflushed = false;
        }
        (self.put_back(state, writing), false)
    }

    fn put_back<'a>(&'a self, mut state: Guard<'a>, writing: Box<Writing>) -> Guard<'a> {
        state.in_flight = writing.out.len();
        if state.cut.is_some() {
            // Dropping it may run application code.
            drop(state);
            drop(writing);
            state = self.lock();
        } else {
            state.writing = Some(writing);
        }
        self.notify(&state);
        state
    }
}

impl Writing {
    /// Returns how many octets the transport has taken.
    fn write_once(&mut self, stall: &mut Stall) -> std::io::Result<usize> {
        let mut octets = 0;
        if !self.out.is_empty() {
            octets = self.out.write_to(&mut self.writer)?;
            stall.took(octets);
            self.unflushed = true;
        }
        if self.out.is_empty() {
            // Only a buffered writer has something to flush.
            self.writer.flush()?;
            self.unflushed = false;
        }
        Ok(octets)
    }
}

impl State {
    /// Whether no thread is writing octets or has left some unwritten.
    pub(super) fn is_all_written(&self) -> bool {
        self.writing.as_ref().is_some_and(|it| it.out.is_empty() && !it.unflushed)
            || self.cut.is_some()
    }
}

fn late() -> Error {
    Error::late("the peer took nothing more of the body")
}
