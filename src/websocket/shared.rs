//! The state that the reader and all senders of a WebSocket share.

use std::any::Any;
use std::fmt;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::config::Config;
use super::handshake::Handshake;
use super::outlet::{How, Outlet};
use crate::error::{Error, ErrorKind};
use crate::halves::SendHalf;
use crate::logging::{self, Lock, Locked};
use crate::ws::{self, Close, CloseCode, Message, Role, SendError};

/// The longest `close_timeout`, so that the deadline does not overflow.
const CLOSE_TIMEOUT_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The state shared by the threads of one WebSocket.
///
/// The lock is held while messages are framed, compressed or inflated, and never across I/O.
pub(super) struct Shared {
    state: Lock<State>,
    /// Signalled when a message was written, the outlet was put back, or the WebSocket has ended.
    changed: Condvar,
    pub(super) handshake: Handshake,
    /// Values that live as long as the WebSocket.
    kept: Mutex<Vec<Box<dyn Any + Send + Sync>>>,
    pub(super) role: Role,
    pub(super) close_timeout: Duration,
}

pub(super) type Guard<'a> = Locked<'a, State>;

/// The state that the lock protects.
pub(super) struct State {
    pub(super) core: ws::Connection,
    /// `None` while a thread writes, and after the direction has ended.
    pub(super) outlet: Option<Outlet>,
    /// The number of the last message that was written.
    written: u64,
    /// The code and reason of the peer's Close frame.
    pub(super) closed: Option<Close>,
    /// The reason why the WebSocket has failed.
    pub(super) failure: Option<Error>,
    /// Whether the direction ends when everything has been written.
    pub(super) is_finishing: bool,
    /// Whether the direction has ended.
    pub(super) is_finished: bool,
    /// Whether the transport is to be cut.
    is_cut: bool,
    /// The number of threads that wait for a change.
    waiting: usize,
}

impl Shared {
    pub(super) fn new(
        half: SendHalf,
        core: ws::Connection,
        config: &Config,
        handshake: Handshake,
    ) -> Self {
        let (role, close_timeout) = (core.role(), config.close_timeout.min(CLOSE_TIMEOUT_MAX));
        let state = State {
            core,
            outlet: Some(Outlet::new(half, config.write_timeout)),
            written: 0,
            closed: None,
            failure: None,
            is_finishing: false,
            is_finished: false,
            is_cut: false,
            waiting: 0,
        };
        Shared {
            state: Lock::new(state),
            changed: Condvar::new(),
            handshake,
            kept: Mutex::default(),
            role,
            close_timeout,
        }
    }

