//! The right to run one handler, as a value.

use std::any::Any;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use super::engine::{Engine, Served};
use super::pool::Scratch;

thread_local! {
    /// The number of the engine whose permit the handler on this thread runs with. Zero outside of
    /// handlers. Halves of a stream may also be used by threads that hold no permit, and by handlers
    /// of other servers.
    static RUNS_FOR: Cell<u64> = const { Cell::new(0) };
}

/// A permit to run one handler of a connection at a time. It may be moved to another thread; dropping
/// it gives it to the connection that has waited longest.
#[derive(Debug)]
pub(super) struct Permit {
    served: Arc<Served>,
    next: Next,
    /// It has been given back already.
    is_over: bool,
}

/// What a thread does with a permit that has become free: it answers the next request of the
/// permit's connection.
pub(super) type Next = fn(Permit, &mut Scratch);

impl Permit {
    /// A permit for this connection. If there is none, the connection is put in line for one.
    ///
    /// May be called under the connection's lock.
    pub(super) fn acquire(served: &Arc<Served>, next: Next) -> Option<Permit> {
        let may_run = served.running.load(Ordering::Relaxed) < served.handler_limit();
        (may_run && served.engine.permits.acquire(served)).then(|| Permit::granted(served, next))
    }

    /// The permit that [`release`](super::permits::Permits::release) has handed to this connection.
    fn granted(served: &Arc<Served>, next: Next) -> Permit {
        served.running.fetch_add(1, Ordering::Relaxed);
        Permit { served: Arc::clone(served), next, is_over: false }
    }

    pub(super) fn served(&self) -> &Arc<Served> {
        &self.served
    }

    /// Whether its connection runs no more handlers than it may, this one counted.
    pub(super) fn is_within_limit(&self) -> bool {
        self.served.running.load(Ordering::Relaxed) <= self.served.handler_limit()
    }

    /// Runs a handler with it, during which this thread may [lend](lend) it.
    pub(super) fn run<T>(&self, handler: impl FnOnce() -> T) -> T {
        let _mark = Mark::set(self.served.engine.number);
        handler()
    }

    /// Puts its connection back in line: no thread can run a handler now.
    fn postpone(mut self) {
        self.is_over = true;
        self.served.running.fetch_sub(1, Ordering::Relaxed);
        self.served.engine.permits.postpone(&self.served);
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.served.running.fetch_sub(1, Ordering::Relaxed);
        pass_on(&self.served.engine, self.next);
    }
}

/// Notes which engine this thread runs a handler for, until it is dropped.
struct Mark(u64);

impl Mark {
    fn set(number: u64) -> Mark {
        Mark(RUNS_FOR.replace(number))
    }
}

impl Drop for Mark {
    fn drop(&mut self) {
        RUNS_FOR.set(self.0);
    }
}

/// Gives a permit that is free to the connection that has waited longest.
fn pass_on(engine: &Engine, next: Next) {
    let Some(waiting) = engine.permits.release() else { return };
    let permit = Arc::new(Mutex::new(Some(Permit::granted(&waiting, next))));
    let theirs = Arc::clone(&permit);
    let take = |permit: &Mutex<Option<Permit>>| {
        permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    let work = move |scratch: &mut Scratch| {
        if let Some(permit) = take(&theirs) {
            next(permit, scratch);
        }
    };
    if engine.pool.run(work).is_err() {
        // The next handler that ends tries again. Dropping the permit would ask for a thread again.
        take(&permit).into_iter().for_each(Permit::postpone);
    }
}

/// Lends the permit of the handler on this thread, which waits for its peer, until what is returned
/// is dropped. `None` if it runs for another server, or if the server lends no more.
pub(super) fn lend(engine: &Arc<Engine>, next: Next) -> Option<Box<dyn Any>> {
    if RUNS_FOR.get() != engine.number || !engine.permits.lend() {
        return None;
    }
    // It is lent once at a time.
    let mark = Mark::set(0);
    pass_on(engine, next);
    Some(Box::new(Lent { engine: Arc::clone(engine), _mark: mark }))
}

/// A permit that is lent. The connection whose peer was waited for may be gone when it is dropped.
struct Lent {
    engine: Arc<Engine>,
    _mark: Mark,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.engine.permits.reclaim();
    }
}
