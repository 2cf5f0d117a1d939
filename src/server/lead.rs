//! The decision which thread runs a handler.
//!
//! ```text
//!          ┌─────────────── leads a connection ───────────────┐
//!          ▼                                                  │ it still leads
//!   read a batch ─▶ run its handlers, one after the other ────┴─▶ write all responses
//!                                    │
//!                                    │ too slow: another thread has taken over the lead
//!                                    ▼
//!                   write this response, run waiting requests, idle
//! ```
//!
//! The leader runs the handlers itself, without hand-overs between threads, and writes all
//! responses of a batch at once. Other streams are protected by taking over the lead. The
//! [clock](super::clock) ticks every two milliseconds while handlers run. A leader that has begun
//! nothing since the last tick, and is [stuck](super::suspect), loses the lead to another thread, which
//! continues with the waiting requests and with reading. A tick reads one atomic number; the lock is
//! only taken if the leader is suspected. A handler that waits for its own stream reads the transport
//! itself; if requests arrive in the meantime, it passes the lead on.
//!
//! After slow handlers, taking over one by one would delay each request by a tick or two after the
//! one before. So for some requests after a take-over, each gets a thread at once, until handlers
//! are quick again.

use std::any::Any;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::engine::Engine;
use super::handler;
use super::idle::leave_to_poller;
use super::permit::{self, Permit};
use super::poller::{IDLE_MIN, Stay, Watched};
use super::pool::{Scratch, Task};
use super::served::Served;
use super::stats::add;
use super::suspect::Suspect;
use super::timeouts::{Timed, call_for_refusal};
use super::watch::{LeaderWatch, Verdict};
use super::writers::Writable;
use crate::exchange::{Arrival, Guard, Leader, Progress, State, Tick};
use crate::logging;
use crate::transport::Epoll;
use crate::wire::Owner;

/// The number of requests that get a separate thread each after a slow leader.
const SLOW_REQUESTS: u32 = 32;

/// A handler that takes longer than this is slow.
const SLOW: Duration = Duration::from_millis(1);

/// Leads a connection, until it ends, another thread has taken over the lead, or it is idle.
pub(super) fn lead(served: &Arc<Served>, scratch: &mut Scratch) {
    lead_for(served, Stay::UntilIdle, scratch);
}

/// Leads a connection, reads at least once, and leaves it to the poller when it is idle.
fn lead_for(served: &Arc<Served>, mut stay: Stay, scratch: &mut Scratch) {
    let _guard = OnPanic(served);
    let (conn, poller) = (&served.conn, &served.engine.poller);
    // Whether the last read has found something; `None` before a read.
    let mut found: Option<bool> = None;
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
            // No thread leads any more, so none is replaced.
            state.leader = Leader::None;
            drop(state);
            conn.cut();
            served.engine.unregister(served.number, &served.place);
            return;
        }
        scratch.shrink();
        if !served.can_be_watched {
            state = conn.read_once(state, None);
            continue;
        }
        // A read would pause, which the thread of other connections must not do.
        let must_go = stay == Stay::Once && state.holds_too_much();
        if must_go
            || found.is_some_and(|found| stay == Stay::Once || !found || poller.is_preferred())
        {
            if state.is_idle() {
                match leave_to_poller(served, state) {
                    Some(still) => state = still,
                    None => return,
                }
            }
            if stay == Stay::Once && promise_lead(served, &mut state) {
                return;
            }
            // There is no other thread.
            stay = Stay::UntilIdle;
        }
        let reads = poller.reads();
        let came;
        (state, came) = conn.read_for(state, IDLE_MIN);
        drop(reads);
        found = Some(came);
    }
}

impl Watched for Served {
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.conn.watch(epoll, token)
    }

    fn is_left(&self, token: u64) -> bool {
        self.conn.lock().leader == Leader::Poller(token)
    }

    fn has_input(&self, token: u64) -> bool {
        let mut state = self.conn.lock();
        let is_left = state.leader == Leader::Poller(token);
        if is_left {
            state.leader = Leader::Promised;
        }
        is_left
    }

    fn serve(self: Arc<Self>, _: u64, stay: Stay, scratch: &mut Scratch) {
        lead_for(&self, stay, scratch);
    }
}

/// Runs waiting requests on a thread that does not lead.
fn work(served: Arc<Served>, scratch: &mut Scratch) {
    let taken = take(&served, &mut served.conn.lock());
    match taken {
        Some((permit, arrival)) => work_on(permit, arrival, scratch),
        None => served.conn.flush_now(),
    }
}

/// Answers a request, then other waiting requests, on a thread that does not lead.
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
        // A heuristic: a lost update by another thread does no harm.
        served.slow.store(slow, Ordering::Relaxed);
        let mut state = served.conn.flush(served.conn.lock(), None);
        match take(&served, &mut state) {
            Some(next) => (permit, arrival) = next,
            None => return,
        }
    }
}

/// Makes a thread use a permit that this connection has waited for.
pub(super) fn take_permit(served: &Arc<Served>) {
    permit::hand_over(served, work_with);
}

