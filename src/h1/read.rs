//! A single read, and the wait for more octets.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::link::{Guard, Link};
use crate::error::{Error, ErrorKind};
use crate::transport::gave_up;
use crate::wire::read_timeout;

/// A handler that has waited this long for its peer lends its permit.
pub(super) const LEND_AFTER: Duration = Duration::from_millis(100);

/// The outcome of a wait for octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// Octets have arrived, or another thread may have read some.
    Some,
    /// The input has ended.
    Ended,
    /// The wait has timed out.
    Late,
}

/// Lends the permit of a handler that waits for its peer, after a while and until it is dropped.
pub(super) struct Lending {
    pub(super) at: Option<Instant>,
    _lent: Option<Box<dyn Any>>,
}

impl Lending {
    /// A wait of a handler that begins now.
    pub(super) fn begin(link: &Link) -> Self {
        let at = link.owner.has_handlers().then(|| Instant::now() + LEND_AFTER);
        Lending { at, _lent: None }
    }

    /// A wait of a handler that has already taken a while.
    pub(super) fn due(link: &Link) -> Self {
        Lending { at: link.owner.has_handlers().then(Instant::now), _lent: None }
    }

    /// A wait without a handler.
    pub(super) fn none() -> Self {
        Lending { at: None, _lent: None }
    }

    /// Lends the permit if the wait has taken long enough. Called without the lock.
    pub(super) fn lend_if_due(&mut self, link: &Link, now: Instant) {
        if self.at.is_some_and(|at| at <= now) {
            self.at = None;
            self._lent = link.owner.lend_permit();
        }
    }
}

impl Link {
    /// Waits for more octets, until `until` at the latest, without the lock. If another thread is
    /// reading, waits for that read.
    pub(super) fn fill<'a>(
        &'a self,
        mut state: Guard<'a>,
        until: Option<Instant>,
        lending: &mut Lending,
    ) -> (Guard<'a>, Filled) {
        loop {
            if state.cut.is_some() || state.input_ended.is_some() {
                return (state, Filled::Ended);
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                // Even if octets have arrived: a peer that drips octets must not extend the wait.
                return (state, Filled::Late);
            }
            let step = [until, lending.at].into_iter().flatten().min();
            if state.reading.is_none() {
                state = self.wait_for_change(state, step);
                if state.reading.is_some() {
                    return (state, Filled::Some);
                }
            } else {
                let came;
                (state, came) = self.read_once(state, step);
                if came {
                    return (state, Filled::Some);
                }
            }
            let now = Instant::now();
            if lending.at.is_some_and(|at| at <= now) {
                drop(state);
                lending.lend_if_due(self, now);
                state = self.lock();
            }
        }
    }

    /// Whether a read is likely to find something, and returns soon otherwise.
    pub(super) fn may_be_readable(&self) -> bool {
        match self.closer.is_readable() {
            Ok(Some(is_readable)) => is_readable,
            Ok(None) => self.closer.has_read_timeout(),
            // A read reports the error.
            Err(_) => true,
        }
    }

    /// Reads once with the reader in the state. Returns whether octets have arrived.
    pub(super) fn read_once<'a>(
        &'a self,
        mut state: Guard<'a>,
        until: Option<Instant>,
    ) -> (Guard<'a>, bool) {
        let Some(mut reading) = state.reading.take() else { return (state, false) };
        let timeout = reading.timeout.choose(until, Instant::now());
        if !self.closer.has_read_timeout() {
            state.read_until = until;
            if let Some(until) = until {
                self.call_at(&mut state, until);
            }
        }
        drop(state);
        read_timeout::set(&self.closer, timeout);
        // The transport may be the application's; its panic ends this connection alone.
        let result = catch_unwind(AssertUnwindSafe(|| reading.buffer.fill(&mut reading.reader)));
        let mut state = self.lock();
        state.read_until = None;
        let came = match result {
            Ok(Ok(octets @ 1..)) => {
                state.octets.0 += octets as u64;
                state.is_answered = true;
                true
            }
            Ok(Err(error)) if gave_up(&error) => false,
            Ok(result) => {
                // Many peers omit close_notify; the codec knows whether a message is truncated.
                let is_end =
                    |error: &std::io::Error| error.kind() == std::io::ErrorKind::UnexpectedEof;
                state.is_unconfirmed = result.as_ref().is_err_and(is_end);
                let error = result.err().filter(|error| !is_end(error));
                state.input_ended = Some(error.map(Error::from));
                false
            }
            Err(_) => {
                let what = "the transport panicked in a read";
                state.input_ended = Some(Some(Error::text(ErrorKind::Internal, what)));
                false
            }
        };
        if state.cut.is_some() {
            // A cut transport whose read could not be interrupted is dropped here.
            drop(state);
            drop(reading);
            state = self.lock();
        } else {
            state.reading = Some(reading);
        }
        self.notify(&state);
        (state, came)
    }
}
