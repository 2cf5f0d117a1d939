//! The handle that ends a transport from any thread, and says how long its reads may wait.

use std::fmt;
use std::io;
use std::net::Shutdown;
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;
use std::time::Duration;

/// Both directions go on.
const OPEN: u8 = 0;
/// `shutdown_write` has been called.
const WRITE_SHUT: u8 = 1;
/// `close` has been called.
const CLOSED: u8 = 2;

/// Shuts a transport down, from any thread.
///
/// A `Closer` comes out of [`Transport::split`] beside the two halves. Clones act on the same
/// stream. It does not keep the stream open: when both halves are gone, so is the stream, and
/// closing it once more does nothing.
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
    wakes: bool,
}

type CloseFn = dyn Fn(Shutdown) -> io::Result<()> + Send + Sync;
type ReadTimeoutFn = dyn Fn(Option<Duration>) -> io::Result<()> + Send + Sync;
type ReadableFn = dyn Fn() -> io::Result<bool> + Send + Sync;

/// Sockets refuse a timeout of zero, and round a shorter one up to about this.
const SHORTEST_TIMEOUT: Duration = Duration::from_millis(1);

/// What the clones of one `Closer` share.
struct Inner<F: ?Sized> {
    state: AtomicU8,
    close: F,
}

impl Closer {
    /// Creates a closer that calls `close`.
    ///
    /// `close` is called with [`Shutdown::Write`] at most once and with [`Shutdown::Both`] at most
    /// once, never with [`Shutdown::Read`]. Giving it here is a promise: `close(Shutdown::Both)`
    /// wakes a read and a write that are blocked in other threads, at once or within moments, and
    /// lets no later one block. An error of kind [`NotConnected`] counts as success: the stream is
    /// down already.
    ///
    /// [`NotConnected`]: io::ErrorKind::NotConnected
    pub fn new(close: impl Fn(Shutdown) -> io::Result<()> + Send + Sync + 'static) -> Self {
        let inner = Arc::new(Inner { state: AtomicU8::new(OPEN), close });
        Closer { inner: Some(inner), read_timeout: None, readable: None, wakes: true }
    }

    /// Creates a closer for a stream that nothing can wake.
    ///
    /// Its methods do nothing and return `Ok`. Such a stream ends when its halves are dropped,
    /// which their threads can do only after the read or write they are in returns.
    pub fn none() -> Self {
        Closer { inner: None, read_timeout: None, readable: None, wakes: false }
    }

    /// Takes the promise of [`new`](Closer::new) back: nothing wakes a read or write that is blocked.
    ///
    /// For a layer that has something to do at the end, over a stream that has nothing.
    #[must_use]
    pub fn without_waking(mut self) -> Self {
        self.wakes = false;
        self
    }

    /// Lets [`set_read_timeout`](Closer::set_read_timeout) call `set`.
    ///
    /// `set` is given at least one millisecond. Reads that begin from then on
    /// [give up](super::gave_up) after that time, or sooner; `None` lets them block.
    #[must_use]
    pub fn with_read_timeout(
        mut self,
        set: impl Fn(Option<Duration>) -> io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        self.read_timeout = Some(Arc::new(set));
        self
    }

    /// Lets reads that begin from now on give up after this time; `None` lets them block.
    ///
    /// Returns whether the stream can do that. One that cannot (a plain pair) leaves it to the
    /// caller to end a read that takes too long, with [`close`](Closer::close).
    ///
    /// # Errors
    ///
    /// The stream's own error.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let Some(set) = &self.read_timeout else { return Ok(false) };
        guarded(|| set(timeout.map(|timeout| timeout.max(SHORTEST_TIMEOUT)))).map(|()| true)
    }

    /// Lets [`is_readable`](Closer::is_readable) call `is_readable`.
    ///
    /// `is_readable` must not block. It returns whether a read that begins now would return at
    /// once, with octets, the end of the stream or an error.
    #[must_use]
    pub fn with_readiness(
        mut self,
        is_readable: impl Fn() -> io::Result<bool> + Send + Sync + 'static,
    ) -> Self {
        self.readable = Some(Arc::new(is_readable));
        self
    }

    /// Returns whether a read that begins now would return at once; `None` if the stream cannot
    /// tell. Costs a system call and never blocks.
    ///
    /// Only the thread that may read gets an answer that stays true.
    ///
    /// # Errors
    ///
    /// The stream's own error.
    pub fn is_readable(&self) -> io::Result<Option<bool>> {
        let Some(is_readable) = &self.readable else { return Ok(None) };
        let result = catch_unwind(AssertUnwindSafe(|| is_readable()));
        result.unwrap_or_else(|_| Err(io::Error::other("the transport panicked"))).map(Some)
    }

    /// Whether [`set_read_timeout`](Self::set_read_timeout) can do something.
    pub(crate) fn has_read_timeout(&self) -> bool {
        self.read_timeout.is_some()
    }

    /// Ends our direction: the peer reads the end of the stream once it has read all that was
    /// written. Our reads go on.
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

    /// Ends both directions and wakes a blocked read and a blocked write.
    ///
    /// Reads may still return bytes that had arrived before, then the end of the stream; writes
    /// fail. On a socket, bytes that the peer has sent and nobody reads any more make the system
    /// answer with a reset, which can take from the peer what we wrote last. To part in peace,
    /// call [`shutdown_write`](Closer::shutdown_write) first, and read up to the end of the stream.
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

    /// Whether [`close`](Closer::close) wakes a blocked read.
    ///
    /// If not (see [`Closer::none`] and [`without_waking`](Closer::without_waking)), a thread that waits for the reading thread to end may wait
    /// for as long as the peer is silent.
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

/// A panic of the stream's is an error of its own: whoever closes it has others to tell that it is
/// closed.
fn guarded(act: impl FnOnce() -> io::Result<()>) -> io::Result<()> {
    let result = catch_unwind(AssertUnwindSafe(act));
    result.unwrap_or_else(|_| Err(io::Error::other("the transport panicked")))
}

impl<F: Fn(Shutdown) -> io::Result<()> + ?Sized> Inner<F> {
    fn shut(&self, how: Shutdown) -> io::Result<()> {
        match guarded(|| (self.close)(how)) {
            // The peer reset the connection: it is as closed as it can be.
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(()),
            result => result,
        }
    }
}
