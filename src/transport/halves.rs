//! The [`Transport`] trait and its halves.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use super::closer::Closer;

/// How long a write on one of this crate's transports blocks before it gives up: 250 ms.
///
/// The writing thread then checks its deadlines and tries again. So write deadlines have this
/// precision, at the cost of four wake-ups per second while a peer does not read.
pub const WRITE_TICK: Duration = Duration::from_millis(250);

/// A byte stream that two threads can use at the same time.
///
/// # The contract
///
/// - One thread at a time uses the reader and one thread at a time the writer, concurrently: a
///   blocked read must not block a write, nor vice versa.
/// - `Ok(0)` from a read into a non-empty buffer is the end of the stream.
/// - A read or write may *give up* with `Interrupted`, `WouldBlock` or `TimedOut` ([`gave_up`]):
///   nothing was transferred, and the call is to be repeated. The caller checks for the end of the
///   connection and for deadlines, and repeats the call at once; a write is repeated with the same
///   bytes first. A half that gives up without having waited would make the caller spin.
/// - A writer that could block without limit should therefore give up from time to time, like the
///   transports here after [`WRITE_TICK`]. Write deadlines depend on it; otherwise only the
///   [`Closer`] ends a blocked write.
/// - The [`Closer`] wakes a blocked read and a blocked write, or declares that it
///   [cannot](Closer::wakes_reader).
/// - Dropping both halves closes the stream, even if a `Closer` is left.
///
/// # Examples
///
/// A transport that counts what it reads:
///
/// ```
/// use std::io::{self, Read};
/// use std::sync::atomic::{AtomicU64, Ordering};
/// use std::sync::Arc;
///
/// use h2_sync::transport::{Halves, Transport};
///
/// struct Counted<T> {
///     stream: T,
///     bytes: Arc<AtomicU64>,
/// }
///
/// struct CountedReader<R> {
///     reader: R,
///     bytes: Arc<AtomicU64>,
/// }
///
/// impl<R: Read> Read for CountedReader<R> {
///     fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
///         let n = self.reader.read(buf)?;
///         self.bytes.fetch_add(n as u64, Ordering::Relaxed);
///         Ok(n)
///     }
/// }
///
/// impl<T: Transport> Transport for Counted<T> {
///     type Reader = CountedReader<T::Reader>;
///     type Writer = T::Writer;
///
///     fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
///         let Halves { reader, writer, closer } = self.stream.split()?;
///         Ok(Halves { reader: CountedReader { reader, bytes: self.bytes }, writer, closer })
///     }
/// }
/// ```
pub trait Transport {
    /// The reading half.
    type Reader: Read + Send + 'static;
    /// The writing half.
    type Writer: Write + Send + 'static;

    /// Splits the stream, and sets the timeouts and the blocking mode that the contract needs.
    ///
    /// # Errors
    ///
    /// If the stream cannot be set up; it is dropped.
    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>>;
}

/// The halves that a [`Transport`] splits into.
#[derive(Debug)]
pub struct Halves<R, W> {
    /// The half for the reading thread.
    pub reader: R,
    /// The half for the writing thread.
    pub writer: W,
    /// The handle that closes both halves from any thread.
    pub closer: Closer,
}

/// Halves are a transport too, and split into themselves without further setup.
impl<R, W> Transport for Halves<R, W>
where
    R: Read + Send + 'static,
    W: Write + Send + 'static,
{
    type Reader = R;
    type Writer = W;

    fn split(self) -> io::Result<Self> {
        Ok(self)
    }
}

