//! The core behind its lock: commands, wake-ups, waiting.

use std::io;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::end::{End, Side};
use crate::error::Error;
use crate::proto::{CloseReason, CommandError, Connection};
use crate::transport::Closer;

/// A core that several threads drive.
#[derive(Debug)]
pub(crate) struct Link {
    state: Mutex<State>,
    /// The writer waits here for something to write, or for a deadline.
    pub(super) work: Condvar,
    /// Everybody else waits here: for room to send, for the end of the connection or of a thread.
    pub(super) changed: Condvar,
    pub(super) closer: Closer,
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) core: Connection,
    pub(super) parked: Option<Parked>,
    /// The writer is asked to look around.
    pub(super) nudged: bool,
    /// Threads that wait for room or for an end.
    pub(super) waiting: usize,
    /// Since when the core has been closed.
    pub(super) ended_at: Option<Instant>,
    /// Since when nothing can be written any more, and why.
    pub(super) write_failed: Option<(Instant, Error)>,
    /// What broke the transport, if that ended the connection.
    pub(super) transport_error: Option<Error>,
    pub(super) is_cut: bool,
    pub(super) reader_done: bool,
    pub(super) writer_done: bool,
}

/// The writer waits in its condition variable.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parked {
    /// When it wakes by itself; never, if `None`.
    pub(super) until: Option<Instant>,
}

impl Link {
    pub(crate) fn new(core: Connection, closer: Closer) -> Self {
        Link {
            state: Mutex::new(State {
                core,
                parked: None,
                nudged: false,
                waiting: 0,
                ended_at: None,
                write_failed: None,
                transport_error: None,
                is_cut: false,
                reader_done: false,
                writer_done: false,
            }),
            work: Condvar::new(),
            changed: Condvar::new(),
            closer,
        }
    }

    /// Runs a command under the lock and wakes the writer if there is something for it to do.
    /// Returns as well whether events, or the end, wait to be delivered.
    pub(crate) fn with<T>(&self, command: impl FnOnce(&mut Connection, Instant) -> T) -> (T, bool) {
        let mut state = self.lock();
        let result = command(&mut state.core, Instant::now());
        (result, self.release(state))
    }

    /// Like [`with`](Self::with) for a command that may find no room: tries again when room may
    /// have come, until `deadline`.
    pub(crate) fn with_room<T>(
        &self,
        deadline: Instant,
        mut command: impl FnMut(&mut Connection, Instant) -> Result<T, CommandError>,
    ) -> (Result<T, CommandError>, bool) {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            let result = command(&mut state.core, now);
            if now >= deadline || !matches!(result, Err(CommandError::Full { .. })) {
                return (result, self.release(state));
            }
            state = self.wait_changed(state, deadline - now);
        }
    }

    /// Has the writer look around, whether or not there is something to write.
    pub(crate) fn nudge(&self) {
        let mut state = self.lock();
        state.nudged = true;
        let parked = state.parked.take();
        drop(state);
        if parked.is_some() {
            self.work.notify_one();
        }
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

    /// How the connection ended; `None` while it is alive.
    pub(crate) fn end(&self) -> Option<End> {
        let state = self.lock();
        match (&state.transport_error, state.core.close_reason()) {
            (_, None) => None,
            (Some(error), Some(CloseReason::Peer(None))) => Some(End::Transport(error.clone())),
            (_, Some(reason)) => Some(End::Core(reason.clone())),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        // A panic under the lock ends the connection (see `thread_ended`); the figures and the
        // reason can still be asked for.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Unlocks after a change of the core, and wakes whoever has something to do now. Returns
    /// whether events, or the end, wait to be delivered.
    pub(super) fn release(&self, mut state: MutexGuard<'_, State>) -> bool {
        let closed = state.core.close_reason().is_some();
        if closed && state.ended_at.is_none() {
            state.ended_at = Some(Instant::now());
        }
        let deliver = closed || state.core.has_events();
        let wake_waiting = state.waiting > 0 && deliver;
        let wake_writer = state.parked.is_some_and(|parked| {
            closed || state.core.wants_transmit() || parked.oversleeps(state.core.poll_timeout())
        });
        if wake_writer {
            state.parked = None;
        }
        // Unlocked first, or who wakes up would run into the lock.
        drop(state);
        if wake_writer {
            self.work.notify_one();
        }
        if wake_waiting {
            self.changed.notify_all();
        }
        deliver
    }

    pub(super) fn wait_for(&self, deadline: Instant, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.lock();
        while !done(&state) {
            match deadline.checked_duration_since(Instant::now()) {
                Some(left) if !left.is_zero() => state = self.wait_changed(state, left),
                _ => return false,
            }
        }
        true
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
}

impl State {
    /// Does what is due. An error is kept by the core as the reason of the end.
    pub(super) fn run_clock(&mut self, now: Instant) {
        if self.core.poll_timeout().is_some_and(|at| at <= now) {
            let _ = self.core.handle_timeout(now);
        }
    }

    /// Nothing more comes from the peer.
    pub(super) fn read_failed(&mut self, error: io::Error) {
        // If a write has failed before, that came first.
        let error = match &self.write_failed {
            Some((_, first)) => first.clone(),
            None => error.into(),
        };
        self.transport_failed(error);
    }

    /// Nothing more can be sent to the peer. What it has sent before may still be read, so the
    /// connection goes on for the little while that takes. If the reader then finds that the peer
    /// has closed, that is why the write failed, and it is what the application is told.
    pub(super) fn write_failed(&mut self, error: io::Error, now: Instant) {
        self.write_failed.get_or_insert_with(|| (now, error.into()));
    }

    /// Ends the connection for this reason, unless it has ended for another.
    pub(super) fn transport_failed(&mut self, error: Error) {
        if self.core.close_reason().is_none() {
            self.transport_error = Some(error);
            self.core.end_of_input();
        }
    }
}

impl Parked {
    fn oversleeps(self, deadline: Option<Instant>) -> bool {
        deadline.is_some_and(|deadline| self.until.is_none_or(|until| deadline < until))
    }
}
