//! Connections that wait for input without a thread.
//!
//! ```text
//!   a thread leads ── no input for IDLE_MIN ─▶ the poller waits ── input ─▶ a thread leads
//!                                                     └──────────── cut ─▶ the connection ends
//! ```
//!
//! If the wait has taken longer than `IDLE_MIN`, the thread only serves what has come: a client that
//! sends a request each second occupies a thread for less than a millisecond of it.
//!
//! While the system starts no thread, the one that polls serves a connection itself, and another one
//! polls as soon as it can be found.
//!
//! An idle connection over TCP, TLS or a Unix socket gives its thread back to the pool. All of them
//! wait in one `epoll` set, on one thread of the pool. On systems without `epoll`, and over other
//! transports, the thread stays, blocked in a read.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::clock::Ticking;
use super::pool::{Pool, Scratch};
use crate::logging::{self, Lock};
use crate::transport::Epoll;

/// How long a thread waits for input before it leaves the connection to the poller. A connection
/// that goes on after less time costs no more than a read.
pub(super) const IDLE_MIN: Duration = Duration::from_millis(200);

/// The same for a connection whose input came after a longer pause: more will come after another
/// such pause.
const IDLE_MIN_AFTER_PAUSE: Duration = Duration::ZERO;

/// The pause after an error of the system's poll, and before an attempt to find a thread.
const PAUSE: Duration = Duration::from_millis(100);

/// A connection that the poller can wait for.
pub(super) trait Watched: Send + Sync {
    /// Makes `epoll` report `token` when there is input.
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()>;

    /// Returns whether the connection has been left to the poller with this token, and still is.
    fn is_left(&self, token: u64) -> bool;

    /// Called when there is input. Returns whether the connection [is left](Self::is_left) to the
    /// poller; a thread [serves](Self::serve) it then.
    fn has_input(&self, token: u64) -> bool;

    /// Serves the connection, and leaves it again after `idle_min` without input.
    fn serve(self: Arc<Self>, token: u64, idle_min: Duration, scratch: &mut Scratch);
}

pub(super) struct Poller {
    pool: Arc<Pool>,
    clock: Arc<Ticking>,
    /// `None` if the system has none.
    epoll: OnceLock<Option<Epoll>>,
    next_token: AtomicU64,
    state: Lock<State>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiting>,
    /// The tokens of connections that have input.
    ready: Vec<u64>,
    /// Whether a thread polls.
    runs: bool,
    /// Whether the clock will find one.
    is_sought: bool,
}

/// A wait of a connection for input.
struct Waiting {
    conn: Weak<dyn Watched>,
    since: Instant,
}

impl Waiting {
    /// How long a thread that serves the connection now waits for more input.
    fn idle_min(&self) -> Duration {
        if self.since.elapsed() < IDLE_MIN { IDLE_MIN } else { IDLE_MIN_AFTER_PAUSE }
    }
}

impl State {
    /// Takes a connection that has input.
    fn next_ready(&mut self) -> Option<(u64, Waiting)> {
        let waiting = &mut self.waiting;
        let mut ready = std::iter::from_fn(|| self.ready.pop());
        ready.find_map(|token| Some((token, waiting.remove(&token)?)))
    }
}

impl Poller {
    pub(super) fn new(pool: &Arc<Pool>, clock: &Arc<Ticking>) -> Arc<Self> {
        Arc::new(Poller {
            pool: Arc::clone(pool),
            clock: Arc::clone(clock),
            epoll: OnceLock::new(),
            next_token: AtomicU64::new(0),
            state: Lock::default(),
        })
    }

    /// Returns whether connections can be left to it. That needs two descriptors.
    pub(super) fn is_available(&self) -> bool {
        self.epoll().is_some()
    }

    /// Returns a token for one wait of a connection.
    pub(super) fn token(&self) -> u64 {
        self.next_token.fetch_add(1, Ordering::Relaxed)
    }

