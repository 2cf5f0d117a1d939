//! Queueing messages on a stream, under the lock.

use std::time::Instant;

use bytes::Bytes;

use super::conn::State;
use super::send::{PIECE, Then};
use crate::error::Error;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::{AT_ONCE, CommandError};

impl State {
    /// Queues a whole message, if no part of it has to wait.
    pub(super) fn end_at_once(
        &mut self,
        id: StreamId,
        head: &mut Option<&Headers>,
        body: &[u8],
        now: Instant,
    ) -> bool {
        let Some(headers) = *head else { return false };
        if self.core.send_headers(id, headers, body.is_empty(), now).is_err() {
            // The caller's next attempt gets the same error, or waits for room.
            return false;
        }
        *head = None;
        body.is_empty() || self.core.end_at_once(id, body, now).unwrap_or(false)
    }

    /// Queues a small body and the end of the stream, for a client that has just opened it. Returns
    /// `false` if a part has to wait; what was queued is taken from `data`.
    pub(crate) fn put_whole(&mut self, id: StreamId, data: &mut Bytes, now: Instant) -> bool {
        let is_put = data.len() <= AT_ONCE && self.core.end_at_once(id, data, now).unwrap_or(false)
            || self.put(id, &mut None, data, Then::End, now).is_ok();
        if is_put {
            self.leave(id);
        }
        is_put
    }

    /// Queues as much as there is room for; what was queued is taken from `head` and `data`.
    pub(super) fn put(
        &mut self,
        id: StreamId,
        head: &mut Option<&Headers>,
        data: &mut Bytes,
        then: Then<'_>,
        now: Instant,
    ) -> Result<(), CommandError> {
        let ends = matches!(then, Then::End);
        if let Some(headers) = *head {
            self.core.send_headers(id, headers, ends && data.is_empty(), now)?;
            *head = None;
            if ends && data.is_empty() {
                return Ok(());
            }
        }
        while data.len() > PIECE {
            self.core.send_data(id, data.slice(..PIECE), false, now)?;
            *data = data.split_off(PIECE);
        }
        if ends || !data.is_empty() {
            self.core.take_data(id, data, ends, now)?;
        }
        match then {
            Then::Trailers(trailers) => self.core.send_headers(id, trailers, true, now),
            Then::More | Then::End => Ok(()),
        }
    }

    /// Returns the error for a stream that cannot be used: its history says more than that it is
    /// closed.
    pub(crate) fn explain(&self, id: StreamId, error: CommandError) -> Error {
        let failure = self.streams.get(&id).and_then(|inbox| inbox.failure.clone());
        match error {
            CommandError::StreamClosed(_)
            | CommandError::Closed
            | CommandError::UnknownStream(_) => {
                failure.or_else(|| self.end_error()).unwrap_or_else(|| error.into())
            }
            error => error.into(),
        }
    }

    /// Records that one of the two halves of a stream is gone.
    pub(crate) fn leave(&mut self, id: StreamId) {
        let Some(inbox) = self.streams.get_mut(&id) else { return };
        inbox.halves = inbox.halves.saturating_sub(1);
        if inbox.halves == 0 && inbox.release() {
            self.forget(id);
        }
    }
}
