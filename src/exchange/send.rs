//! The sending half of a stream.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::HeaderMap;

use super::conn::{Conn, State};
use super::inbox::{Half, Inbox};
use super::wait::until;
use crate::error::{Error, ErrorKind};
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;
use crate::meter::{self, Metered};
use crate::proto::{AT_ONCE, CommandError};

/// The number of octets that are buffered before they are passed to the connection.
pub(crate) const PIECE: usize = 64 << 10;

/// The sending half of a stream: the body of a message, and its trailers.
///
/// It is a buffered [`Write`]; [`flush`](Write::flush) sends the buffer. [`send`](Self::send) sends
/// an in-memory body without a copy. Writing blocks while the peer's windows are exhausted or the
/// transport is full (RFC 9113, Section 5.2), and fails after `stall_timeout`.
///
/// Call [`finish`](Self::finish) or [`send_trailers`](Self::send_trailers) at the end. Dropping it
/// before that resets the stream with CANCEL, or with INTERNAL_ERROR during a panic: a truncated
/// body must not look complete.
///
/// Errors of `Write` wrap an [`Error`] of this crate, which `Error::from` returns.
pub struct SendHalf {
    pub(super) conn: Arc<Conn>,
    pub(super) id: StreamId,
    pub(crate) buffer: BytesMut,
    timeout: Option<Duration>,
    /// The time at which writes fail in any case.
    deadline: Option<Instant>,
    is_finished: bool,
    /// Whether the initial field section was queued.
    has_begun: bool,
    /// A piece was only partially sent at its timeout: anything after it would look like its
    /// continuation.
    pub(super) is_cut: bool,
    /// The message has no body (a response to HEAD): octets are discarded.
    pub(super) is_bodiless: bool,
    /// Whether nothing is sent after the end of the peer's message.
    stops_with_peer: bool,
    pub(crate) meter: Metered,
}

/// What follows the octets that are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then<'a> {
    /// More of the body.
    More,
    /// The end of the stream.
    End,
    /// The end of the stream, by trailers.
    Trailers(&'a Headers),
}

impl SendHalf {
    /// Creates the half of a stream in the table of `conn`, which counts it. `buffer` collects
    /// small writes.
    pub(crate) fn new(conn: Arc<Conn>, id: StreamId, buffer: BytesMut) -> Self {
        SendHalf {
            conn,
            id,
            buffer,
            timeout: None,
            deadline: None,
            is_finished: false,
            has_begun: false,
            is_cut: false,
            is_bodiless: false,
            stops_with_peer: false,
            meter: None,
        }
    }

    /// Returns the stream identifier.
    pub fn stream_id(&self) -> StreamId {
        self.id
    }

    /// Sets the time that a write waits for room; `None`, the initial value, means the
    /// `stall_timeout` of the connection.
    ///
    /// When the time is over, the unsent data is lost. The body cannot be continued then: later
    /// writes fail too, and dropping the half resets the stream.
    pub fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Sets the time at which writes fail, even if the peer accepts octets steadily.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Makes writes fail as soon as the peer has ended its message.
    pub(crate) fn stop_when_peer_ends(&mut self) {
        self.stops_with_peer = true;
    }

    /// Sends octets without a copy, after everything that was written before.
    ///
    /// # Errors
    ///
    /// If the stream was reset or is finished, the connection has ended, or a timeout expired.
    pub fn send(&mut self, data: impl Into<Bytes>) -> Result<(), Error> {
        self.put_buffer(Then::More)?;
        self.put(None, data.into(), Then::More)?;
        self.flush_conn();
        Ok(())
    }

