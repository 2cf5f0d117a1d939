//! The trait, and what splitting gives.

use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use super::closer::Closer;

/// How long a write on one of this crate's transports blocks before it gives up: 250 ms.
///
/// The writer then looks at its deadlines and asks again, so this is how exactly a write deadline
/// is kept, and what it costs is four wake-ups a second while a peer does not read.
pub const WRITE_TICK: Duration = Duration::from_millis(250);

/// A byte stream that two threads can use at once.
///
/// # The contract
///
/// - The reader is used by one thread at a time, the writer by one thread at a time, and the two at
///   once: a blocked read must not keep a write out, nor the other way round.
/// - `Ok(0)` from a read into a buffer that is not empty is the end of the stream.
/// - A read or write may return `Interrupted`, `WouldBlock` or `TimedOut` ([`gave_up`]) to say
///   "nothing now, ask again". The caller looks whether the connection has been closed or a deadline
///   has passed, and asks again, with the same bytes first when it was a write. It asks at once: a
///   half that gives up without having waited would make it spin.
/// - Therefore a writer that could block for ever should give up now and then, as the transports
///   here do after [`WRITE_TICK`]. This is how a write deadline takes effect; without it, only the
///   [`Closer`] ends a blocked write.
/// - The [`Closer`] wakes a blocked read and a blocked write, or says that it
///   [cannot](Closer::wakes_reader).
/// - Dropping both halves closes the stream, whether or not a `Closer` is left.
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
    /// The half that reads.
    type Reader: Read + Send + 'static;
    /// The half that writes.
    type Writer: Write + Send + 'static;

    /// Takes the stream apart, and prepares it for the contract above: timeouts, blocking mode.
    ///
    /// # Errors
    ///
    /// The stream refused what it has to be prepared with; it is dropped.
    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>>;
}

/// What a [`Transport`] splits into.
#[derive(Debug)]
pub struct Halves<R, W> {
    /// For the one thread that reads.
    pub reader: R,
    /// For the one thread that writes.
    pub writer: W,
    /// For anyone who ends the two.
    pub closer: Closer,
}

/// What has been split is a transport as well, and splits into itself: its halves are taken to be
/// prepared.
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
    /// Makes halves of a stream whose shared reference reads and writes (`&S: Read + Write`), as it
    /// is with sockets.
    ///
    /// Both halves use the one `stream`, without a duplicate of its descriptor, and without a lock.
    /// `shutdown` is called by the [`Closer`] (see [`Closer::new`] for what it must do), and only
    /// as long as one of the halves exists.
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
        // Weak: a closer that somebody still holds must not keep the stream open.
        let weak = Arc::downgrade(&stream);
        let closer = Closer::new(move |how| match weak.upgrade() {
            Some(stream) => shutdown(&stream, how),
            None => Ok(()),
        });
        Halves { reader: ReadHalf(Arc::clone(&stream)), writer: WriteHalf(stream), closer }
    }

    /// Lets the [`Closer`] set how long reads wait: `set` is the stream's own function for it.
    ///
    /// Like the function that shuts the stream down, it is called only as long as one of the halves
    /// exists.
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

    /// Lets the [`Closer`] tell whether a read would return at once: `is_readable` asks the stream
    /// without blocking.
    ///
    /// It is called only as long as one of the halves exists. After that a read would fail at once.
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

/// The reading half of a stream that both halves share; see [`Halves::sharing`].
#[derive(Debug)]
pub struct ReadHalf<S>(Arc<S>);

impl<S> ReadHalf<S> {
    /// The stream itself, for its addresses and options.
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
    /// The stream itself, for its addresses and options.
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

/// Whether `error` says "nothing now, ask again" rather than that the stream has failed.
///
/// True for `Interrupted`, `WouldBlock` and `TimedOut`.
pub fn gave_up(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | WouldBlock | TimedOut)
}

/// The write timeout a stream gets when it is split: its own if that is the shorter one.
pub(super) fn write_tick(own: Option<Duration>) -> Duration {
    own.map_or(WRITE_TICK, |own| own.min(WRITE_TICK))
}
