//! The lock, what it protects, and the end of the connection.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::Condvar;
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

/// One connection. See the [module](super).
pub(crate) struct Link {
    state: Lock<State>,
    /// The reader or the writer has been put back, a half of the exchange has gone, or the connection
    /// has ended.
    changed: Condvar,
    pub(super) closer: Closer,
    pub(super) owner: Box<dyn Owner>,
    pub(super) limits: Limits,
    /// Halves of the exchange under way that are in use.
    pub(super) halves: AtomicUsize,
}

/// What bounds the sending of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// How long the peer may take next to nothing of what is written to it.
    pub(crate) stall_timeout: Option<Duration>,
    /// Octets that wait to be written for a thread that does not wait for them.
    pub(crate) max_send_buffer: usize,
}

pub(super) type Guard<'a> = Locked<'a, State>;

/// What the lock protects.
pub(super) struct State {
    pub(super) codec: Codec,
    /// What has been put and has not been taken by a thread that writes.
    pub(super) outgoing: Transmit,
    /// Gone while a thread reads, and for good when the transport has been cut.
    pub(super) reading: Option<Box<Reading>>,
    /// Gone while a thread writes, and for good when the transport has been cut.
    pub(super) writing: Option<Box<Writing>>,
    /// Octets that a thread is writing.
    pub(super) in_flight: usize,
    /// Nothing more comes from the transport; with its error, if it was one.
    pub(super) input_ended: Option<Option<Error>>,
    /// Why nothing can be written any more.
    pub(super) write_failed: Option<Error>,
    /// Why the connection has been cut.
    pub(super) cut: Option<Error>,
    /// The status that a fault in the request's body is answered with.
    pub(super) refusal: Option<StatusCode>,
    /// A thread waits for a request, and nothing of one has come.
    pub(super) waits_idle: bool,
    /// The clock is to end a read that cannot be limited otherwise.
    pub(super) read_until: Option<Instant>,
    /// How many exchanges a client has begun.
    pub(super) exchange: u64,
    /// An octet has come since the last of them was begun.
    pub(super) is_answered: bool,
    /// The trailers of the body that is being received, where the reader has not been told of them.
    pub(super) trailers: Option<HeaderMap>,
    /// The transport ended without saying so, as TLS does when it is cut.
    pub(super) is_unconfirmed: bool,
    /// The owner's clock has been asked to come back at this time.
    pub(super) called_at: Option<Instant>,
    /// Threads that wait for a change.
    waiting: usize,
}

/// The reader, with what it has read.
pub(super) struct Reading {
    pub(super) reader: Box<dyn io::Read + Send>,
    pub(super) buffer: ReadBuffer,
    pub(super) timeout: ReadTimeout,
}

/// The writer, with what it is to write next.
pub(super) struct Writing {
    pub(super) writer: Box<dyn io::Write + Send>,
    pub(super) out: Transmit,
    /// The writer may hold octets in a buffer of its own.
    pub(super) unflushed: bool,
}

impl Link {
    /// A connection whose first octets, `input`, have been read already.
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
            waits_idle: false,
            read_until: None,
            exchange: 0,
            is_answered: false,
            trailers: None,
            is_unconfirmed: false,
            called_at: None,
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
        // No code of the application's runs under the lock, and no invariant spans a panic.
        self.state.lock()
    }

    /// Waits until something has changed, or until then.
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

    /// Wakes the threads that [wait for a change](Self::wait_for_change). Without one it costs no system
    /// call, which `Condvar` would make.
    pub(super) fn notify(&self, state: &State) {
        if state.waiting > 0 {
            self.changed.notify_all();
        }
    }

    /// Ends the connection now: blocked reads and writes return, and the halves of the transport are
    /// dropped, at once or when they come back. The first reason stays.
    pub(crate) fn cut(&self, reason: Error) {
        self.cut_locked(self.lock(), reason, false);
    }

    /// The same; tells the peer before where that `is_told`.
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

    /// Begins no exchange after the one under way. A connection without one ends at once, unless
    /// octets of a request have arrived. May wait for the transport to take the end.
    pub(crate) fn shut_down(&self) {
        let mut state = self.lock();
        if let Some(server) = state.codec.server() {
            server.close_after_response();
        }
        if !state.waits_idle {
            return;
        }
        drop(state);
        if matches!(self.closer.is_readable(), Ok(Some(true))) {
            return;
        }
        let state = self.lock();
        // A request that has come meanwhile is answered.
        if state.waits_idle {
            self.cut_locked(state, closed(), true);
        }
    }

    /// Whether the connection has been cut.
    pub(crate) fn is_cut(&self) -> bool {
        self.lock().cut.is_some()
    }

    /// Whether a message has been begun and not been ended.
    pub(crate) fn has_exchange(&self) -> bool {
        let state = self.lock();
        state.cut.is_none() && !state.codec.is_idle() && !state.codec.is_closed()
    }

    /// Whether the connection carries something else than HTTP by now.
    pub(crate) fn is_tunnel(&self) -> bool {
        self.lock().codec.is_tunnel()
    }

    /// A half of the exchange is in use.
    pub(super) fn enter(&self) {
        self.halves.fetch_add(1, Ordering::SeqCst);
    }

    /// A half of the exchange has gone.
    pub(super) fn leave(&self) {
        if self.halves.fetch_sub(1, Ordering::SeqCst) == 1 {
            // Under the lock, so that a thread that is about to wait does not miss it.
            self.notify(&self.lock());
            self.owner.exchange_ended();
        }
    }

    /// Asks the owner's clock to end a read by then. For a transport that cannot limit reads.
    pub(super) fn call_at(&self, state: &mut State, at: Instant) {
        if !self.owner.has_clock() || state.called_at.is_some_and(|called| called <= at) {
            return;
        }
        state.called_at = Some(at);
        let mut wake: Vec<Thread> = Vec::new();
        self.owner.call_at(at, &mut wake);
        wake.into_iter().for_each(|thread| thread.unpark());
    }

    /// The owner's clock has come. Returns whether a read has had its time: the connection is to be
    /// [cut](Self::cut), on a thread that may wait.
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
    /// What has been read and not been used. Empty while a thread reads.
    pub(super) fn input_len(&mut self) -> usize {
        self.reading.as_mut().map_or(0, |reading| reading.buffer.octets().len())
    }

    /// Why nothing can be sent; `None` while something can.
    pub(super) fn send_error(&self) -> Option<Error> {
        self.cut.clone().or_else(|| self.write_failed.clone())
    }
}

/// The reason of a connection that this side has ended.
pub(crate) fn closed() -> Error {
    Error::text(ErrorKind::Closed, "the connection has been closed")
}

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("closer", &self.closer).finish_non_exhaustive()
    }
}
