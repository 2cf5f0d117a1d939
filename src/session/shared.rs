//! What the application and the two threads of a connection share.

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

/// The writer never sleeps for less, so that a deadline that stays in the past could not make it
/// spin.
const WRITER_SLEEP_MIN: Duration = Duration::from_millis(1);

/// How long [`Session::close`](super::Session::close) and dropping a Session go on writing what was
/// put before, in the background if need be: ten seconds.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct Shared {
    pub(super) wire: SessionWire,
    writer: Arc<OnceLock<Thread>>,
    outbox: Outbox,
    /// The receiver has been handed out, so events may be taken without our knowing.
    receiver_is_out: AtomicBool,
    /// The writer checks now and then which events have been taken.
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

    /// Runs a command and delivers what it has caused.
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

    /// Like [`command`](Self::command) for one that may find no room: tries again when room may have
    /// come, until `deadline`.
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

    fn release(&self, mut state: Guard<'_>, now: Instant) {
        state.deliver(now);
        let has_news = state.has_news();
        drop(state);
        if has_news {
            self.deliver();
        }
    }

    /// From now on nothing more is put, and what was put before is written.
    pub(super) fn begin_close(&self) {
        let mut state = self.wire.lock();
        let now = Instant::now();
        state.closing.get_or_insert(now + CLOSE_TIMEOUT);
        state.close_when_written(now);
        state.wake_waiting();
        drop(state);
        self.deliver();
    }

    /// Whether what was put before the Session was closed is being written still.
    pub(super) fn is_flushing(&self) -> bool {
        !self.wire.lock().has_ended()
    }

    /// Ends the connection at once.
    pub(super) fn abort(&self) {
        self.wire.with(|state, _| state.core.close(ErrorCode::NoError, Default::default()));
        self.deliver();
        self.wire.cut();
    }

    /// Has the writer deliver events, and check which have been taken.
    fn ask_writer(&self) {
        self.wire.lock().is_asked = true;
    }

    /// Gives back what is owed, and delivers what has come up. For all threads but the writer.
    pub(super) fn deliver(&self) {
        self.outbox.deliver(&self.wire);
        // Whoever takes events behind our back does not deliver: the writer has to check.
        if self.receiver_is_out() && self.outbox.is_waiting() && !self.is_checking() {
            self.ask_writer();
        }
    }

    /// The same for the writer, which does not ask itself. Returns how many events have been taken.
    pub(super) fn deliver_as_writer(&self) -> u64 {
        self.outbox.deliver(&self.wire)
    }

    /// After an event has been taken, with `left` more in the channel: delivers if that is due.
    pub(super) fn taken(&self, left: usize) {
        if self.outbox.is_due(left) {
            self.deliver();
        }
    }

    /// From now on, events may be taken without our knowing.
    pub(super) fn receiver_goes_out(&self) {
        if !self.receiver_is_out.swap(true, Ordering::SeqCst) {
            self.ask_writer();
        }
    }

    /// Whether the writer has to check which events have been taken.
    //
    // `deliver` changes the outbox and reads `is_checking`; this writes `is_checking` and reads the
    // outbox. All of it is sequentially consistent, so one of the two sees the other.
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

    /// The reader's loop: reads until the end. After the end of the connection what comes is dropped,
    /// until the transport has been cut.
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

    /// The calling thread is the writer.
    pub(super) fn begin_writing(&self) {
        let _ = self.writer.set(thread::current());
    }

    /// The writer's loop: writes and runs the deadlines until there is something else to do.
    ///
    /// Returns [`Next::Deliver`] at `check_at` at the latest, when asked, and when a deadline or a
    /// write has made events: they are delivered before the next write, which may take its time.
    pub(super) fn write(&self, check_at: Option<Instant>) -> Next {
        let mut state = self.wire.lock();
        loop {
            let now = Instant::now();
            // The thread that caused the events that are there already is about to deliver them.
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
                // The application puts more, as a rule: the body behind the head, the next answer. It
                // goes on first, where it shares a core with us, and all of it goes out in one write.
                // With 32 requests at once that is a third of the writes.
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

    /// Writes the last frames, closes our direction, waits a little for the peer to close its own, and
    /// cuts the transport.
    pub(super) fn end(&self) {
        let mut state = self.wire.lock();
        loop {
            let (after, step) = self.wire.end(state);
            state = match step {
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

    /// The thread that reads (or writes) is through. If it panicked, so is the connection.
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
            // It has done so itself, unless it panicked: then no other thread would.
            self.wire.cut();
        }
        self.deliver();
    }

    /// Whether a thread is through.
    pub(super) fn is_done(&self, side: Side) -> bool {
        let state = self.wire.lock();
        match side {
            Side::Reader => state.reader_done,
            Side::Writer => state.writer_done,
        }
    }

    /// Waits until the connection has ended, and says whether it has.
    pub(super) fn wait_end(&self, deadline: Instant) -> bool {
        self.wait_for(deadline, |state| state.core.close_reason().is_some())
    }

    /// Waits until the writer is through, and says whether it is.
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

    /// Waits until something may have changed, or until `deadline`.
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
