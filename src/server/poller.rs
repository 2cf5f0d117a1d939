//! Connections that wait for input without a thread.
//!
//! ```text
//!   a thread serves ── no input for IDLE_MIN, or ─▶ the poller waits ── input ─▶ it serves what came
//!          ▲           too many threads read              │  ▲                            │
//!          │                                              │  └────── no more input ───────┘
//!          └──────── it alone is busy; it must wait ──────┘
//! ```
//!
//! An idle connection over TCP, TLS or a Unix socket gives its thread back to the pool. All of them
//! wait in one `epoll` set, on a thread of the pool. On systems without `epoll`, and over other
//! transports, the thread stays, blocked in a read.
//!
//! The thread that polls serves a connection with input itself: it reads once, runs the handlers,
//! writes, and polls again. A request on one of many connections so costs no switch of threads. The
//! polling thread does not wait for a client: a connection that does is passed to another thread. A
//! single busy connection gets a thread that blocks in reads, which is cheaper than polling.
//!
//! Handlers may block. The [clock](super::clock) watches the polling threads. One that is
//! [stuck](super::suspect) in a connection is replaced by another thread of the pool, which serves what is
//! ready, and polls. For some time after that, each connection with input gets a thread at once
//! ([`Polling`] has the rules). While the system starts no thread, the next one is found as soon as it
//! does.
//!
//! Several threads poll the same set, up to the number of cores, if there is much to do.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io;
use std::num::NonZero;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant};

use super::clock::Ticking;
use super::polling::{Help, Number, Polling};
use super::pool::{Pool, Scratch};
use crate::logging::{self, Lock};
use crate::transport::Epoll;

/// How long a thread waits for input before it leaves the connection to the poller. A connection
/// that goes on after less time costs no more than a read.
pub(super) const IDLE_MIN: Duration = Duration::from_millis(200);

/// How long an additional polling thread waits for input before it ends.
const SURPLUS_TIMEOUT: Duration = Duration::from_millis(200);

/// The number of connections with a thread each, for each core. With more, polling is cheaper.
const READERS_PER_CORE: usize = 2;

/// A connection is the only busy one if it was served this many times in a row.
const ONLY: u32 = 8;

/// The pause after an error of the system's poll.
const PAUSE: Duration = Duration::from_millis(100);

/// How long a thread serves a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stay {
    /// Until the connection is idle for a while. The thread may block.
    UntilIdle,
    /// For what has come. The thread has other connections to serve: what waits for the client or for
    /// other threads is passed to another one.
    Once,
}

/// A connection that the poller can wait for.
pub(super) trait Watched: Send + Sync {
    /// Makes `epoll` report `token` when there is input.
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()>;

    /// Returns whether the connection has been left to the poller with this token, and still is.
    fn is_left(&self, token: u64) -> bool;

    /// Called when there is input. Returns whether the connection [is left](Self::is_left) to the
    /// poller; a thread [serves](Self::serve) it then.
    fn has_input(&self, token: u64) -> bool;

    /// Serves the connection, which is left to the poller again after that.
    fn serve(self: Arc<Self>, token: u64, stay: Stay, scratch: &mut Scratch);
}

pub(super) struct Poller {
    pool: Arc<Pool>,
    clock: Arc<Ticking>,
    /// Not set while the system has none to give.
    epoll: OnceLock<Epoll>,
    next_token: AtomicU64,
    /// The number of threads that block in a read of a connection that could be left to the poller.
    readers: AtomicUsize,
    /// The most of them, beyond which it is cheaper to poll.
    max_readers: usize,
    state: Lock<State>,
}

struct State {
    waiting: HashMap<u64, Waiting>,
    /// The tokens of connections that have input.
    ready: VecDeque<u64>,
    polling: Polling,
    /// How many connections in a row were served without another one left in between: it is the same
    /// one each time.
    in_a_row: u32,
    /// Whether the clock watches the threads that poll.
    is_watched: bool,
}

/// A wait of a connection for input.
struct Waiting {
    conn: Weak<dyn Watched>,
    since: Instant,
}

