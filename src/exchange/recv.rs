//! The half of a stream that is read from.

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
use crate::proto::{CommandError, HeadersKind};
use crate::transport::WRITE_TICK;

/// This part of a large window is given back at once, and a quarter of a small one: half of what the
/// core announces at once.
const CREDIT_PART: usize = 16;
/// What is given back at once of windows in between.
const CREDIT: usize = 32 << 10;

/// What the peer sends on one stream: the body of a message, and the trailers behind it.
///
/// It is read as octets come, through [`Read`] or [`BufRead`], or in the pieces in which they came,
/// without a copy, with [`next_chunk`](Self::next_chunk). Reading gives the peer credit for more
/// (RFC 9113, Section 5.2), so a body that nobody reads holds no more memory than the window of
/// its stream.
///
/// Errors of `Read` have an [`Error`] of this crate inside; `Error::from` takes it out. A stream
/// that the peer reset fails with [`Error::is_reset`], and never ends as if it were complete.
///
/// Dropping it before the end says that the rest is not wanted. At a client the stream is reset with
/// CANCEL. At a server it is reset with NO_ERROR once the response is complete (RFC 9113, Section
/// 8.1).
pub struct RecvHalf {
    pub(super) conn: Arc<Conn>,
    pub(super) id: StreamId,
    /// What is being read octet by octet.
    chunk: Bytes,
    /// What has been taken and is to be read next. So the lock is not taken for each piece.
    chunks: VecDeque<Bytes>,
    /// Octets that have been read and not been given back.
    owed: usize,
    /// This many are given back at once.
    credit: usize,
    timeout: Option<Duration>,
    /// When it is too late in any case.
    deadline: Option<Instant>,
    /// Nothing of the body comes beyond what has been taken.
    has_ended: bool,
    /// The inbox counts it as one of its halves.
    is_counted: bool,
    /// The client waits for `100 Continue` before it sends the body.
    expects_continue: bool,
    /// No handler is about to return and have everything written.
    stands_alone: bool,
}

impl RecvHalf {
    /// The half of a stream that is in the table of `conn`, and counted there.
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
            has_ended: false,
            is_counted: true,
            expects_continue: false,
            stands_alone: false,
        }
    }

    /// Nothing more comes, and the stream is left.
    pub(crate) fn has_nothing(&mut self) {
        self.has_ended = true;
        self.is_counted = false;
    }

    /// Sends `100 Continue` before the body is waited for (RFC 9110, Section 10.1.1).
    pub(crate) fn expect_continue(&mut self) {
        self.expects_continue = true;
    }

    /// Outlives the handler.
    pub(crate) fn stand_alone(&mut self) {
        self.stands_alone = true;
    }

    pub(crate) fn conn(&self) -> &Arc<Conn> {
        &self.conn
    }

    /// The stream's identifier.
    pub fn stream_id(&self) -> StreamId {
        self.id
    }

    /// How long a read waits for the next octets.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// Sets how long a read waits for the next octets; `None` is for ever, or until the connection
    /// ends.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Sets when it is too late for anything to be read, however steadily it comes.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    /// Waits for the next piece of the body; `None` at its end.
    ///
    /// # Errors
    ///
    /// The stream was reset, the connection has ended, or nothing came in time.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.chunk.has_remaining() {
            return Ok(Some(std::mem::take(&mut self.chunk)));
        }
        if self.chunks.is_empty() && !self.has_ended {
            self.take_more()?;
        }
        let Some(chunk) = self.chunks.pop_front() else { return Ok(None) };
        self.owed += chunk.len();
        if self.owed >= self.credit && !self.has_ended {
            self.give_back();
        }
        Ok(Some(chunk))
    }

    /// Waits for octets or the end.
    fn take_more(&mut self) -> Result<(), Error> {
        if self.expects_continue {
            self.send_continue();
        }
        let (id, owed) = (self.id, std::mem::take(&mut self.owed));
        let mut chunks = std::mem::take(&mut self.chunks);
        let mut state = self.conn.lock();
        let window = state.core.receive_window(id) as usize;
        self.credit = (window / 4).min(CREDIT.max(window / CREDIT_PART));
        if owed > 0 {
            state.give_back(id, owed, Instant::now());
        }
        let taken = self.wait(state, NO_MORE, |state| state.take_data(id, &mut chunks));
        self.chunks = chunks;
        self.has_ended = taken?;
        Ok(())
    }

    /// Gives credit for what has been read while there is more to read.
    fn give_back(&mut self) {
        let mut state = self.conn.lock();
        state.give_back(self.id, std::mem::take(&mut self.owed), Instant::now());
        self.flush_credit(state, self.deadline);
    }

    /// The trailers, once the whole body has come; what has not been read of it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        while self.next_chunk()?.is_some() {}
        let mut state = self.conn.lock();
        let trailers = state.streams.get_mut(&self.id).and_then(|inbox| inbox.trailers.take());
        drop(state);
        // What the core has let through is valid; should `http` not take it all the same, the
        // message is as good without.
        Ok(trailers.and_then(|trailers| HeaderMap::try_from(&trailers).ok()))
    }

    /// Whether there are octets that can be read without waiting.
    pub(crate) fn has_buffered(&self) -> bool {
        self.chunk.has_remaining() || !self.chunks.is_empty()
    }

    /// The next response, interim or final, of a request of ours.
    pub(crate) fn next_response(&mut self) -> Result<(Headers, HeadersKind), Error> {
        let id = self.id;
        let mut whole = None;
        let response = self.wait(self.conn.lock(), NO_RESPONSE, |state| {
            let response = state.take_response(id);
            whole = response.as_ref().and_then(|_| state.take_whole(id));
            response
        })?;
        if let Some(chunks) = whole {
            self.chunks = chunks;
            self.has_nothing();
        }
        Ok(response)
    }

    /// Waits for `ready`, for as long as the timeout says, and gives what is owed back.
    fn wait<T>(
        &self,
        state: Guard<'_>,
        what_is_late: &'static str,
        ready: impl FnMut(&mut State) -> Option<Result<T, Error>>,
    ) -> Result<T, Error> {
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            // Also where something has come: it may always have, if another thread reads.
            return Err(Error::late(what_is_late));
        }
        let deadline = self.until();
        let (state, result) = self.conn.wait(state, (self.id, Half::Recv), deadline, ready);
        self.flush_credit(state, deadline);
        result.unwrap_or_else(|| Err(Error::late(what_is_late)))
    }

    /// The peer may be waiting for it.
    fn flush_credit(&self, state: Guard<'_>, deadline: Option<Instant>) {
        if state.must_write() {
            drop(self.conn.flush(state, deadline));
        }
    }

    /// When a wait that begins now is over.
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
                // After the final response there is nothing to wait for.
                let _ = state.core.send_headers(self.id, &headers, false, now);
            }
        });
    }
}

