//! The shared state of all connections of a server.

use std::collections::HashMap;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::clock::Ticking;
use super::config::Config;
use super::live::Live;
use super::openings::Openings;
use super::permits::Permits;
use super::place::Place;
use super::poller::Poller;
use super::pool::Pool;
use super::readiness::Readiness;
use super::request::Request;
use super::response::Response;
use super::stats::{Counters, Stats, Totals};
use super::writers::Writers;
use crate::error::{BoxError, Error};
use crate::proto::CommandError;
use crate::transport::Closer;
use crate::wire::Ledger;

/// The application's handler, with its error boxed.
pub(super) type Handler = dyn Fn(&mut Request, &mut Response) -> Result<(), BoxError> + Send + Sync;

/// The time until another attempt to find a thread.
const RETRY: Duration = Duration::from_millis(100);

/// A server without its listener.
pub(super) struct Engine {
    /// A number that is unique among the engines of this process.
    pub(super) number: u64,
    pub(super) config: Arc<Config>,
    pub(super) handler: Box<Handler>,
    pub(super) pool: Arc<Pool>,
    pub(super) clock: Arc<Ticking>,
    pub(super) permits: Permits<Place>,
    pub(super) counters: Counters,
    pub(super) openings: Openings,
    pub(super) writers: Writers,
    pub(super) readiness: Arc<Readiness>,
    pub(super) poller: Arc<Poller>,
    /// What all connections of HTTP/2 hold of request bodies.
    pub(super) ledger: Arc<Ledger>,
    connections: Mutex<Connections>,
    /// Notified when a connection has ended or the server is shutting down.
    changed: Condvar,
}

#[derive(Default)]
struct Connections {
    next: u64,
    live: HashMap<u64, Arc<dyn Live>>,
    /// The statistics of connections that have ended.
    ended: Totals,
    /// The number of connections, including those in their handshake.
    count: usize,
    is_closing: bool,
    /// Whether the queues of the system are given up.
    is_aborting: bool,
    /// Whether the engine closes when no connection is left.
    closes_when_empty: bool,
    /// Whether the engine is closed: there is no clock any more.
    is_closed: bool,
}

