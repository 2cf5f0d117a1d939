//! Waiting for input or room on a stream.
//!
//! [`Wait::next`] is a pure function of the connection's state. [`Conn::wait`] executes its steps
//! until the wait is over.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard, State};
use super::inbox::{Half, Inbox};
use super::leader::Leader;
use super::lending::Lending;
use crate::frame::StreamId;
use crate::proto::{GRACE, LATE};

/// How long a waiting handler reads by itself, which saves a thread switch for input that arrives
/// soon. After that it leaves reading to another thread and parks: a blocked read cannot be woken
/// for events outside of the transport, such as a timeout of its stream.
const READ_TURN_MAX: Duration = Duration::from_secs(1);

/// How long a thread that waits for room parks, and then reads, while another thread writes. The
/// writer makes room and wakes the parked thread, but cannot wake one in a read; and the peer may
/// accept nothing until its own output has been read.
const ROOM_TURN_MAX: Duration = Duration::from_millis(10);

/// The longest read while another thread may end the stream.
const INTERRUPTIBLE_TURN_MAX: Duration = Duration::from_millis(100);

/// The state of one wait of one thread.
struct Wait {
    began: Instant,
    deadline: Option<Instant>,
    /// Whether the deadline has passed while this thread could not check.
    was_late: bool,
    /// Whether the owner has other threads to lead, and a clock.
    has_clock: bool,
    /// Whether the thread has parked for room, and reads next.
    has_parked_for_room: bool,
}

/// The state of the connection that matters to a waiting thread.
#[derive(Debug, Clone, Copy)]
struct View {
    leader: Whose,
    has_to_write: bool,
    has_arrivals: bool,
    can_limit_reads: bool,
    /// Whether the thread waits for room, possibly among other things.
    waits_for_room: bool,
    /// Whether another thread is writing, or was called to.
    is_written_elsewhere: bool,
    /// Whether another thread may end the stream.
    is_interruptible: bool,
    /// When the permit is to be lent.
    lends_at: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    Mine,
    Free,
    Another,
}

/// The next step of a waiting thread.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    GiveUp,
    Write,
    /// Leads, and reads until then.
    Read(Option<Instant>),
    /// Passes the lead on. If there is no other thread, reads until then.
    GiveWay(Option<Instant>),
    /// Parks until woken, or until then.
    Park(Option<Instant>),
}

impl Wait {
    fn next(&mut self, view: View, now: Instant) -> Step {
        if let Some(at) = self.deadline.filter(|&at| at <= now) {
            if self.was_late || at <= self.began || now.saturating_duration_since(at) <= LATE {
                return Step::GiveUp;
            }
            // The machine or this thread was suspended. The awaited input may be unread.
            (self.was_late, self.deadline) = (true, now.checked_add(GRACE));
        }
        if view.has_to_write {
            return Step::Write;
        }
        let patience = (self.has_clock && view.leader == Whose::Mine).then(|| now + READ_TURN_MAX);
        let turn = view.turn().map(|turn| now + turn);
        let until = [self.deadline, view.lends_at, patience, turn].into_iter().flatten().min();
        let room_comes_by_write = view.waits_for_room && view.is_written_elsewhere;
        // Other streams must not wait for this thread.
        let is_in_the_way = view.has_arrivals
            || !view.can_limit_reads
            || room_comes_by_write
            || now.saturating_duration_since(self.began) >= READ_TURN_MAX;
        match view.leader {
            Whose::Another => Step::Park(until),
            Whose::Mine if self.has_clock && is_in_the_way => Step::GiveWay(until),
            Whose::Mine | Whose::Free => {
                self.has_parked_for_room = room_comes_by_write && !self.has_parked_for_room;
                if self.has_parked_for_room { Step::Park(until) } else { Step::Read(until) }
            }
        }
    }
}

impl View {
    /// How long a thread that could read does one thing, while other threads may bring about what
    /// it waits for: end its stream, or make room by a write or a reset.
    fn turn(&self) -> Option<Duration> {
        match self.leader {
            Whose::Another => None,
            _ if self.waits_for_room && self.is_written_elsewhere => Some(ROOM_TURN_MAX),
            _ if self.is_interruptible => Some(INTERRUPTIBLE_TURN_MAX),
            _ if self.waits_for_room => Some(READ_TURN_MAX),
            _ => None,
        }
    }
}

