//! The reading part of a WebSocket.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::handshake::Handshake;
use super::outlet::How;
use super::shared::{Guard, Shared};
use crate::error::Error;
use crate::halves::RecvHalf;
use crate::ws::{Close, CloseCode, Event, Message, Role};

/// How long one read lasts while queued octets wait for the peer to take them.
const BEHIND_TURN: Duration = Duration::from_millis(100);

/// The least time that a thread reads before it finds that the peer is late.
const LEAST_TURN: Duration = Duration::from_millis(1);

/// How long dropping a reader may take to send its Close frame.
const DROP_TIMEOUT: Duration = Duration::from_millis(100);

/// How long ending the WebSocket may take after a failure.
const LINGER: Duration = Duration::from_secs(1);

/// The reading part of a [`WebSocket`](super::WebSocket).
///
/// While a thread is in a call of the reader, PINGs and the peer's Close frame are answered, and deadlines
/// are checked. Dropping it closes the WebSocket with 1001 (going away), or with 1011 in a panic; senders then
/// fail.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::websocket::{Message, Reader};
///
/// fn receive(mut reader: Reader) -> Result<(), h2_sync::Error> {
///     println!("over {:?}", reader.handshake().version());
///     reader.set_read_timeout(Some(Duration::from_secs(60)));
///     while let Some(message) = reader.read()? {
///         match message {
///             Message::Text(text) if &*text == "bye" => {
///                 reader.close(1000, "")?;
///             }
///             Message::Text(text) => println!("{text}"),
///             Message::Binary(octets) => println!("{} octets", octets.len()),
///         }
///     }
///     println!("closed: {:?}", reader.closed());
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct Reader {
    pub(super) shared: Arc<Shared>,
    recv: RecvHalf,
    /// The octets that were received and not yet decoded.
    octets: Bytes,
    timeout: Option<Duration>,
    /// The iterator has returned the end.
    has_ended: bool,
}

/// The result of waiting for octets.
enum Waited {
    Some,
    /// The peer has ended its direction.
    Ended,
    Late,
}

impl Reader {
    pub(super) fn new(
        shared: Arc<Shared>,
        mut recv: RecvHalf,
        read_timeout: Option<Duration>,
    ) -> Self {
        recv.set_read_timeout(None);
        Reader { shared, recv, octets: Bytes::new(), timeout: read_timeout, has_ended: false }
    }

    /// Returns the outcome of the opening handshake.
    pub fn handshake(&self) -> &Handshake {
        &self.shared.handshake
    }

    /// Sets how long [`read`](Self::read) waits for a message; `None` for no limit.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// Waits for the next message. Returns `None` if the peer has closed the WebSocket;
    /// [`closed`](Self::closed) then returns the reason.
    ///
    /// # Errors
    ///
    /// - The peer violated the protocol, exceeded a limit, or ended the connection without a Close frame.
    ///   Each later call returns the same error; [`Error::close_code`] is the code sent to the peer.
    /// - No message arrived within `read_timeout` ([`Error::is_timeout`]). The call may be repeated; a
    ///   partly received message is kept.
    pub fn read(&mut self) -> Result<Option<Message>, Error> {
        self.read_in("read_timeout", self.timeout)
    }

