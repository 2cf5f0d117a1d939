//! The driver of a Session's wire, which decides which threads are woken.

use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Instant;

use crate::wire::{self, Driver, Owner, Wire};

/// A Session's state under the lock of its wire.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// Set while the writer is parked. The thread that wakes it clears this, so that wake-ups are
    /// neither lost nor duplicated.
    pub(super) parked: Option<Parked>,
    /// Whether the writer is requested to deliver events.
    pub(super) is_asked: bool,
    /// Whether a thread of the application is writing: the writer is not woken until it is done.
    pub(super) is_written_here: bool,
    /// Whether the unlocking thread is the writer, about to park: no thread is woken then.
    pub(super) goes_to_sleep: bool,
    /// Threads that wait for room in the send buffer, for the end of the connection, or for the end
    /// of a thread.
    pub(super) waiting: Vec<Thread>,
    pub(super) reader_done: bool,
    pub(super) writer_done: bool,
    /// Set when the application has closed the Session: the time until which pending data is
    /// written.
    pub(super) closing: Option<Instant>,
}

/// The time at which the parked writer wakes by itself; `None` for never.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parked(pub(super) Option<Instant>);

pub(super) type State = wire::State<Waits>;
pub(super) type Guard<'a> = wire::Guard<'a, Waits>;
pub(super) type SessionWire = Wire<Waits>;

impl Driver for Waits {
    // The application waits for the end of its threads.
    const LINGERS: bool = false;

    // Events are delivered to the application's channel without this lock; see `outbox`.
    fn deliver(_: &mut State, _: Instant) {}

    fn ended(_: &mut State) {}

    fn before_unlock(state: &mut State, owner: &dyn Owner) {
        if std::mem::take(&mut state.goes_to_sleep) {
            return;
        }
        // A stream that gained room or ended always produces an event.
        if !state.waiting.is_empty() && (state.has_ended() || state.core.has_events()) {
            state.wake_waiting();
        }
        let Some(Parked(until)) = state.parked else { return };
        let deadline = state.deadline();
        let has_work = state.has_ended()
            || state.is_asked
            || state.closing.is_some()
            || !state.is_written_here && (state.core.wants_transmit() || state.has_to_write());
        if has_work {
            state.parked = None;
            owner.find_writer(&mut state.wake);
        } else if let Some(at) = deadline.filter(|&at| until.is_none_or(|until| at < until)) {
            state.parked = None;
            owner.call_at(at, &mut state.wake);
        }
    }
}

impl wire::State<Waits> {
    /// Wakes the threads that wait for room or for an end.
    pub(super) fn wake_waiting(&mut self) {
        let waiting = std::mem::take(&mut self.driver.waiting);
        self.wake.extend(waiting);
    }

    /// Returns whether there are events for the application.
    pub(super) fn has_news(&self) -> bool {
        self.has_closed() || self.core.has_events()
    }

    /// Returns whether the connection has ended or was closed by the application.
    pub(super) fn has_closed(&self) -> bool {
        self.core.close_reason().is_some() || self.closing.is_some()
    }

    /// Ends the connection once it was closed by the application and its data has been written, or
    /// the time for that is over.
    pub(super) fn close_when_written(&mut self, now: Instant) {
        let Some(until) = self.closing else { return };
        if self.has_ended() || now < until && !self.is_all_written() {
            return;
        }
        self.core.close(crate::frame::ErrorCode::NoError, Default::default());
        self.deliver(now);
    }
}

/// The owner of a Session's connection: its reader thread always reads, and its writer thread
/// writes and handles deadlines.
#[derive(Debug, Default)]
pub(super) struct OwnThreads {
    pub(super) writer: Arc<OnceLock<Thread>>,
}

impl Owner for OwnThreads {
    fn find_writer(&self, wake: &mut Vec<Thread>) -> bool {
        // Without a registered writer thread, no thread is parked yet.
        wake.extend(self.writer.get().cloned());
        true
    }

    fn has_clock(&self) -> bool {
        true
    }

    /// The writer computes how long it may park.
    fn call_at(&self, _: Instant, wake: &mut Vec<Thread>) {
        wake.extend(self.writer.get().cloned());
    }
}
