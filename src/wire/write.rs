//! A single write to the transport, and its effects.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Instant;

use super::state::{Driver, Guard, State, Wire, Writing};
use crate::error::Error;
use crate::frame::StreamId;
use crate::logging;
use crate::proto::ConnectionError;
use crate::transport::gave_up;

/// What a writing thread intends to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum What {
    /// Everything.
    All,
    /// What can be sent on this stream.
    Mine(StreamId),
    /// What can be written until then.
    Until(Instant),
}

/// The result of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wrote {
    /// Nothing is left that can be sent now.
    All,
    /// Nothing is left that can be sent on the stream; other streams have more.
    Mine,
    /// Some octets were written; there are more.
    Some,
    /// The transport accepted nothing, and gave up.
    Blocked,
    /// Nothing can be written any more.
    Failed,
}

impl<D: Driver> State<D> {
    /// Returns whether there is something to write and no thread is writing.
    pub(crate) fn has_to_write(&self) -> bool {
        self.can_write()
            && self.writing.as_ref().is_some_and(|writing| {
                !writing.buffer.is_done() || self.core.wants_transmit() || self.has_ended()
            })
    }

    /// Returns whether a thread is writing, or no thread can any more.
    pub(crate) fn is_writing(&self) -> bool {
        self.writing.is_none()
    }

    fn can_write(&self) -> bool {
        self.end.write_failed.is_none() && self.end.write_shut.is_none()
    }

    /// Returns whether all data has been written, including that of streams whose windows are
    /// exhausted.
    pub(crate) fn is_all_written(&self) -> bool {
        !self.can_write()
            || self.core.stats().send_buffered == 0
                && self.writing.as_ref().is_some_and(|writing| writing.buffer.is_done())
    }
}

impl<D: Driver> Wire<D> {
    /// Writes once. The lock is released and the writer taken during the write, so other threads
    /// find nothing to write: the writing thread also sends their frames.
    ///
    /// Ends the connection if writes make no progress for `stall_timeout`.
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
        // The transport may be code of the application; a panic ends only this connection.
        let result = catch_unwind(AssertUnwindSafe(|| buffer.write_once(writer)));
        let mut state = self.lock();
        let failure = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) if gave_up(&error) => {
                return self.put_back(state, writing, Wrote::Blocked);
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
        // Dropping the data may run code of the application, so it happens without the lock.
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
    /// Takes the next octets from the core. Returns a result if there is nothing to write now.
    fn prepare(&mut self, writing: &mut Writing, what: What, now: Instant) -> Option<Wrote> {
        let buffer = &mut writing.buffer;
        if buffer.is_done() {
            let has_more = buffer.take(&mut self.core, now);
            // Octets that were taken make room in the send buffer.
            self.deliver(now);
            if !has_more {
                return Some(Wrote::All);
            }
            if self.core.has_events() {
                // They must be delivered, without the lock, before a write that may block.
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