/// Answers a request of a connection that has waited for this permit.
fn work_with(permit: Permit, scratch: &mut Scratch) {
    let served = Arc::clone(permit.served());
    let mut state = served.conn.lock();
    let arrival = if permit.is_within_limit() { state.arrivals.pop_front() } else { None };
    // The next request waits for a permit as well.
    let left = hand_out_requests(&served, &mut state);
    drop(state);
    if let Some(task) = left {
        task(scratch);
    }
    // Without a request, the permit passes to the next connection: the request was reset, or the
    // connection has reached its limit of handlers.
    if let Some(arrival) = arrival {
        work_on(permit, arrival, scratch);
    }
}

/// Runs the handlers of received requests on this thread, while it leads.
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
            // The permit is reused for the next request, unless another connection waits for one.
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

/// Gives each request that may run now a separate thread. If there is no thread, the task is
/// returned.
fn hand_out_requests(served: &Arc<Served>, state: &mut State) -> Option<Task> {
    while let Some((permit, arrival)) = take(served, state) {
        let work = move |scratch: &mut Scratch| work_on(permit, arrival, scratch);
        if let Err(task) = served.engine.pool.run(work) {
            return Some(task);
        }
    }
    None
}

/// Takes the next request, if its handler may run now.
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
    served.engine.counters.queue_time.record(arrival.since.elapsed());
    let id = arrival.id;
    // Panics of the handler are caught where it is called. This catches those of dropping what it
    // has left behind.
    let _timed = Timed::begin(served, &arrival);
    let answer = AssertUnwindSafe(|| permit.run(|| handler::run(served, arrival, scratch)));
    if catch_unwind(answer).is_err() {
        logging::error!("stream {id}: what the handler left behind panicked");
    }
}

/// Makes another thread run waiting requests. Returns `false` if no thread is available.
fn work_elsewhere(served: &Arc<Served>) -> bool {
    let theirs = Arc::clone(served);
    served.engine.pool.run(move |scratch| work(theirs, scratch)).is_ok()
}

/// Makes another thread lead. Returns `false` if no thread is available.
fn lead_elsewhere(served: &Arc<Served>) -> bool {
    let theirs = Arc::clone(served);
    served.engine.pool.run(move |scratch| lead(&theirs, scratch)).is_ok()
}

/// Passes the lead to another thread. Returns `false` if no thread is available.
fn promise_lead(served: &Arc<Served>, state: &mut State) -> bool {
    // Under one lock, so that the old leader never finds the lead free without a successor.
    let before = std::mem::replace(&mut state.leader, Leader::Promised);
    let has_gone = lead_elsewhere(served);
    if !has_gone {
        state.leader = before;
    }
    has_gone
}

/// Makes the clock watch the leader, while it works from time to time.
fn keep_watch(served: &Arc<Served>) {
    // Loaded first, which is cheaper than the swap and usually sufficient.
    let is_watched = &served.is_watched;
    if is_watched.load(Ordering::Relaxed) || is_watched.swap(true, Ordering::Relaxed) {
        return;
    }
    let weak = Arc::downgrade(served);
    let (mut watch, mut suspect) = (LeaderWatch::default(), None);
    served.engine.clock.watch(move || {
        let Some(served) = weak.upgrade() else { return false };
        let now = served.conn.progress();
        if now.has_deferred_wakes() {
            served.conn.lock().check_deferred_wakes();
        }
        let verdict = watch.judge(now);
        let before = suspect.take();
        match verdict {
            Verdict::Fine => {}
            Verdict::Suspect => suspect = judge(&served, now, before.unwrap_or_default()),
            Verdict::Unread => take_over(&served, now, false),
            Verdict::Quiet => return goes_on_watching(&served),
        }
        true
    });
}

/// Ends the watch of a leader that only reads, unless it has just begun to work.
//
// The leader may have seen that it is still watched. It records its work under the lock before it
// checks, so one of the two sees the other.
fn goes_on_watching(served: &Served) -> bool {
    served.is_watched.store(false, Ordering::Relaxed);
    let now = served.conn.lock().progress();
    let is_needed = now.is_working() || now.has_deferred_wakes();
    is_needed && !served.is_watched.swap(true, Ordering::Relaxed)
}

/// Replaces a leader that is stuck at a step. Returns what is known of one that is not.
fn judge(served: &Arc<Served>, then: Progress, mut suspect: Suspect) -> Option<Suspect> {
    let leader = served.conn.lock().leader;
    // Without the lock, which a leader that goes on would wait for, and so seem to be blocked.
    let is_stuck = suspect.judge(leader.thread()?.scheduled());
    if is_stuck {
        take_over(served, then, true);
    }
    (!is_stuck).then_some(suspect)
}

/// Replaces a leader that has not read since and, if it is stuck, has not begun anything else either.
fn take_over(served: &Arc<Served>, then: Progress, is_stuck: bool) {
    let mut state = served.conn.lock();
    let now = state.progress();
    let has_moved = !now.has_read_as_often(then) || is_stuck && !now.is_at_the_step_of(then);
    if now.is_working() && !has_moved && promise_lead(served, &mut state) {
        add(&served.engine.counters.leaders_replaced);
        // A long write is no sign of slow handlers.
        if is_stuck && !state.is_writing() {
            served.slow.store(SLOW_REQUESTS, Ordering::Relaxed);
        }
    }
}

/// The owner of a server's connection, with the pool and the clock of its server.
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
            // Closing a TLS stream is a write, which may block.
            Tick::Cut => served.engine.run_with(&served, |served| served.cut()),
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

/// Schedules a write by one of a few threads. Returns `false` if no thread is available.
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

/// Ends the connection if its leader panics, since no thread would lead it then.
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
