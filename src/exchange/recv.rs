//! The receiving half of a stream.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use http::HeaderMap;

use super::conn::{Conn, Guard, State};
use super::inbox::{Half, Inbox};
use super::wait::until;
use crate::error::Error;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::meter::{self, Metered};
use crate::proto::{CommandError, HeadersKind};
use crate::transport::WRITE_TICK;

/// The part of a large window after which credit is released; for a small window it is a quarter.
/// This is half of what the core announces at once.
const CREDIT_PART: usize = 16;
/// The credit released at once for windows in between.
const CREDIT: usize = 32 << 10;

/// The receiving half of a stream: the body of a message, and its trailers.
///
/// Read the body as a byte stream through [`Read`] or [`BufRead`], or in pieces as received,
/// without a copy, with [`next_chunk`](Self::next_chunk). Reading gives the peer credit to send
/// more (RFC 9113, Section 5.2), so an unread body holds no more memory than the stream's window.
///
/// Errors of `Read` wrap an [`Error`] of this crate, which `Error::from` returns. If the peer has
/// reset the stream, reads fail with [`Error::is_reset`]; the body never looks complete.
///
/// Dropping it before the end abandons the rest. A client resets the stream with CANCEL. A server
/// resets it with NO_ERROR once the response is complete (RFC 9113, Section 8.1).
pub struct RecvHalf {
    pub(super) conn: Arc<Conn>,
    pub(super) id: StreamId,
    /// The piece that is being read as a byte stream.
    chunk: Bytes,
    /// Pieces that were taken but not read yet. Taking several at once saves locking.
    chunks: VecDeque<Bytes>,
    /// Octets that were read but not credited yet.
    owed: usize,
    /// Octets released at once.
    credit: usize,
    timeout: Option<Duration>,
    /// The time at which reads fail in any case.
    deadline: Option<Instant>,
    /// Trailers that were taken together with the body.
    trailers: Option<Headers>,
    /// Nothing of the body comes beyond what has been taken.
    has_ended: bool,
    /// Whether the inbox counts it as one of its halves.
    is_counted: bool,
    /// Whether the client waits for `100 Continue` before it sends the body.
    expects_continue: bool,
    /// Whether no handler will return and have everything written.
    stands_alone: bool,
    pub(crate) meter: Metered,
}

impl RecvHalf {
    /// Creates the half of a stream in the table of `conn`, which counts it.
    pub(crate) fn new(conn: Arc<Conn>, id: StreamId, timeout: Option<Duration>) -> Self {
        RecvHalf {
            conn,
            id,
            chunk: Bytes::new(),
            chunks: VecDeque::new(),
            owed: 0,
            credit: 0,
            timeout,
            deadline: None,
            trailers: None,
            has_ended: false,
            is_counted: true,
            expects_continue: false,
            stands_alone: false,
            meter: None,
        }
    }

    /// Nothing more comes, and the stream is left.
    pub(crate) fn has_nothing(&mut self) {
        self.has_ended = true;
        self.is_counted = false;
    }

    /// Sends `100 Continue` when the body is first waited for (RFC 9110, Section 10.1.1).
    pub(crate) fn expect_continue(&mut self) {
        self.expects_continue = true;
    }

    /// Makes the half independent of the handler.
    pub(crate) fn stand_alone(&mut self) {
        self.stands_alone = true;
    }

    pub(crate) fn conn(&self) -> &Arc<Conn> {
        &self.conn
    }

    /// Returns the stream identifier.
    pub fn stream_id(&self) -> StreamId {
        self.id
    }

