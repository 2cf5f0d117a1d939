//! The connection that threads share: a wire, with the state of each stream under its lock.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::leader::Leader;
use super::progress::{Progress, Published};
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::logging;
use crate::proto::{Connection, IdHashState};
use crate::transport::Halves;
use crate::wire::{self, Held, Ledger, Owner, Wire};

/// One connection.
pub(crate) struct Conn {
    pub(super) wire: Wire<Streams>,
    on_promise: OnceLock<Box<OnPromise>>,
    began: Instant,
    /// When the peer was last heard from, in nanoseconds since the start. Outside of the lock,
    /// since a client reads it for each request.
    heard: AtomicU64,
    progress: Arc<Published>,
}

/// The state under the lock: the core and [`Streams`].
pub(crate) type State = wire::State<Streams>;

/// A guard of the lock. Threads to be woken are woken after its release.
pub(crate) type Guard<'a> = wire::Guard<'a, Streams>;

/// The client's callback for a promise. It must not block.
type OnPromise = dyn Fn(&Arc<Conn>, Arrival) + Send + Sync;

/// The input of each stream, and the threads that wait for it.
pub(crate) struct Streams {
    pub(crate) streams: Inboxes,
    /// First messages on the peer's streams that no thread has taken yet: requests at a server,
    /// promises at a client.
    pub(crate) arrivals: VecDeque<Arrival>,
    pub(crate) leader: Leader,
    /// The leader's progress: incremented with each action that the leader begins.
    pub(crate) steps: u64,
    /// The number of reads so far.
    pub(crate) reads: u64,
    /// A thread was called to write, and has not started yet.
    pub(super) is_writer_called: bool,
    /// Threads in [`Conn::wait`] that do not lead.
    pub(super) parked: Vec<Thread>,
    /// Streams whose readers were not woken for all received data.
    pub(super) deferred_wakes: Vec<StreamId>,
    /// Octets that have been received and not been taken.
    pub(super) held: Held,
    /// There is a clock that wakes readers whose wakes have been deferred.
    pub(super) batches_wakes: bool,
    /// A deadline was due while no thread read: the reads by then, and whether one was under way.
    pub(super) put_off: Option<(u64, bool)>,
    /// PINGs of the application that wait for an answer.
    pub(super) pongs: Vec<Pong>,
    /// Threads that wait for the peer's SETTINGS.
    pub(super) awaits_settings: Vec<Thread>,
    /// Called when there may be room for another stream, or never will be.
    pub(super) observer: Option<Observer>,
    /// The observer must be called after the lock is released.
    pub(super) has_news: bool,
    progress: Arc<Published>,
}

/// A callback for the unlocking thread, after the release. It must not block.
pub(crate) type Observer = wire::AfterUnlock;

pub(crate) type Inboxes = HashMap<StreamId, Inbox, IdHashState>;

/// A PING whose answer a thread waits for.
pub(super) struct Pong {
    pub(super) payload: [u8; 8],
    pub(super) thread: Thread,
    pub(super) round_trip_time: Option<Duration>,
}

/// The first message on a stream that the peer has opened.
#[derive(Debug)]
pub(crate) struct Arrival {
    pub(crate) id: StreamId,
    pub(crate) headers: Headers,
    /// Whether the peer's message ends here.
    pub(crate) end_stream: bool,
    pub(crate) since: Instant,
}

impl wire::Driver for Streams {
    const LINGERS: bool = true;

    fn deliver(state: &mut State, now: Instant) {
        state.deliver_events(now);
    }

    fn ended(state: &mut State) {
        state.note_end();
    }

    fn before_unlock(state: &mut State, _: &dyn Owner) {
        let progress = state.progress();
        state.driver.progress.set(progress);
        state.driver.held.enter();
        if std::mem::take(&mut state.has_news) {
            state.after_unlock = state.observer.clone();
        }
    }
}

impl Conn {
    /// Creates a connection for threads that `owner` finds, or that call it.
    pub(crate) fn new<R, W>(
        core: Box<Connection>,
        halves: Halves<R, W>,
        owner: impl FnOnce(&Weak<Conn>) -> Box<dyn Owner>,
    ) -> Arc<Self>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        let progress = Arc::new(Published::default());
        let streams = Streams {
            streams: HashMap::default(),
            arrivals: VecDeque::new(),
            leader: Leader::None,
            steps: 0,
            reads: 0,
            is_writer_called: false,
            parked: Vec::new(),
            deferred_wakes: Vec::new(),
            held: Held::new(None),
            batches_wakes: false,
            put_off: None,
            pongs: Vec::new(),
            awaits_settings: Vec::new(),
            observer: None,
            has_news: false,
            progress: Arc::clone(&progress),
        };
        Arc::new_cyclic(|conn| {
            let owner = owner(conn);
            let streams = Streams { batches_wakes: owner.has_clock(), ..streams };
            Conn {
                wire: Wire::new(core, halves, streams, owner),
                on_promise: OnceLock::new(),
                began: Instant::now(),
                heard: AtomicU64::new(0),
                progress,
            }
        })
    }

    /// Limits what all connections of `ledger` hold together. Before anything is read.
    pub(crate) fn limit_held(&self, ledger: Arc<Ledger>) {
        self.lock().held = Held::new(Some(ledger));
    }

    /// When the peer was last heard of, or when the connection began.
    pub(crate) fn heard(&self) -> Instant {
        self.began + Duration::from_nanos(self.heard.load(Ordering::Relaxed))
    }

    /// Records that the peer was heard from.
    pub(super) fn note_heard(&self, now: Instant) {
        let since = now.saturating_duration_since(self.began).as_nanos();
        // No truncation: 64 bits of nanoseconds are five hundred years.
        self.heard.store(since as u64, Ordering::Relaxed);
    }

    /// Sets the callback for the server's promises, once.
    pub(crate) fn set_on_promise(&self, act: impl Fn(&Arc<Conn>, Arrival) + Send + Sync + 'static) {
        // A second callback is ignored.
        let _ = self.on_promise.set(Box::new(act));
    }

    /// Passes received promises to the callback, if there is one. Releases the lock in between.
    pub(super) fn hand_on_promises<'a>(self: &'a Arc<Self>, mut state: Guard<'a>) -> Guard<'a> {
        let Some(act) = self.on_promise.get().filter(|_| !state.arrivals.is_empty()) else {
            return state;
        };
        let arrivals = std::mem::take(&mut state.arrivals);
        drop(state);
        arrivals.into_iter().for_each(|arrival| act(self, arrival));
        self.lock()
    }

    pub(crate) fn lock(&self) -> Guard<'_> {
        self.wire.lock()
    }

    /// Returns the leader's progress as of the last release of the lock. Takes no lock.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.get()
    }

    /// Runs a command under the lock, and delivers the events it has caused.
    pub(crate) fn with<T>(&self, command: impl FnOnce(&mut State, Instant) -> T) -> T {
        self.wire.with(command)
    }

    /// Cuts the transport. Waiting threads get the reason for the end.
    pub(crate) fn cut(&self) {
        self.wire.cut();
    }

    /// Makes the owner's threads run handlers for requests that are already received.
    pub(crate) fn work_elsewhere(&self) {
        if !self.wire.owner().find_worker() {
            logging::debug!(
                "no thread to deliver what arrived: the leader does so when it wakes up"
            );
        }
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("wire", &self.wire).finish_non_exhaustive()
    }
}
