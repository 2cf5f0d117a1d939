//! A transport of any `Read + Write`, used in turns.

use std::fmt;
use std::io::{self, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use super::closer::Closer;
use super::halves::{Halves, Transport, gave_up};
use super::in_turns::{InTurns, MIN_PAUSE, ShutdownFn};
use super::turns::Side;

/// A turn that gives up in less time has not waited, and is followed by a pause.
const QUICK: Duration = Duration::from_micros(500);

/// A transport of any [`Read`] + [`Write`] whose reads and writes give up from time to time.
///
/// The reader and the writer use the stream in turns, so **its reads and writes must not block for
/// long**: while one waits, the other cannot start. Set a short read and write timeout on the
/// underlying stream first, or put it into non-blocking mode:
///
/// | stream | delay of a read | delay of a write | wake-ups when idle |
/// | --- | --- | --- | --- |
/// | with a timeout of 5 ms | 0.1 ms | one timeout | up to 200 per second |
/// | non-blocking | 5 ms, less while data flows | 0.1 ms | 200 per second |
///
/// (Systems round a socket timeout up to their clock ticks, so 5 ms may become 12.)
///
/// With a stream that blocks without limit, the first read blocks every write, and the connection
/// stalls. A socket can be used by two threads, and is better used directly than as `Shared`.
///
/// A write that gave up is repeated with the same bytes first, but possibly with more bytes and at
/// another address. (OpenSSL calls this `SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER`, which its usual Rust
/// bindings set.)
///
/// # Closing
///
/// [`Closer::close`] takes effect within one such timeout: current and later reads return the end
/// of the stream, and writes fail with `BrokenPipe`. [`Closer::shutdown_write`] flushes the stream,
/// after which nothing is written. A plain `Read + Write` cannot tell that to the peer, which reads
/// the end when both halves are dropped. If the stream can, use
/// [`with_shutdown`](Shared::with_shutdown). Dropping the halves without closing flushes too.
///
/// # Examples
///
/// ```
/// use std::io;
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// use h2_sync::transport::Shared;
///
/// # type TlsStream = TcpStream;
/// # fn tls_handshake(socket: TcpStream) -> io::Result<TlsStream> { Ok(socket) }
/// fn over_tls(socket: TcpStream) -> io::Result<Shared<TlsStream>> {
///     socket.set_read_timeout(Some(Duration::from_millis(5)))?;
///     socket.set_write_timeout(Some(Duration::from_millis(5)))?;
///     Ok(Shared::new(tls_handshake(socket)?))
/// }
/// ```
pub struct Shared<S> {
    stream: S,
    shutdown: ShutdownFn<S>,
}

impl<S: Read + Write + Send + 'static> Shared<S> {
    /// Shares `stream`, which is flushed on shutdown.
    pub fn new(stream: S) -> Self {
        Shared::with_shutdown(stream, |stream, _| stream.flush())
    }

    /// Shares `stream`, and shuts it down with `shutdown`.
    ///
    /// `shutdown` is called with [`Shutdown::Write`] to tell the peer that our direction has ended,
    /// and with [`Shutdown::Both`] when the connection is closed or both halves are dropped; never
    /// during a read or write. If it [gives up](gave_up), it is retried after the next read or
    /// write, and once more when the halves are dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{Shutdown, TcpStream};
    ///
    /// use h2_sync::transport::Shared;
    ///
    /// fn shared(socket: TcpStream) -> Shared<TcpStream> {
    ///     Shared::with_shutdown(socket, |socket, how| socket.shutdown(how))
    /// }
    /// ```
    pub fn with_shutdown<F>(stream: S, shutdown: F) -> Self
    where
        F: FnMut(&mut S, Shutdown) -> io::Result<()> + Send + 'static,
    {
        Shared { stream, shutdown: Box::new(shutdown) }
    }
}

impl<S: Read + Write + Send + 'static> Transport for Shared<S> {
    type Reader = SharedReader<S>;
    type Writer = SharedWriter<S>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        let stream = Arc::new(InTurns::new(self.stream, self.shutdown));
        // Weak: a closer must not keep the stream open.
        let weak = Arc::downgrade(&stream);
        let closer = Closer::new(move |how| match weak.upgrade() {
            Some(stream) => stream.shut(how),
            None => Ok(()),
        });
        let half = |side| Half { stream: Arc::clone(&stream), side, pause: MIN_PAUSE };
        let (reader, writer) = (half(Side::Reader), half(Side::Writer));
        Ok(Halves { reader: SharedReader(reader), writer: SharedWriter(writer), closer })
    }
}

impl<S: fmt::Debug> fmt::Debug for Shared<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("stream", &self.stream).finish_non_exhaustive()
    }
}

/// The reading half of a [`Shared`] stream.
pub struct SharedReader<S>(Half<S>);

impl<S: Read> Read for SharedReader<S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.turn(|stream| stream.read(buf)).unwrap_or(Ok(0))
    }

    fn read_vectored(&mut self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.0.turn(|stream| stream.read_vectored(bufs)).unwrap_or(Ok(0))
    }
}

impl<S> fmt::Debug for SharedReader<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReader").finish_non_exhaustive()
    }
}

/// The writing half of a [`Shared`] stream.
pub struct SharedWriter<S>(Half<S>);

impl<S: Write> Write for SharedWriter<S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.turn(|stream| stream.write(buf)).unwrap_or(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.0
            .turn(|stream| stream.write_vectored(bufs))
            .unwrap_or(Err(io::ErrorKind::BrokenPipe.into()))
    }

    fn flush(&mut self) -> io::Result<()> {
        // After the shutdown there is nothing left to flush.
        self.0.turn(|stream| stream.flush()).unwrap_or(Ok(()))
    }
}

impl<S> fmt::Debug for SharedWriter<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedWriter").finish_non_exhaustive()
    }
}

/// The common part of the two halves.
struct Half<S> {
    stream: Arc<InTurns<S>>,
    side: Side,
    /// The pause after the next turn that gives up at once.
    pause: Duration,
}

impl<S> Half<S> {
    /// Waits for the turn and calls `io`; returns `None` after the shutdown.
    fn turn<T>(&mut self, io: impl FnOnce(&mut S) -> io::Result<T>) -> Option<io::Result<T>> {
        let (result, took) = self.stream.turn(self.side, io)?;
        match &result {
            // The stream is non-blocking, and the caller will repeat the call at once. It must
            // check its deadlines after the pause, so the call is not repeated here.
            Err(error) if gave_up(error) && took < QUICK => {
                self.pause = self.stream.rest(self.side, self.pause);
            }
            // The turn has waited by itself.
            Err(error) if gave_up(error) => {}
            _ => self.pause = MIN_PAUSE,
        }
        Some(result)
    }
}

#[cfg(test)]
mod tests {
    use super::super::in_turns::MAX_PAUSE;
    use super::*;

    #[test]
    fn a_stream_that_gives_up_at_once_is_used_at_growing_intervals() {
        let stream = Arc::new(InTurns::new((), Box::new(|(), _| Ok(()))));
        let mut half = Half { stream, side: Side::Reader, pause: MIN_PAUSE };
        // Ten would be enough, unless a slow machine makes one of them look blocked.
        for _ in 0..1000 {
            if half.pause < MAX_PAUSE {
                half.turn(|()| Err::<(), _>(io::ErrorKind::WouldBlock.into()));
            }
        }
        assert_eq!(half.pause, MAX_PAUSE);
        half.turn(|()| Ok(()));
        assert_eq!(half.pause, MIN_PAUSE);
    }
}
