//! The handle that closes a transport from any thread and sets its read timeout.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use super::epoll::Epoll;

/// Both directions are open.
const OPEN: u8 = 0;
/// `shutdown_write` has been called.
const WRITE_SHUT: u8 = 1;
/// `close` has been called.
const CLOSED: u8 = 2;

/// Closes a transport from any thread.
///
/// [`Transport::split`] returns a `Closer` together with the two halves. Clones act on the same
/// stream. A `Closer` does not keep the stream open: when both halves are dropped, the stream is
/// closed, and closing it again does nothing.
///
/// ```text
///            shutdown_write()               close()
///   open ─────────────────────▶ write shut ─────────▶ closed
///     └──────────────────── close() ────────────────────▲
/// ```
///
/// Each step is taken once: only the first call reaches the stream, and later ones return `Ok`.
///
/// [`Transport::split`]: super::Transport::split
#[derive(Clone)]
pub struct Closer {
    inner: Option<Arc<Inner<CloseFn>>>,
    read_timeout: Option<Arc<ReadTimeoutFn>>,
    readable: Option<Arc<ReadableFn>>,
    watch: Option<Arc<WatchFn>>,
    wakes: bool,
}

type CloseFn = dyn Fn(Shutdown) -> io::Result<()> + Send + Sync;
type ReadTimeoutFn = dyn Fn(Option<Duration>) -> io::Result<()> + Send + Sync;
type ReadableFn = dyn Fn() -> io::Result<bool> + Send + Sync;
type WatchFn = dyn Fn(&Epoll, u64) -> io::Result<()> + Send + Sync;

/// Sockets refuse a timeout of zero, and round shorter ones up to about this.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// The state shared by the clones of a `Closer`.
struct Inner<F: ?Sized> {
    state: AtomicU8,
    close: F,
}

