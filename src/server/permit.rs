//! A permit to run one handler, as a value.

use std::any::Any;
use std::cell::Cell;
use std::sync::{Arc, Mutex, PoisonError};

use super::engine::Engine;
use super::permits::Waiter;
use super::place::Place;
use super::pool::Scratch;
use super::served::Served;

thread_local! {
    /// The number of the engine whose permit the handler on this thread uses. Zero outside of
    /// handlers. Halves of a stream may also be used by threads without a permit, and by handlers
    /// of other servers.
    static RUNS_FOR: Cell<u64> = const { Cell::new(0) };
}

/// A connection that runs handlers.
pub(super) trait Claimant {
    fn engine(&self) -> &Arc<Engine>;

    fn place(&self) -> &Arc<Place>;

    /// The most handlers of this connection that may run at once.
    fn handler_limit(&self) -> usize {
        self.engine().config.max_handlers_per_connection
    }
}

impl Claimant for Served {
    fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

/// A permit to run one handler of a connection at a time. It may be moved to another thread;
/// dropping it passes it to the connection that has waited longest.
#[derive(Debug)]
pub(super) struct Permit<C: Claimant = Served> {
    served: Arc<C>,
    /// Whether it was already released.
    is_over: bool,
}

/// What a thread does with a free permit: it answers the next request of the permit's connection.
pub(super) type Next = fn(Permit, &mut Scratch);

impl<C: Claimant> Permit<C> {
    /// Acquires a permit for this connection. If there is none, the connection is queued for one.
    ///
    /// May be called under the connection's lock.
    pub(super) fn acquire(served: &Arc<C>) -> Option<Self> {
        let may_run = served.place().running() < served.handler_limit();
        (may_run && served.engine().permits.acquire(served.place()))
            .then(|| Permit::granted(served))
    }

    /// Wraps the permit that [`release`](super::permits::Permits::release) has passed to this
    /// connection.
    pub(super) fn granted(served: &Arc<C>) -> Self {
        served.place().handler_begins();
        Permit { served: Arc::clone(served), is_over: false }
    }

    pub(super) fn served(&self) -> &Arc<C> {
        &self.served
    }

    /// Returns whether its connection is within its limit of handlers, including this one.
    pub(super) fn is_within_limit(&self) -> bool {
        self.served.place().running() <= self.served.handler_limit()
    }

    /// Runs a handler, during which this thread may [lend] the permit.
    pub(super) fn run<T>(&self, handler: impl FnOnce() -> T) -> T {
        let _mark = Mark::set(self.served.engine().number);
        handler()
    }

    /// Queues its connection again: no thread can run a handler now.
    fn postpone(mut self) {
        self.is_over = true;
        self.served.place().handler_ended();
        self.served.engine().permits.postpone(self.served.place());
    }
}

impl<C: Claimant> Drop for Permit<C> {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.served.place().handler_ended();
        pass_on(self.served.engine());
    }
}

/// Records, until it is dropped, for which engine this thread runs a handler.
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

/// Passes a free permit to the connection that has waited longest.
fn pass_on(engine: &Engine) {
    while let Some(place) = engine.permits.release() {
        if place.hand_over() {
            return;
        }
    }
}

/// Makes a thread use the permit that an HTTP/2 connection has waited for.
pub(super) fn hand_over(waiting: &Arc<Served>, next: Next) {
    let permit = Arc::new(Mutex::new(Some(Permit::granted(waiting))));
    let theirs = Arc::clone(&permit);
    let take = |permit: &Mutex<Option<Permit>>| {
        permit.lock().unwrap_or_else(PoisonError::into_inner).take()
    };
    let work = move |scratch: &mut Scratch| {
        if let Some(permit) = take(&theirs) {
            next(permit, scratch);
        }
    };
    if waiting.engine.pool.run(work).is_err() {
        // The next finished handler tries again. Dropping the permit would request a thread again.
        take(&permit).into_iter().for_each(Permit::postpone);
    }
}

/// Lends the permit of this thread's handler, which waits for its peer, until the returned value is
/// dropped. Returns `None` if the handler belongs to another server, or if the limit of lent
/// permits is reached.
pub(super) fn lend(engine: &Arc<Engine>) -> Option<Box<dyn Any>> {
    if RUNS_FOR.get() != engine.number || !engine.permits.lend() {
        return None;
    }
    // A permit is lent only once at a time.
    let mark = Mark::set(0);
    pass_on(engine);
    Some(Box::new(Lent { engine: Arc::clone(engine), _mark: mark }))
}

/// A lent permit. The connection of the peer may be gone when it is dropped.
struct Lent {
    engine: Arc<Engine>,
    _mark: Mark,
}

impl Drop for Lent {
    fn drop(&mut self) {
        self.engine.permits.reclaim();
    }
}
