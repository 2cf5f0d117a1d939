//! On which thread a handler runs: the one file that knows.
//!
//! ```text
//!          ┌─────────────── leads a connection ───────────────┐
//!          ▼                                                  │ the lead is still its own
//!   read a batch ─▶ run its handlers, one after the other ────┴─▶ write all the answers
//!                                    │
//!                                    │ too slow: another thread has taken the lead over
//!                                    ▼
//!                   write this answer, run what still waits, be idle
//! ```
//!
//! A thread that leads runs the handlers itself: no hand-over between threads, and all answers of a
//! batch in one write. What makes that safe for the other streams is that the lead can be taken over.
//! The [clock](super::clock) looks every two milliseconds while handlers run, and a leader that has
//! begun nothing new since the look before loses the lead to another thread, which goes on with the
//! requests still waiting, and with reading. A look reads one atomic number; the lock is taken only
//! where a leader seems stuck. A handler that waits for something of its own stream reads the
//! transport itself; if requests come meanwhile, it gives the lead away.
//!
//! Where handlers have just been slow, taking over one by one would have each wait for a look or two
//! after the one before. So for some requests after a take-over each gets a thread at once, until they
//! prove to be quick again.

use std::any::Any;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::engine::{Engine, Served};
use super::handler;
use super::permit::{self, Permit};
use super::pool::{Scratch, Task};
use super::stats::add;
use super::timeouts::{call_for_refusal, Timed};
use super::watch::{LeaderWatch, Verdict};
use super::writers::Writable;
use crate::exchange::{Arrival, Guard, Leader, Progress, State, Tick};
use crate::logging;
use crate::wire::Owner;

/// So many requests get a thread each after a leader was too slow.
const SLOW_REQUESTS: u32 = 32;

/// A handler that takes longer is slow.
const SLOW: Duration = Duration::from_millis(1);

/// How long the clock waits for a thread to cut a connection.
const CUT_RETRY: Duration = Duration::from_millis(100);

/// Leads a connection, until it ends or another thread has taken over.
pub(super) fn lead(served: &Arc<Served>, scratch: &mut Scratch) {
    let _guard = OnPanic(served);
    let conn = &served.conn;
    let mut state = conn.lock();
    state.leader = Leader::me();
    keep_watch(served);
    loop {
        state = run_requests(served, state, scratch);
        state = conn.flush(state, None);
        if !state.leader.is_me() {
            drop(state);
            return work(Arc::clone(served), scratch);
        }
        if state.is_over() {
            // Nobody leads any more, and so nobody is to be replaced.
            state.leader = Leader::None;
            drop(state);
            conn.cut();
            served.engine.unregister(served.number, &served.place);
            return;
        }
        scratch.shrink();
        state = conn.read_once(state, None);
    }
}

/// Runs what waits, as a thread that does not lead.
fn work(served: Arc<Served>, scratch: &mut Scratch) {
    let taken = take(&served, &mut served.conn.lock());
    match taken {
        Some((permit, arrival)) => work_on(permit, arrival, scratch),
        None => served.conn.flush_now(),
    }
}

/// Answers a request, and what else waits by then, as a thread that does not lead.
fn work_on(mut permit: Permit, mut arrival: Arrival, scratch: &mut Scratch) {
    let served = Arc::clone(permit.served());
    loop {
        let started = Instant::now();
        answer(&permit, arrival, scratch);
        drop(permit);
        let slow = if started.elapsed() < SLOW {
            served.slow.load(Ordering::Relaxed).saturating_sub(1)
        } else {
            SLOW_REQUESTS
        };
        // Only a guess of what comes: it does not matter if another thread has counted as well.
        served.slow.store(slow, Ordering::Relaxed);
        let mut state = served.conn.flush(served.conn.lock(), None);
        match take(&served, &mut state) {
            Some(next) => (permit, arrival) = next,
            None => return,
        }
    }
}

/// Has a thread use a permit that this connection has waited for.
pub(super) fn take_permit(served: &Arc<Served>) {
    permit::hand_over(served, work_with);
}