    /// Sends the buffer and the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn finish(&mut self) -> Result<(), Error> {
        self.put_buffer(Then::End)?;
        self.flush_conn();
        Ok(())
    }

    /// Sends the buffer, and trailers that end the stream.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send), and if the trailers are not a valid field section (RFC 9113,
    /// Section 8.1).
    pub fn send_trailers(&mut self, trailers: &HeaderMap) -> Result<(), Error> {
        self.put_buffer(Then::Trailers(&Headers::from(trailers)))?;
        self.flush_conn();
        Ok(())
    }

    /// Ends the stream with RST_STREAM. Unsent data is dropped.
    pub fn reset(&mut self, code: ErrorCode) {
        let was_finished = std::mem::replace(&mut self.is_finished, true);
        self.conn.with(|state, now| {
            if let Some(meter) = self.meter.as_ref().filter(|_| !was_finished) {
                meter.given_up(state.stream_error(self.id).is_some());
            }
            // It may have ended already.
            let _ = state.core.reset(self.id, code, now);
            if !was_finished {
                state.leave(self.id);
            }
        });
        self.flush_conn();
    }

    /// Discards what is written from now on: the message has no body.
    pub(crate) fn drop_body(&mut self) {
        self.is_bodiless = true;
    }

    /// Returns whether the end of the stream was requested.
    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished
    }

    /// Returns the field section with which the peer has ended its message: trailers, or the header
    /// section of a message without a body.
    pub(crate) fn peer_ended_with(&self) -> Option<Headers> {
        self.conn.lock().streams.get(&self.id)?.last_section.clone()
    }

    /// Returns whether the initial field section was queued.
    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(crate) fn conn(&self) -> &Arc<Conn> {
        &self.conn
    }

    /// Queues an interim response and writes it.
    pub(crate) fn put_interim(&self, fields: &Headers) -> Result<(), Error> {
        self.conn.with(|state, now| {
            let result = state.core.send_headers(self.id, fields, false, now);
            result.map_err(|error| state.explain(self.id, error))
        })?;
        self.conn.flush_now();
        Ok(())
    }

    /// Queues the field section before the body, the buffered part of the body, and what follows,
    /// in one step. Does not flush.
    pub(crate) fn put_first(
        &mut self,
        head: &Headers,
        then: Then<'_>,
        now: Instant,
    ) -> Result<(), Error> {
        let mut head = Some(head);
        let may_end = matches!(then, Then::End) && self.buffer.len() <= AT_ONCE;
        if may_end && self.end_at_once(&mut head, now) {
            return Ok(());
        }
        let data = self.buffer.split().freeze();
        self.put(head, data, then)
    }

    /// Queues the buffered part of the body, and what follows. Does not flush.
    pub(crate) fn put_buffer(&mut self, then: Then<'_>) -> Result<(), Error> {
        if self.buffer.is_empty() && matches!(then, Then::More) {
            return Ok(());
        }
        let data = self.buffer.split().freeze();
        self.put(None, data, then)
    }

    /// Queues a whole message from the buffer, which is kept. Returns `false` if it would have to
    /// wait or has failed; the parts that were queued are taken from `head`.
    fn end_at_once(&mut self, head: &mut Option<&Headers>, now: Instant) -> bool {
        let mut state = self.conn.lock();
        let has_ended = state.end_at_once(self.id, head, &self.buffer, now);
        state.deliver(now);
        if has_ended {
            state.leave(self.id);
        }
        drop(state);
        self.has_begun |= head.is_none();
        self.is_finished |= has_ended;
        if has_ended {
            meter::sent(&self.meter, self.buffer.len());
            self.buffer.clear();
        }
        has_ended
    }

    /// Queues octets after the buffer. Waits for room.
    pub(crate) fn put(
        &mut self,
        head: Option<&Headers>,
        mut data: Bytes,
        then: Then<'_>,
    ) -> Result<(), Error> {
        let (id, stops) = (self.id, self.stops_with_peer && !data.is_empty());
        let ended = |state: &mut State| {
            let inbox = state.streams.get(&id).filter(|_| stops)?;
            (inbox.has_ended && !inbox.is_over()).then_some(())
        };
        let octets = if self.is_bodiless { 0 } else { data.len() };
        let result = self.put_unless(Half::Send, head, &mut data, then, ended);
        let result = match result {
            Ok(Some(())) => Err(Error::text(ErrorKind::Closed, "the peer has ended its message")),
            Ok(None) => Ok(()),
            Err(error) => Err(error),
        };
        meter::sent(&self.meter, octets.saturating_sub(data.len()));
        if result.is_err() && !self.has_begun {
            // No part of it was queued, so nothing is lost.
            self.buffer.extend_from_slice(&data);
        }
        self.is_cut |= self.has_begun && result.as_ref().is_err_and(Error::is_timeout);
        result
    }

    /// Like `put`, until something else is `ready`. What was queued is taken from `data`.
    pub(crate) fn put_unless<T>(
        &mut self,
        half: Half,
        mut head: Option<&Headers>,
        data: &mut Bytes,
        mut then: Then<'_>,
        mut something_else: impl FnMut(&mut State) -> Option<T>,
    ) -> Result<Option<T>, Error> {
        let id = self.id;
        self.check_usable()?;
        if self.is_bodiless {
            data.clear();
            match then {
                Then::More if head.is_none() => return Ok(None),
                Then::Trailers(_) => then = Then::End,
                Then::More | Then::End => {}
            }
        }
        let ready = |state: &mut State| {
            if let Some(result) = something_else(state) {
                return Some(Ok(Some(result)));
            }
            if state.streams.get(&id).is_some_and(Inbox::is_blocked) {
                return None;
            }
            let now = Instant::now();
            let result = state.put(id, &mut head, data, then, now);
            state.deliver(now);
            match result {
                Err(CommandError::Full { .. }) => {
                    // Without an inbox the stream has ended, and the next attempt reports it.
                    if let Some(inbox) = state.streams.get_mut(&id) {
                        inbox.is_full = true;
                    }
                    None
                }
                Ok(()) => {
                    if !matches!(then, Then::More) {
                        state.leave(id);
                    }
                    Some(Ok(None))
                }
                Err(error) => Some(Err(state.explain(id, error))),
            }
        };
        let (state, result) = self.conn.wait(self.conn.lock(), (id, half), self.until(), ready);
        drop(state);
        self.has_begun |= head.is_none();
        let late = || Err(Error::late("the peer took nothing more of the body"));
        let something_else = result.unwrap_or_else(late)?;
        self.is_finished = something_else.is_none() && !matches!(then, Then::More);
        Ok(something_else)
    }

    /// Writes out the queue.
    pub(crate) fn flush_conn(&self) {
        self.conn.flush_stream(self.id, self.until());
    }

    /// Writes out the queue, and fails if the stream has ended prematurely.
    pub(crate) fn flush_and_check(&self) -> Result<(), Error> {
        let state = self.conn.flush(self.conn.lock(), self.until());
        let error = if self.is_finished { None } else { state.stream_error(self.id) };
        error.map_or(Ok(()), Err)
    }

    /// Returns the end of a wait that begins now.
    fn until(&self) -> Option<Instant> {
        until(self.timeout, self.deadline)
    }
}

impl Write for SendHalf {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if self.is_finished {
            return Err(Error::from(CommandError::SendClosed(self.id)).into());
        }
        // Bounds the buffer, whatever the size of the write.
        let n = buf.len().min(4 * PIECE);
        self.buffer.extend_from_slice(&buf[..n]);
        if self.buffer.len() >= PIECE {
            self.put_buffer(Then::More)?;
            self.flush_conn();
        }
        Ok(n)
    }

    /// Sends the buffer. If it is empty, the call still fails if the stream was reset or the
    /// connection has ended.
    fn flush(&mut self) -> io::Result<()> {
        self.put_buffer(Then::More)?;
        Ok(self.flush_and_check()?)
    }
}

impl Drop for SendHalf {
    fn drop(&mut self) {
        // A finished half was flushed, or is flushed by the leader.
        if !self.is_finished {
            self.reset(if thread::panicking() {
                ErrorCode::InternalError
            } else {
                ErrorCode::Cancel
            });
        }
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHalf")
            .field("stream_id", &self.id)
            .field("is_finished", &self.is_finished)
            .finish_non_exhaustive()
    }
}
