//! Reading, and who does it: the thread that leads.

use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard, State};
use super::inbox::Half;
use super::progress::Progress;
use super::rest::Rest;
use super::turn::Lead;
use crate::frame::StreamId;
use crate::link::cuts_short;
use crate::proto::{ConnectionError, GRACE, LATE};
use crate::transport::gave_up;

/// A read that may wait for ever may as well give up after this time: changing the timeout back
/// and forth would cost more.
const LONG: Duration = Duration::from_secs(10);

/// Below this, the timeout of a read is set as exactly as it can be.
const SHORT: Duration = Duration::from_millis(50);

/// A read may take so much longer than it was to take.
const SLACK: Duration = Duration::from_millis(10);

/// So long a handler that waits reads by itself, which saves a switch between threads for what
/// comes soon. After that it leaves it to another thread, and parks: a thread that reads cannot be
/// woken for what does not come from the transport, such as the end of its stream by the clock.
const PATIENCE: Duration = Duration::from_secs(1);

impl Conn {
    /// Waits until `ready` gives something, or until `deadline`: reads and writes what there is to
    /// read and write if nobody else does, and parks otherwise.
    ///
    /// `half` of stream `id` is what the thread waits for. After the end of the connection `ready`
    /// has to give something.
    pub(crate) fn wait<'a, T>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        (id, half): (StreamId, Half),
        mut deadline: Option<Instant>,
        mut ready: impl FnMut(&mut State) -> Option<T>,
    ) -> (Guard<'a>, Option<T>) {
        if let Some(result) = ready(&mut state) {
            return (state, Some(result));
        }
        let led_before = state.lead.is_mine();
        let began = Instant::now();
        let mut rest = Rest::new(self, began);
        let mut was_late = false;
        let result = loop {
            if let Some(result) = ready(&mut state) {
                break Some(result);
            }
            let now = Instant::now();
            if let Some(at) = deadline.filter(|&at| at <= now) {
                if was_late || at <= began || now.saturating_duration_since(at) <= LATE {
                    break None;
                }
                // The machine has slept, or this thread has. What it waits for may lie unread.
                (was_late, deadline) = (true, now.checked_add(GRACE));
            }
            rest.look(now);
            let was_due = self.hooks.is_none() && state.run_clock(now);
            if state.has_to_write() {
                state = self.flush(state, deadline);
                continue;
            }
            if was_due {
                state = self.wake_reader_after_the_end(state);
                // It may be what is waited for: the end of the connection, above all.
                if let Some(result) = ready(&mut state) {
                    break Some(result);
                }
            }
            state = match state.lead {
                Lead::Held { .. } if state.lead.is_mine() => {
                    // Others must not wait for what this thread waits for.
                    let gives_way = !state.arrivals.is_empty()
                        || !self.closer.has_read_timeout()
                        || now >= began + PATIENCE;
                    if gives_way && self.give_away(&mut state) {
                        continue;
                    }
                    let patience = self.hooks.as_ref().map(|_| now + PATIENCE);
                    let until = [deadline, patience, rest.at()];
                    self.read_once(state, until.into_iter().flatten().min())
                }
                Lead::Free => {
                    state.lead = Lead::mine();
                    self.read_once(state, deadline)
                }
                Lead::Held { .. } | Lead::Promised => {
                    let until = [deadline, rest.at()].into_iter().flatten().min();
                    self.park(state, id, half, until)
                }
            };
        };
        if !led_before && state.lead.is_mine() {
            state.lead = Lead::Free;
        }
        state.offer_lead();
        (state, result)
    }

    /// Has another thread lead.
    fn give_away(self: &Arc<Self>, state: &mut State) -> bool {
        let Some(hooks) = &self.hooks else { return false };
        let before = std::mem::replace(&mut state.lead, Lead::Promised);
        let has_gone = hooks.hand_over(self);
        if !has_gone {
            state.lead = before;
        }
        has_gone
    }

    /// Reads once, and hands out what came. For the thread that leads.
    pub(crate) fn read_once<'a>(
        self: &'a Arc<Self>,
        mut state: Guard<'a>,
        until: Option<Instant>,
    ) -> Guard<'a> {
        let Some(mut reading) = state.reading.take() else {
            debug_assert!(state.end.is_cut, "the leader finds the reader");
            return state;
        };
        let timeout = self.choose_timeout(&mut state, until);
        state.lead = Lead::Held { by: thread::current().id(), reads: true };
        self.arm(&mut state);
        drop(state);

        if let Some(timeout) = timeout {
            // Without it, only the deadline is kept less exactly.
            if let Err(error) = self.closer.set_read_timeout(timeout) {
                log::debug!("setting a read timeout: {error}");
            }
        }
        // The transport may be the application's; its panic is the end of this connection alone.
        let read = catch_unwind(AssertUnwindSafe(|| reading.buffer.fill(&mut reading.reader)));

        let mut state = self.lock();
        let now = Instant::now();
        let has_read = matches!(read, Ok(Ok(1..)));
        match read {
            // After the end, what comes is read and dropped.
            Ok(Ok(1..)) if state.has_ended() => reading.buffer.octets().clear(),
            Ok(Ok(1..)) => {
                // An error has been queued as GOAWAY, and is kept as the reason of the end.
                let _ = state.core.receive(reading.buffer.octets(), now);
            }
            Ok(Ok(0)) => {
                state.end.read_ended = true;
                state.core.end_of_input();
            }
            Ok(Err(error)) if gave_up(&error) => {}
            Ok(Err(error)) => {
                state.end.read_ended = true;
                if cuts_short(&error, &state.core) {
                    state.fail(Some(error.into()));
                } else {
                    state.core.end_of_input();
                }
            }
            Err(_) => {
                state.end.read_ended = true;
                let error = ConnectionError::internal("the transport panicked in a read");
                state.core.abort(error);
            }
        }
        if state.end.is_cut {
            drop(state);
            drop(reading);
            state = self.lock();
        } else {
            state.reading = Some(reading);
        }
        state.lead = Lead::mine();
        state.step += 1;
        state.reads += 1;
        if has_read {
            self.note_heard(now);
        }
        state.hand_out(now);
        if let Some(hooks) = self.hooks.as_ref().filter(|_| has_read) {
            hooks.at_work();
        }
        self.hand_on_promises(state)
    }

    /// How long the next read is to wait, where that has to be changed.
    fn choose_timeout(
        &self,
        state: &mut State,
        until: Option<Instant>,
    ) -> Option<Option<Duration>> {
        // A server has a clock for the deadlines of its connections.
        let own = if self.hooks.is_none() { state.deadline() } else { None };
        let until = [own, until].into_iter().flatten().min();
        let wanted = until.map(|until| until.saturating_duration_since(Instant::now()));
        let is_good = match (state.read_timeout, wanted) {
            (None, None) => true,
            (Some(set), None) => set >= LONG,
            (None, Some(_)) => false,
            (Some(set), Some(wanted)) => set <= wanted + SLACK.min(wanted / 8) && set * 2 >= wanted,
        };
        (!is_good).then(|| {
            // A little less, so that a caller whose next read is to wait as long need not set it
            // again. A read that gives up before its time is repeated.
            let asked = wanted.map(|wanted| if wanted < SHORT { wanted } else { wanted * 3 / 4 });
            state.read_timeout = asked;
            asked
        })
    }

    fn park<'a>(
        &'a self,
        mut state: Guard<'a>,
        id: StreamId,
        half: Half,
        deadline: Option<Instant>,
    ) -> Guard<'a> {
        let me = thread::current();
        if let Some(inbox) = state.streams.get_mut(&id) {
            inbox.set_waiting(half, Some(me.clone()));
        }
        state.parked.push(me.clone());
        // A client's connection has no other clock than the threads that wait.
        let own = if self.hooks.is_none() { state.deadline() } else { None };
        let until = [own, deadline].into_iter().flatten().min();
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

impl State {
    /// What the leader is doing.
    pub(crate) fn progress(&self) -> Progress {
        let is_working = matches!(self.lead, Lead::Held { reads: false, .. });
        Progress::new(is_working, self.has_sleepers(), self.reads, self.step)
    }

    /// Wakes one of the threads that could lead now.
    pub(super) fn offer_lead(&mut self) {
        if self.lead == Lead::Free {
            self.wake.extend(self.parked.pop());
        }
    }
}

/// When a wait that begins now is over: after its timeout, and by its deadline.
pub(super) fn until(timeout: Option<Duration>, deadline: Option<Instant>) -> Option<Instant> {
    let timeout = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    [timeout, deadline].into_iter().flatten().min()
}
