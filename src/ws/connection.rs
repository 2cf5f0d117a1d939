//! The state of a connection.

use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};

use super::close::{Close, MAX_CONTROL};
use super::code::CloseCode;
use super::config::{Config, Role};
use super::deflate::DeflateParams;
use super::error::{Error, SendError};
use super::message::{Event, Message};
use super::receiver::{Cost, Receiver};
use super::sender::Sender;
use super::timers::{Expired, Timers};
use crate::budget::{TOKEN, TokenBucket};
use crate::logging::{self, FRAMES};

/// The most PINGs of the caller in the send queue.
const MAX_PINGS: usize = 64;

/// A WebSocket connection without I/O. See the [module](super).
#[derive(Debug)]
pub struct Connection {
    role: Role,
    config: Config,
    receiver: Receiver,
    sender: Sender,
    timers: Timers,
    budget: TokenBucket,
    /// This end has queued or sent a Close frame.
    is_closing: bool,
    /// The peer's Close frame has arrived.
    is_closed_by_peer: bool,
    failure: Option<Error>,
}

impl Connection {
    /// Creates a connection after the opening handshake. `deflate` is the outcome of the
    /// negotiation.
    pub fn new(role: Role, deflate: Option<DeflateParams>, config: Config, now: Instant) -> Self {
        Connection {
            role,
            receiver: Receiver::new(role, deflate.as_ref(), &config),
            sender: Sender::new(role, deflate.as_ref()),
            timers: Timers::new(&config, now),
            budget: TokenBucket::new(config.frames_received, now),
            is_closing: false,
            is_closed_by_peer: false,
            failure: None,
            config,
        }
    }

    /// The role of this end.
    pub fn role(&self) -> Role {
        self.role
    }

    /// Takes octets from the peer until there is an event. Returns `None`, with all octets taken,
    /// if an event needs more. After an event, pass the remaining octets to the next call.
    ///
    /// # Errors
    ///
    /// Returns the peer's violation. A Close frame that reports it is then ready to transmit, and
    /// each later call returns the same error.
    pub fn receive(&mut self, octets: &mut Bytes, now: Instant) -> Result<Option<Event>, Error> {
        self.check()?;
        if self.is_closed_by_peer {
            // RFC 6455, Section 5.5.1: octets after a Close frame are ignored.
            octets.clear();
            return Ok(None);
        }
        if !octets.is_empty() {
            self.timers.heard(now);
        }
        let budget = &mut self.budget;
        let received = self.receiver.receive(octets, |cost| charge(budget, cost, now));
        match received {
            Ok(Some(event)) => {
                self.note(&event);
                Ok(Some(event))
            }
            Ok(None) => Ok(None),
            Err(error) => Err(self.fail(error)),
        }
    }

    /// Handles the end of the peer's stream.
    ///
    /// # Errors
    ///
    /// Fails if the peer's Close frame has not arrived.
    pub fn end_of_input(&mut self) -> Result<(), Error> {
        self.check()?;
        if self.is_closed_by_peer {
            return Ok(());
        }
        Err(self.fail(Error::truncated("the peer ended the connection without a Close frame")))
    }

    /// Queues a message.
    ///
    /// # Errors
    ///
    /// [`SendError::Full`], and [`SendError::Closed`].
    pub fn send(&mut self, message: &Message) -> Result<(), SendError> {
        self.check_open()?;
        let waiting = self.sender.waiting().saturating_add(message.len());
        if self.sender.has_messages() && waiting > self.config.max_send_buffer {
            return Err(SendError::Full);
        }
        self.sender.message(message);
        if logging::shows_frames() {
            logging::line!(Trace, target: FRAMES, "websocket: send message, {} octets", message.len());
        }
        Ok(())
    }

    /// Queues a PING, which goes out before queued messages.
    ///
    /// # Errors
    ///
    /// Fails for a payload of more than 125 octets, with [`SendError::Full`] if 64 PINGs are
    /// queued, and with [`SendError::Closed`].
    pub fn ping(&mut self, payload: impl Into<Bytes>) -> Result<(), SendError> {
        let payload = payload.into();
        if payload.len() > MAX_CONTROL {
            return Err(SendError::ControlTooLong { len: payload.len() });
        }
        self.check_open()?;
        if self.sender.pings() >= MAX_PINGS {
            return Err(SendError::Full);
        }
        self.sender.ping(payload);
        Ok(())
    }

    /// Queues a Close frame after all queued messages. The peer has `close_timeout` from now to
    /// answer.
    ///
    /// # Errors
    ///
    /// Fails for a code that must not be sent, for a reason without a code or of more than 123
    /// octets, and with [`SendError::Closed`].
    pub fn close(
        &mut self,
        code: Option<CloseCode>,
        reason: &str,
        now: Instant,
    ) -> Result<(), SendError> {
        let payload = Close::encode(code, reason)?;
        self.check_open()?;
        self.is_closing = true;
        self.sender.close(payload);
        self.timers.closing(now);
        Ok(())
    }

    /// Appends frames to `out` until it has about `max` octets. If a payload is returned, it
    /// follows the octets in `out` and shares memory with its message. The queue is empty when
    /// `None` is returned and
    /// `out` is below `max`.
    ///
    /// All octets that it hands out must be written in order.
    pub fn poll_transmit(&mut self, out: &mut BytesMut, max: usize) -> Option<Bytes> {
        self.sender.transmit(out, max)
    }

