//! One core and one transport: the only place where the core's lock is taken.
//!
//! ```text
//!             ┌────────────── read step ──────────────┐
//!   reader ──▶│ read (unlocked) → lock, receive, unlock│
//!             └───────────────────────────────────────┘
//!             ┌────────────── flush step ─────────────────────────┐
//!   writer ◀──│ lock, poll_transmit, unlock → write (unlocked)     │
//!             └───────────────────────────────────────────────────┘
//! ```
//!
//! The lock is never held across I/O, and nothing is delivered to the application under it. A
//! driver (the Session, the server, the client) decides which threads take the steps.

mod buffer;
mod flush;

use std::io::{self, Read};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub(crate) use buffer::ReadBuffer;
pub(crate) use flush::{Next, GOODBYE};

use crate::error::Error;
use crate::proto::{CloseReason, Connection, ConnectionError};
use crate::transport::{gave_up, Closer};

/// A core that several threads drive.
#[derive(Debug)]
pub(crate) struct Link {
    state: Mutex<State>,
    /// The writer waits here for something to write, or for a deadline.
    work: Condvar,
    /// Everybody else waits here: for room to send, for the end of the connection or of a thread.
    changed: Condvar,
    closer: Closer,
}

#[derive(Debug)]
struct State {
    core: Connection,
    /// The writer waits, until this time at the latest.
    parked_until: Option<Option<Instant>>,
    /// The writer is asked to look around.
    nudged: bool,
    /// Threads that wait for room or for an end.
    waiting: usize,
    transport_error: Option<Error>,
    reader_done: bool,
    writer_done: bool,
}

/// How the connection ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    Core(CloseReason),
    Transport(Error),
}

/// What a read step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadStep {
    /// More may come.
    More,
    /// Nothing more comes from the transport.
    Ended,
}

impl Link {
    pub(crate) fn new(core: Connection, closer: Closer) -> Self {
        Link {
            state: Mutex::new(State {
                core,
                parked_until: None,
                nudged: false,
                waiting: 0,
                transport_error: None,
                reader_done: false,
                writer_done: false,
            }),
            work: Condvar::new(),
            changed: Condvar::new(),
            closer,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock ends the connection (see `thread_ended`); the figures and the
        // reason can still be asked for.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs a command under the lock and wakes the writer if there is something for it to do.
    /// Returns as well whether events wait to be polled.
    pub(crate) fn with<T>(&self, command: impl FnOnce(&mut Connection, Instant) -> T) -> (T, bool) {
        let mut state = self.lock();
        let result = command(&mut state.core, Instant::now());
        let events = state.core.has_events() || state.core.close_reason().is_some();
        self.wake(state);
        (result, events)
    }

    /// Like [`with`](Self::with) for a command that may find no room: tries again whenever
    /// something has been sent, until `deadline`.
    pub(crate) fn with_room<T>(
        &self,
        deadline: Instant,
        mut command: impl FnMut(&mut Connection, Instant) -> Result<T, crate::proto::CommandError>,
    ) -> (Result<T, crate::proto::CommandError>, bool) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let result = command(&mut state.core, now);
            let full = matches!(result, Err(crate::proto::CommandError::Full { .. }));
            let Some(left) = deadline.checked_duration_since(now).filter(|_| full) else {
                let events = state.core.has_events() || state.core.close_reason().is_some();
                self.wake(state);
                return (result, events);
            };
            state = self.wait_changed(state, left);
        }
    }

    /// Reads once, and hands what came to the core.
    pub(crate) fn read_step(&self, reader: &mut impl Read, buffer: &mut ReadBuffer) -> ReadStep {
        let read = buffer.fill(reader);
        let mut state = self.lock();
        let outcome = match read {
            Ok(0) => {
                state.core.end_of_input();
                ReadStep::Ended
            }
            Ok(_) => {
                // An error has been queued as GOAWAY, and is kept as the reason of the end.
                let _ = state.core.receive(&mut buffer.octets, Instant::now());
                ReadStep::More
            }
            Err(error) if gave_up(&error) => ReadStep::More,
            Err(error) => {
                state.transport_failed(error);
                ReadStep::Ended
            }
        };
        self.wake(state);
        outcome
    }

