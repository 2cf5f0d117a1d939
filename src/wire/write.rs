//! One write, and what comes of it.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

use super::state::{Driver, Guard, State, Wire, Writing};
use crate::error::Error;
use crate::frame::StreamId;
use crate::logging;
use crate::proto::ConnectionError;
use crate::transport::gave_up;

/// What a thread that writes wants to be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// All that there is.
    All,
    /// What can be sent on this stream.
    Mine(StreamId),
    /// As much as is written until then.
    Until(Instant),
}

/// What a write has come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// Nothing is left that can be sent now.
    All,
    /// All that can be sent on the stream; there is more on others.
    Mine,
    /// Something; there is more.
    Some,
    /// The transport took nothing, and gave up.
    Blocked,
    /// Nothing can be written any more.
    Failed,
}

impl<D: Driver> State<D> {
    /// Whether there is something to write, and no thread writes.
    pub(crate) fn has_to_write(&self) -> bool {
        self.can_write()
            && self.writing.as_ref().is_some_and(|writing| {
                !writing.buffer.is_done() || self.core.wants_transmit() || self.has_ended()
            })
    }

    /// Whether a thread writes, or none can any more.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_none()
    }

    fn can_write(&self) -> bool {
        self.end.write_failed.is_none() && self.end.write_shut.is_none()
    }

    /// Whether everything has been written that was to be sent, also on streams whose windows are
    /// shut.
    pub(crate) fn is_all_written(&self) -> bool {
        !self.can_write()
            || self.core.stats().send_buffered == 0
                && self.writing.as_ref().is_some_and(|writing| writing.buffer.is_done())
    }
}

impl<D: Driver> Wire<D> {
    /// Writes once. The lock is given back meanwhile, and the writer is gone: a thread that finds
    /// nothing to write relies on the one that writes to take its frames along.
    ///
    /// Ends the connection where a write makes no progress for `stall_timeout`.
    pub(crate) fn write_once<'a>(
        &'a self,
        mut state: Guard<'a, D>,
        what: What,
    ) -> (Guard<'a, D>, Wrote) {
        let now = Instant::now();
        let Some(mut writing) = state.writing.take() else { return (state, Wrote::All) };
        if let Some(wrote) = state.prepare(&mut writing, what, now) {
            state.writing = Some(writing);
            return (state, wrote);
        }
        drop(state);
        let Writing { writer, buffer } = &mut *writing;
        // The transport may be the application's; its panic is the end of this connection alone.
        let result = catch_unwind(AssertUnwindSafe(|| buffer.write_once(writer)));
        let mut state = self.lock();
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) if gave_up(&error) => {
                return self.put_back(state, writing, Wrote::Blocked)
            }
            Ok(Err(error)) => Some(error.into()),
            Err(_) => {
                let error = ConnectionError::internal("the transport panicked in a write");
                state.core.abort(error.clone());
                Some(error.into())
            }
        };
        if let Some(error) = failure {
            return self.fail_write(state, writing, error);
        }
        let is_done = writing.buffer.is_done();
        let is_mine_done = |id| is_done && !state.core.has_turn(id);
        let wrote = match what {
            _ if is_done && !state.core.wants_transmit() => Wrote::All,
            What::Mine(id) if is_mine_done(id) => Wrote::Mine,
            _ => Wrote::Some,
        };
        self.put_back(state, writing, wrote)
    }

    fn fail_write<'a>(
        &'a self,
        mut state: Guard<'a, D>,
        mut writing: Box<Writing>,
        error: Error,
    ) -> (Guard<'a, D>, Wrote) {
        let now = Instant::now();
        state.fail_writes(error.clone(), now);
        state.deliver(now);
        drop(state);
        logging::debug!("writing: {error}");
        // What is dropped may have been the application's.
        writing.buffer.clear();
        self.put_back(self.lock(), writing, Wrote::Failed)
    }

    fn put_back<'a>(
        &'a self,
        mut state: Guard<'a, D>,
        writing: Box<Writing>,
        wrote: Wrote,
    ) -> (Guard<'a, D>, Wrote) {
        if state.end.is_cut {
            drop(state);
            drop(writing);
            return (self.lock(), Wrote::Failed);
        }
        state.writing = Some(writing);
        (state, wrote)
    }
}

impl<D: Driver> State<D> {
    /// Takes from the core what is to be written next. A result if there is nothing to write now.
    fn prepare(&mut self, writing: &mut Writing, what: What, now: Instant) -> Option<Wrote> {
        let buffer = &mut writing.buffer;
        if buffer.is_done() {
            let has_more = buffer.take(&mut self.core, now);
            // What has been taken makes room.
            self.deliver(now);
            if !has_more {
                return Some(Wrote::All);
            }
            if self.core.has_events() {
                // They are delivered without the lock, before a write that may take its time.
                return Some(Wrote::Some);
            }
        }
        if self.is_past_final_flush(now) {
            buffer.clear();
            self.fail_writes(Error::timeout("the last frames could not be written"), now);
            return Some(Wrote::Failed);
        }
        if !self.has_ended() && buffer.end_if_stalled(&mut self.core, now) {
            self.deliver(now);
        }
        matches!(what, What::Until(until) if until <= now).then_some(Wrote::Some)
    }
}