    /// Whether [`poll_transmit`](Self::poll_transmit) has octets to transmit.
    pub fn has_transmit(&self) -> bool {
        !self.sender.is_empty()
    }

    /// The octets of queued payloads, plus 64 for each frame.
    pub fn waiting(&self) -> usize {
        self.sender.waiting()
    }

    /// Returns the number of messages queued so far, the Close frame included: it numbers the
    /// latest.
    pub fn queued(&self) -> u64 {
        self.sender.queued()
    }

    /// Returns the number of queued messages that [`poll_transmit`](Self::poll_transmit) has handed
    /// out.
    pub fn transmitted(&self) -> u64 {
        self.sender.handed()
    }

    /// Whether the message of that number was dropped because the peer has closed or the connection
    /// has failed.
    pub fn is_lost(&self, number: u64) -> bool {
        self.sender.is_lost(number)
    }

    /// When to call [`handle_timeout`](Self::handle_timeout) if nothing else happens.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.failure.is_some() || self.is_closed_by_peer {
            return None;
        }
        self.timers.next()
    }

    /// Handles the passing of time. Octets that have arrived until now must be received first.
    ///
    /// # Errors
    ///
    /// Fails if the peer has not answered a PING or a Close frame in time.
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), Error> {
        self.check()?;
        if self.is_closed_by_peer {
            return Ok(());
        }
        let within = |time: Duration| format!("within {time:?}");
        let error = match self.timers.expired(now, self.sender.pings() > 0) {
            None => return Ok(()),
            Some(Expired::Interval) => {
                self.sender.ping(Bytes::new());
                return Ok(());
            }
            Some(Expired::Ping) => {
                let time = within(self.config.ping_timeout);
                let what = format!("the peer has not answered a PING {time} (ping_timeout)");
                Error::timeout(CloseCode::GOING_AWAY, what)
            }
            Some(Expired::Close) => {
                let time = within(self.config.close_timeout);
                let what =
                    format!("the peer has not answered a Close frame {time} (close_timeout)");
                Error::timeout(CloseCode::ABNORMAL, what)
            }
        };
        Err(self.fail(error))
    }

    /// Whether messages may be sent.
    pub fn is_open(&self) -> bool {
        self.check_open().is_ok()
    }

    /// Whether both Close frames have been exchanged: close the transport now, the server first
    /// (RFC 6455, Section 7.1.1).
    pub fn is_closed(&self) -> bool {
        self.is_closed_by_peer && self.sender.has_closed()
    }

    /// Whether it holds a compression context.
    #[cfg(test)]
    pub(super) fn holds_context(&self) -> bool {
        self.receiver.holds_context() || self.sender.holds_context()
    }

    /// The reason why the connection has failed.
    pub fn failure(&self) -> Option<&Error> {
        self.failure.as_ref()
    }

    fn check(&self) -> Result<(), Error> {
        self.failure.clone().map_or(Ok(()), Err)
    }

    fn check_open(&self) -> Result<(), SendError> {
        let is_open = !self.is_closing && !self.is_closed_by_peer && self.failure.is_none();
        is_open.then_some(()).ok_or(SendError::Closed)
    }

    /// Applies an event to the state.
    fn note(&mut self, event: &Event) {
        if logging::shows_frames() {
            match event {
                Event::Message(message) => {
                    let len = message.len();
                    logging::line!(Trace, target: FRAMES, "websocket: recv message, {len} octets");
                }
                event => logging::line!(Trace, target: FRAMES, "websocket: recv {event:?}"),
            }
        }
        match event {
            Event::Ping(payload) if !self.is_closing => self.sender.pong(payload.clone()),
            Event::Close(close) => {
                self.is_closed_by_peer = true;
                if !self.is_closing {
                    self.is_closing = true;
                    // The peer ignores further messages.
                    self.sender.clear();
                    // RFC 6455, Section 5.5.1: the answer typically echoes the code.
                    let payload = Close::encode(close.code, "").unwrap_or_default();
                    self.sender.close(payload);
                }
            }
            Event::Ping(_) | Event::Pong(_) | Event::Message(_) => {}
        }
    }

    /// Fails the connection. A Close frame with code and reason tells the peer why, unless one has been
    /// sent.
    fn fail(&mut self, error: Error) -> Error {
        logging::debug!("websocket: {error}");
        self.sender.clear();
        if !self.sender.has_closed() {
            let code = Some(error.close_code());
            // A reason that is too long is left out.
            let payload = Close::encode(code, error.detail()).or_else(|_| Close::encode(code, ""));
            if let Ok(payload) = payload {
                self.sender.close(payload);
            }
        }
        self.is_closing = true;
        self.failure = Some(error.clone());
        error
    }
}

/// Charges the peer for a frame, or credits it.
fn charge(budget: &mut TokenBucket, cost: Cost, now: Instant) -> Result<(), Error> {
    let tokens = match cost {
        // An honest peer may send a PING every few milliseconds, and a hundred of them may come at
        // once when this end has been busy.
        Cost::Control => TOKEN / 8,
        Cost::TinyFragment => TOKEN,
        Cost::Message => {
            budget.put_back(TOKEN);
            return Ok(());
        }
    };
    budget.take(tokens, now).then_some(()).ok_or_else(Error::too_many)
}
