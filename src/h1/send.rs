//! The sending half of an exchange.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode};

use super::link::{Link, State, closed};
use super::recv::until;
use super::server::DRAIN_MAX;
use crate::error::Error;
use crate::http1::{BodySize, Received, SendError};
use crate::logging;
use crate::meter::{self, Metered};

/// The octets of small writes that are gathered before they are queued, and queued before a write.
pub(super) const PIECE: usize = 64 << 10;

/// The body and the trailers of the message that this side sends.
///
/// Dropping it before the end cuts the connection: a truncated body must not look complete.
pub(crate) struct SendHalf {
    pub(super) link: Arc<Link>,
    pub(crate) buffer: BytesMut,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    is_finished: bool,
    /// The head has been queued.
    has_begun: bool,
    /// The message has no body, as a response to HEAD: written octets are dropped.
    is_bodiless: bool,
    /// A write has timed out, so the body cannot be continued.
    is_late: bool,
    pub(crate) meter: Metered,
}

/// What follows the octets that are sent.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Then<'a> {
    /// More of the body.
    More,
    /// The end of the message.
    End,
    /// The end of the message, by trailers.
    Trailers(&'a HeaderMap),
}

impl SendHalf {
    /// The sending half of the current exchange. Small writes are gathered in `buffer`.
    pub(crate) fn new(link: Arc<Link>, buffer: BytesMut) -> Self {
        link.enter();
        SendHalf {
            link,
            buffer,
            timeout: None,
            deadline: None,
            is_finished: false,
            has_begun: false,
            is_bodiless: false,
            is_late: false,
            meter: None,
        }
    }

    /// The sending half of a message whose head is already queued, as that of a request.
    pub(super) fn begun(mut self) -> Self {
        self.has_begun = true;
        self
    }

    pub(crate) fn set_write_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    pub(crate) fn drop_body(&mut self) {
        self.is_bodiless = true;
    }

