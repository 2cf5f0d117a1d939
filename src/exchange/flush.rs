//! Writing: a thread that has something to write takes the writer, if it is free, and writes for
//! all threads.
//!
//! A turn to write is bounded. When the thread's own data is written, or after [`WRITE_TURN_MAX`],
//! the rest is passed to a thread that only writes. Otherwise the `flush` of one stream would last
//! as long as other streams have data.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard, State};
use crate::frame::StreamId;
use crate::logging;
use crate::wire::{What, Wrote};

/// The longest turn of a thread that has other work.
const WRITE_TURN_MAX: Duration = Duration::from_millis(5);

/// A turn up to this length continues after the thread's own data is written: passing on the rest
/// costs a wake-up.
const WRITE_TURN_MIN: Duration = Duration::from_millis(1);

impl State {
    /// Returns whether there is something to write, and no thread is writing or called to write.
    pub(crate) fn must_write(&self) -> bool {
        !self.is_writer_called && self.has_to_write()
    }
}

/// A turn of one thread to write.
struct Turn {
    began: Instant,
    deadline: Option<Instant>,
}

impl Turn {
    /// Returns whether the turn continues after a write with this result.
    fn goes_on(&self, wrote: Wrote, now: Instant) -> bool {
        let took = now.saturating_duration_since(self.began);
        match wrote {
            _ if self.deadline.is_some_and(|deadline| deadline <= now) => false,
            Wrote::Mine => took < WRITE_TURN_MIN,
            _ => took < WRITE_TURN_MAX,
        }
    }
}

impl Conn {
    /// Writes what there is to write, unless another thread is writing, which then includes it.
    pub(crate) fn flush_now(self: &Arc<Self>) {
        drop(self.flush(self.lock(), None));
    }

