//! A single read of the transport, and its effects.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use super::read_timeout;
use super::state::{Driver, Guard, State, Wire};
use crate::proto::ConnectionError;
use crate::transport::gave_up;

/// The result of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Read {
    /// Octets were received and passed to the core, or discarded after the end.
    Some,
    /// The read gave up; a later one may succeed.
    Nothing,
    /// There is no more input.
    Ended,
}

/// Whether a read would find input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readable {
    /// Not now, or only after a wait that cannot be limited.
    No,
    /// There are octets, or the end of the stream.
    Yes,
    /// Unknown: the transport cannot tell, or has failed, which a read will report.
    Unknown,
}

impl<D: Driver> Wire<D> {
    /// Reads once and passes the input to the core. The read ends at `until`, if the transport
    /// supports read timeouts. Only one thread may read. The lock is released during the read.
    ///
    /// After the end of the connection, input is discarded.
    pub(crate) fn read_once<'a>(
        &'a self,
        mut state: Guard<'a, D>,
        until: Option<Instant>,
    ) -> (Guard<'a, D>, Read) {
        let Some(mut reading) = state.reading.take() else {
            debug_assert!(state.is_over(), "one thread reads at a time");
            return (state, Read::Ended);
        };
        let timeout = state.read_timeout.choose(until, Instant::now());
        drop(state);

        read_timeout::set(&self.closer, timeout);
        // The transport may be code of the application; a panic ends only this connection.
        let result = catch_unwind(AssertUnwindSafe(|| reading.buffer.fill(&mut reading.reader)));

        let mut state = self.lock();
        let now = Instant::now();
        let read = match result {
            Ok(Ok(1..)) if state.has_ended() => {
                reading.buffer.clear();
                Read::Some
            }
            Ok(Ok(1..)) => {
                state.end.heard = Some(now);
                // The core has queued GOAWAY for an error, and keeps it as the reason for the end.
                let _ = reading.buffer.pass_to(&mut state.core, now);
                Read::Some
            }
            Ok(Err(error)) if gave_up(&error) => {
                state.note_nothing_read();
                Read::Nothing
            }
            Ok(result) => {
                state.read_ended(result.err());
                Read::Ended
            }
            Err(_) => {
                let error = ConnectionError::internal("the transport panicked in a read");
                state.core.abort(error);
                state.read_ended(None);
                Read::Ended
            }
        };
        if state.end.is_cut {
            // A transport that cannot be woken is dropped when its read returns.
            drop(state);
            drop(reading);
            state = self.lock();
        } else {
            state.reading = Some(reading);
        }
        state.deliver(now);
        let is_over = state.is_over();
        (state, if is_over { Read::Ended } else { read })
    }

    /// Returns whether a read would find input now, and limits it to `timeout`. Releases the lock
    /// in between.
    pub(crate) fn poll_readable<'a>(
        &'a self,
        state: Guard<'a, D>,
        timeout: Duration,
    ) -> (Guard<'a, D>, Readable) {
        drop(state);
        let is_readable = self.closer.is_readable();
        let can_read = !matches!(is_readable, Ok(Some(false)))
            && matches!(self.closer.set_read_timeout(Some(timeout)), Ok(true));
        let mut state = self.lock();
        if !can_read {
            return (state, Readable::No);
        }
        state.read_timeout.note(Some(timeout));
        let can_tell = matches!(is_readable, Ok(Some(_)));
        (state, if can_tell { Readable::Yes } else { Readable::Unknown })
    }
}

impl<D> State<D> {
    /// Frees the read buffer, if it is empty, of a connection that may remain idle.
    pub(crate) fn rest(&mut self) {
        if let Some(reading) = &mut self.reading {
            reading.buffer.rest();
        }
    }

    /// Handles the end or the failure of the transport. Many peers end TLS without close_notify;
    /// without open streams, nothing was truncated by that.
    fn read_ended(&mut self, error: Option<io::Error>) {
        self.end.read_ended = true;
        let is_end = |error: &io::Error| error.kind() == io::ErrorKind::UnexpectedEof;
        match error.filter(|error| !is_end(error) || self.core.has_streams()) {
            Some(error) => self.fail(Some(error.into())),
            None => self.core.end_of_input(),
        }
    }
}