    /// Waits for the next message for at most `time`, regardless of the read timeout.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::websocket::{Message, Reader};
    ///
    /// /// Returns a message if one comes within a tenth of a second.
    /// fn poll(reader: &mut Reader) -> Result<Option<Message>, h2_sync::Error> {
    ///     match reader.read_within(Duration::from_millis(100)) {
    ///         Err(error) if error.is_timeout() => Ok(None),
    ///         result => result,
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`read`](Self::read).
    pub fn read_within(&mut self, time: Duration) -> Result<Option<Message>, Error> {
        self.read_in("read_within", Some(time))
    }

    fn read_in(
        &mut self,
        setting: &'static str,
        time: Option<Duration>,
    ) -> Result<Option<Message>, Error> {
        let deadline = time.and_then(|time| Instant::now().checked_add(time));
        match self.read_until(deadline)? {
            Some(result) => Ok(result),
            None => {
                Err(Error::late("no message came").by_setting(setting, time.unwrap_or_default()))
            }
        }
    }

    /// Returns the code and reason of the peer's Close frame, once it has arrived.
    pub fn closed(&self) -> Option<Close> {
        self.shared.lock().closed.clone()
    }

    /// Closes the WebSocket and waits for the peer's Close frame, which it returns. Messages that arrive
    /// until then are dropped. It returns within `close_timeout` (5 s by default), whatever the peer does.
    ///
    /// If another thread has already sent a Close frame, this call only waits for the peer.
    ///
    /// # Errors
    ///
    /// If `code` must not be sent or the reason has more than 123 octets ([`ErrorKind::Caller`]): the
    /// WebSocket then stays open. Otherwise those of [`read`](Self::read), and the WebSocket has ended.
    ///
    /// [`ErrorKind::Caller`]: crate::ErrorKind::Caller
    pub fn close(&mut self, code: impl Into<CloseCode>, reason: &str) -> Result<Close, Error> {
        let shared = Arc::clone(&self.shared);
        let mut state = shared.lock();
        if state.core.is_open() {
            state = shared.close(state, Some(code.into()), reason)?;
        }
        drop(state);
        let until = Instant::now() + shared.close_timeout;
        while self.read_until(Some(until))?.is_none_or(|message| message.is_some()) {
            // A peer that sends messages without a pause is not waited for either.
            let mut state = shared.lock();
            if let Err(error) = state.core.handle_timeout(Instant::now()) {
                return Err(self.fail(&shared, state, error.into()));
            }
        }
        Ok(self.closed().unwrap_or_default())
    }

    /// The octets that came behind the peer's Close frame: those of another protocol, where the
    /// transport goes on.
    pub(super) fn take_rest(&mut self) -> Bytes {
        std::mem::take(&mut self.octets)
    }

    /// The next message, or the end. `None` where neither comes until then.
    fn read_until(&mut self, deadline: Option<Instant>) -> Result<Option<Option<Message>>, Error> {
        let shared = Arc::clone(&self.shared);
        let start = Instant::now();
        let (mut is_late, mut has_waited) = (false, false);
        loop {
            let mut state = shared.lock();
            if state.closed.is_some() {
                return Ok(Some(None));
            }
            if let Some(error) = &state.failure {
                return Err(error.clone());
            }
            let now = Instant::now();
            match state.core.receive(&mut self.octets, now) {
                Ok(Some(Event::Message(message))) => {
                    if state.core.has_transmit() {
                        drop(shared.write(state, How::Soon));
                    }
                    return Ok(Some(Some(message)));
                }
                Ok(Some(Event::Close(close))) => {
                    state.closed = Some(close);
                    shared.notify(&state);
                    self.end(&shared, state);
                    return Ok(Some(None));
                }
                Ok(Some(_)) => continue,
                Ok(None) => {
                    // Octets that trickle in are no answer to a Close frame.
                    is_late |= now.duration_since(start) > shared.close_timeout;
                    if std::mem::take(&mut is_late) {
                        if let Err(error) = state.core.handle_timeout(now) {
                            return Err(self.fail(&shared, state, error.into()));
                        }
                    }
                    if has_waited && deadline.is_some_and(|deadline| deadline <= now) {
                        return Ok(None);
                    }
                }
                Err(error) => return Err(self.fail(&shared, state, error.into())),
            }
            if state.is_behind() {
                state = shared.write(state, How::Soon);
            }
            let turn = if state.is_behind() { BEHIND_TURN } else { shared.close_timeout };
            let until = [deadline, state.core.poll_timeout(), now.checked_add(turn)];
            drop(state);
            has_waited = true;
            match self.wait(until.into_iter().flatten().min(), now) {
                Ok(Waited::Some) => {}
                Ok(Waited::Late) => is_late = true,
                Ok(Waited::Ended) => {
                    let mut state = shared.lock();
                    if let Err(error) = state.core.end_of_input() {
                        return Err(self.fail(&shared, state, error.into()));
                    }
                }
                Err(error) => return Err(self.fail(&shared, shared.lock(), error)),
            }
        }
    }

    /// Waits for octets.
    fn wait(&mut self, until: Option<Instant>, now: Instant) -> Result<Waited, Error> {
        let least = now.checked_add(LEAST_TURN);
        let until = until.map(|until| least.map_or(until, |least| until.max(least)));
        self.recv.set_deadline(until);
        match self.recv.next_chunk() {
            Ok(Some(octets)) => {
                self.octets = octets;
                Ok(Waited::Some)
            }
            Ok(None) => Ok(Waited::Ended),
            Err(error) if error.is_timeout() && until.is_some_and(|at| at <= Instant::now()) => {
                Ok(Waited::Late)
            }
            Err(error) => Err(error),
        }
    }

    /// The peer's Close frame has come: ends the transport.
    fn end<'a>(&mut self, shared: &'a Shared, mut state: Guard<'a>) {
        let until = Instant::now() + shared.close_timeout;
        let is_stream = self.recv.stream_id().is_some();
        if self.must_wait_for_server() && !is_stream {
            // RFC 6455, Section 7.1.1: the server closes the connection first.
            drop(shared.write(state, How::Soon));
            self.drain(until);
            state = shared.lock();
        }
        if !shared.finish(state, until) {
            // Another thread writes to a peer that does not read.
            self.recv.abort(Error::timeout("the peer did not take the end of the WebSocket"));
        } else if self.must_wait_for_server() && is_stream {
            self.drain(until.min(Instant::now() + LINGER));
        }
    }

    /// The WebSocket has failed: tells the peer where there is a Close frame to do so, and ends the
    /// transport.
    fn fail(&mut self, shared: &Shared, mut state: Guard<'_>, error: Error) -> Error {
        if let Some(first) = &state.failure {
            return first.clone();
        }
        state.failure = Some(error.clone());
        shared.notify(&state);
        let is_told = state.core.failure().is_some() && state.core.has_transmit();
        let until = Instant::now() + LINGER;
        let has_ended = if is_told {
            shared.finish(state, until)
        } else {
            drop(state);
            false
        };
        if !has_ended {
            drop(shared.cut(shared.lock()));
            self.recv.abort(error.clone());
        } else if self.must_wait_for_server() {
            self.drain(until);
        }
        error
    }

    /// Whether this is a client whose stream or connection ends with the WebSocket. If it ended it with
    /// octets unread, the system or a proxy could discard the Close frame and what is before it.
    fn must_wait_for_server(&self) -> bool {
        self.shared.role == Role::Client && !self.shared.handshake.is_lent
    }

    /// Drops what comes until the peer ends the connection, until then at the latest.
    fn drain(&mut self, until: Instant) {
        let mut now = Instant::now();
        while now < until {
            match self.wait(Some(until), now) {
                Ok(Waited::Some) => self.octets.clear(),
                _ => break,
            }
            now = Instant::now();
        }
    }
}

/// Gives messages until the WebSocket ends, and an error as the last item if it has failed. An error for
/// a message that did not come in time is not the last.
impl Iterator for Reader {
    type Item = Result<Message, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let next = self.read().transpose();
        let is_failed = self.shared.lock().failure.is_some();
        self.has_ended = next.is_none() || is_failed && matches!(next, Some(Err(_)));
        next
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let until = Instant::now() + DROP_TIMEOUT;
        let code =
            if thread::panicking() { CloseCode::INTERNAL_ERROR } else { CloseCode::GOING_AWAY };
        let mut state = self.shared.lock();
        if state.is_finished || state.failure.is_some() {
            return;
        }
        if state.core.is_open() {
            // It is open, and the code may be sent.
            let _ = state.core.close(Some(code), "", Instant::now());
        }
        // A thread that is writing ends the direction when it has done so.
        if state.outlet.is_some() {
            self.shared.finish(state, until);
        } else {
            state.is_finishing = true;
        }
    }
}
