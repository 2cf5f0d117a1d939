//! The client's calls: begin an exchange, wait for responses, send a body until a response arrives,
//! and ask whether the connection can be reused.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method, Response, Uri};

use super::link::{Guard, Link, State, closed};
use super::recv::{RecvHalf, Step};
use super::send::{PIECE, SendHalf, Then};
use crate::error::Error;
use crate::http1::{BodySize, Received, SendError};

/// How long a check may take if the transport has input without octets of HTTP, such as TLS
/// tickets.
const CHECK_TIMEOUT: Duration = Duration::from_millis(1);

/// The part of a response that stops the sending of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum News {
    /// The head of a response.
    Response,
    /// Octets or the end of the response's body.
    Body,
}

/// The state of a client's connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// A request may be sent.
    Free,
    /// A request is under way.
    Busy {
        /// The connection closes after it.
        is_last: bool,
    },
    /// No request can be sent.
    Ended,
}

impl Link {
    /// Queues the head of a request, and returns the halves of its exchange. Does not flush.
    /// Returns
    /// `None` if an exchange is under way or another thread is checking the connection.
    pub(crate) fn open(
        self: &Arc<Self>,
        method: &Method,
        uri: &Uri,
        headers: &HeaderMap,
        size: BodySize,
    ) -> Result<Option<(SendHalf, RecvHalf)>, Error> {
        let mut state = self.lock();
        state.check()?;
        if !self.is_free(&mut state) {
            return Ok(None);
        }
        let State { codec, outgoing, .. } = &mut *state;
        let Some(client) = codec.client() else { return Err(SendError::Busy.into()) };
        client.send_request(method, uri, headers, size, outgoing.buffer())?;
        state.exchange += 1;
        (state.is_answered, state.trailers) = (false, None);
        // Under the lock, so that no other thread sees an exchange without halves, which is one
        // that ended.
        let send = SendHalf::new(Arc::clone(self), BytesMut::new()).begun();
        let recv = RecvHalf::new(Arc::clone(self), None);
        drop(state);
        Ok(Some((send, recv)))
    }

    /// Whether no exchange is under way and no unexpected octets have arrived.
    fn is_free(&self, state: &mut State) -> bool {
        state.send_error().is_none()
            && state.input_ended.is_none()
            && state.codec.is_idle()
            && state.reading.is_some()
            && state.input_len() == 0
            && self.halves.load(Ordering::SeqCst) == 0
    }

    /// Ends an idle connection that the server has closed, or on which it has sent unexpected
    /// octets. Does not wait for the server.
    pub(crate) fn maintain(&self) {
        let mut state = self.lock();
        let is_idle = |state: &State| {
            state.codec.is_idle() && self.halves.load(Ordering::SeqCst) == 0 && state.cut.is_none()
        };
        if !is_idle(&state) || state.reading.is_none() {
            return;
        }
        if self.is_free(&mut state) {
            drop(state);
            if !self.may_be_readable() {
                return;
            }
            state = self.lock();
            // If another thread has begun an exchange meanwhile, the octets are its response.
            if !is_idle(&state) || state.reading.is_none() {
                return;
            }
            // TLS may deliver tickets, which contain no octets of HTTP.
            let until = Instant::now().checked_add(CHECK_TIMEOUT);
            state = self.read_once(state, until).0;
        }
        let is_over = state.input_len() > 0 || state.input_ended.is_some();
        let is_over = is_over || state.send_error().is_some();
        drop(state);
        if is_over {
            self.cut(closed());
        }
    }

    /// The state of the connection.
    pub(crate) fn standing(&self) -> Standing {
        let mut state = self.lock();
        let is_over = state.cut.is_some();
        if self.halves.load(Ordering::SeqCst) > 0 {
            let is_last = state.codec.is_closed()
                || state.codec.is_tunnel()
                || state.input_ended.is_some()
                || state.write_failed.is_some();
            return if is_over { Standing::Ended } else { Standing::Busy { is_last } };
        }
        match self.is_free(&mut state) {
            true => Standing::Free,
            // Another thread is checking it.
            false if !is_over && state.codec.is_idle() && state.reading.is_none() => {
                Standing::Busy { is_last: false }
            }
            false => Standing::Ended,
        }
    }

    /// Ends an idle connection. May briefly wait for the transport.
    pub(crate) fn leave_server(&self) {
        let _ = self.closer.shutdown_write();
        self.cut(closed());
    }

    /// The number of the latest exchange.
    pub(crate) fn exchange(&self) -> u64 {
        self.lock().exchange
    }