impl Conn {
    /// Waits until `ready` returns a value, or until `deadline`. Reads and writes if no other
    /// thread does, and parks otherwise.
    ///
    /// `half` of stream `id` is what the thread waits for. After the end of the connection, `ready`
    /// must return a value.
    pub(crate) fn wait<'a, T>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        (id, half): (StreamId, Half),
        deadline: Option<Instant>,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> (Guard<'a>, Option<T>) {
        if let Some(result) = ready(&mut state) {
            return (state, Some(result));
        }
        let led_before = state.leader.is_me();
        let began = Instant::now();
        let has_clock = self.wire.owner().has_clock();
        let mut wait =
            Wait { began, deadline, was_late: false, has_clock, has_parked_for_room: false };
        let mut lending = Lending::new(self, began);
        let result = loop {
            if let Some(result) = ready(&mut state) {
                break Some(result);
            }
            let now = Instant::now();
            if !has_clock && state.is_due(now) {
                // A deadline may end the wait, in particular by ending the connection.
                state.run_deadlines(now);
                state = self.wake_reader_after_the_end(state);
                if let Some(result) = ready(&mut state) {
                    break Some(result);
                }
            }
            if lending.is_due(now) {
                state = lending.lend(self, state);
                continue;
            }
            state = match wait.next(self.view(&state, (id, half), lending.at()), now) {
                Step::GiveUp => break None,
                Step::Write => self.flush(state, wait.deadline),
                Step::Read(until) => self.read_once(state, until),
                Step::GiveWay(until) if !self.give_way(&mut state) => self.read_once(state, until),
                Step::GiveWay(_) => state,
                Step::Park(until) => self.park(state, id, half, until),
            };
        };
        if !led_before && state.leader.is_me() {
            state.leader = Leader::None;
        }
        state.offer_lead();
        (state, result)
    }

    fn view(&self, state: &State, (id, half): (StreamId, Half), lends_at: Option<Instant>) -> View {
        let inbox = state.streams.get(&id);
        // A reader has put no more than credit, and has flushed it if that is urgent.
        let is_written_by_leader = half == Half::Recv && self.is_led_elsewhere(state);
        View {
            leader: match state.leader {
                Leader::None => Whose::Free,
                leader if leader.is_me() => Whose::Mine,
                _ => Whose::Another,
            },
            has_to_write: state.must_write() && !is_written_by_leader,
            has_arrivals: !state.arrivals.is_empty(),
            can_limit_reads: self.wire.can_limit_reads(),
            waits_for_room: inbox.is_some_and(Inbox::is_blocked),
            is_written_elsewhere: state.is_writer_called || state.is_writing(),
            is_interruptible: inbox.is_some_and(|inbox| inbox.is_interruptible),
            lends_at,
        }
    }

    /// Calls another thread to lead. Returns `false` if no thread is available.
    fn give_way(&self, state: &mut State) -> bool {
        let before = std::mem::replace(&mut state.leader, Leader::Promised);
        let has_gone = self.wire.owner().find_leader();
        if !has_gone {
            state.leader = before;
        }
        has_gone
    }

    fn park<'a>(
        &'a self,
        mut state: Guard<'a>,
        id: StreamId,
        half: Half,
        until: Option<Instant>,
    ) -> Guard<'a> {
        let me = thread::current();
        if let Some(inbox) = state.streams.get_mut(&id) {
            inbox.set_waiting(half, Some(me.clone()));
        }
        state.parked.push(me.clone());
        let until = [self.own_deadline(&state), until].into_iter().flatten().min();
        drop(state);
        match until {
            Some(until) => {
                thread::park_timeout(until.saturating_duration_since(Instant::now()));
            }
            None => thread::park(),
        }
        let mut state = self.lock();
        state.parked.retain(|thread| thread.id() != me.id());
        if let Some(inbox) = state.streams.get_mut(&id) {
            inbox.set_waiting(half, None);
        }
        state
    }
}

