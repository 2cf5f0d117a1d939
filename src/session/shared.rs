//! State shared by the application and the two threads of a connection.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crossbeam_channel::Sender;

use super::driver::{Guard, OwnThreads, Parked, SessionWire, State, Waits};
use super::evt::Evt;
use super::outbox::Outbox;
use super::side::Side;
use crate::frame::ErrorCode;
use crate::proto::{CommandError, Connection, ConnectionError};
use crate::transport::Transport;
use crate::wire::{EndStep, Read, What, Wire};

/// The writer's shortest sleep, so that a deadline in the past cannot make it spin.
const WRITER_SLEEP_MIN: Duration = Duration::from_millis(1);

/// How long [`Session::close`](super::Session::close), or dropping a Session, continues to write
/// pending data, in the background if necessary: ten seconds.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Shared {
    pub(super) wire: SessionWire,
    writer: Arc<OnceLock<Thread>>,
    outbox: Outbox,
    /// Whether the receiver has been handed out, so that events may be taken without a call into
    /// this crate.
    receiver_is_out: AtomicBool,
    /// Whether the writer checks periodically which events have been taken.
    is_checking: AtomicBool,
}

/// What the writer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Delivers events.
    Deliver,
    /// Ends the connection: [`Shared::end`].
    End,
}

impl Shared {
    pub(super) fn new<T: Transport>(
        core: Connection,
        stream: T,
        events: Sender<Evt>,
        auto_release: bool,
    ) -> std::io::Result<Self> {
        let owner = OwnThreads::default();
        let writer = Arc::clone(&owner.writer);
        let wire = Wire::new(Box::new(core), stream.split()?, Waits::default(), Box::new(owner));
        Ok(Shared {
            wire,
            writer,
            outbox: Outbox::new(events, auto_release),
            receiver_is_out: AtomicBool::new(false),
            is_checking: AtomicBool::new(false),
        })
    }

    /// Runs a command and delivers the events it has caused.
    pub(super) fn command<T>(
        &self,
        command: impl FnOnce(&mut Connection, Instant) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut state = self.wire.lock();
        if state.closing.is_some() {
            return Err(CommandError::Closed);
        }
        let now = Instant::now();
        let result = command(&mut state.core, now);
        self.release(state, now);
        result
    }

    /// Like [`command`](Self::command), but if there is no room, it waits until `deadline` and
    /// retries.
    pub(super) fn command_with_room<T>(
        &self,
        deadline: Instant,
        mut command: impl FnMut(&mut Connection, Instant) -> Result<T, CommandError>,
    ) -> Result<T, CommandError> {
        let mut state = self.wire.lock();
        loop {
            if state.closing.is_some() {
                return Err(CommandError::Closed);
            }
            let now = Instant::now();
            let result = command(&mut state.core, now);
            if now >= deadline || !matches!(result, Err(CommandError::Full { .. })) {
                self.release(state, now);
                return result;
            }
            state = self.wait_changed(state, deadline);
        }
    }

    pub(super) fn release(&self, mut state: Guard<'_>, now: Instant) {
        state.deliver(now);
        let has_news = state.has_news();
        drop(state);
        if has_news {
            self.deliver();
        }
    }

    /// Refuses new actions from now on, while earlier ones are still written.
    pub(super) fn begin_close(&self) {
        let mut state = self.wire.lock();
        let now = Instant::now();
        state.closing.get_or_insert(now + CLOSE_TIMEOUT);
        state.close_when_written(now);
        state.wake_waiting();
        drop(state);
        self.deliver();
    }

    /// Returns whether earlier actions are still being written after a close.
    pub(super) fn is_flushing(&self) -> bool {
        !self.wire.lock().has_ended()
    }

    /// Ends the connection at once.
    pub(super) fn abort(&self) {
        self.wire.with(|state, _| state.core.close(ErrorCode::NoError, Default::default()));
        self.deliver();
        self.wire.cut();
    }

    /// Requests the writer to deliver events and to check which have been taken.
    fn ask_writer(&self) {
        self.wire.lock().is_asked = true;
    }

    /// Gives back what is owed, and delivers new events. Not for the writer thread.
    pub(super) fn deliver(&self) {
        self.outbox.deliver(&self.wire);
        // Events taken through the receiver trigger no delivery, so the writer must check.
        if self.receiver_is_out() && self.outbox.is_waiting() && !self.is_checking() {
            self.ask_writer();
        }
    }

    /// Like `deliver`, for the writer thread. Returns the number of taken events.
    pub(super) fn deliver_as_writer(&self) -> u64 {
        self.outbox.deliver(&self.wire)
    }

    /// Called after an event was taken, with `left` more in the channel: delivers if that is due.
    pub(super) fn taken(&self, left: usize) {
        if self.is_due(left) {
            self.deliver();
        }
    }

    /// Returns whether there is something to deliver, with `left` events in the channel.
    pub(super) fn is_due(&self, left: usize) -> bool {
        self.outbox.is_due(left)
    }

    /// Records that events may be taken through the receiver from now on.
    pub(super) fn receiver_goes_out(&self) {
        if !self.receiver_is_out.swap(true, Ordering::SeqCst) {
            self.ask_writer();
        }
    }

    /// Returns whether the writer must check which events have been taken.
    //
    // `deliver` changes the outbox and then reads `is_checking`; this writes `is_checking` and then
    // reads the outbox. All accesses are sequentially consistent, so one of the two sees the
    // other's change.
    pub(super) fn has_to_check(&self) -> bool {
        if !self.receiver_is_out() {
            return false;
        }
        self.is_checking.store(false, Ordering::SeqCst);
        let has_to_check = self.outbox.is_waiting();
        self.is_checking.store(has_to_check, Ordering::SeqCst);
        has_to_check
    }

