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
//! requests still waiting, and with reading. A handler that waits for something of its own stream
//! reads the transport itself; if requests come meanwhile, it gives the lead away.
//!
//! Where handlers have just been slow, taking over one by one would have each wait for a look or two
//! after the one before. So for some requests after a take-over each gets a thread at once, until they
//! prove to be quick again.

use std::any::Any;
use std::cell::Cell;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::engine::{Engine, Served};
use super::handler;
use super::overdue::{call_for_refusal, Timed};
use super::pool::{Scratch, Task};
use super::stats::add;
use crate::exchange::{Arrival, Conn, Guard, Hooks, Lead, State, Tick};

/// So many requests get a thread each after a leader was too slow.
const SLOW_REQUESTS: u32 = 32;

/// A handler that takes longer is slow.
const SLOW: Duration = Duration::from_millis(1);

/// A leader that goes on and on without reading is replaced after so many looks: it may be writing
/// what others have to send, as fast as they make it.
const UNREAD: u32 = 16;

/// A connection whose leader has had nothing to do for so many looks is watched no more.
const QUIET: u32 = 64;

thread_local! {
    /// The server that this thread runs a handler for, and so holds a place of. Halves of a stream may
    /// be used by other threads as well, which hold none, and by handlers of other servers.
    pub(super) static PLACE: Cell<*const Engine> = const { Cell::new(ptr::null()) };
}

/// Leads a connection, until it ends or another thread has taken over.
pub(super) fn lead(served: &Arc<Served>, scratch: &mut Scratch) {
    let _guard = OnPanic(served);
    let conn = &served.conn;
    let mut state = conn.lock();
    state.lead = Lead::mine();
    keep_watch(served);
    loop {
        state = run_requests(served, state, scratch);
        state = conn.flush(state, None);
        if !state.lead.is_mine() {
            drop(state);
            return work(Arc::clone(served), scratch);
        }
        if state.is_over() {
            // Nobody leads any more, and so nobody is to be replaced.
            state.lead = Lead::Free;
            drop(state);
            conn.cut();
            served.engine.unregister(served);
            return;
        }
        scratch.shrink();
        state = conn.read_once(state, None);
    }
}

/// Runs what waits, as a thread that does not lead.
fn work(served: Arc<Served>, scratch: &mut Scratch) {
    let arrival = take(&served, &mut served.conn.lock());
    match arrival {
        Some(arrival) => work_on(served, arrival, scratch),
        None => served.conn.flush_now(),
    }
}

/// Answers a request, and what else waits by then, as a thread that does not lead.
fn work_on(served: Arc<Served>, mut arrival: Arrival, scratch: &mut Scratch) {
    loop {
        let started = Instant::now();
        run(&served, arrival, scratch);
        let slow = if started.elapsed() < SLOW {
            served.slow.load(Ordering::Relaxed).saturating_sub(1)
        } else {
            SLOW_REQUESTS
        };
        // Only a guess of what comes: it does not matter if another thread has counted as well.
        served.slow.store(slow, Ordering::Relaxed);
        let mut state = served.conn.flush(served.conn.lock(), None);
        match take(&served, &mut state) {
            Some(next) => arrival = next,
            None => return,
        }
    }
}