/// Returns the end of a wait that begins now: after `timeout`, at most until `deadline`.
pub(super) fn until(timeout: Option<Duration>, deadline: Option<Instant>) -> Option<Instant> {
    let timeout = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    [timeout, deadline].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    const NOTHING: View = View {
        leader: Whose::Another,
        has_to_write: false,
        has_arrivals: false,
        can_limit_reads: true,
        waits_for_room: false,
        is_written_elsewhere: false,
        is_interruptible: false,
        lends_at: None,
    };

    fn wait(now: Instant, has_clock: bool) -> Wait {
        Wait {
            began: now,
            deadline: Some(now + 100 * MS),
            was_late: false,
            has_clock,
            has_parked_for_room: false,
        }
    }

    #[test]
    fn thread_that_does_not_lead_parks() {
        let now = Instant::now();
        let until = Some(now + 100 * MS);
        assert_eq!(wait(now, true).next(NOTHING, now), Step::Park(until));
        assert_eq!(wait(now, false).next(NOTHING, now), Step::Park(until));
    }

    #[test]
    fn free_lead_is_taken() {
        let now = Instant::now();
        let view = View { leader: Whose::Free, ..NOTHING };
        assert_eq!(wait(now, false).next(view, now), Step::Read(Some(now + 100 * MS)));
    }

    #[test]
    fn what_is_to_be_written_comes_before_reading_and_parking() {
        let now = Instant::now();
        for leader in [Whose::Mine, Whose::Free, Whose::Another] {
            let view = View { leader, has_to_write: true, ..NOTHING };
            assert_eq!(wait(now, true).next(view, now), Step::Write);
        }
    }

    #[test]
    fn handler_that_leads_gives_way_to_requests_that_have_come() {
        let now = Instant::now();
        let view = View { leader: Whose::Mine, has_arrivals: true, ..NOTHING };
        assert_eq!(wait(now, true).next(view, now), Step::GiveWay(Some(now + 100 * MS)));
        // A client has no other threads to lead.
        assert_eq!(wait(now, false).next(view, now), Step::Read(Some(now + 100 * MS)));
    }

    #[test]
    fn handler_that_has_read_for_long_gives_way() {
        let now = Instant::now();
        let view = View { leader: Whose::Mine, ..NOTHING };
        let mut wait = Wait { deadline: None, ..wait(now, true) };
        assert_eq!(wait.next(view, now), Step::Read(Some(now + READ_TURN_MAX)));
        let late = now + READ_TURN_MAX;
        assert_eq!(wait.next(view, late), Step::GiveWay(Some(late + READ_TURN_MAX)));
    }

    #[test]
    fn read_that_cannot_be_limited_is_left_to_another_thread() {
        let now = Instant::now();
        let view = View { leader: Whose::Mine, can_limit_reads: false, ..NOTHING };
        assert!(matches!(wait(now, true).next(view, now), Step::GiveWay(_)));
    }

    #[test]
    fn thread_that_waits_for_room_parks_and_reads_in_turns_while_another_writes() {
        let now = Instant::now();
        let (until, mut wait) = (Some(now + ROOM_TURN_MAX), wait(now, false));
        let free = View { leader: Whose::Free, waits_for_room: true, ..NOTHING };
        let written = View { is_written_elsewhere: true, ..free };
        for _ in 0..2 {
            assert_eq!(wait.next(written, now), Step::Park(until));
            assert_eq!(wait.next(written, now), Step::Read(until));
        }
        assert_eq!(wait.next(free, now), Step::Read(Some(now + 100 * MS)));
    }

    #[test]
    fn thread_whose_stream_may_be_ended_by_another_reads_in_short_turns() {
        let now = Instant::now();
        let mut wait = Wait { deadline: None, ..wait(now, false) };
        let view = View { leader: Whose::Free, is_interruptible: true, ..NOTHING };
        let turn_ends = Some(now + INTERRUPTIBLE_TURN_MAX);
        assert_eq!(wait.next(view, now), Step::Read(turn_ends));
        let parked = View { leader: Whose::Another, ..view };
        assert_eq!(wait.next(parked, now), Step::Park(None));
    }

    #[test]
    fn thread_that_waits_for_room_never_reads_for_long() {
        let now = Instant::now();
        let mut wait = Wait { deadline: None, ..wait(now, false) };
        let view = View { leader: Whose::Free, waits_for_room: true, ..NOTHING };
        assert_eq!(wait.next(view, now), Step::Read(Some(now + READ_TURN_MAX)));
    }

    #[test]
    fn wait_gives_up_at_its_deadline() {
        let now = Instant::now();
        assert_eq!(wait(now, true).next(NOTHING, now + 100 * MS), Step::GiveUp);
    }

    #[test]
    fn wait_that_missed_its_deadline_checks_once_more() {
        let now = Instant::now();
        let mut wait = wait(now, true);
        let late = now + 101 * MS + LATE;
        assert_eq!(wait.next(NOTHING, late), Step::Park(Some(late + GRACE)));
        assert_eq!(wait.next(NOTHING, late + GRACE), Step::GiveUp);
    }

    #[test]
    fn thread_wakes_to_lend_its_permit() {
        let now = Instant::now();
        let view = View { lends_at: Some(now + 10 * MS), ..NOTHING };
        assert_eq!(wait(now, true).next(view, now), Step::Park(Some(now + 10 * MS)));
    }
}
