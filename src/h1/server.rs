//! The server's calls between two exchanges: wait for a request, end an exchange, end the
//! connection.

use std::io;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use http::{HeaderMap, Request, StatusCode};

use super::link::{Guard, Link, State, closed};
use super::read::{Filled, Lending};
use super::recv::Step;
use crate::http1::{BodySize, Error};
use crate::logging;
use crate::transport::Epoll;

/// The most octets of a request's body that are read and dropped after the response. A larger rest
/// ends the connection.
pub(super) const DRAIN_MAX: u64 = 256 << 10;

/// How long reading and dropping them may take.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

/// How long a client may take to read the last response and close, and how many octets it may still
/// send.
const LINGER_TIMEOUT: Duration = Duration::from_secs(2);
const LINGER_MAX: usize = 16 << 20;

/// The write timeout of a response of the server's own.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a server waits for a request.
#[derive(Debug, Clone)]
pub(crate) struct Waits {
    /// For its first octet.
    pub(crate) idle: Option<Duration>,
    /// From there to the end of its head.
    pub(crate) head: Option<Duration>,
}

/// How long a thread waits for a request before it may do something else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Turn {
    /// To the end of the wait.
    Whole,
    /// Until there was no octet for this time. After the first octet, it waits for the whole head.
    Idle(Duration),
    /// For one read, which takes this time at most. If that is zero, there is no read.
    Once(Duration),
}

/// What arrived where a request may begin.
#[derive(Debug)]
pub(crate) enum Next {
    Request(Request<()>),
    /// A request that is refused.
    Refused(Error),
    /// The head was not complete in time.
    Late,
    /// The connection has ended, or is idle for too long.
    Ended,
}

/// Why a turn has ended without a request, while there is still time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// There was no octet.
    Idle,
    /// The head is not complete.
    InHead,
}

impl Link {
    /// Waits for the head of the next request, after the previous exchange has
    /// [ended](Self::end_exchange).
    #[cfg(any(test, feature = "websocket"))]
    pub(crate) fn next_request(&self, waits: &Waits) -> Next {
        // Such a turn has no pause.
        self.next_request_since(waits, Instant::now(), Turn::Whole).unwrap_or(Next::Ended)
    }

    /// Like `next_request`, for a wait that has begun at `since`, of which this is a turn.
    pub(crate) fn next_request_since(
        &self,
        waits: &Waits,
        since: Instant,
        turn: Turn,
    ) -> Result<Next, Pause> {
        let after = |timeout: Option<Duration>, since: Instant| since.checked_add(timeout?);
        let idle_until = after(waits.idle, since);
        let time = match turn {
            Turn::Whole => None,
            Turn::Idle(time) | Turn::Once(time) => Some(time),
        };
        let is_once = matches!(turn, Turn::Once(_));
        let mut turn_ends = after(time, Instant::now());
        let mut state = self.lock();
        let mut head_since = None;
        loop {
            state.idle_since = None;
            match state.receive_request() {
                Ok(Some(request)) => return Ok(Next::Request(request)),
                Ok(None) => {}
                Err(error) => return Ok(Next::Refused(error)),
            }
            let is_empty = state.input_len() == 0;
            if is_empty && state.codec.is_closed() {
                return Ok(Next::Ended);
            }
            let wait_until = if is_empty {
                idle_until
            } else {
                after(waits.head, *head_since.get_or_insert_with(Instant::now))
            };
            let turn_until = turn_ends.filter(|_| is_empty || is_once);
            let until = [wait_until, turn_until].into_iter().flatten().min();
            state.idle_since = is_empty.then_some(since);
            let filled;
            (state, filled) = self.fill(state, until, &mut Lending::none());
            state.idle_since = None;
            match filled {
                Filled::Some if is_once => turn_ends = Some(Instant::now()),
                Filled::Some => {}
                Filled::Late if wait_until.is_none_or(|until| Instant::now() < until) => {
                    if !is_empty {
                        return Err(Pause::InHead);
                    }
                    // A shutdown may end it while no thread waits.
                    state.idle_since = Some(since);
                    if let Some(reading) = &mut state.reading {
                        reading.buffer.rest();
                    }
                    return Err(Pause::Idle);
                }
                Filled::Late if is_empty => return Ok(Next::Ended),
                Filled::Late => {
                    if let Some(server) = state.codec.server() {
                        server.stop_receiving();
                    }
                    return Ok(Next::Late);
                }
                Filled::Ended => match state.end_of_request() {
                    Ok(()) => return Ok(Next::Ended),
                    Err(error) => return Ok(Next::Refused(error)),
                },
            }
        }
    }

