//! The connection that threads share: the core, what has come for each stream, and whose turn it
//! is, all behind one lock.

use std::any::Any;
use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::io::{Read, Write};
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::inbox::Inbox;
use super::progress::{Progress, Published};
use super::turn::Lead;
use crate::error::Error;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::link::{ReadBuffer, WriteBuffer};
use crate::proto::{Connection, IdHashState};
use crate::transport::{Closer, Halves};

/// One connection.
pub(crate) struct Conn {
    state: Mutex<State>,
    pub(super) closer: Closer,
    pub(super) hooks: Option<Box<dyn Hooks>>,
    on_promise: OnceLock<Box<OnPromise>>,
    began: Instant,
    /// When the peer was last heard of, in nanoseconds from the beginning. Outside of the lock, since
    /// a client asks for each request.
    heard: AtomicU64,
    progress: Published,
}

/// What a client does with a promise. It must not wait.
type OnPromise = dyn Fn(&Arc<Conn>, Arrival) + Send + Sync;

/// What a server does for its connections.
pub(crate) trait Hooks: Send + Sync {
    /// Finds a thread to lead the connection, whose leader is about to wait for something while
    /// requests wait for it. `false` if there is none.
    fn hand_over(&self, conn: &Arc<Conn>) -> bool;

    /// The leader has begun to do something, and may take long over it.
    fn at_work(&self);

    /// Finds a thread for what has [arrived](State::arrive) without a read.
    fn work(&self);

    /// Finds a thread to write what there is to write. `false` if there is none.
    fn flush(&self) -> bool;

    /// Like [`flush`](Self::flush), for a caller that may ask so for thousands of connections.
    fn flush_soon(&self) -> bool {
        self.flush()
    }

    /// The calling thread has been waiting for the peer for a while: lends what it holds and others
    /// wait for, until what is returned is dropped. `None` if there is nothing to lend.
    fn rest(&self) -> Option<Box<dyn Any>> {
        None
    }

    /// Calls [`Conn::tick`] at that time.
    fn arm(&self, conn: &Arc<Conn>, at: Instant);
}

/// What the lock protects.
pub(crate) struct State {
    pub(crate) core: Box<Connection>,
    pub(crate) streams: Inboxes,
    /// Messages on streams of the peer's that nobody has taken yet: requests at a server, promises
    /// at a client.
    pub(crate) arrivals: VecDeque<Arrival>,
    /// Who leads.
    pub(crate) lead: Lead,
    /// The leader's progress: it goes up with each thing that the leader begins.
    pub(crate) step: u64,
    /// Reads so far.
    pub(crate) reads: u64,
    /// Gone while a thread reads.
    pub(super) reading: Option<Box<Reading>>,
    /// Gone while a thread writes.
    pub(super) writing: Option<Box<Writing>>,
    /// Threads that wait in [`Conn::wait`] without leading.
    pub(super) parked: Vec<Thread>,
    /// Threads to wake when the lock is given back.
    pub(super) wake: Vec<Thread>,
    /// Streams whose readers have been left asleep though there is something for them.
    pub(super) sleepers: Vec<StreamId>,
    /// The window of a stream, or 0 where no clock would wake a reader that was left asleep.
    pub(super) bulk_window: usize,
    /// PINGs of the application's whose answers are waited for.
    pub(super) pongs: Vec<Pong>,
    /// What the reads were last told to wait.
    pub(super) read_timeout: Option<Duration>,
    /// The server's clock has been told to come back at this time.
    pub(super) armed: Option<Instant>,
    /// A deadline was due while no thread read: the reads by then, and whether one was under way.
    pub(super) put_off: Option<(u64, bool)>,
    /// Told when there may be room for another stream, or none any more.
    pub(super) observer: Option<Observer>,
    /// The observer is to be told when the lock is given back.
    pub(super) has_news: bool,
    pub(super) end: Ending,
}

/// Told after the lock has been given back, on the thread that had it. It must not wait.
pub(crate) type Observer = Arc<dyn Fn() + Send + Sync>;

pub(crate) type Inboxes = HashMap<StreamId, Inbox, IdHashState>;

/// How far the end of the connection has come.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Since when nothing can be written any more, and why.
    pub(super) write_failed: Option<(Instant, Error)>,
    /// What broke the transport, if that ended the connection.
    pub(super) failed: Option<Error>,
    /// Since when the core has been closed.
    pub(super) since: Option<Instant>,
    /// Since when our direction has been shut.
    pub(super) write_shut: Option<Instant>,
    /// Nothing more comes from the transport.
    pub(super) read_ended: bool,
    pub(super) is_cut: bool,
}

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
    /// Nothing follows on the stream.
    pub(crate) end_stream: bool,
    pub(crate) since: Instant,
}