    /// Returns the time that a read waits for the next octets.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Sets the time that a read waits for the next octets; `None` for no limit. The end of the
    /// connection ends the wait in any case.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Sets the time at which reads fail, even if octets arrive steadily.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Waits for the next piece of the body; returns `None` at its end.
    ///
    /// # Errors
    ///
    /// If the stream was reset, the connection has ended, or a timeout expired.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.chunk.has_remaining() {
            return Ok(Some(std::mem::take(&mut self.chunk)));
        }
        if self.chunks.is_empty() && !self.has_ended {
            self.take_more()?;
        }
        let Some(chunk) = self.chunks.pop_front() else { return Ok(None) };
        meter::received(&self.meter, chunk.len());
        self.owed += chunk.len();
        if self.owed >= self.credit && !self.has_ended {
            self.give_back();
        }
        Ok(Some(chunk))
    }

    /// Waits for octets or the end.
    fn take_more(&mut self) -> Result<(), Error> {
        let mut is_urgent = self.expects_continue;
        if self.expects_continue {
            self.send_continue();
        }
        let (id, owed) = (self.id, std::mem::take(&mut self.owed));
        let mut chunks = std::mem::take(&mut self.chunks);
        let mut state = self.conn.lock();
        let window = state.core.receive_window(id) as usize;
        self.credit = (window / 4).min(CREDIT.max(window / CREDIT_PART));
        if owed > 0 {
            is_urgent |= state.core.is_window_low(id);
            state.give_back(id, owed, Instant::now());
        }
        if is_urgent {
            state = self.conn.flush(state, self.until());
        }
        let taken = self.wait(state, NO_MORE, |state| state.take_data(id, &mut chunks));
        self.chunks = chunks;
        self.has_ended = taken?;
        Ok(())
    }

    /// Credits what was read, while there is more to read.
    fn give_back(&mut self) {
        let mut state = self.conn.lock();
        let is_urgent = state.core.is_window_low(self.id);
        state.give_back(self.id, std::mem::take(&mut self.owed), Instant::now());
        self.flush_credit(state, is_urgent, self.deadline);
    }

    /// Waits for the end of the body and returns the trailers. The unread part of the body is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        while self.next_chunk()?.is_some() {}
        let trailers = match self.is_counted {
            true => self.conn.lock().take_trailers(self.id),
            false => self.trailers.take(),
        };
        // The core only passes valid trailers. If `http` does not accept them nevertheless, the
        // message is returned without them.
        Ok(trailers.and_then(|trailers| HeaderMap::try_from(&trailers).ok()))
    }

    /// Returns whether there are octets that can be read without waiting.
    pub(crate) fn has_buffered(&self) -> bool {
        self.chunk.has_remaining() || !self.chunks.is_empty()
    }

    /// Waits for the next response, interim or final.
    pub(crate) fn next_response(&mut self) -> Result<(Headers, HeadersKind), Error> {
        let id = self.id;
        let mut whole = None;
        let response = self.wait(self.conn.lock(), NO_RESPONSE, |state| {
            let response = state.take_response(id);
            whole = response.as_ref().and_then(|_| state.take_whole(id));
            response
        })?;
        if let Some((chunks, trailers)) = whole {
            (self.chunks, self.trailers) = (chunks, trailers);
            self.has_nothing();
        }
        Ok(response)
    }

    /// Waits for `ready` until the timeout, and credits what is owed.
    fn wait<T>(
        &self,
        state: Guard<'_>,
        what_is_late: &'static str,
        ready: impl FnMut(&mut State) -> Option<Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            // Checked even if there is input: with another thread reading, there may always be
            // some.
            return Err(Error::late(what_is_late));
        }
        let deadline = self.until();
        let (state, result) = self.conn.wait(state, (self.id, Half::Recv), deadline, ready);
        self.flush_credit(state, false, deadline);
        result.unwrap_or_else(|| Err(Error::late(what_is_late)))
    }

    /// Flushes credit, unless the leader is soon enough: it writes after each read, for all streams.
    //
    // While the peer has half of its window, either it sends, and there is a read, or it needs no
    // credit.
    fn flush_credit(&self, state: Guard<'_>, is_urgent: bool, deadline: Option<Instant>) {
        if state.must_write() && (is_urgent || !self.conn.is_led_elsewhere(&state)) {
            drop(self.conn.flush(state, deadline));
        }
    }

    /// Returns the end of a wait that begins now.
    pub(crate) fn until(&self) -> Option<Instant> {
        until(self.timeout, self.deadline)
    }

    fn send_continue(&mut self) {
        self.expects_continue = false;
        self.conn.with(|state, now| {
            let waits = state
                .streams
                .get(&self.id)
                .is_some_and(|inbox| !inbox.has_ended && inbox.data.is_empty());
            if waits {
                let headers = Headers::new().with(":status", "100");
                // Fails after the final response, when there is nothing to wait for.
                let _ = state.core.send_headers(self.id, &headers, false, now);
            }
        });
    }
}

/// The error text if no response arrives in time.
const NO_RESPONSE: &str = "no response came";

/// The error text if no more of a body arrives in time.
const NO_MORE: &str = "nothing more of the body came";

impl State {
    /// Returns whether [`take_response`](Self::take_response) returns something.
    pub(crate) fn has_response(&self, id: StreamId) -> bool {
        let has_news = |inbox: &Inbox| !inbox.responses.is_empty() || inbox.is_over();
        self.has_ended() || self.streams.get(&id).is_none_or(has_news)
    }

    /// Returns whether [`take_data`](Self::take_data) returns something.
    pub(crate) fn has_data(&self, id: StreamId) -> bool {
        let has_news = |inbox: &Inbox| !inbox.data.is_empty() || inbox.has_ended || inbox.is_over();
        self.has_ended() || self.streams.get(&id).is_none_or(has_news)
    }