impl State {
    /// Takes a connection that has input.
    fn next_ready(&mut self) -> Option<(u64, Waiting)> {
        let waiting = &mut self.waiting;
        let mut ready = std::iter::from_fn(|| self.ready.pop_front());
        ready.find_map(|token| Some((token, waiting.remove(&token)?)))
    }
}

impl Poller {
    pub(super) fn new(pool: &Arc<Pool>, clock: &Arc<Ticking>) -> Arc<Self> {
        let cores = thread::available_parallelism().map_or(1, NonZero::get);
        Poller::with_cores(pool, clock, cores)
    }

    pub(super) fn with_cores(pool: &Arc<Pool>, clock: &Arc<Ticking>, cores: usize) -> Arc<Self> {
        let (waiting, ready) = (HashMap::new(), VecDeque::new());
        let polling = Polling::new(cores);
        Arc::new(Poller {
            pool: Arc::clone(pool),
            clock: Arc::clone(clock),
            epoll: OnceLock::new(),
            next_token: AtomicU64::new(0),
            readers: AtomicUsize::new(0),
            max_readers: READERS_PER_CORE * cores,
            state: Lock::new(State { waiting, ready, polling, in_a_row: 0, is_watched: false }),
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
        // Under the lock: a thread that ends meanwhile would not poll for this connection.
        if !state.polling.has_thread() && !self.start(&mut state) {
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
        if is_last {
            self.wake();
        }
    }

    /// Counts this thread, until the result is dropped, among those that block in a read.
    pub(super) fn reads(&self) -> Reads<'_> {
        self.readers.fetch_add(1, Ordering::Relaxed);
        Reads(&self.readers)
    }

    /// Returns whether the most threads block in reads already. An idle connection is then left to the
    /// poller at once.
    pub(super) fn is_preferred(&self) -> bool {
        self.readers.load(Ordering::Relaxed) >= self.max_readers
    }

    fn epoll(&self) -> Option<&Epoll> {
        if self.epoll.get().is_none() {
            // Tried again next time: descriptors may be scarce only now.
            let epoll = Epoll::new().map_err(|error| logging::debug!("no poller: {error}")).ok()?;
            // Another thread may have been faster.
            let _ = self.epoll.set(epoll);
        }
        self.epoll.get()
    }

    /// Makes a thread that waits for input return.
    fn wake(&self) {
        if let Some(Err(error)) = self.epoll().map(Epoll::wake) {
            logging::debug!("waking the poller: {error}");
        }
    }

    /// Makes another thread poll. Returns `false` if no thread is available.
    fn start(self: &Arc<Self>, state: &mut State) -> bool {
        let (theirs, number) = (Arc::clone(self), state.polling.begin());
        let has_begun = self.pool.run(move |scratch| theirs.run(number, scratch)).is_ok();
        if !has_begun {
            state.polling.end(number);
        }
        has_begun
    }

    /// Polls, until other threads do or no connection waits.
    fn run(self: &Arc<Self>, me: Number, scratch: &mut Scratch) {
        let _polls = Polls { poller: self, me };
        let Some(epoll) = self.epoll() else { return };
        let (mut ready, mut had_nothing) = (Vec::new(), false);
        // Another thread may have left some that are ready.
        while self.serve_ready(me, scratch) {
            let Some(time) = self.time_to_wait(me, had_nothing) else { return };
            let began = Instant::now();
            if let Err(error) = epoll.wait(&mut ready, time) {
                logging::warn!("waiting for input on idle connections: {error}");
                thread::sleep(PAUSE);
            }
            had_nothing = time.is_some_and(|time| began.elapsed() >= time);
            self.state.lock().ready.extend(ready.drain(..));
        }
    }

    /// Returns how long a thread waits for input, if that is limited, or `None` if it is to end.
    fn time_to_wait(&self, me: Number, had_nothing: bool) -> Option<Option<Duration>> {
        let mut state = self.state.lock();
        let is_alone = state.polling.is_alone(me);
        if state.waiting.is_empty() || state.polling.is_surplus(me, had_nothing) {
            state.polling.end(me);
            let is_over = state.waiting.is_empty() && !is_alone;
            drop(state);
            if is_over {
                // The others end as well.
                self.wake();
            }
            return None;
        }
        Some((!is_alone).then_some(SURPLUS_TIMEOUT))
    }

    /// Serves the connections that have input. Returns whether this thread still polls.
    fn serve_ready(self: &Arc<Self>, me: Number, scratch: &mut Scratch) -> bool {
        let mut began: Option<Instant> = None;
        loop {
            let mut state = self.state.lock();
            if let Some(began) = began.take() {
                state.polling.has_served(began.elapsed());
            }
            if !state.polling.is_free(me) {
                return false;
            }
            let Some((token, waiting)) = state.next_ready() else { return true };
            state.polling.serves(me);
            self.keep_watch(&mut state);
            let help = state.polling.help(state.ready.len());
            if help == Some(Help::Start) {
                self.start(&mut state);
            }
            let is_only = token + 1 == self.next_token.load(Ordering::Relaxed);
            state.in_a_row = if is_only { state.in_a_row + 1 } else { 0 };
            let (is_only, is_slow) = (state.in_a_row > ONLY, state.polling.wants_thread());
            drop(state);
            if help == Some(Help::Wake) {
                self.wake();
            }
            let Some(conn) = waiting.conn.upgrade() else { continue };
            if !conn.has_input(token) {
                continue;
            }
            let now = Instant::now();
            let is_busy = now.saturating_duration_since(waiting.since) < IDLE_MIN;
            if is_slow || is_only && is_busy {
                // After a pause, more input will come after another one.
                let stay = if is_busy { Stay::UntilIdle } else { Stay::Once };
                let theirs = Arc::clone(&conn);
                if self.pool.run(move |scratch| theirs.serve(token, stay, scratch)).is_ok() {
                    continue;
                }
            }
            conn.serve(token, Stay::Once, scratch);
            began = Some(now);
        }
    }

    /// Makes the clock watch the threads that poll.
    fn keep_watch(self: &Arc<Self>, state: &mut State) {
        if !std::mem::replace(&mut state.is_watched, true) {
            let weak = Arc::downgrade(self);
            self.clock.watch(move || weak.upgrade().is_some_and(|poller| poller.tick()));
        }
    }

    /// Replaces the threads that are stuck. Returns whether there is more to watch.
    fn tick(self: &Arc<Self>) -> bool {
        let mut state = self.state.lock();
        // A thread that waits does not know of those that another one has found ready.
        let must_wake = !state.ready.is_empty() && state.polling.should_wake();
        let suspected = state.polling.tick();
        drop(state);
        // Without the lock, which a thread that goes on would wait for, and so seem to be blocked.
        let scheduled = suspected.into_iter().map(|it| (it, it.thread.scheduled()));
        let scheduled: Vec<_> = scheduled.collect();
        let mut state = self.state.lock();
        for (suspected, scheduled) in scheduled {
            if state.polling.judge(suspected, scheduled) {
                let has_others = state.polling.is_over_limit();
                if has_others || self.start(&mut state) {
                    state.polling.replace(suspected.number);
                }
            }
        }
        // After a panic.
        let lacks_thread = state.polling.is_empty() && !state.waiting.is_empty();
        let is_short = lacks_thread && !self.start(&mut state);
        let goes_on = !state.polling.is_quiet() || is_short;
        state.is_watched = goes_on;
        drop(state);
        if must_wake {
            self.wake();
        }
        goes_on
    }
}

/// A thread that blocks in a read.
pub(super) struct Reads<'a>(&'a AtomicUsize);

impl Drop for Reads<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Lets another thread poll after a panic of this one.
struct Polls<'a> {
    poller: &'a Arc<Poller>,
    me: Number,
}

impl Drop for Polls<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let mut state = self.poller.state.lock();
            state.polling.end(self.me);
            self.poller.keep_watch(&mut state);
            drop(state);
            // A thread that waits serves those that this one has found ready.
            self.poller.wake();
        }
    }
}

impl fmt::Debug for Poller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let waiting = self.state.lock().waiting.len();
        f.debug_struct("Poller").field("waiting", &waiting).finish_non_exhaustive()
    }
}