/// What it says when no response comes in time.
const NO_RESPONSE: &str = "no response came";

/// What it says when a body stops coming.
const NO_MORE: &str = "nothing more of the body came";

impl State {
    /// Whether [`take_response`](Self::take_response) has something to say.
    pub(crate) fn has_response(&self, id: StreamId) -> bool {
        let has_news = |inbox: &Inbox| !inbox.responses.is_empty() || inbox.is_over();
        self.has_ended() || self.streams.get(&id).is_none_or(has_news)
    }

    /// Whether [`take_data`](Self::take_data) has something to say.
    pub(crate) fn has_data(&self, id: StreamId) -> bool {
        let has_news = |inbox: &Inbox| !inbox.data.is_empty() || inbox.has_ended || inbox.is_over();
        self.has_ended() || self.streams.get(&id).is_none_or(has_news)
    }

    /// The next response; `None` if there is nothing to say yet.
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

    /// Moves what has come of a body into `chunks`, which is empty, and says whether that is the last;
    /// `None` if there is nothing to say yet.
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

    /// Takes the rest of a stream that has come to its end as it should, and has no other half: its
    /// body. So one lock is enough for a small response.
    fn take_whole(&mut self, id: StreamId) -> Option<VecDeque<Bytes>> {
        let inbox = self.streams.get_mut(&id)?;
        let is_whole = inbox.is_closed && inbox.has_ended && inbox.failure.is_none();
        if !is_whole || !inbox.responses.is_empty() || inbox.trailers.is_some() || inbox.halves > 1
        {
            return None;
        }
        let chunks = std::mem::take(&mut inbox.data);
        self.leave(id);
        Some(chunks)
    }

    /// Why nothing more comes on a stream; `None` if something may.
    pub(super) fn why_over(&self, id: StreamId) -> Option<Error> {
        let inbox = self.streams.get(&id)?;
        let failure = inbox.failure.clone().or_else(|| self.end_error());
        // Without a reason, it was this side that has reset it.
        failure.or_else(|| inbox.is_closed.then(|| CommandError::StreamClosed(id).into()))
    }

    /// Why a stream is not there any more.
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
            // Also what was taken and not read.
            let taken: usize = self.chunks.iter().map(Bytes::len).sum();
            state.give_back(id, self.owed + taken, now);
            state.decline(id, now);
            state.deliver(now);
            if !self.conn.wire.owner().has_handlers() || self.stands_alone {
                // Nobody may be about to write. It does not have to be now, either.
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

    /// Nobody reads the rest of what comes on a stream.
    fn decline(&mut self, id: StreamId, now: Instant) {
        let Some(inbox) = self.streams.get_mut(&id) else { return };
        inbox.is_declined = true;
        let unread = inbox.data.drain(..).map(|data| data.len()).sum();
        if !inbox.has_ended && !inbox.is_closed {
            // It may be over by now.
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
