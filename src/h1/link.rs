//! The connection's lock, the state behind it, and the end of the connection.

use std::fmt;
use std::io;
use std::sync::Condvar;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

use super::codec::Codec;
use crate::error::{Error, ErrorKind};
use crate::logging::{self, Lock, Locked};
use crate::proto::Transmit;
use crate::transport::{Closer, Halves};
use crate::wire::{Owner, ReadBuffer, ReadTimeout};

/// An HTTP/1.1 connection. See the [module](super).
pub(crate) struct Link {
    state: Lock<State>,
    /// Signals that the reader or the writer is back, a half of the exchange was dropped, or the
    /// connection has ended.
    changed: Condvar,
    pub(super) closer: Closer,
    pub(super) owner: Box<dyn Owner>,
    pub(super) limits: Limits,
    /// The number of live halves of the current exchange.
    pub(super) halves: AtomicUsize,
}

/// Limits of sending on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// How long a write may make no progress worth the name: see [`super::write`].
    pub(crate) stall_timeout: Option<Duration>,
    /// The most octets that may be queued by calls that do not wait.
    pub(crate) max_send_buffer: usize,
}

pub(super) type Guard<'a> = Locked<'a, State>;

/// The state behind the lock.
pub(super) struct State {
    pub(super) codec: Codec,
    /// Queued octets that no writing thread has taken yet.
    pub(super) outgoing: Transmit,
    /// `None` while a thread reads, and for good once the transport has been cut.
    pub(super) reading: Option<Box<Reading>>,
    /// `None` while a thread writes, and for good once the transport has been cut.
    pub(super) writing: Option<Box<Writing>>,
    /// The number of octets that a thread is writing.
    pub(super) in_flight: usize,
    /// The transport's input has ended, with an error if it failed.
    pub(super) input_ended: Option<Option<Error>>,
    /// The reason why writing has become impossible.
    pub(super) write_failed: Option<Error>,
    /// The reason why the connection was cut.
    pub(super) cut: Option<Error>,
    /// The status that answers a fault in the request's body.
    pub(super) refusal: Option<StatusCode>,
    /// When a thread began to wait for a request, while no octet of one has arrived.
    pub(super) idle_since: Option<Instant>,
    /// When the owner's clock ends a read on a transport without read timeouts.
    pub(super) read_until: Option<Instant>,
    /// The number of exchanges that a client has begun.
    pub(super) exchange: u64,
    /// An octet has arrived since the latest exchange began.
    pub(super) is_answered: bool,
    /// Trailers of the current body that the reader has not taken.
    pub(super) trailers: Option<HeaderMap>,
    /// The input ended without TLS's close_notify.
    pub(super) is_unconfirmed: bool,
    /// When the owner's clock will call next.
    pub(super) called_at: Option<Instant>,
    /// Octets received and sent so far.
    pub(super) octets: (u64, u64),
    /// The number of threads that wait for a change.
    waiting: usize,
}

/// The reader and its buffer.
pub(super) struct Reading {
    pub(super) reader: Box<dyn io::Read + Send>,
    pub(super) buffer: ReadBuffer,
    pub(super) timeout: ReadTimeout,
}

/// The writer and the octets that it writes next.
pub(super) struct Writing {
    pub(super) writer: Box<dyn io::Write + Send>,
    pub(super) out: Transmit,
    /// The writer may have buffered octets, which a flush sends.
    pub(super) unflushed: bool,
}

impl Link {
    /// A connection on which `input` has already been read.
    pub(crate) fn new<R, W>(
        codec: Codec,
        halves: Halves<R, W>,
        input: Bytes,
        limits: Limits,
        owner: Box<dyn Owner>,
    ) -> Self
    where
        R: io::Read + Send + 'static,
        W: io::Write + Send + 'static,
    {
        let Halves { reader, writer, closer } = halves;
        let mut buffer = ReadBuffer::new();
        buffer.octets().extend_from_slice(&input);
        let reading = Reading { reader: Box::new(reader), buffer, timeout: ReadTimeout::default() };
        let writing = Writing { writer: Box::new(writer), out: Transmit::new(), unflushed: false };
        let state = State {
            codec,
            outgoing: Transmit::new(),
            reading: Some(Box::new(reading)),
            writing: Some(Box::new(writing)),
            in_flight: 0,
            input_ended: None,
            write_failed: None,
            cut: None,
            refusal: None,
            idle_since: None,
            read_until: None,
            exchange: 0,
            is_answered: false,
            trailers: None,
            is_unconfirmed: false,
            called_at: None,
            octets: (input.len() as u64, 0),
            waiting: 0,
        };
        Link {
            state: Lock::new(state),
            changed: Condvar::new(),
            closer,
            owner,
            limits,
            halves: AtomicUsize::new(0),
        }
    }

