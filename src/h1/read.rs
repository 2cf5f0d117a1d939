//! One read, and the wait for more octets.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::{Duration, Instant};

use super::link::{Guard, Link};
use crate::error::{Error, ErrorKind};
use crate::transport::gave_up;
use crate::wire::read_timeout;

/// A wait of a handler that takes longer may take as long as the peer likes: its permit is lent.
pub(super) const LEND_AFTER: Duration = Duration::from_millis(100);

/// What a wait for octets has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Filled {
    /// Octets have come, or another thread may have read some.
    Some,
    /// Nothing more comes.
    Ended,
    /// The time is over.
    Late,
}

/// The permit of a handler that waits for its peer, lent after a while and until this is dropped.
pub(super) struct Lending {
    pub(super) at: Option<Instant>,
    _lent: Option<Box<dyn Any>>,
}

impl Lending {
    /// The wait of a handler begins.
    pub(super) fn begin(link: &Link) -> Self {
        let at = link.owner.has_handlers().then(|| Instant::now() + LEND_AFTER);
        Lending { at, _lent: None }
    }

    /// The wait of a handler has taken a while already.
    pub(super) fn due(link: &Link) -> Self {
        Lending { at: link.owner.has_handlers().then(Instant::now), _lent: None }
    }

    /// No handler waits.
    pub(super) fn none() -> Self {
        Lending { at: None, _lent: None }
    }

    /// Lends the permit if it is time for that. Called without the lock.
    pub(super) fn look(&mut self, link: &Link, now: Instant) {
        if self.at.is_some_and(|at| at <= now) {
            self.at = None;
            self._lent = link.owner.lend_permit();
        }
    }
}

impl Link {
    /// Waits for octets behind those that are there, until then at the latest. The lock is given back
    /// meanwhile. Where another thread reads, that read is waited for.
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
                // Also where something has come: it may always have, a little at a time.
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
                lending.look(self, now);
                state = self.lock();
            }
        }
    }

    /// Whether a read may find something, and does not wait for long if it does not.
    pub(super) fn may_be_readable(&self) -> bool {
        match self.closer.is_readable() {
            Ok(Some(is_readable)) => is_readable,
            Ok(None) => self.closer.has_read_timeout(),
            // A read tells the error.
            Err(_) => true,
        }
    }

    /// Reads once. Returns whether octets have come. The reader is there.
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
        // The transport may be the application's; its panic is the end of this connection alone.
        let result = catch_unwind(AssertUnwindSafe(|| reading.buffer.fill(&mut reading.reader)));
        let mut state = self.lock();
        state.read_until = None;
        let came = match result {
            Ok(Ok(1..)) => {
                state.is_answered = true;
                true
            }
            Ok(Err(error)) if gave_up(&error) => false,
            Ok(result) => {
                // Many peers end TLS without saying so; the codec knows whether a message is cut short.
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
            // A transport that cannot be woken is let go when its read returns.
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