/// Answers a request of a connection that has been waiting for a place, and has got one.
fn work_in_place(served: Arc<Served>, scratch: &mut Scratch) {
    let mut state = served.conn.lock();
    let arrival = pop(&served, &mut state);
    // The next one waits for a place as well.
    let left = hand_out_requests(&served, &mut state);
    drop(state);
    if let Some(task) = left {
        task(scratch);
    }
    match arrival {
        Some(arrival) => work_on(served, arrival, scratch),
        // Reset meanwhile, or the connection has as many handlers as it may have: the place is for
        // somebody else.
        None => pass_on(&served.engine),
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
    while let Some(mut arrival) = take(served, &mut state) {
        loop {
            state.step += 1;
            drop(state);
            keep_watch(served);
            answer(served, arrival, scratch);
            state = served.conn.lock();
            // The place goes along from one request to the next, unless somebody waits for it.
            let goes_on = state.lead.is_of(me) && !served.engine.permits.is_wanted();
            let next = if goes_on { state.arrivals.pop_front() } else { None };
            match next {
                Some(next) => arrival = next,
                None => break,
            }
        }
        give_back(served);
        if !state.lead.is_of(me) {
            break;
        }
    }
    state
}

/// Gives each request that may run now a thread of its own. Where there is no thread, the task
/// comes back.
fn hand_out_requests(served: &Arc<Served>, state: &mut State) -> Option<Task> {
    while let Some(arrival) = take(served, state) {
        let theirs = Arc::clone(served);
        let work = move |scratch: &mut Scratch| work_on(theirs, arrival, scratch);
        if let Err(task) = served.engine.pool.run(work) {
            return Some(task);
        }
    }
    None
}

/// The next request, if its handler may run now.
fn take(served: &Arc<Served>, state: &mut State) -> Option<Arrival> {
    let since = state.arrivals.front()?.since;
    if !served.may_run() || !served.engine.permits.acquire(served) {
        call_for_refusal(served, since);
        return None;
    }
    pop(served, state)
}

/// The next request, for which there is a place.
fn pop(served: &Served, state: &mut State) -> Option<Arrival> {
    let arrival = if served.may_run() { state.arrivals.pop_front() } else { None };
    served.running.fetch_add(usize::from(arrival.is_some()), Ordering::Relaxed);
    arrival
}

fn run(served: &Arc<Served>, arrival: Arrival, scratch: &mut Scratch) {
    answer(served, arrival, scratch);
    give_back(served);
}

fn answer(served: &Arc<Served>, arrival: Arrival, scratch: &mut Scratch) {
    add(&served.engine.counters.requests);
    let id = arrival.id;
    // The handler is caught where it is called; this is for what it has left behind, which may
    // panic when it is dropped.
    let _timed = Timed::begin(served, id);
    let answer = AssertUnwindSafe(|| handler::run(served, arrival, scratch));
    PLACE.set(Arc::as_ptr(&served.engine));
    if catch_unwind(answer).is_err() {
        log::error!("stream {id}: what the handler left behind panicked");
    }
    PLACE.set(ptr::null());
}

/// A handler has ended, and no other begins in its place.
fn give_back(served: &Served) {
    served.running.fetch_sub(1, Ordering::Relaxed);
    pass_on(&served.engine);
}

/// A place is free: whoever has waited for one for longest gets it.
fn pass_on(engine: &Engine) {
    if let Some(waiting) = engine.permits.release() {
        let theirs = Arc::clone(&waiting);
        if engine.pool.run(move |scratch| work_in_place(theirs, scratch)).is_err() {
            // Back in line: the next handler that ends tries again.
            engine.permits.postpone(&waiting);
        }
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

/// Has the clock look how the leader gets on, for as long as it is at work now and then.
fn keep_watch(served: &Arc<Served>) {
    // Looked at first, since that is nearly always enough.
    let is_watched = &served.is_watched;
    if is_watched.load(Ordering::Relaxed) || is_watched.swap(true, Ordering::Relaxed) {
        return;
    }
    let weak = Arc::downgrade(served);
    let (mut before, mut quiet, mut unread) = (None::<Progress>, 0, 0);
    served.engine.clock.watch(move || {
        let Some(served) = weak.upgrade() else { return false };
        let mut state = served.conn.lock();
        state.look_at_sleepers();
        let now = Progress::of(&state);
        drop(state);
        match (now, before) {
            (Some(now), Some(before)) if now.reads == before.reads => {
                unread += 1;
                if now == before || unread > UNREAD {
                    take_over(&served, now, now == before);
                    unread = 0;
                }
            }
            _ => unread = 0,
        }
        quiet = if now.or(before).is_some() { 0 } else { quiet + 1 };
        before = now;
        if quiet < QUIET {
            return true;
        }
        served.is_watched.store(false, Ordering::Relaxed);
        // A leader that has just gone to work may have found itself watched still. It has said that
        // it works under the lock, before it looked; so one of us sees the other.
        // So it is with readers whom what it has read has left asleep.
        let state = served.conn.lock();
        let is_needed = Progress::of(&state).is_some() || state.has_sleepers();
        drop(state);
        is_needed && !served.is_watched.swap(true, Ordering::Relaxed)
    });
}

/// How far a leader has come that is in a handler or in a write.
#[derive(Clone, Copy, PartialEq)]
struct Progress {
    step: u64,
    reads: u64,
}

impl Progress {
    /// `None` if it reads.
    fn of(state: &State) -> Option<Self> {
        let is_at_work = matches!(state.lead, Lead::Held { reads: false, .. });
        is_at_work.then_some(Progress { step: state.step, reads: state.reads })
    }
}

/// Has another thread lead instead of one that has not read since, and, if it is stuck, has begun
/// nothing else either.
fn take_over(served: &Arc<Served>, then: Progress, is_stuck: bool) {
    let mut state = served.conn.lock();
    let has_moved = |now: Progress| now.reads != then.reads || (is_stuck && now != then);
    if Progress::of(&state).is_none_or(has_moved) {
        return;
    }
    let before = state.lead;
    // All under one lock: the old leader must not find the lead gone while nobody is to have it.
    state.lead = Lead::Promised;
    if lead_elsewhere(served) {
        add(&served.engine.counters.leads_taken_over);
        // A long write says nothing of the handlers.
        if is_stuck && !state.is_writing() {
            served.slow.store(SLOW_REQUESTS, Ordering::Relaxed);
        }
    } else {
        state.lead = before;
    }
}

/// What a connection asks its server for.
pub(super) struct ServedHooks(pub(super) Weak<Served>);

impl Hooks for ServedHooks {
    fn hand_over(&self, _: &Arc<Conn>) -> bool {
        self.0.upgrade().is_some_and(|served| lead_elsewhere(&served))
    }

    fn at_work(&self) {
        if let Some(served) = self.0.upgrade() {
            keep_watch(&served);
        }
    }

    fn flush(&self) -> bool {
        self.0.upgrade().is_some_and(|served| served.flush_elsewhere())
    }

    fn rest(&self) -> Option<Box<dyn Any>> {
        let engine = Arc::clone(&self.0.upgrade()?.engine);
        if PLACE.get() != Arc::as_ptr(&engine) || !engine.permits.lend() {
            return None;
        }
        // It is lent once at a time.
        PLACE.set(ptr::null());
        pass_on(&engine);
        Some(Box::new(Lent(engine)))
    }

    fn work(&self) {
        if !self.0.upgrade().is_some_and(|served| work_elsewhere(&served)) {
            // Whoever leads finds it when it wakes up.
            log::warn!("no thread for a promised response");
        }
    }

    fn arm(&self, _: &Arc<Conn>, at: Instant) {
        let Some(served) = self.0.upgrade() else { return };
        served.engine.clock.call(at, &self.0, |served, now| match served.conn.tick(now) {
            Tick::Nothing => {}
            Tick::Flush => {
                served.flush_elsewhere();
            }
            Tick::Cut => served.conn.cut(),
        });
    }
}

/// A place that is lent, until this is dropped. By then the connection may be gone whose peer was
/// waited for: it need not be that of the handler.
struct Lent(Arc<Engine>);

impl Drop for Lent {
    fn drop(&mut self) {
        self.0.permits.reclaim();
        PLACE.set(Arc::as_ptr(&self.0));
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
            served.engine.unregister(served);
        }
    }
}
