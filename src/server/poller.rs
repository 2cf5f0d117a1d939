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
//! An idle connection over TCP, TLS or a Unix socket gives its thread back to the pool. All of them
//! wait in one `epoll` set, on one thread of the pool. On systems without `epoll`, and over other
//! transports, the thread stays, blocked in a read.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::pool::{Pool, Scratch};
use crate::logging;
use crate::transport::Epoll;

/// How long a thread waits for input before it leaves the connection to the poller. A connection
/// that goes on after less time costs no more than a read.
pub(super) const IDLE_MIN: Duration = Duration::from_millis(200);

/// The same for a connection whose input came after a longer pause: more will come after another
/// such pause.
const IDLE_MIN_AFTER_PAUSE: Duration = Duration::ZERO;

/// The pause after an error of the system's poll.
const ERROR_PAUSE: Duration = Duration::from_millis(100);

/// A connection that the poller can wait for.
pub(super) trait Watched: Send + Sync {
    /// Makes `epoll` report `token` when there is input.
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()>;

    /// Returns whether the connection has been left to the poller with this token, and still is.
    fn is_left(&self, token: u64) -> bool;

    /// Makes a thread serve the connection, if it [is left](Self::is_left) to the poller, and leave it
    /// again after `idle_min` without input. Without another thread, this one does.
    fn resume(self: Arc<Self>, token: u64, idle_min: Duration, scratch: &mut Scratch);
}

#[derive(Default)]
pub(super) struct Poller {
    /// `None` if the system has none.
    epoll: OnceLock<Option<Epoll>>,
    next_token: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    waiting: HashMap<u64, Waiting>,
    /// Whether a thread polls.
    runs: bool,
}

/// A wait of a connection for input.
struct Waiting {
    conn: Weak<dyn Watched>,
    since: Instant,
}

impl Waiting {
    /// How long a thread that serves the connection now waits for more input.
    fn idle_min(&self) -> Duration {
        if self.since.elapsed() < IDLE_MIN {
            IDLE_MIN
        } else {
            IDLE_MIN_AFTER_PAUSE
        }
    }
}

impl Poller {
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
    pub(super) fn add<C: Watched + 'static>(
        self: &Arc<Self>,
        pool: &Arc<Pool>,
        token: u64,
        conn: &Arc<C>,
    ) -> bool {
        let Some(epoll) = self.epoll() else { return false };
        let weak = Arc::downgrade(conn);
        let waiting = Waiting { conn: weak, since: Instant::now() };
        let mut state = self.lock();
        state.waiting.insert(token, waiting);
        let has_thread = std::mem::replace(&mut state.runs, true);
        drop(state);
        if !has_thread {
            let theirs = Arc::clone(self);
            if pool.run(move |scratch| theirs.run(scratch)).is_err() {
                let mut state = self.lock();
                state.runs = false;
                state.waiting.remove(&token);
                return false;
            }
        }
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
        let mut state = self.lock();
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

    /// Polls while any connection waits.
    fn run(&self, scratch: &mut Scratch) {
        let _runs = Runs(self);
        let Some(epoll) = self.epoll() else { return };
        let mut ready = Vec::new();
        while self.goes_on() {
            if let Err(error) = epoll.wait(&mut ready) {
                logging::warn!("waiting for input on idle connections: {error}");
                thread::sleep(ERROR_PAUSE);
            }
            for token in ready.drain(..) {
                let Some(waiting) = self.lock().waiting.remove(&token) else { continue };
                if let Some(conn) = waiting.conn.upgrade() {
                    conn.resume(token, waiting.idle_min(), scratch);
                }
            }
        }
    }

    fn goes_on(&self) -> bool {
        let mut state = self.lock();
        state.runs = !state.waiting.is_empty();
        state.runs
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets another thread poll after a panic of this one.
struct Runs<'a>(&'a Poller);

impl Drop for Runs<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.lock().runs = false;
        }
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.lock().waiting.len();
        f.debug_struct("Poller").field("waiting", &waiting).finish_non_exhaustive()
    }
}