    /// Takes the next response; returns `None` if there is none yet.
    pub(crate) fn take_response(
        &mut self,
        id: StreamId,
    ) -> Option<Result<(Headers, HeadersKind), Error>> {
        let Some(inbox) = self.streams.get_mut(&id) else { return Some(Err(self.gone(id))) };
        match inbox.responses.pop_front() {
            Some(response) => Some(Ok(response)),
            None => self.why_over(id).map(Err),
        }
    }

    /// Moves received pieces of a body into `chunks`, which must be empty, and returns whether they
    /// are the last ones; `None` if there is nothing yet.
    fn take_data(
        &mut self,
        id: StreamId,
        chunks: &mut VecDeque<Bytes>,
    ) -> Option<Result<bool, Error>> {
        let Some(inbox) = self.streams.get_mut(&id) else { return Some(Err(self.gone(id))) };
        if !inbox.data.is_empty() || inbox.has_ended {
            std::mem::swap(&mut inbox.data, chunks);
            return Some(Ok(inbox.has_ended));
        }
        self.why_over(id).map(Err)
    }

    fn take_trailers(&mut self, id: StreamId) -> Option<Headers> {
        self.streams.get_mut(&id)?.trailers.take()
    }

    /// Takes the body and the trailers of a stream that has ended normally and has no other half.
    /// So a small response takes the lock once.
    fn take_whole(&mut self, id: StreamId) -> Option<(VecDeque<Bytes>, Option<Headers>)> {
        let inbox = self.streams.get_mut(&id)?;
        let is_whole = inbox.is_closed && inbox.has_ended && inbox.failure.is_none();
        if !is_whole || !inbox.responses.is_empty() || inbox.halves > 1 {
            return None;
        }
        let rest = (std::mem::take(&mut inbox.data), inbox.trailers.take());
        self.leave(id);
        Some(rest)
    }

    /// Why nothing more comes on a stream; `None` if something may.
    pub(super) fn why_over(&self, id: StreamId) -> Option<Error> {
        let inbox = self.streams.get(&id)?;
        let failure = inbox.failure.clone().or_else(|| self.end_error());
        // Without a reason, this side has reset it.
        failure.or_else(|| inbox.is_closed.then(|| CommandError::StreamClosed(id).into()))
    }

    /// The error for a stream that was removed.
    pub(super) fn gone(&self, id: StreamId) -> Error {
        self.end_error().unwrap_or_else(|| CommandError::StreamClosed(id).into())
    }
}

impl Read for RecvHalf {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let chunk = self.fill_buf()?;
        let n = chunk.len().min(buf.len());
        buf[..n].copy_from_slice(&chunk[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for RecvHalf {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while !self.chunk.has_remaining() {
            match self.next_chunk()? {
                Some(chunk) => self.chunk = chunk,
                None => break,
            }
        }
        Ok(&self.chunk)
    }

    fn consume(&mut self, n: usize) {
        self.chunk.advance(n);
    }
}

impl Drop for RecvHalf {
    fn drop(&mut self) {
        if !self.is_counted {
            return;
        }
        let id = self.id;
        let mut state = self.conn.lock();
        if !self.has_ended {
            let now = Instant::now();
            // Includes what was taken but not read.
            let taken: usize = self.chunks.iter().map(Bytes::len).sum();
            state.give_back(id, self.owed + taken, now);
            state.decline(id, now);
            state.deliver(now);
            if !self.conn.wire.owner().has_handlers() || self.stands_alone {
                // No other thread may be about to write. The write may wait, however.
                state = self.conn.flush(state, now.checked_add(WRITE_TICK));
            }
        }
        state.leave(id);
    }
}

impl State {
    /// Octets of a stream are no longer held.
    fn give_back(&mut self, id: StreamId, octets: usize, now: Instant) {
        // The stream or the connection may be over; the core gives no credit then.
        let _ = self.core.release(id, octets, now);
        let Some(inbox) = self.driver.streams.get_mut(&id) else { return };
        inbox.held = inbox.held.saturating_sub(octets);
        self.driver.held.remove(octets);
    }

    /// Discards unread and later DATA of a stream.
    fn decline(&mut self, id: StreamId, now: Instant) {
        let Some(inbox) = self.streams.get_mut(&id) else { return };
        inbox.is_declined = true;
        let unread = inbox.data.drain(..).map(|data| data.len()).sum();
        if !inbox.has_ended && !inbox.is_closed {
            // The stream may have ended already.
            let _ = self.core.decline_body(id, now);
        }
        if unread > 0 {
            // The peer may need credit to come to its end.
            self.give_back(id, unread, now);
        }
    }
}

impl fmt::Debug for RecvHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvHalf").field("stream_id", &self.id).finish_non_exhaustive()
    }
}