    /// Whether the end has been queued.
    pub(crate) fn is_finished(&self) -> bool {
        self.is_finished
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.has_begun
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Queues the head of a response, the gathered octets of its body, and `then`. Flushes only if
    /// the queue has grown large.
    pub(crate) fn put_response(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
        size: BodySize,
        then: Then<'_>,
    ) -> Result<(), Error> {
        let link = Arc::clone(&self.link);
        let mut state = link.lock();
        state.check()?;
        let ends = !matches!(then, Then::More);
        if ends {
            state.give_up_large_rest();
        }
        let State { codec, outgoing, .. } = &mut *state;
        let Some(server) = codec.server() else { return Err(SendError::NoRequest.into()) };
        server.send_response(status, headers, size, outgoing.buffer())?;
        self.has_begun = true;
        let is_tunnel = server.is_tunnel();
        self.is_bodiless |= !is_tunnel && !server.may_send_content();
        drop(state);
        self.put_buffer(then)
    }

    /// Sends an interim response.
    pub(crate) fn put_interim(
        &mut self,
        status: StatusCode,
        headers: &HeaderMap,
    ) -> Result<(), Error> {
        let mut state = self.link.lock();
        state.check()?;
        let State { codec, outgoing, .. } = &mut *state;
        let Some(server) = codec.server() else { return Err(SendError::NoRequest.into()) };
        server.send_interim(status, headers, outgoing.buffer())?;
        self.link.flush_locked(state, self.until(), true)
    }

    /// Queues the gathered octets of the body, and `then`.
    pub(crate) fn put_buffer(&mut self, then: Then<'_>) -> Result<(), Error> {
        self.check_usable()?;
        if self.buffer.is_empty() && matches!(then, Then::More) {
            return Ok(());
        }
        if self.buffer.len() >= PIECE {
            let data = self.buffer.split().freeze();
            return self.put(data, then);
        }
        let link = Arc::clone(&self.link);
        let mut state = link.lock();
        state.check()?;
        if !self.is_bodiless {
            state.put_copied(&self.buffer)?;
            meter::sent(&self.meter, self.buffer.len());
        }
        self.buffer.clear();
        self.put_end(&mut state, then)
    }

    /// Queues octets without copying them, and `then`; writes if the queue has grown large.
    pub(crate) fn put(&mut self, data: Bytes, then: Then<'_>) -> Result<(), Error> {
        self.check_usable()?;
        let link = Arc::clone(&self.link);
        let mut state = link.lock();
        state.check()?;
        if !self.is_bodiless {
            meter::sent(&self.meter, data.len());
            state.put_shared(data)?;
        }
        self.put_end(&mut state, then)?;
        if state.outgoing.len() < PIECE {
            return Ok(());
        }
        let result = link.flush_locked(state, self.until(), true);
        self.note(&result);
        result
    }

    pub(super) fn put_end(&mut self, state: &mut State, then: Then<'_>) -> Result<(), Error> {
        let trailers = match then {
            Then::More => return Ok(()),
            Then::End => None,
            Then::Trailers(trailers) => Some(trailers),
        };
        let State { codec, outgoing, .. } = state;
        if !codec.is_tunnel() {
            codec.finish(trailers, outgoing.buffer())?;
        }
        self.is_finished = true;
        Ok(())
    }

    /// Writes the queued octets.
    pub(crate) fn flush_link(&mut self) -> Result<(), Error> {
        let result = self.link.flush(self.until());
        self.note(&result);
        self.end_tunnel();
        result
    }

    /// Ends this direction of a tunnel by shutting the transport's direction.
    fn end_tunnel(&self) {
        if self.is_finished && self.link.lock().codec.is_tunnel() {
            let _ = self.link.closer.shutdown_write();
        }
    }

    /// Sends octets without copying them, after the gathered ones.
    pub(crate) fn send(&mut self, data: Bytes) -> Result<(), Error> {
        self.put_buffer(Then::More)?;
        self.put(data, Then::More)?;
        self.flush_link()
    }

    /// Sends the gathered octets and the end of the message.
    pub(crate) fn finish(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Error> {
        self.put_buffer(trailers.map_or(Then::End, Then::Trailers))?;
        self.flush_link()
    }

    /// Sends octets if there is room for all of them. Another thread writes them.
    ///
    /// # Errors
    ///
    /// Returns the octets if there is no room, or the reason why sending is impossible.
    pub(crate) fn try_send(&mut self, data: Bytes) -> Result<(), (Bytes, Option<Error>)> {
        let is_written_by_another = self.put_if_room(data)?;
        if !is_written_by_another {
            self.find_writer();
        }
        Ok(())
    }

    /// The same, but writes itself, for `time` at most.
    #[cfg(feature = "websocket")]
    pub(crate) fn send_within(
        &mut self,
        data: Bytes,
        time: Duration,
    ) -> Result<(), (Bytes, Option<Error>)> {
        let is_written_by_another = self.put_if_room(data)?;
        let until = Instant::now().checked_add(time);
        if !is_written_by_another && !until.is_some_and(|until| self.link.flush_until(until)) {
            self.find_writer();
        }
        Ok(())
    }

    /// Whether there is room for `len` octets.
    #[cfg(feature = "websocket")]
    pub(crate) fn has_room(&self, octets: usize) -> bool {
        let state = self.link.lock();
        let waiting = state.outgoing.len() + state.in_flight;
        waiting == 0 || waiting + octets <= self.link.limits.max_send_buffer
    }

    fn find_writer(&self) {
        if !self.link.owner.find_writer_soon() {
            logging::debug!("no thread to write queued output");
        }
    }

    /// Queues octets if there is room for all of them. Returns whether another thread will write
    /// them.
    fn put_if_room(&mut self, data: Bytes) -> Result<bool, (Bytes, Option<Error>)> {
        if let Err(error) = self.check_usable() {
            return Err((data, Some(error)));
        }
        if self.is_bodiless {
            return Ok(true);
        }
        let mut state = self.link.lock();
        if let Err(error) = state.check() {
            return Err((data, Some(error)));
        }
        let waiting = state.outgoing.len() + state.in_flight;
        let len = self.buffer.len() + data.len();
        if waiting > 0 && waiting + len > self.link.limits.max_send_buffer {
            return Err((data, None));
        }
        let written = std::mem::take(&mut self.buffer).freeze();
        let result = state.put_shared(written).and_then(|()| state.put_shared(data.clone()));
        let is_written_by_another = state.writing.is_none();
        if result.is_ok() {
            meter::sent(&self.meter, len);
        }
        result.map(|()| is_written_by_another).map_err(|error| (data, Some(error)))
    }

    /// Abandons the message, which ends the connection.
    pub(crate) fn abort(&mut self) {
        let was_finished = std::mem::replace(&mut self.is_finished, true);
        if let Some(meter) = self.meter.as_ref().filter(|_| !was_finished) {
            meter.given_up(self.link.failure().is_some());
        }
        self.link.cut(closed());
    }

    /// Whether sending has become impossible.
    pub(super) fn check_usable(&self) -> Result<(), Error> {
        if self.is_finished {
            return Err(Error::usage("the end of the message has been sent"));
        }
        if self.is_late {
            return Err(Error::timeout("a piece of the body was not taken in time"));
        }
        Ok(())
    }

    /// Forbids further writes after one that timed out.
    pub(super) fn note<T>(&mut self, result: &Result<T, Error>) {
        self.is_late |= result.as_ref().is_err_and(Error::is_timeout);
    }

    /// The latest end of a wait that begins now.
    pub(super) fn until(&self) -> Option<Instant> {
        until(self.timeout, self.deadline, Instant::now())
    }
}

impl State {
    /// The reason why sending is impossible.
    pub(super) fn check(&self) -> Result<(), Error> {
        self.send_error().map_or(Ok(()), Err)
    }

    fn put_copied(&mut self, data: &[u8]) -> Result<(), Error> {
        let behind = self.frame(data.len())?;
        let out = self.outgoing.buffer();
        out.extend_from_slice(data);
        out.extend_from_slice(behind);
        Ok(())
    }

    pub(super) fn put_shared(&mut self, data: Bytes) -> Result<(), Error> {
        if data.is_empty() {
            return Ok(());
        }
        let behind = self.frame(data.len())?;
        self.outgoing.push(data);
        self.outgoing.buffer().extend_from_slice(behind);
        Ok(())
    }

    fn frame(&mut self, len: usize) -> Result<&'static [u8], Error> {
        if self.codec.is_tunnel() {
            return Ok(b"");
        }
        Ok(self.codec.frame_data(len, self.outgoing.buffer())?)
    }

    /// Gives up the rest of a request that is too large to be drained after the response, so that
    /// the response carries `connection: close`.
    fn give_up_large_rest(&mut self) {
        let Some(reading) = &mut self.reading else { return };
        let Some(server) = self.codec.server() else { return };
        match server.receive_body(reading.buffer.octets()) {
            Ok(Received::Content(left)) if left > DRAIN_MAX => server.stop_receiving(),
            _ => {}
        }
    }
}

impl Write for SendHalf {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.check_usable()?;
        // A large write must not grow the buffer of small ones.
        let n = buf.len().min(4 * PIECE);
        self.buffer.extend_from_slice(&buf[..n]);
        if self.buffer.len() >= PIECE {
            self.put_buffer(Then::More)?;
            self.flush_link()?;
        }
        Ok(n)
    }

    /// Sends the gathered octets. With nothing to send, it still fails if the connection has. A
    /// peer that has closed its own direction may still wait for the rest.
    fn flush(&mut self) -> io::Result<()> {
        self.put_buffer(Then::More)?;
        let has_nothing = self.link.is_all_written();
        self.flush_link()?;
        let failure = if has_nothing && !self.is_finished { self.link.failure() } else { None };
        failure.map_or(Ok(()), |error| Err(error.into()))
    }
}

impl Drop for SendHalf {
    fn drop(&mut self) {
        if !self.is_finished {
            self.abort();
        }
        self.link.leave();
    }
}

impl fmt::Debug for SendHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendHalf").field("is_finished", &self.is_finished).finish_non_exhaustive()
    }
}