/// Answers a request of a connection that has waited for this permit.
fn work_with(permit: Permit, scratch: &mut Scratch) {
    let served = Arc::clone(permit.served());
    let mut state = served.conn.lock();
    let arrival = if permit.is_within_limit() { state.arrivals.pop_front() } else { None };
    // The next one waits for a permit as well.
    let left = hand_out_requests(&served, &mut state);
    drop(state);
    if let Some(task) = left {
        task(scratch);
    }
    // Without a request the permit goes to the next in line: it was reset meanwhile, or its
    // connection has as many handlers as it may have.
    if let Some(arrival) = arrival {
        work_on(permit, arrival, scratch);
    }
}

/// Runs the handlers of requests that have come, on this thread for as long as it leads.
fn run_requests<'a>(
    served: &'a Arc<Served>,
    mut state: Guard<'a>,
    scratch: &mut Scratch,
) -> Guard<'a> {
    if served.slow.load(Ordering::Relaxed) > 0 {
        if let Some(task) = hand_out_requests(served, &mut state) {
            drop(state);
            task(scratch);
            state = served.conn.lock();
        }
    }
    let me = thread::current().id();
    while let Some((permit, mut arrival)) = take(served, &mut state) {
        loop {
            state.steps += 1;
            drop(state);
            keep_watch(served);
            answer(&permit, arrival, scratch);
            state = served.conn.lock();
            // The permit goes along from one request to the next, unless another connection waits.
            let goes_on = state.leader.is(me) && !served.engine.permits.is_wanted();
            let next = if goes_on { state.arrivals.pop_front() } else { None };
            match next {
                Some(next) => arrival = next,
                None => break,
            }
        }
        let leads = state.leader.is(me);
        if served.engine.permits.is_wanted() {
            // Passing it on may start a thread.
            drop(state);
            drop(permit);
            state = served.conn.lock();
        }
        if !leads {
            break;
        }
    }
    state
}

/// Gives each request that may run now a thread of its own. Where there is no thread, the task
/// comes back.
fn hand_out_requests(served: &Arc<Served>, state: &mut State) -> Option<Task> {
    while let Some((permit, arrival)) = take(served, state) {
        let work = move |scratch: &mut Scratch| work_on(permit, arrival, scratch);
        if let Err(task) = served.engine.pool.run(work) {
            return Some(task);
        }
    }
    None
}

/// The next request, if its handler may run now.
fn take(served: &Arc<Served>, state: &mut State) -> Option<(Permit, Arrival)> {
    let since = state.arrivals.front()?.since;
    let Some(permit) = Permit::acquire(served) else {
        call_for_refusal(served, since);
        return None;
    };
    Some((permit, state.arrivals.pop_front()?))
}

fn answer(permit: &Permit, arrival: Arrival, scratch: &mut Scratch) {
    let served = permit.served();
    add(&served.engine.counters.requests);
    let id = arrival.id;
    // The handler is caught where it is called; this is for what it has left behind, which may
    // panic when it is dropped.
    let _timed = Timed::begin(served, &arrival);
    let answer = AssertUnwindSafe(|| permit.run(|| handler::run(served, arrival, scratch)));
    if catch_unwind(answer).is_err() {
        logging::error!("stream {id}: what the handler left behind panicked");
    }
}

/// Has another thread run what waits. `false` if there is none.
fn work_elsewhere(served: &Arc<Served>) -> bool {
    let theirs = Arc::clone(served);
    served.engine.pool.run(move |scratch| work(theirs, scratch)).is_ok()
}

/// Has another thread lead. `false` if there is none.
fn lead_elsewhere(served: &Arc<Served>) -> bool {
    let theirs = Arc::clone(served);
    served.engine.pool.run(move |scratch| lead(&theirs, scratch)).is_ok()
}

/// Has the clock watch the leader, for as long as it works now and then.
fn keep_watch(served: &Arc<Served>) {
    // Looked at first, since that is nearly always enough.
    let is_watched = &served.is_watched;
    if is_watched.load(Ordering::Relaxed) || is_watched.swap(true, Ordering::Relaxed) {
        return;
    }
    let weak = Arc::downgrade(served);
    let mut watch = LeaderWatch::default();
    served.engine.clock.watch(move || {
        let Some(served) = weak.upgrade() else { return false };
        let now = served.conn.progress();
        if now.has_deferred_wakes() {
            served.conn.lock().check_deferred_wakes();
        }
        match watch.look(now) {
            Verdict::Fine => true,
            Verdict::Stuck => take_over(&served, now, true),
            Verdict::Unread => take_over(&served, now, false),
            Verdict::Quiet => goes_on_watching(&served),
        }
    });
}