    pub(super) fn lock(&self) -> Guard<'_> {
        self.state.lock()
    }

    /// Keeps a value for as long as a part of the WebSocket exists.
    pub(super) fn keep(&self, what: Box<dyn Any + Send + Sync>) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    /// Sends a message and waits until it has been written.
    pub(super) fn send(&self, message: &Message) -> Result<(), Error> {
        let mut state = self.lock();
        loop {
            match state.core.send(message) {
                Ok(()) => break,
                Err(SendError::Full) => {
                    let next = state.written + 1;
                    state = self.write_until(state, next)?;
                }
                Err(error) => return Err(state.explain(error)),
            }
        }
        let number = state.core.queued();
        self.write_until(state, number).map(drop)
    }

    /// Sends a message if there is room, and lets another thread write it. Returns `None` if there is no
    /// room.
    pub(super) fn try_send(&self, message: &Message) -> Result<Option<()>, Error> {
        let mut state = self.lock();
        if state.core.is_open() && state.outlet.is_some() {
            // Earlier output that found no room is sent first.
            state = self.write(state, How::Never);
            let has_room = |outlet: &mut Outlet| outlet.has_room(message.len());
            if state.outlet.as_mut().is_some_and(|outlet| !has_room(outlet)) {
                return Ok(None);
            }
        }
        match state.core.send(message) {
            Ok(()) => {
                let state = self.write(state, How::Never);
                state.failure.clone().map_or(Ok(Some(())), Err)
            }
            Err(SendError::Full) => Ok(None),
            Err(error) => Err(state.explain(error)),
        }
    }

    /// Queues a Close frame after the queued messages, and returns its number.
    pub(super) fn close<'a>(
        &'a self,
        mut state: Guard<'a>,
        code: Option<CloseCode>,
        reason: &str,
    ) -> Result<Guard<'a>, Error> {
        let result = state.core.close(code, reason, Instant::now());
        match result {
            Ok(()) => Ok(state),
            Err(error) => Err(state.explain(error)),
        }
    }

    /// Waits until the message with this number has been written, by this thread or another.
    pub(super) fn write_until<'a>(
        &'a self,
        mut state: Guard<'a>,
        number: u64,
    ) -> Result<Guard<'a>, Error> {
        loop {
            if let Some(error) = &state.failure {
                return Err(error.clone());
            }
            if state.core.is_lost(number) {
                return Err(state.explain(SendError::Closed));
            }
            if state.written >= number {
                if state.waiting == 0 {
                    // No other thread would write what was sent meanwhile without waiting.
                    state = self.write(state, How::Never);
                }
                return Ok(state);
            }
            match state.outlet.take() {
                Some(outlet) => state = self.write_with(state, outlet, How::Waiting, number),
                None if state.is_finished => return Err(state.explain(SendError::Closed)),
                None => {
                    state.waiting += 1;
                    state = state.wait(&self.changed, None);
                    state.waiting -= 1;
                }
            }
        }
    }

    /// Writes queued output, if no other thread does.
    pub(super) fn write<'a>(&'a self, mut state: Guard<'a>, how: How) -> Guard<'a> {
        match state.outlet.take() {
            Some(outlet) => self.write_with(state, outlet, how, u64::MAX),
            None => state,
        }
    }

    /// Writes queued output. After the message with this number, another waiting thread continues. If no
    /// other thread waits, this one also writes the messages that are queued by then, and no later ones: other
    /// threads might queue them faster than the peer takes them. Nothing is queued after a Close frame.
    fn write_with<'a>(
        &'a self,
        mut state: Guard<'a>,
        mut outlet: Outlet,
        how: How,
        mut number: u64,
    ) -> Guard<'a> {
        let mut is_last_round = false;
        loop {
            if state.is_cut {
                state.is_finished = true;
                drop(state);
                outlet.abort();
                state = self.lock();
                break;
            }
            // A reading thread leaves PONGs in the queue until there is room for them.
            let is_behind = how == How::Soon && outlet.has_unwritten();
            if outlet.is_empty() && !is_behind {
                if !state.core.has_transmit() {
                    if !state.is_finishing {
                        state.outlet = Some(outlet);
                        break;
                    }
                    drop(state);
                    if let Err(error) = outlet.finish() {
                        logging::debug!("ending a WebSocket: {error}");
                    }
                    state = self.lock();
                    state.is_finished = true;
                    break;
                }
                if state.written >= number && state.core.is_open() {
                    if state.waiting > 0 || is_last_round {
                        state.outlet = Some(outlet);
                        break;
                    }
                    is_last_round = true;
                    number = state.core.queued();
                }
                outlet.take(&mut state.core);
            }
            let upto = state.core.transmitted();
            drop(state);
            let result = outlet.write(how);
            let is_behind = is_behind && outlet.has_unwritten();
            state = self.lock();
            match result {
                Ok(is_put) => {
                    if is_put {
                        state.written = upto;
                        self.notify(&state);
                    }
                    if !is_put || is_behind {
                        state.outlet = Some(outlet);
                        break;
                    }
                }
                Err(error) => {
                    state.failure.get_or_insert(error);
                    state.is_cut = true;
                }
            }
        }
        self.notify(&state);
        state
    }

    /// Ends the direction after the queued output. Returns whether it has ended by `until`.
    pub(super) fn finish<'a>(&'a self, mut state: Guard<'a>, until: Instant) -> bool {
        state.is_finishing = true;
        loop {
            if let Some(mut outlet) = state.outlet.take() {
                outlet.set_deadline(Some(until));
                state = self.write_with(state, outlet, How::Waiting, u64::MAX);
            }
            let now = Instant::now();
            if state.is_finished || until <= now {
                return state.is_finished;
            }
            // Another thread writes; it then ends the direction, or leaves that to this thread.
            state.waiting += 1;
            state = state.wait(&self.changed, Some(until - now));
            state.waiting -= 1;
        }
    }

    /// Cuts the direction as soon as no thread is writing.
    pub(super) fn cut<'a>(&'a self, mut state: Guard<'a>) -> Guard<'a> {
        state.is_cut = true;
        self.write(state, How::Soon)
    }

    /// Returns whether a thread is writing.
    #[cfg(test)]
    pub(super) fn is_writing(&self) -> bool {
        let state = self.lock();
        state.outlet.is_none() && !state.is_finished
    }

    /// Wakes the waiting threads. If there are none, it makes no system call.
    pub(super) fn notify(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }
}

impl State {
    /// Returns the error of a failed call. The reason why the WebSocket ended replaces a mere “closed”.
    pub(super) fn explain(&self, error: SendError) -> Error {
        match (&self.failure, &self.closed, error) {
            (Some(failure), _, SendError::Closed) => failure.clone(),
            (None, Some(close), SendError::Closed) => {
                let what = format!("the peer has closed the WebSocket: {close}");
                Error::text(ErrorKind::Closed, what)
            }
            (_, _, error) => error.into(),
        }
    }

    /// Returns whether output is queued that no thread of the WebSocket writes.
    pub(super) fn is_behind(&mut self) -> bool {
        let Some(outlet) = &mut self.outlet else { return false };
        self.core.has_transmit() || !outlet.is_empty() || outlet.has_unwritten()
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("handshake", &self.handshake).finish_non_exhaustive()
    }
}
