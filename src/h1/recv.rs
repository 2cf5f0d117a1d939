//! The receiving half of an exchange.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes};
use http::{HeaderMap, StatusCode};

use super::link::{Guard, Link, State};
use super::read::{Filled, Lending};
use crate::error::{Error, ErrorKind};
use crate::http1::Received;
use crate::meter::{self, Metered};

/// The body and the trailers of the message that the peer sends.
///
/// Dropping it discards the rest of the message. A server reads and drops the rest when the
/// response is complete; a client does not use the connection again.
pub(crate) struct RecvHalf {
    pub(super) link: Arc<Link>,
    /// The piece that [`Read`] is in the middle of.
    chunk: Bytes,
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    has_ended: bool,
    /// The request is a CONNECT: after the response, the octets may be those of a tunnel.
    may_tunnel: bool,
    trailers: Option<HeaderMap>,
    pub(crate) meter: Metered,
}

/// The next piece of a body.
pub(super) enum Step {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
    /// More octets are needed.
    More,
}

impl RecvHalf {
    /// The receiving half of the current exchange.
    pub(crate) fn new(link: Arc<Link>, timeout: Option<Duration>) -> Self {
        link.enter();
        RecvHalf {
            link,
            chunk: Bytes::new(),
            timeout,
            deadline: None,
            has_ended: false,
            may_tunnel: false,
            trailers: None,
            meter: None,
        }
    }

    /// Declares the exchange a CONNECT: octets after its head are not its body.
    pub(crate) fn may_tunnel(&mut self) {
        self.may_tunnel = true;
    }

    pub(crate) fn read_timeout(&self) -> Option<Duration> {
        self.timeout
    }

    pub(crate) fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    pub(crate) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
    }

    pub(crate) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    /// Whether there are octets that can be read without waiting.
    pub(crate) fn has_buffered(&self) -> bool {
        self.chunk.has_remaining()
    }

    /// Waits for the next piece of the body; `None` at its end.
    pub(crate) fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        if self.chunk.has_remaining() {
            return Ok(Some(std::mem::take(&mut self.chunk)));
        }
        if self.has_ended {
            return Ok(None);
        }
        let now = Instant::now();
        if self.deadline.is_some_and(|deadline| deadline <= now) {
            // Even if octets have arrived: a peer that sends steadily must not extend the deadline.
            return Err(late());
        }
        let link = Arc::clone(&self.link);
        let until = until(self.timeout, self.deadline, now);
        let (mut state, mut lending) = (link.lock(), None);
        loop {
            match state.receive()? {
                Step::Data(data) => {
                    meter::received(&self.meter, data.len());
                    return Ok(Some(data));
                }
                Step::Trailers(trailers) => self.trailers = Some(trailers),
                Step::End => {
                    self.has_ended = !self.may_tunnel || state.codec.is_tunnel();
                    self.trailers = self.trailers.take().or_else(|| state.trailers.take());
                    return Ok(None);
                }
                Step::More if state.must_continue() => {
                    link.flush_locked(state, until, true)?;
                    state = link.lock();
                }
                Step::More => {
                    let lending = lending.get_or_insert_with(|| Lending::begin(&link));
                    let filled;
                    (state, filled) = link.fill(state, until, lending);
                    match filled {
                        Filled::Some => {}
                        Filled::Late => return Err(late()),
                        Filled::Ended => state.end_of_input()?,
                    }
                }
            }
        }
    }

    /// Returns the trailers after the end of the body. The unread rest of the body is dropped.
    pub(crate) fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        while self.next_chunk()?.is_some() {}
        Ok(self.trailers.take())
    }

    /// Calls `ready` with the lock held, now and after each read, until it returns a value; `None`
    /// after
    /// `until`.
    pub(super) fn wait<T>(
        &self,
        until: Option<Instant>,
        mut ready: impl FnMut(&mut State) -> Result<Option<T>, Error>,
    ) -> Result<Option<T>, Error> {
        let (mut state, mut lending): (Guard<'_>, _) =
            (self.link.lock(), Lending::begin(&self.link));
        loop {
            if let Some(result) = ready(&mut state)? {
                return Ok(Some(result));
            }
            let filled;
            (state, filled) = self.link.fill(state, until, &mut lending);
            match filled {
                Filled::Some => {}
                Filled::Late => return Ok(None),
                Filled::Ended => state.end_of_input()?,
            }
        }
    }

    /// The latest end of a wait that begins now.
    pub(crate) fn until(&self) -> Option<Instant> {
        until(self.timeout, self.deadline, Instant::now())
    }
}

impl State {
    /// Takes the next piece of the body from the octets that have been read.
    pub(super) fn receive(&mut self) -> Result<Step, Error> {
        let Some(reading) = &mut self.reading else {
            return self.cut.clone().map_or(Ok(Step::More), Err);
        };
        let input = reading.buffer.octets();
        if self.codec.is_tunnel() {
            return Ok(match (input.is_empty(), &self.input_ended) {
                (false, _) => Step::Data(input.split().freeze()),
                (true, Some(None)) => Step::End,
                (true, _) => Step::More,
            });
        }
        match self.codec.receive_body(input) {
            Ok(Received::Content(_)) => {
                let data = self.codec.take_content(input);
                Ok(if data.is_empty() { Step::More } else { Step::Data(data) })
            }
            Ok(Received::Trailers(trailers)) => Ok(Step::Trailers(trailers)),
            Ok(Received::End) => Ok(Step::End),
            Ok(Received::NeedMore) => Ok(Step::More),
            Err(error) => {
                self.refusal = error.status();
                Err(error.into())
            }
        }
    }

    /// Handles the end of the transport. The codec decides whether it completes the message.
    pub(super) fn end_of_input(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.cut {
            return Err(error.clone());
        }
        if let Some(Some(error)) = &self.input_ended {
            return Err(error.clone());
        }
        if self.codec.is_tunnel() {
            return Ok(());
        }
        let Some(reading) = &mut self.reading else { return Ok(()) };
        let input = reading.buffer.octets();
        // RFC 9112, Section 9.8: without close_notify the body may have been truncated.
        if self.is_unconfirmed && self.codec.client().is_some_and(|it| it.is_until_close()) {
            let what = "the server ended the body by closing, without TLS's close_notify";
            return Err(Error::text(ErrorKind::Closed, what));
        }
        if let Err(error) = self.codec.end_of_input(input) {
            self.refusal = error.status();
            return Err(error.into());
        }
        match self.codec.receive_body(input) {
            // Messages that `end_of_input` accepts have an end.
            Ok(Received::NeedMore) => {
                Err(Error::text(ErrorKind::Closed, "the peer closed the connection"))
            }
            _ => Ok(()),
        }
    }

    /// Queues `100 Continue` if the client waits for it. Returns whether to flush.
    fn must_continue(&mut self) -> bool {
        let Some(server) = self.codec.server() else { return false };
        if !server.expects_continue() {
            return false;
        }
        let (status, none) = (StatusCode::CONTINUE, HeaderMap::new());
        // Fails after the final response, when the client no longer waits for it.
        server.send_interim(status, &none, self.outgoing.buffer()).is_ok()
    }
}

/// The earlier of `now + timeout` and `deadline`.
pub(super) fn until(
    timeout: Option<Duration>,
    deadline: Option<Instant>,
    now: Instant,
) -> Option<Instant> {
    let timeout = timeout.and_then(|timeout| now.checked_add(timeout));
    [timeout, deadline].into_iter().flatten().min()
}

fn late() -> Error {
    Error::late("nothing more of the body came")
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
        self.link.leave();
    }
}

impl fmt::Debug for RecvHalf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecvHalf").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}
