//! Who is woken: the driver of a Session's wire.

use std::sync::{Arc, OnceLock};
use std::thread::Thread;
use std::time::Instant;

use crate::wire::{self, Driver, Owner, Wire};

/// What a Session keeps under the lock of its wire.
#[derive(Debug, Default)]
pub(super) struct Waits {
    /// The writer sleeps. A thread that wakes it clears this, so no wake-up is lost and none is paid
    /// for twice.
    pub(super) parked: Option<Parked>,
    /// The writer is asked to deliver events.
    pub(super) is_asked: bool,
    /// The thread that gives the lock back goes to sleep on what it has seen, and wakes no thread.
    pub(super) goes_to_sleep: bool,
    /// Threads that wait for room, or for the end of the connection or of a thread.
    pub(super) waiting: Vec<Thread>,
    pub(super) reader_done: bool,
    pub(super) writer_done: bool,
    /// The application has closed the Session. What it put before is written until then.
    pub(super) closing: Option<Instant>,
}

/// When the writer wakes by itself; never, if `None`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parked(pub(super) Option<Instant>);

pub(super) type State = wire::State<Waits>;
pub(super) type Guard<'a> = wire::Guard<'a, Waits>;
pub(super) type SessionWire = Wire<Waits>;

impl Driver for Waits {
    // Events go to the application's channel, without the lock: see `outbox`.
    fn deliver(_: &mut State, _: Instant) {}

    fn ended(_: &mut State) {}

    fn before_unlock(state: &mut State, owner: &dyn Owner) {
        if std::mem::take(&mut state.goes_to_sleep) {
            return;
        }
        // A stream that made room or ended always makes an event.
        if !state.waiting.is_empty() && (state.has_ended() || state.core.has_events()) {
            state.wake_waiting();
        }
        let Some(Parked(until)) = state.parked else { return };
        let deadline = state.deadline();
        let has_work = state.has_ended()
            || state.is_asked
            || state.closing.is_some()
            || state.core.wants_transmit();
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

    /// Whether the application has something to be told.
    pub(super) fn has_news(&self) -> bool {
        self.has_closed() || self.core.has_events()
    }

    /// Whether the connection is over for the application: it has ended, or has been closed.
    pub(super) fn has_closed(&self) -> bool {
        self.core.close_reason().is_some() || self.closing.is_some()
    }

    /// Ends the connection when the application has closed it and what it put has been written, or
    /// has had its time.
    pub(super) fn close_when_written(&mut self, now: Instant) {
        let Some(until) = self.closing else { return };
        if self.has_ended() || now < until && !self.is_all_written() {
            return;
        }
        self.core.close(crate::frame::ErrorCode::NoError, Default::default());
        self.deliver(now);
    }
}

/// The owner of a Session's connection: its reader always reads, and its writer writes and keeps the
/// time.
#[derive(Debug, Default)]
pub(super) struct OwnThreads {
    pub(super) writer: Arc<OnceLock<Thread>>,
}

impl Owner for OwnThreads {
    fn find_writer(&self, wake: &mut Vec<Thread>) -> bool {
        // It has not started to wait before it is there.
        wake.extend(self.writer.get().cloned());
        true
    }

    fn has_clock(&self) -> bool {
        true
    }

    /// The writer looks for itself how long it may sleep.
    fn call_at(&self, _: Instant, wake: &mut Vec<Thread>) {
        wake.extend(self.writer.get().cloned());
    }
}