    /// Cuts the connection if the exchange with this number is still under way.
    pub(crate) fn cut_exchange(&self, exchange: u64, reason: Error) {
        let state = self.lock();
        let is_over = state.exchange != exchange || self.halves.load(Ordering::SeqCst) == 0;
        drop(state);
        if !is_over {
            self.cut(reason);
        }
    }

    /// Whether an octet has arrived since the exchange began.
    pub(crate) fn is_answered(&self) -> bool {
        self.lock().is_answered
    }

    /// Whether the part of the response that stops sending has arrived. Does not wait for the
    /// server.
    fn has_news(&self, news: News) -> bool {
        let mut state = self.lock();
        if state.has_news(news) {
            return true;
        }
        if state.reading.is_none() {
            return false;
        }
        drop(state);
        if !self.may_be_readable() {
            return false;
        }
        let until = Instant::now().checked_add(CHECK_TIMEOUT);
        let mut state: Guard<'_> = self.read_once(self.lock(), until).0;
        state.has_news(news)
    }
}

impl State {
    /// The same, judged by the octets that have been read.
    fn has_news(&mut self, news: News) -> bool {
        let is_over = self.cut.is_some() || self.input_ended.is_some();
        let Some(reading) = &mut self.reading else { return is_over };
        let input = reading.buffer.octets();
        if is_over || news == News::Response {
            return is_over || !input.is_empty();
        }
        match self.codec.receive_body(input) {
            Ok(Received::Content(_)) => !input.is_empty(),
            Ok(Received::NeedMore) => false,
            Ok(Received::Trailers(trailers)) => {
                // The next receiving call reports the error.
                self.trailers = Some(trailers);
                true
            }
            // The next receiving call finds the same.
            Ok(Received::End) | Err(_) => true,
        }
    }
}

impl SendHalf {
    /// Takes a piece from the front of `data`, queues it, after the last piece also the end of the
    /// message if `ends`, and writes until the queue is empty or `news` has arrived. Returns
    /// whether the queue is empty.
    ///
    /// The next call writes the rest, so at most two pieces are queued.
    pub(crate) fn write_until(
        &mut self,
        data: &mut Bytes,
        ends: bool,
        news: News,
    ) -> Result<bool, Error> {
        let link = Arc::clone(&self.link);
        let has_news = || link.has_news(news);
        let mut state = link.lock();
        if state.outgoing.len() >= PIECE {
            let result = link.flush_unless(state, self.until(), false, has_news);
            self.note(&result);
            if !result? {
                return Ok(false);
            }
            state = link.lock();
        }
        if !self.is_finished() {
            self.check_usable()?;
            state.check()?;
            state.put_shared(data.split_to(data.len().min(PIECE)))?;
            let then = if ends && data.is_empty() { Then::End } else { Then::More };
            self.put_end(&mut state, then)?;
        }
        let result = link.flush_unless(state, self.until(), false, has_news);
        self.note(&result);
        result
    }
}

impl RecvHalf {
    /// Waits for the next response, interim or final, up to the timeout and the deadline of this
    /// half.
    pub(crate) fn next_response(&mut self) -> Result<Response<()>, Error> {
        let response = self.next_response_until(self.until())?;
        response.ok_or_else(|| Error::late("no response came"))
    }

    /// The same; returns `None` after `until`.
    pub(crate) fn next_response_until(
        &mut self,
        until: Option<Instant>,
    ) -> Result<Option<Response<()>>, Error> {
        self.wait(until, |state| {
            if let Some(error) = &state.cut {
                return Err(error.clone());
            }
            let State { codec, reading, .. } = state;
            let (Some(reading), Some(client)) = (reading, codec.client()) else { return Ok(None) };
            Ok(client.receive_response(reading.buffer.octets())?)
        })
    }

    /// Whether the octets that have been read complete the body.
    pub(crate) fn is_at_end(&self) -> bool {
        let mut state = self.link.lock();
        let State { codec, reading, trailers, .. } = &mut *state;
        let Some(reading) = reading else { return false };
        loop {
            match codec.receive_body(reading.buffer.octets()) {
                Ok(Received::Trailers(section)) => *trailers = Some(section),
                received => return matches!(received, Ok(Received::End)),
            }
        }
    }

    /// Drops the part of the body that has been read. Returns whether it was complete.
    pub(crate) fn drop_read(&mut self) -> bool {
        let mut state = self.link.lock();
        if state.codec.client().is_some_and(|client| client.expects_response()) {
            return false;
        }
        loop {
            match state.receive() {
                Ok(Step::Data(_) | Step::Trailers(_)) => {}
                Ok(Step::End) => return true,
                Ok(Step::More) | Err(_) => return false,
            }
        }
    }
}