    fn receiver_is_out(&self) -> bool {
        self.receiver_is_out.load(Ordering::SeqCst)
    }

    fn is_checking(&self) -> bool {
        self.is_checking.load(Ordering::SeqCst)
    }

    /// The loop of the reader thread. After the end of the connection, it discards input until the
    /// transport is cut.
    pub(super) fn read(&self) {
        loop {
            let (state, read) = self.wire.read_once(self.wire.lock(), None);
            drop(state);
            self.deliver();
            if read == Read::Ended {
                return;
            }
        }
    }

    /// Registers the calling thread as the writer.
    pub(super) fn begin_writing(&self) {
        let _ = self.writer.set(thread::current());
    }

    /// The loop of the writer thread: writes and handles deadlines until there is something else to
    /// do.
    ///
    /// Returns [`Next::Deliver`] at `check_at` at the latest, when requested, and when a deadline
    /// or a write has produced events: these must be delivered before the next write, which may
    /// block.
    pub(super) fn write(&self, check_at: Option<Instant>) -> Next {
        let mut state = self.wire.lock();
        loop {
            let now = Instant::now();
            // Events that are already there are delivered by the thread that caused them.
            let had_events = state.core.has_events();
            state.run_deadlines(now);
            state.close_when_written(now);
            if state.has_ended() {
                return Next::End;
            }
            let is_asked = std::mem::take(&mut state.is_asked);
            let has_more = |state: &State| state.core.has_events() && !had_events;
            if is_asked || has_more(&state) || check_at.is_some_and(|at| at <= now) {
                return Next::Deliver;
            }
            if !state.has_to_write() {
                state = self.park(state, check_at, now);
                continue;
            }
            state = self.wire.write_once(state, What::All).0;
            if has_more(&state) {
                return Next::Deliver;
            }
        }
    }

    fn park<'a>(
        &'a self,
        mut state: Guard<'a>,
        check_at: Option<Instant>,
        now: Instant,
    ) -> Guard<'a> {
        let until = [state.deadline(), check_at, state.closing].into_iter().flatten().min();
        let until = until.map(|until| until.max(now + WRITER_SLEEP_MIN));
        state.parked = Some(Parked(until));
        loop {
            state.goes_to_sleep = true;
            drop(state);
            match until {
                Some(until) => {
                    thread::park_timeout(until.saturating_duration_since(Instant::now()));
                }
                None => thread::park(),
            }
            state = self.wire.lock();
            let was_woken = state.parked.is_none();
            if was_woken {
                // The application usually puts more at once: a body after its header section, or
                // the next response. Yielding lets it run if it shares a core with this thread, and
                // all of it is sent in one write. With 32 concurrent requests this saves two thirds
                // of the writes.
                drop(state);
                thread::yield_now();
                return self.wire.lock();
            }
            if until.is_some_and(|until| until <= Instant::now()) {
                state.parked = None;
                return state;
            }
        }
    }

    /// Writes the last frames, shuts down our direction, waits briefly for the peer to close its
    /// own, and cuts the transport.
    pub(super) fn end(&self) {
        let mut state = self.wire.lock();
        loop {
            let (after, step) = self.wire.end(state);
            state = match step {
                // A thread of the application is writing, and wakes this one when it has done.
                EndStep::Write if after.is_writing() => {
                    let until = after.deadline().unwrap_or_else(Instant::now);
                    self.wait_changed(after, until)
                }
                EndStep::Write => self.wire.write_once(after, What::All).0,
                EndStep::Drain(until) => self.wait_changed(after, until),
                EndStep::Cut => {
                    drop(after);
                    return self.wire.cut();
                }
                EndStep::Alive | EndStep::Shut | EndStep::Over => return,
            };
        }
    }

    /// Records the end of a thread. If it has panicked, the connection ends.
    pub(super) fn thread_ended(&self, side: Side, panicked: bool) {
        let mut state = self.wire.lock();
        if panicked {
            let error = ConnectionError::internal(format!("the {} thread panicked", side.name()));
            state.core.abort(error);
        }
        match side {
            Side::Reader => state.reader_done = true,
            Side::Writer => state.writer_done = true,
        }
        state.deliver(Instant::now());
        state.wake_waiting();
        drop(state);
        if side == Side::Writer {
            // Only a writer that has not panicked cuts the transport itself.
            self.wire.cut();
        }
        self.deliver();
    }

    /// Returns whether a thread has ended.
    pub(super) fn is_done(&self, side: Side) -> bool {
        let state = self.wire.lock();
        match side {
            Side::Reader => state.reader_done,
            Side::Writer => state.writer_done,
        }
    }

    /// Waits until the connection has ended, and returns whether it has.
    pub(super) fn wait_end(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.core.close_reason().is_some())
    }

    /// Waits until the writer has ended, and returns whether it has.
    pub(super) fn wait_writer(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.writer_done)
    }

    fn wait_for(&self, deadline: Instant, done: impl Fn(&State) -> bool) -> bool {
        let mut state = self.wire.lock();
        while !done(&state) {
            if deadline <= Instant::now() {
                return false;
            }
            state = self.wait_changed(state, deadline);
        }
        true
    }

    /// Waits for a change of state, or until `deadline`.
    fn wait_changed<'a>(&'a self, mut state: Guard<'a>, deadline: Instant) -> Guard<'a> {
        let me = thread::current();
        let id = me.id();
        state.waiting.push(me);
        state.goes_to_sleep = true;
        drop(state);
        thread::park_timeout(deadline.saturating_duration_since(Instant::now()));
        let mut state = self.wire.lock();
        state.waiting.retain(|thread| thread.id() != id);
        state
    }
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared").field("wire", &self.wire).finish_non_exhaustive()
    }
}