    /// Makes `epoll` report `token` once when there is input.
    pub(crate) fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.closer.watch(epoll, token)
    }

    /// Sends a response of the server's own to a refused request. The connection then
    /// [lingers](Self::linger). Failures to send are only logged.
    pub(crate) fn answer(&self, status: StatusCode, headers: &HeaderMap, text: &str) {
        let mut state = self.lock();
        let State { codec, outgoing, .. } = &mut *state;
        let Some(server) = codec.server() else { return };
        server.close_after_response();
        let (out, size) = (outgoing.buffer(), BodySize::Known(text.len() as u64));
        let mut send = || {
            server.send_response(status, headers, size, out)?;
            if server.may_send_content() {
                server.send_data(text.as_bytes(), out)?;
            }
            server.finish(None, out)
        };
        if let Err(error) = send() {
            logging::debug!("a request in HTTP/1.1 is not answered with {status}: {error}");
            return;
        }
        let until = Instant::now().checked_add(ANSWER_TIMEOUT);
        if let Err(error) = self.flush_locked(state, until, false) {
            logging::debug!("answering {status}: {error}");
        }
    }

    /// Waits until both halves of the exchange are dropped, and discards the rest of the request,
    /// within bounds. Returns whether another request may follow.
    pub(crate) fn end_exchange(&self) -> bool {
        let mut state = self.lock();
        while self.halves.load(Ordering::SeqCst) > 0 && state.cut.is_none() {
            state = self.wait_for_change(state, None);
        }
        if state.send_error().is_some() || state.codec.is_tunnel() {
            return false;
        }
        if state.codec.is_idle() {
            return true;
        }
        if state.codec.is_closed() {
            return false;
        }
        let is_drained;
        (state, is_drained) = self.drain(state);
        if let Some(server) = state.codec.server().filter(|_| !is_drained) {
            server.stop_receiving();
        }
        is_drained
    }

    /// Discards the rest of the request. Returns whether its end was reached.
    fn drain<'a>(&'a self, mut state: Guard<'a>) -> (Guard<'a>, bool) {
        let until = Instant::now().checked_add(DRAIN_TIMEOUT);
        let mut dropped = 0;
        loop {
            match state.receive() {
                Ok(Step::Data(data)) => dropped += data.len() as u64,
                Ok(Step::Trailers(_)) => {}
                Ok(Step::End) => {
                    let is_idle = state.codec.is_idle();
                    return (state, is_idle);
                }
                Ok(Step::More) => {
                    let filled;
                    (state, filled) = self.fill(state, until, &mut Lending::none());
                    if filled != Filled::Some {
                        return (state, false);
                    }
                }
                Err(_) => return (state, false),
            }
            if dropped > DRAIN_MAX {
                return (state, false);
            }
        }
    }

    /// Returns whether [`linger`](Self::linger) waits for the client.
    pub(crate) fn must_linger(&self) -> bool {
        let state = self.lock();
        let can_wait = state.cut.is_none() && state.input_ended.is_none();
        let has_ended = state.codec.is_closed() || state.codec.is_tunnel();
        can_wait && state.write_failed.is_none() && has_ended
    }

    /// Ends the connection so that the client can read the last response (RFC 9112, Section 9.6):
    /// shuts our direction, then reads and drops input until the client closes or a timeout. Unread
    /// input would make TCP send a reset, which can destroy the response.
    pub(crate) fn linger(&self) {
        let waits = self.must_linger();
        let _ = self.closer.shutdown_write();
        if waits {
            let until = Instant::now().checked_add(LINGER_TIMEOUT);
            let mut dropped = 0;
            let mut state = self.lock();
            while dropped < LINGER_MAX {
                if let Some(reading) = &mut state.reading {
                    dropped += reading.buffer.octets().len();
                    reading.buffer.octets().clear();
                }
                let filled;
                (state, filled) = self.fill(state, until, &mut Lending::none());
                if filled != Filled::Some {
                    break;
                }
            }
            drop(state);
        }
        self.cut(closed());
    }

    /// Reuses the memory of finished fields for the next request.
    pub(crate) fn recycle(&self, headers: HeaderMap) {
        if let Some(server) = self.lock().codec.server() {
            server.recycle(headers);
        }
    }

    /// Ends the connection after the current exchange.
    pub(crate) fn close_after_response(&self) {
        if let Some(server) = self.lock().codec.server() {
            server.close_after_response();
        }
    }

    /// Ends the connection after the current exchange, unless the whole request has been received.
    pub(crate) fn close_before_rest(&self) {
        if let Some(server) = self.lock().codec.server().filter(|it| !it.has_whole_body()) {
            server.close_after_response();
        }
    }

    /// The status that answers a fault in the body of the request, if there was one.
    pub(crate) fn refusal(&self) -> Option<StatusCode> {
        self.lock().refusal
    }

    /// Whether the client accepts trailers.
    pub(crate) fn takes_trailers(&self) -> bool {
        self.lock().codec.server().is_some_and(|server| server.takes_trailers())
    }
}

impl State {
    fn receive_request(&mut self) -> Result<Option<Request<()>>, Error> {
        let (Some(reading), Some(server)) = (&mut self.reading, self.codec.server()) else {
            return Ok(None);
        };
        server.receive_request(reading.buffer.octets())
    }

    fn end_of_request(&mut self) -> Result<(), Error> {
        let (Some(reading), Some(server)) = (&mut self.reading, self.codec.server()) else {
            return Ok(());
        };
        if let Some(Some(_)) = self.input_ended {
            return Ok(());
        }
        server.end_of_input(reading.buffer.octets())
    }
}