impl Closer {
    /// Creates a closer that calls `close`.
    ///
    /// `close` is called with [`Shutdown::Write`] at most once and with [`Shutdown::Both`] at most
    /// once, never with [`Shutdown::Read`]. `close(Shutdown::Both)` must wake reads and writes that
    /// are blocked in other threads, at once or within moments, and later ones must not block. An
    /// error of kind [`NotConnected`] counts as success: the stream is closed already.
    ///
    /// [`NotConnected`]: io::ErrorKind::NotConnected
    pub fn new(close: impl Fn(Shutdown) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Inner { state: AtomicU8::new(OPEN), close });
        Closer { inner: Some(inner), read_timeout: None, readable: None, watch: None, wakes: true }
    }

    /// Creates a closer for a stream whose blocked reads and writes cannot be woken.
    ///
    /// Its methods do nothing and return `Ok`. The stream ends when its halves are dropped, which
    /// requires that blocked reads and writes return.
    pub fn none() -> Self {
        Closer { inner: None, read_timeout: None, readable: None, watch: None, wakes: false }
    }

    /// Declares that closing does not wake blocked reads and writes, unlike [`new`](Closer::new).
    ///
    /// For a layer with its own closing steps, over a stream that cannot be woken.
    #[must_use]
    pub fn without_waking(mut self) -> Self {
        self.wakes = false;
        self
    }

    /// Adds support for [`set_read_timeout`](Closer::set_read_timeout), by calling `set`.
    ///
    /// `set` is given at least one millisecond. Reads that begin afterwards must [give
    /// up](super::gave_up) after that time or sooner; `None` lets them block.
    #[must_use]
    pub fn with_read_timeout(
        mut self,
        set: impl Fn(Option<Duration>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.read_timeout = Some(Arc::new(set));
        self
    }

    /// Sets the time after which reads give up; `None` lets them block. Applies to reads that begin
    /// afterwards.
    ///
    /// Returns whether the stream supports this. If it does not (a plain pair), the caller has to
    /// end a read that takes too long with [`close`](Closer::close).
    ///
    /// # Errors
    ///
    /// The stream's own error.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let Some(set) = &self.read_timeout else { return Ok(false) };
        guarded(|| set(timeout.map(|timeout| timeout.max(SHORTEST_TIMEOUT)))).map(|()| true)
    }

    /// Adds support for [`is_readable`](Closer::is_readable), by calling `is_readable`.
    ///
    /// `is_readable` must not block. It returns whether a read would return at once, with octets,
    /// the end of the stream or an error.
    #[must_use]
    pub fn with_readiness(
        mut self,
        is_readable: impl Fn() -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        self.readable = Some(Arc::new(is_readable));
        self
    }

    /// Returns whether a read would return at once, or `None` if the stream cannot tell. Costs a
    /// system call and never blocks.
    ///
    /// The answer stays true only for the thread that may read.
    ///
    /// # Errors
    ///
    /// The stream's own error.
    pub fn is_readable(&self) -> io::Result<Option<bool>> {
        let Some(is_readable) = &self.readable else { return Ok(None) };
        let result = catch_unwind(AssertUnwindSafe(|| is_readable()));
        result.unwrap_or_else(|_| Err(io::Error::other("the transport panicked"))).map(Some)
    }

    /// Adds support for [`watch`](Self::watch), by calling `watch`.
    #[must_use]
    pub(crate) fn with_watch(
        mut self,
        watch: impl Fn(&Epoll, u64) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.watch = Some(Arc::new(watch));
        self
    }

    /// Returns whether [`watch`](Self::watch) is supported.
    pub(crate) fn can_be_watched(&self) -> bool {
        self.watch.is_some()
    }

    /// Adds the stream to a set of sockets, which reports `token` once when there is input. For the
    /// thread that may read.
    ///
    /// # Errors
    ///
    /// The system's, also if the stream is no socket or is closed. [`ResourceBusy`] if a read would
    /// return at once.
    ///
    /// [`ResourceBusy`]: io::ErrorKind::ResourceBusy
    pub(crate) fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        let unsupported = || io::ErrorKind::Unsupported.into();
        self.watch.as_ref().map_or_else(|| Err(unsupported()), |watch| watch(epoll, token))
    }

    /// Returns whether [`set_read_timeout`](Self::set_read_timeout) is supported.
    pub(crate) fn has_read_timeout(&self) -> bool {
        self.read_timeout.is_some()
    }

    /// Shuts down our direction: the peer reads the end of the stream after everything that was
    /// written. Our reads continue.
    ///
    /// Does nothing after [`close`](Closer::close).
    ///
    /// # Errors
    ///
    /// The stream's own error, in the first call only.
    pub fn shutdown_write(&self) -> io::Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        match inner.state.compare_exchange(OPEN, WRITE_SHUT, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => inner.shut(Shutdown::Write),
            Err(_) => Ok(()),
        }
    }

    /// Closes both directions, and wakes blocked reads and writes.
    ///
    /// Reads may still return bytes that have arrived before, then the end of the stream; writes
    /// fail. On a socket with unread bytes, the system sends a reset, which can destroy what we
    /// wrote last before the peer reads it. To avoid that, call
    /// [`shutdown_write`](Closer::shutdown_write) first, and read up to the end of the stream.
    ///
    /// # Errors
    ///
    /// The stream's own error, in the first call only.
    pub fn close(&self) -> io::Result<()> {
        let Some(inner) = &self.inner else { return Ok(()) };
        match inner.state.swap(CLOSED, Ordering::AcqRel) {
            CLOSED => Ok(()),
            _ => inner.shut(Shutdown::Both),
        }
    }

    /// Returns whether [`close`](Closer::close) wakes a blocked read.
    ///
    /// If it does not (see [`Closer::none`] and [`without_waking`](Closer::without_waking)),
    /// waiting for the reading thread can take as long as the peer is silent.
    pub fn wakes_reader(&self) -> bool {
        self.wakes
    }
}

impl fmt::Debug for Closer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.inner.as_ref().map(|inner| inner.state.load(Ordering::Acquire)) {
            None => "none",
            Some(OPEN) => "open",
            Some(WRITE_SHUT) => "write shut",
            Some(_) => "closed",
        };
        f.debug_tuple("Closer").field(&state).finish()
    }
}

/// Converts a panic of the stream into an error, so that the caller can still report the end of the
/// connection.
fn guarded(act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let result = catch_unwind(AssertUnwindSafe(act));
    result.unwrap_or_else(|_| Err(io::Error::other("the transport panicked")))
}

impl<F: Fn(Shutdown) -> io::Result<()> + ?Sized> Inner<F> {
    fn shut(&self, how: Shutdown) -> io::Result<()> {
        match guarded(|| (self.close)(how)) {
            // The peer has reset the connection, so it is closed already.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}