    /// Wakes whoever has something to do after a change of the core.
    fn wake(&self, mut state: MutexGuard<'_, State>) {
        let waiting = state.waiting > 0;
        let wake_writer = state.parked_until.is_some_and(|until| {
            let core = &state.core;
            let sooner = match (core.poll_timeout(), until) {
                (Some(deadline), Some(until)) => deadline < until,
                (Some(_), None) => true,
                (None, _) => false,
            };
            sooner || core.wants_transmit() || core.close_reason().is_some()
        });
        if wake_writer {
            state.parked_until = None;
        }
        let closed = state.core.close_reason().is_some();
        drop(state);
        if wake_writer {
            self.work.notify_one();
        }
        if waiting && closed {
            self.changed.notify_all();
        }
    }

    fn wait_changed<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        timeout: Duration,
    ) -> MutexGuard<'a, State> {
        state.waiting += 1;
        let (mut state, _) =
            self.changed.wait_timeout(state, timeout).unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state
    }

    /// Whether events wait to be polled.
    pub(crate) fn has_events(&self) -> bool {
        self.lock().core.has_events()
    }

    /// Has the writer look around, whether or not there is something to write.
    pub(crate) fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        state.parked_until = None;
        drop(state);
        self.work.notify_one();
    }

    /// Waits until the connection has ended, and says whether it has.
    pub(crate) fn wait_end(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.core.close_reason().is_some())
    }

    /// Waits until the writer thread is through, and says whether it is.
    pub(crate) fn wait_writer(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.writer_done)
    }

    /// Whether a thread is through.
    pub(crate) fn is_done(&self, side: Side) -> bool {
        let state = self.lock();
        match side {
            Side::Reader => state.reader_done,
            Side::Writer => state.writer_done,
        }
    }

    fn wait_for(&self, deadline: Instant, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        while !done(&state) {
            match deadline.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => state = self.wait_changed(state, left),
                _ => return false,
            }
        }
        true
    }

    /// The thread that reads (or writes) is through. If it panicked, so is the connection.
    pub(crate) fn thread_ended(&self, side: Side, panicked: bool) {
        let mut state = self.lock();
        if panicked {
            let error = ConnectionError::internal(format!("the {} thread panicked", side.name()));
            state.core.abort(error);
        }
        match side {
            Side::Reader => state.reader_done = true,
            Side::Writer => state.writer_done = true,
        }
        state.parked_until = None;
        drop(state);
        self.work.notify_one();
        self.changed.notify_all();
    }

    /// Cuts the transport: blocked reads and writes return.
    pub(crate) fn cut(&self) {
        if let Err(error) = self.closer.close() {
            log::debug!("closing the transport: {error}");
        }
    }

    /// Whether closing wakes a blocked read.
    pub(crate) fn can_wake(&self) -> bool {
        self.closer.wakes_reader()
    }

    /// How the connection ended; `None` while it is alive.
    pub(crate) fn end(&self) -> Option<End> {
        let state = self.lock();
        match (&state.transport_error, state.core.close_reason()) {
            (_, None) => None,
            (Some(error), Some(CloseReason::Peer(None))) => Some(End::Transport(error.clone())),
            (_, Some(reason)) => Some(End::Core(reason.clone())),
        }
    }
}

impl State {
    fn transport_failed(&mut self, error: io::Error) {
        if self.core.close_reason().is_none() {
            self.transport_error = Some(error.into());
            self.core.end_of_input();
        }
    }
}

/// One of the two threads of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Side {
    Reader,
    Writer,
}

impl Side {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Side::Reader => "reader",
            Side::Writer => "writer",
        }
    }
}