    pub(super) fn lock(&self) -> Guard<'_> {
        // No application code runs under the lock, and no invariant spans a panic.
        self.state.lock()
    }

    /// Waits for a change, until `until` at the latest.
    pub(super) fn wait_for_change<'a>(
        &'a self,
        mut state: Guard<'a>,
        until: Option<Instant>,
    ) -> Guard<'a> {
        let time = until.map(|until| until.saturating_duration_since(Instant::now()));
        state.waiting += 1;
        let mut state = state.wait(&self.changed, time);
        state.waiting -= 1;
        state
    }

    /// Wakes the threads that [wait for a change](Self::wait_for_change). If there are none, it
    /// avoids the system call that `Condvar` would make.
    pub(super) fn notify(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Ends the connection now. Blocked reads and writes return. The halves of the transport are
    /// dropped, at once or when their threads return them. The first reason is kept.
    pub(crate) fn cut(&self, reason: Error) {
        self.cut_locked(self.lock(), reason, false);
    }

    /// The same; if `is_told`, the peer gets the transport's own end (TLS's close_notify) first.
    fn cut_locked(&self, mut state: Guard<'_>, reason: Error, is_told: bool) {
        if state.cut.is_some() {
            return;
        }
        state.cut = Some(reason);
        let halves = (state.reading.take(), state.writing.take());
        self.notify(&state);
        drop(state);
        if is_told {
            let _ = self.closer.shutdown_write();
        }
        if let Err(error) = self.closer.close() {
            logging::debug!("closing the transport: {error}");
        }
        drop(halves);
    }

    /// Makes the next response the last one, and tells the client so in it.
    pub(crate) fn announce_close(&self) {
        if let Some(server) = self.lock().codec.server() {
            server.announce_close();
        }
    }

    /// Ends a connection that has waited for a request for `least`, unless octets of one have
    /// arrived. May briefly wait for the transport.
    pub(crate) fn close_idle(&self, least: Duration) {
        let is_idle =
            |state: &State| state.idle_since.is_some_and(|since| since.elapsed() >= least);
        if !is_idle(&self.lock()) || matches!(self.closer.is_readable(), Ok(Some(true))) {
            return;
        }
        let state = self.lock();
        // A request that has arrived meanwhile is still answered.
        if is_idle(&state) {
            self.cut_locked(state, closed(), true);
        }
    }

    /// Whether the connection has been cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.lock().cut.is_some()
    }

    /// The octets received and sent so far.
    pub(crate) fn octets(&self) -> (u64, u64) {
        self.lock().octets
    }

    /// Whether a message has begun and is not complete.
    pub(crate) fn has_exchange(&self) -> bool {
        let state = self.lock();
        state.cut.is_none() && !state.codec.is_idle() && !state.codec.is_closed()
    }

    /// Whether the connection carries another protocol than HTTP by now.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.lock().codec.is_tunnel()
    }

    /// Counts a live half of the exchange.
    pub(super) fn enter(&self) {
        self.halves.fetch_add(1, Ordering::SeqCst);
    }

    /// Counts a half of the exchange as dropped.
    pub(super) fn leave(&self) {
        if self.halves.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Under the lock, so that a thread that is about to wait does not miss the signal.
            self.notify(&self.lock());
            self.owner.exchange_ended();
        }
    }

    /// Asks the owner's clock to end a read at `until`. For transports without read timeouts.
    pub(super) fn call_at(&self, state: &mut State, at: Instant) {
        if !self.owner.has_clock() || state.called_at.is_some_and(|called| called <= at) {
            return;
        }
        state.called_at = Some(at);
        let mut wake: Vec<Thread> = Vec::new();
        self.owner.call_at(at, &mut wake);
        wake.into_iter().for_each(|thread| thread.unpark());
    }

    /// Handles a call of the owner's clock. Returns whether a read has exceeded its time; the
    /// connection must then be [cut](Self::cut), on a thread that may wait.
    pub(crate) fn tick(&self, now: Instant) -> bool {
        let mut state = self.lock();
        state.called_at = None;
        match state.read_until {
            Some(until) if until <= now => true,
            Some(until) => {
                self.call_at(&mut state, until);
                false
            }
            None => false,
        }
    }
}

impl State {
    /// Octets that have been read and not used. Empty while a thread reads.
    pub(super) fn input_len(&mut self) -> usize {
        self.reading.as_mut().map_or(0, |reading| reading.buffer.octets().len())
    }

    /// The reason why sending is impossible; `None` while it is possible.
    pub(super) fn send_error(&self) -> Option<Error> {
        self.cut.clone().or_else(|| self.write_failed.clone())
    }
}

/// The error of calls on a connection that this side has closed.
pub(crate) fn closed() -> Error {
    Error::text(ErrorKind::Closed, "the connection has been closed")
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("closer", &self.closer).finish_non_exhaustive()
    }
}