    /// Waits for input on a connection that has been left to the poller with this token. Returns
    /// `false` if that cannot be: the connection is still left to the poller, unless it was cut.
    pub(super) fn add<C: Watched + 'static>(self: &Arc<Self>, token: u64, conn: &Arc<C>) -> bool {
        let Some(epoll) = self.epoll() else { return false };
        let weak = Arc::downgrade(conn);
        let mut state = self.state.lock();
        if !self.has_thread(&mut state) {
            return false;
        }
        state.waiting.insert(token, Waiting { conn: weak, since: Instant::now() });
        drop(state);
        if let Err(error) = conn.watch(epoll, token) {
            logging::debug!("a connection keeps its thread: {error}");
            self.forget(token);
            return false;
        }
        if !conn.is_left(token) {
            // It was cut before it was added.
            self.forget(token);
        }
        true
    }

    /// Removes a connection that no longer waits.
    pub(super) fn forget(&self, token: u64) {
        let mut state = self.state.lock();
        let is_last = state.waiting.remove(&token).is_some() && state.waiting.is_empty();
        drop(state);
        if let Some(Err(error)) = self.epoll().filter(|_| is_last).map(Epoll::wake) {
            logging::debug!("waking the poller: {error}");
        }
    }

    fn epoll(&self) -> Option<&Epoll> {
        let new = || Epoll::new().map_err(|error| logging::debug!("no poller: {error}")).ok();
        self.epoll.get_or_init(new).as_ref()
    }

    /// Finds a thread that polls, unless there is one. Under the lock: a connection that is added
    /// meanwhile would rely on a thread that may not be found.
    fn has_thread(self: &Arc<Self>, state: &mut State) -> bool {
        if !state.runs {
            let theirs = Arc::clone(self);
            state.runs = self.pool.run(move |scratch| theirs.run(scratch)).is_ok();
        }
        state.runs
    }

    /// Makes the clock find a thread that polls, unless there is one by then.
    fn find_thread_later(self: &Arc<Self>) {
        if std::mem::replace(&mut self.state.lock().is_sought, true) {
            return;
        }
        self.clock.call(Instant::now() + PAUSE, &Arc::downgrade(self), |poller, _| {
            let mut state = poller.state.lock();
            state.is_sought = false;
            let has_thread = state.waiting.is_empty() || poller.has_thread(&mut state);
            drop(state);
            if !has_thread {
                poller.find_thread_later();
            }
        });
    }

    /// Polls while any connection waits, and no other thread does.
    fn run(self: &Arc<Self>, scratch: &mut Scratch) {
        let _runs = Runs(self);
        let Some(epoll) = self.epoll() else { return };
        let mut ready = Vec::new();
        // Another thread may have left some that are ready.
        while self.serve_ready(scratch) && self.goes_on() {
            if let Err(error) = epoll.wait(&mut ready) {
                logging::warn!("waiting for input on idle connections: {error}");
                thread::sleep(PAUSE);
            }
            self.state.lock().ready.append(&mut ready);
        }
    }

    /// Makes threads serve the connections that have input. Returns whether this thread still polls.
    fn serve_ready(self: &Arc<Self>, scratch: &mut Scratch) -> bool {
        loop {
            let next = self.state.lock().next_ready();
            let Some((token, waiting)) = next else { return true };
            let Some(conn) = waiting.conn.upgrade() else { continue };
            if !conn.has_input(token) {
                continue;
            }
            let (theirs, idle_min) = (Arc::clone(&conn), waiting.idle_min());
            let serve = move |scratch: &mut Scratch| theirs.serve(token, idle_min, scratch);
            if self.pool.run(serve).is_err() {
                // Its handler may take long: another thread polls as soon as there is one.
                self.state.lock().runs = false;
                self.find_thread_later();
                conn.serve(token, Duration::ZERO, scratch);
                if std::mem::replace(&mut self.state.lock().runs, true) {
                    return false;
                }
            }
        }
    }

    fn goes_on(&self) -> bool {
        let mut state = self.state.lock();
        state.runs = !state.waiting.is_empty();
        state.runs
    }
}

/// Lets another thread poll after a panic of this one.
struct Runs<'a>(&'a Arc<Poller>);

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.state.lock().runs = false;
            self.0.find_thread_later();
        }
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.state.lock().waiting.len();
        f.debug_struct("Poller").field("waiting", &waiting).finish_non_exhaustive()
    }
}