impl<S: Send + Sync + 'static> Halves<ReadHalf<S>, WriteHalf<S>> {
    /// Creates halves of a stream that can be read and written through a shared reference (`&S:
    /// Read + Write`), such as a socket.
    ///
    /// Both halves use the same `stream`, without duplicating its descriptor and without a lock.
    /// The [`Closer`] calls `shutdown` (see [`Closer::new`] for what it must do), but only while
    /// one of the halves exists.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::TcpStream;
    ///
    /// use h2_sync::transport::Halves;
    ///
    /// fn halves_with_my_own_socket_options(stream: TcpStream) {
    ///     let halves = Halves::sharing(stream, TcpStream::shutdown);
    ///     println!("{:?}", halves.reader.get_ref().peer_addr());
    /// }
    /// ```
    pub fn sharing<F>(stream: S, shutdown: F) -> Self
    where
        F: Fn(&S, Shutdown) -> io::Result<()> + Send + Sync + 'static,
    {
        let stream = Arc::new(stream);
        // Weak: a closer must not keep the stream open.
        let weak = Arc::downgrade(&stream);
        let closer = Closer::new(move |how| match weak.upgrade() {
            Some(stream) => shutdown(&stream, how),
            None => Ok(()),
        });
        Halves { reader: ReadHalf(Arc::clone(&stream)), writer: WriteHalf(stream), closer }
    }

    /// Adds support for read timeouts to the [`Closer`]. `set` is the stream's function for that.
    ///
    /// Like the shutdown function, it is called only while one of the halves exists.
    #[must_use]
    pub fn with_read_timeout<F>(mut self, set: F) -> Self
    where
        F: Fn(&S, Option<Duration>) -> io::Result<()> + Send + Sync + 'static,
    {
        let weak = Arc::downgrade(&self.reader.0);
        self.closer = self.closer.with_read_timeout(move |timeout| match weak.upgrade() {
            Some(stream) => set(&stream, timeout),
            None => Ok(()),
        });
        self
    }

    /// Adds support for [`Closer::is_readable`]. `is_readable` must not block.
    ///
    /// It is called only while one of the halves exists. After that a read would fail at once.
    #[must_use]
    pub fn with_readiness<F>(mut self, is_readable: F) -> Self
    where
        F: Fn(&S) -> io::Result<bool> + Send + Sync + 'static,
    {
        let weak = Arc::downgrade(&self.reader.0);
        self.closer = self.closer.with_readiness(move || match weak.upgrade() {
            Some(stream) => is_readable(&stream),
            None => Ok(true),
        });
        self
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
impl<S: rustix::fd::AsFd + Send + Sync + 'static> Halves<ReadHalf<S>, WriteHalf<S>> {
    /// Adds support for [`Closer::watch`], for a socket.
    pub(super) fn with_watch(mut self) -> Self {
        let weak = Arc::downgrade(&self.reader.0);
        self.closer = self.closer.with_watch(move |epoll, token| match weak.upgrade() {
            Some(socket) => epoll.add(&*socket, token),
            None => Err(io::ErrorKind::NotConnected.into()),
        });
        self
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
impl<S> Halves<ReadHalf<S>, WriteHalf<S>> {
    /// Leaves it as it is: this system has no `epoll`.
    pub(super) fn with_watch(self) -> Self {
        self
    }
}

/// The reading half of a stream that both halves share; see [`Halves::sharing`].
#[derive(Debug)]
pub struct ReadHalf<S>(Arc<S>);

impl<S> ReadHalf<S> {
    /// Returns the stream, for its addresses and options.
    pub fn get_ref(&self) -> &S {
        &self.0
    }
}

impl<S> Read for ReadHalf<S>
where
    for<'a> &'a S: Read,
{
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self.0).read(buf)
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        (&*self.0).read_vectored(bufs)
    }
}

/// The writing half of a stream that both halves share; see [`Halves::sharing`].
#[derive(Debug)]
pub struct WriteHalf<S>(Arc<S>);

impl<S> WriteHalf<S> {
    /// Returns the stream, for its addresses and options.
    pub fn get_ref(&self) -> &S {
        &self.0
    }
}

impl<S> Write for WriteHalf<S>
where
    for<'a> &'a S: Write,
{
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self.0).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self.0).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        (&*self.0).flush()
    }
}

/// Returns whether `error` means that the call is to be repeated, not that the stream has failed.
///
/// True for `Interrupted`, `WouldBlock` and `TimedOut`.
pub fn gave_up(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock | TimedOut)
}

/// Returns the write timeout for a split stream: its own, if that is shorter.
pub(super) fn write_tick(own: Option<Duration>) -> Duration {
    own.map_or(WRITE_TICK, |own| own.min(WRITE_TICK))
}
