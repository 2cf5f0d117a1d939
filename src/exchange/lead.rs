//! Reading, which the leader does.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard, State};
use super::leader::Leader;
use super::progress::Progress;
use crate::transport::Epoll;
use crate::wire::Read;

/// How long a connection that holds too much waits before it looks again.
const PAUSE: Duration = Duration::from_millis(5);

impl Conn {
    /// Reads once, and delivers what came. For the thread that leads, or takes the lead.
    ///
    /// A connection that holds too much does not read, but waits a moment.
    pub(crate) fn read_once<'a>(
        self: &'a Arc<Self>,
        state: Guard<'a>,
        until: Option<Instant>,
    ) -> Guard<'a> {
        self.read(state, until).0
    }

    /// Like `read_once` for at most `time`. Returns whether there was anything.
    pub(crate) fn read_for<'a>(
        self: &'a Arc<Self>,
        state: Guard<'a>,
        time: Duration,
    ) -> (Guard<'a>, bool) {
        let (state, read) = self.read(state, Instant::now().checked_add(time));
        (state, read != Read::Nothing)
    }

    /// Makes the poller of a server report `token` when there is input.
    pub(crate) fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.wire.watch(epoll, token)
    }

    fn read<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        until: Option<Instant>,
    ) -> (Guard<'a>, Read) {
        let until = [self.own_deadline(&state), until].into_iter().flatten().min();
        let me = Leader::me();
        state.leader = me.reading();
        self.wire.call_in_time(&mut state);
        if state.held.is_over() {
            return (self.pause(state, until), Read::Some);
        }
        let (mut state, read) = self.wire.read_once(state, until);
        state.leader = me;
        state.steps += 1;
        state.reads += 1;
        if read == Read::Some {
            self.note_heard(Instant::now());
            self.wire.owner().watch_leader();
        }
        (self.hand_on_promises(state), read)
    }

    /// Returns whether another thread leads, and writes before and after each read: one of a server.
    pub(super) fn is_led_elsewhere(&self, state: &State) -> bool {
        let is_another = match state.leader {
            Leader::None | Leader::Poller(_) => false,
            Leader::Promised => true,
            leader @ Leader::Thread { .. } => !leader.is_me(),
        };
        is_another && self.wire.owner().has_clock()
    }

    /// Waits in place of a read, until some of what the connection holds may have been taken.
    fn pause<'a>(&'a self, state: Guard<'a>, until: Option<Instant>) -> Guard<'a> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        drop(state);
        thread::park_timeout(left.unwrap_or(PAUSE).min(PAUSE));
        let mut state = self.lock();
        state.leader = Leader::me();
        state.steps += 1;
        state
    }

    /// The deadline of a connection that has no clock but the threads that wait for it.
    pub(super) fn own_deadline(&self, state: &State) -> Option<Instant> {
        if self.wire.owner().has_clock() {
            return None;
        }
        state.deadline()
    }
}

impl State {
    /// The leader's progress.
    pub(crate) fn progress(&self) -> Progress {
        let is_working = matches!(self.leader, Leader::Thread { reads: false, .. });
        Progress::new(is_working, self.has_deferred_wakes(), self.reads, self.steps)
    }

    /// Returns whether the connection only waits for input, and needs no thread until there is some.
    pub(crate) fn is_idle(&self) -> bool {
        self.arrivals.is_empty()
            && !self.has_deferred_wakes()
            && !self.must_write()
            && !self.has_ended()
            && !self.holds_too_much()
    }

    /// Returns whether the connection does not read now, since it holds too much.
    pub(crate) fn holds_too_much(&self) -> bool {
        self.held.is_over()
    }

    /// Wakes one of the threads that could lead now.
    pub(super) fn offer_lead(&mut self) {
        if self.leader == Leader::None {
            let next = self.parked.pop();
            self.wake.extend(next);
        }
    }
}