    /// Like `flush_now` with the lock held, which is released during writes. After `deadline`, or a
    /// few milliseconds, another thread writes the rest.
    pub(crate) fn flush<'a>(
        self: &'a Arc<Self>,
        state: Guard<'a>,
        deadline: Option<Instant>,
    ) -> Guard<'a> {
        self.flush_what(state, What::All, deadline)
    }

    /// Writes what there is to write until `deadline`, for a thread that has put a request.
    ///
    /// Where other streams are open, their threads may have been woken by the same read as this one.
    /// They run first, so that one write has the requests of all.
    pub(crate) fn flush_with_others<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        deadline: Option<Instant>,
    ) {
        if state.streams.len() > 1 && state.must_write() {
            // Threads that come meanwhile leave writing to this one.
            state.is_writer_called = true;
            drop(state);
            thread::yield_now();
            state = self.lock();
            state.is_writer_called = false;
        }
        drop(self.flush(state, deadline));
    }

    /// Writes what can be sent on a stream, for the thread that has put it.
    pub(super) fn flush_stream(self: &Arc<Self>, id: StreamId, deadline: Option<Instant>) {
        drop(self.flush_what(self.lock(), What::Mine(id), deadline));
    }

    fn flush_what<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        what: What,
        deadline: Option<Instant>,
    ) -> Guard<'a> {
        let turn = Turn { began: Instant::now(), deadline };
        // No write begins after its deadline.
        let what = deadline.filter(|&at| at <= turn.began).map_or(what, What::Until);
        let mut wrote = None;
        while state.must_write() {
            let (after, last) = self.write_once(state, what);
            (state, wrote) = (after, Some(last));
            let now = Instant::now();
            // If there is no other thread, this one continues until its deadline.
            if matches!(last, Wrote::All | Wrote::Failed)
                || !turn.goes_on(last, now)
                    && (self.hand_writer_on(&mut state) || deadline.is_some_and(|at| at <= now))
            {
                break;
            }
        }
        self.after_writing(state, wrote)
    }

    /// Writes as long as there is something to write, for a thread that was called for that.
    pub(crate) fn write_for_others(self: &Arc<Self>) {
        let mut state = self.lock();
        state.is_writer_called = false;
        let mut wrote = None;
        while state.must_write() && !matches!(wrote, Some(Wrote::All | Wrote::Failed)) {
            let (after, last) = self.write_once(state, What::All);
            (state, wrote) = (after, Some(last));
        }
        drop(self.after_writing(state, wrote));
    }

    fn write_once<'a>(&'a self, mut state: Guard<'a>, what: What) -> (Guard<'a>, Wrote) {
        // Writes of other threads are no progress of the leader.
        state.steps += u64::from(state.leader.is_me());
        self.wire.write_once(state, what)
    }

    /// Calls another thread to write the rest. Returns `false` if no thread is available.
    fn hand_writer_on(&self, state: &mut State) -> bool {
        let has_gone = self.wire.owner().find_writer(&mut state.wake);
        // Keeps this thread from taking the writer again before the called thread starts.
        state.is_writer_called = has_gone;
        has_gone
    }

    /// Shuts our direction after the last octet of an ended connection, and schedules new deadlines
    /// on the clock.
    fn after_writing<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        wrote: Option<Wrote>,
    ) -> Guard<'a> {
        if state.has_ended() && !state.is_writer_called {
            state = self.wire.end(state).0;
        }
        state = self.wake_reader_after_the_end(state);
        if wrote == Some(Wrote::Failed) {
            self.call_after_a_failure(&mut state);
        }
        self.wire.call_in_time(&mut state);
        state
    }

    /// Calls another thread to write, without waiting for it.
    pub(super) fn flush_later(self: &Arc<Self>, mut state: Guard<'_>) {
        self.wire.call_in_time(&mut state);
        if !state.must_write() {
            return;
        }
        drop(state);
        if !self.wire.owner().find_writer_soon() {
            logging::debug!("no thread to write queued output: the next writing thread does so");
        }
    }

    /// Writes until `deadline`, and leaves the rest to another thread.
    pub(crate) fn flush_until(self: &Arc<Self>, deadline: Instant) {
        drop(self.flush(self.lock(), Some(deadline)));
    }

    /// After a failed write, the client has limited time to read the reason. A read without a
    /// limit, or one that has begun already, would miss the end of that time.
    fn call_after_a_failure(&self, state: &mut State) {
        let owner = self.wire.owner();
        let is_noticed = self.wire.can_limit_reads() && !state.leader.is_reading();
        if owner.has_clock() || is_noticed {
            return;
        }
        if let Some(at) = state.deadline() {
            owner.call_at(at, &mut state.wake);
        }
    }

    /// Cuts a client's transport after an end that did not come from the transport: a blocked
    /// reader would not notice it, and there is no clock.
    pub(super) fn wake_reader_after_the_end<'a>(&'a self, state: Guard<'a>) -> Guard<'a> {
        let has_clock = self.wire.owner().has_clock();
        if has_clock
            || !state.has_final_flush_ended()
            || !state.leader.is_reading()
            || state.is_cut()
        {
            return state;
        }
        drop(state);
        self.cut();
        self.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: Duration = Duration::from_micros(1);

    #[test]
    fn turn_ends_after_a_few_milliseconds() {
        let began = Instant::now();
        let turn = Turn { began, deadline: None };
        for wrote in [Wrote::Some, Wrote::Blocked] {
            assert!(turn.goes_on(wrote, began + WRITE_TURN_MAX - US));
            assert!(!turn.goes_on(wrote, began + WRITE_TURN_MAX));
        }
    }

    #[test]
    fn turn_ends_when_the_threads_own_data_has_gone() {
        let began = Instant::now();
        let turn = Turn { began, deadline: None };
        assert!(turn.goes_on(Wrote::Mine, began + WRITE_TURN_MIN - US));
        assert!(!turn.goes_on(Wrote::Mine, began + WRITE_TURN_MIN));
    }

    #[test]
    fn turn_ends_at_the_deadline() {
        let began = Instant::now();
        let turn = Turn { began, deadline: Some(began + US) };
        assert!(turn.goes_on(Wrote::Some, began));
        assert!(!turn.goes_on(Wrote::Some, began + US));
    }
}