/// The turn to read.
pub(super) struct Reading {
    pub(super) reader: Box<dyn Read + Send>,
    pub(super) buffer: ReadBuffer,
}

/// The turn to write.
pub(super) struct Writing {
    pub(super) writer: Box<dyn Write + Send>,
    pub(super) buffer: WriteBuffer,
}

impl Conn {
    pub(crate) fn new<R, W>(
        core: Box<Connection>,
        halves: Halves<R, W>,
        hooks: Option<Box<dyn Hooks>>,
    ) -> Arc<Self>
    where
        R: Read + Send + 'static,
        W: Write + Send + 'static,
    {
        let Halves { reader, writer, closer } = halves;
        let window = core.config().initial_window_size as usize;
        let bulk_window = if hooks.is_some() { window } else { 0 };
        let reading = Reading { reader: Box::new(reader), buffer: ReadBuffer::new() };
        let writing = Writing { writer: Box::new(writer), buffer: WriteBuffer::new() };
        Arc::new(Conn {
            state: Mutex::new(State {
                core,
                streams: HashMap::default(),
                arrivals: VecDeque::new(),
                lead: Lead::Free,
                step: 0,
                reads: 0,
                reading: Some(Box::new(reading)),
                writing: Some(Box::new(writing)),
                parked: Vec::new(),
                wake: Vec::new(),
                sleepers: Vec::new(),
                bulk_window,
                pongs: Vec::new(),
                read_timeout: None,
                armed: None,
                put_off: None,
                observer: None,
                has_news: false,
                end: Ending::default(),
            }),
            closer,
            hooks,
            on_promise: OnceLock::new(),
            began: Instant::now(),
            heard: AtomicU64::new(0),
            progress: Published::default(),
        })
    }

    /// When the peer was last heard of, or when the connection began.
    pub(crate) fn heard(&self) -> Instant {
        self.began + Duration::from_nanos(self.heard.load(Ordering::Relaxed))
    }

    /// The peer has been heard of.
    pub(super) fn note_heard(&self, now: Instant) {
        let since = now.saturating_duration_since(self.began).as_nanos();
        // Five hundred years fit in.
        self.heard.store(since as u64, Ordering::Relaxed);
    }

    /// Sets what becomes of the server's promises. Once.
    pub(crate) fn set_on_promise(&self, act: impl Fn(&Arc<Conn>, Arrival) + Send + Sync + 'static) {
        // A second one is not wanted.
        let _ = self.on_promise.set(Box::new(act));
    }

    /// Hands on the promises that have come, where somebody wants them. The lock is given back
    /// meanwhile.
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
        // No code of the application's runs under the lock, and a panic of ours there would be
        // found by whoever goes on.
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        Guard { state: Some(state), progress: &self.progress }
    }

    /// What the leader was doing when the lock was last given back. Takes no lock.
    pub(crate) fn progress(&self) -> Progress {
        self.progress.get()
    }

    /// Runs commands under the lock and hands out the events that they caused.
    pub(crate) fn with<T>(&self, command: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.lock();
        let now = Instant::now();
        let result = command(&mut state, now);
        state.hand_out(now);
        result
    }
}

impl fmt::Debug for Conn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Conn").field("closer", &self.closer).finish_non_exhaustive()
    }
}

/// The lock. Threads that are to be woken are woken after it has been given back, or they would
/// run into it.
pub(crate) struct Guard<'a> {
    /// Gone only while it is dropped.
    state: Option<MutexGuard<'a, State>>,
    progress: &'a Published,
}

impl Deref for Guard<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        self.state.as_ref().expect("held until the drop")
    }
}

impl DerefMut for Guard<'_> {
    fn deref_mut(&mut self) -> &mut State {
        self.state.as_mut().expect("held until the drop")
    }
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        let Some(mut state) = self.state.take() else { return };
        self.progress.set(state.progress());
        let has_news = std::mem::take(&mut state.has_news);
        if state.wake.is_empty() && !has_news {
            return;
        }
        let mut wake = std::mem::take(&mut state.wake);
        let observer = state.observer.clone().filter(|_| has_news);
        drop(state);
        wake.drain(..).for_each(|thread| thread.unpark());
        if let Some(observer) = observer {
            observer();
        }
    }
}