impl Engine {
    /// Starts an engine, which must be [closed](Self::close) at the end to stop its threads. The
    /// clock is its own or shared.
    pub(super) fn start(
        config: Config,
        handler: Box<Handler>,
        clock: Arc<Ticking>,
    ) -> Result<Arc<Engine>, Error> {
        config.validate()?;
        // The atomic of `core`: under the models, one of `std` would belong to a single run.
        static STARTED: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);
        let pool = Pool::new(config.stack_size, config.idle_thread_timeout);
        Ok(Arc::new(Engine {
            number: STARTED.fetch_add(1, Ordering::Relaxed) + 1,
            poller: Poller::new(&pool, &clock),
            pool,
            clock,
            permits: Permits::new(config.max_handlers).lending(config.max_waiting_handlers),
            counters: Counters::default(),
            openings: Openings::default(),
            writers: Writers::new(),
            readiness: Arc::new(Readiness::new()),
            ledger: Arc::new(Ledger::new(config.max_unread)),
            connections: Mutex::default(),
            changed: Condvar::new(),
            config: Arc::new(config),
            handler,
        }))
    }

    /// Returns whether a connection can be left to the poller while it is idle.
    pub(super) fn can_leave_to_poller(&self, closer: &Closer) -> bool {
        // A connection that is served alone has a thread in any case.
        closer.can_be_watched() && !self.clock.is_shared() && self.poller.is_available()
    }

    /// Adds a connection, which `make` creates for its number. Returns whether the server is
    /// shutting down.
    ///
    /// # Errors
    ///
    /// If the server has ended.
    pub(super) fn enlist<C: Live + 'static>(
        &self,
        make: impl FnOnce(u64) -> Arc<C>,
    ) -> Result<(Arc<C>, bool), Error> {
        let mut connections = self.lock();
        if connections.is_closed {
            return Err(CommandError::Closed.into());
        }
        let number = connections.next;
        connections.next += 1;
        let conn = make(number);
        connections.live.insert(number, Arc::clone(&conn) as Arc<dyn Live>);
        Ok((conn, connections.is_closing))
    }

    /// Removes a registered connection that has ended.
    pub(super) fn unregister(&self, number: u64, place: &Place) {
        self.permits.forget(place);
        // The lock of a connection is not taken under that of the engine.
        let conn = self.lock().live.get(&number).cloned();
        let Some(totals) = conn.map(|conn| conn.totals().ended()) else { return };
        let mut connections = self.lock();
        if connections.live.remove(&number).is_some() {
            connections.ended += totals;
            self.count_down(connections);
        }
    }

    fn count_down(&self, mut connections: MutexGuard<'_, Connections>) {
        connections.count -= 1;
        let closes = connections.closes_when_empty && connections.count == 0;
        drop(connections);
        self.changed.notify_all();
        if closes {
            self.close();
        }
    }

    /// Waits until another connection is allowed, and returns how many are. Returns `None` if the
    /// server is shutting down.
    pub(super) fn has_room(&self) -> Option<usize> {
        let connections = self.lock_with_room();
        let room = self.config.max_connections.saturating_sub(connections.count);
        (!connections.is_closing).then_some(room)
    }

    /// Waits until another connection is allowed, and counts it. Returns `false` if the server is
    /// shutting down.
    pub(super) fn admit_one(&self) -> bool {
        let mut connections = self.lock_with_room();
        connections.count += usize::from(!connections.is_closing);
        !connections.is_closing
    }

    /// Waits until another connection is allowed or the server is shutting down, and returns the
    /// lock.
    fn lock_with_room(&self) -> MutexGuard<'_, Connections> {
        let is_full = |connections: &mut Connections| {
            !connections.is_closing && connections.count >= self.config.max_connections
        };
        let waited = self.changed.wait_while(self.lock(), is_full);
        waited.unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until another connection is allowed, during the shutdown, and returns how many are.
    /// Returns `None` if the shutdown [aborts](Self::abort_accept) the rest.
    pub(super) fn has_room_at_end(&self) -> Option<usize> {
        let max = self.config.max_connections;
        let is_full =
            |connections: &mut Connections| !connections.is_aborting && connections.count >= max;
        let waited = self.changed.wait_while(self.lock(), is_full);
        let connections = waited.unwrap_or_else(PoisonError::into_inner);
        (!connections.is_aborting).then(|| max - connections.count)
    }

    /// Accepts no more connections out of the queues of the system.
    pub(super) fn abort_accept(&self) {
        self.lock().is_aborting = true;
        self.changed.notify_all();
    }

    /// Counts a connection, from its handshake on.
    pub(super) fn admit(&self) {
        self.lock().count += 1;
    }

    /// Removes a counted connection that was not registered.
    pub(super) fn dismiss(&self) {
        self.count_down(self.lock());
    }

    /// Waits for a time or until the server is shutting down. Returns whether it is.
    pub(super) fn pause(&self, time: Duration) -> bool {
        let connections = self.lock();
        let (connections, _) = self
            .changed
            .wait_timeout_while(connections, time, |connections| !connections.is_closing)
            .unwrap_or_else(PoisonError::into_inner);
        connections.is_closing
    }

    /// Stops accepting connections, and shuts the existing ones down gracefully: idle connections
    /// of HTTP/1.x after `grace`.
    pub(super) fn begin_shutdown(&self, grace: Duration) {
        self.readiness.end();
        let mut connections = self.lock();
        connections.is_closing = true;
        let live: Vec<_> = connections.live.values().cloned().collect();
        drop(connections);
        self.changed.notify_all();
        live.into_iter().for_each(|conn| conn.shut_down(grace));
    }

    /// Waits until no connection is left except one that may stay, and returns whether that is so.
    pub(super) fn drained(&self, deadline: Instant, stays: Option<u64>) -> bool {
        self.wait_while(deadline, |connections| connections.count > connections.staying(stays))
    }

    fn wait_while(
        &self,
        deadline: Instant,
        mut condition: impl FnMut(&mut Connections) -> bool,
    ) -> bool {
        let time = deadline.saturating_duration_since(Instant::now());
        let waited = self.changed.wait_timeout_while(self.lock(), time, &mut condition);
        !condition(&mut waited.unwrap_or_else(PoisonError::into_inner).0)
    }

    pub(super) fn connections(&self) -> Vec<Arc<dyn Live>> {
        self.lock().live.values().cloned().collect()
    }

    pub(super) fn connection_count(&self) -> usize {
        self.lock().count
    }

    pub(super) fn stats(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.counters;
        let connections = self.lock();
        let (count, mut totals) = (connections.count, connections.ended);
        let live: Vec<_> = connections.live.values().cloned().collect();
        drop(connections);
        live.iter().for_each(|conn| totals += conn.totals());
        let queue_time = counters.queue_time.snapshot();
        Stats {
            connections: count,
            connections_accepted: of(&counters.connections_accepted),
            connections_failed: of(&counters.connections_failed),
            requests: queue_time.count(),
            requests_open: totals.requests_open,
            requests_refused: of(&counters.requests_refused),
            queue_time,
            handlers_running: self.permits.running(),
            handlers_failed: of(&counters.handlers_failed),
            handlers_panicked: of(&counters.handlers_panicked),
            handlers_timed_out: of(&counters.handlers_timed_out),
            leaders_replaced: of(&counters.leaders_replaced),
            threads: self.pool.threads(),
            accept_errors: of(&counters.accept_errors),
            http1: totals.http1,
            http2: totals.http2,
        }
    }

    /// [Closes](Self::close) the engine when no connection is left.
    pub(super) fn close_when_empty(&self) {
        let mut connections = self.lock();
        connections.closes_when_empty = true;
        let is_empty = connections.count == 0;
        drop(connections);
        if is_empty {
            self.close();
        }
    }

    /// Stops the threads when they have nothing left to do.
    pub(super) fn close(&self) {
        self.lock().is_closed = true;
        self.pool.close();
        self.clock.release();
    }

    fn lock(&self) -> MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine {
    /// Runs `work` with a connection on a thread of the pool. If no thread can be started, it tries
    /// again later: an idle connection has no thread of its own that could do it.
    pub(super) fn run_with<C: Send + Sync + 'static>(
        self: &Arc<Self>,
        conn: &Arc<C>,
        work: impl Fn(&Arc<C>) + Clone + Send + 'static,
    ) {
        let (theirs, now) = (Arc::clone(conn), work.clone());
        if self.pool.run(move |_| now(&theirs)).is_ok() {
            return;
        }
        let (engine, at) = (Arc::downgrade(self), Instant::now() + RETRY);
        self.clock.call(at, &Arc::downgrade(conn), move |conn, _| {
            if let Some(engine) = engine.upgrade() {
                engine.run_with(&conn, work);
            }
        });
    }
}

impl Connections {
    /// Returns whether the connection that may stay still exists, as a number: one or zero.
    fn staying(&self, number: Option<u64>) -> usize {
        usize::from(number.is_some_and(|number| self.live.contains_key(&number)))
    }
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine").field("config", &self.config).finish_non_exhaustive()
    }
}