/// Ends the watch of a leader that only reads, unless it has just gone to work.
//
// It may have found itself watched still. It has said that it works under the lock, before it looked;
// so one of the two sees the other.
fn goes_on_watching(served: &Served) -> bool {
    served.is_watched.store(false, Ordering::Relaxed);
    let now = served.conn.lock().progress();
    let is_needed = now.is_working() || now.has_deferred_wakes();
    is_needed && !served.is_watched.swap(true, Ordering::Relaxed)
}

/// Has another thread lead instead of one that has not read since, and, if it is stuck, has begun
/// nothing else either. The connection is watched on: always `true`.
fn take_over(served: &Arc<Served>, then: Progress, is_stuck: bool) -> bool {
    let mut state = served.conn.lock();
    let now = state.progress();
    let has_moved = !now.has_read_as_often(then) || is_stuck && !now.is_at_the_step_of(then);
    if !now.is_working() || has_moved {
        return true;
    }
    let before = state.leader;
    // All under one lock: the old leader must not find the lead gone while nobody is to have it.
    state.leader = Leader::Promised;
    if lead_elsewhere(served) {
        add(&served.engine.counters.leads_taken_over);
        // A long write says nothing of the handlers.
        if is_stuck && !state.is_writing() {
            served.slow.store(SLOW_REQUESTS, Ordering::Relaxed);
        }
    } else {
        state.leader = before;
    }
    true
}

/// A server's connection has the pool and the clock of its server.
pub(super) struct PoolOwner(pub(super) Weak<Served>);

impl Owner for PoolOwner {
    fn find_leader(&self) -> bool {
        self.0.upgrade().is_some_and(|served| lead_elsewhere(&served))
    }

    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        self.0.upgrade().is_some_and(|served| served.write_elsewhere())
    }

    fn find_worker(&self) -> bool {
        self.0.upgrade().is_some_and(|served| work_elsewhere(&served))
    }

    fn find_writer_soon(&self) -> bool {
        self.0.upgrade().is_some_and(|served| write_soon(&served.engine, &served))
    }

    fn has_clock(&self) -> bool {
        true
    }

    fn call_at(&self, at: Instant, _: &mut Vec<Thread>) {
        let Some(served) = self.0.upgrade() else { return };
        served.engine.clock.call(at, &self.0, |served, now| match served.conn.tick(now) {
            Tick::Nothing => {}
            Tick::Flush => {
                served.flush_elsewhere();
            }
            Tick::Cut => cut_elsewhere(&served, now),
        });
    }

    fn watch_leader(&self) {
        if let Some(served) = self.0.upgrade() {
            keep_watch(&served);
        }
    }

    fn has_handlers(&self) -> bool {
        true
    }

    fn lend_permit(&self) -> Option<Box<dyn Any>> {
        permit::lend(&self.0.upgrade()?.engine)
    }
}

/// Has a connection written soon by one of a few threads. `false` if there is none.
pub(super) fn write_soon<C: Writable + 'static>(engine: &Arc<Engine>, conn: &Arc<C>) -> bool {
    if !engine.writers.push(conn) {
        return true;
    }
    let theirs = Arc::clone(engine);
    let write = move |_: &mut Scratch| {
        while let Some(conn) = theirs.writers.next() {
            conn.write_a_turn();
        }
    };
    let has_begun = engine.pool.run(write).is_ok();
    if !has_begun {
        engine.writers.withdraw();
    }
    has_begun
}

/// Cuts a connection on a thread of the pool: the end of a TLS stream is a write, which may block.
fn cut_elsewhere(served: &Arc<Served>, now: Instant) {
    let theirs = Arc::clone(served);
    if served.engine.pool.run(move |_| theirs.conn.cut()).is_err() {
        let whom = Arc::downgrade(served);
        served.engine.clock.call(now + CUT_RETRY, &whom, |served, now| cut_elsewhere(&served, now));
    }
}

/// A connection whose leader panics would be led by nobody.
struct OnPanic<'a>(&'a Arc<Served>);

impl Drop for OnPanic<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let served = self.0;
            let error = crate::proto::ConnectionError::internal("a thread of the server panicked");
            served.conn.with(|state, _| state.core.abort(error));
            served.conn.cut();
            served.engine.unregister(served.number, &served.place);
        }
    }
}
