//! A TLS stream after its handshake.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::Connection;

use super::facts::Facts;
use super::reader::TlsReader;
use super::shared::Shared;
use super::writer::TlsWriter;
use crate::transport::{Closer, Halves, Transport, gave_up};

/// An established TLS stream. It is a [`Transport`], and a blocking [`Read`] + [`Write`] for
/// protocols other than HTTP/2.
///
/// [`Acceptor::accept`](super::Acceptor::accept) and
/// [`Connector::connect`](super::Connector::connect) return it. Dropping it sends close_notify and
/// closes the underlying stream.
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::net::TcpStream;
/// use std::time::Duration;
///
/// use h2_sync::tls::TlsStream;
///
/// /// Asks a question in a protocol of its own.
/// fn ask(stream: &mut TlsStream<TcpStream>) -> io::Result<[u8; 4]> {
///     println!("{:?}", stream.facts().protocol_version);
///     stream.closer().set_read_timeout(Some(Duration::from_secs(10)))?;
///     stream.write_all(b"time")?;
///     stream.flush()?;
///     let mut answer = [0; 4];
///     stream.read_exact(&mut answer)?;
///     Ok(answer)
/// }
/// ```
pub struct TlsStream<T: Transport> {
    reader: TlsReader<T::Reader>,
    writer: TlsWriter<T::Writer>,
    closer: Closer,
    facts: Facts,
}

impl<T: Transport> TlsStream<T> {
    /// Creates the stream. `has_read_timeout` tells whether the halves support read timeouts.
    pub(super) fn new(
        tls: Connection,
        halves: Halves<T::Reader, T::Writer>,
        facts: Facts,
        has_read_timeout: bool,
    ) -> Self {
        let shared = Arc::new(Shared::new(tls));
        let below = halves.closer;
        let writer = TlsWriter::new(Arc::clone(&shared), halves.writer, below.clone());
        let mut closer = writer.closer();
        if let Ok(Some(_)) = below.is_readable() {
            let (weak, below) = (Arc::downgrade(&shared), below.clone());
            closer = closer.with_readiness(move || {
                let has_more = weak.upgrade().is_some_and(|shared| shared.has_more());
                Ok(has_more || below.is_readable()?.unwrap_or(true))
            });
        }
        if below.can_be_watched() {
            let (weak, below) = (Arc::downgrade(&shared), below.clone());
            closer = closer.with_watch(move |epoll, token| {
                let Some(shared) = weak.upgrade() else {
                    return Err(io::ErrorKind::NotConnected.into());
                };
                if shared.has_more() {
                    return Err(io::ErrorKind::ResourceBusy.into());
                }
                // The connection is idle, and may remain so.
                shared.rest();
                below.watch(epoll, token)
            });
        }
        if has_read_timeout {
            let weak = Arc::downgrade(&shared);
            closer = closer.with_read_timeout(move |timeout| {
                if let Some(shared) = weak.upgrade() {
                    shared.set_timed(timeout.is_some());
                }
                below.set_read_timeout(timeout).map(drop)
            });
        }
        TlsStream { reader: TlsReader::new(shared, halves.reader), writer, closer, facts }
    }

    /// Returns the parameters that the handshake has negotiated. Clone them before the stream goes
    /// into a connection.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the closer, which ends the stream from any thread and sets its read timeout.
    pub fn closer(&self) -> &Closer {
        &self.closer
    }
}

/// Splitting does no I/O: the underlying stream was split before the handshake.
///
/// In the [`Closer`], `shutdown_write` sends close_notify before it shuts down the underlying
/// direction. `close` sends it too, unless the peer has not accepted earlier octets. Both wait no
/// longer than a write of the underlying transport: see [`WRITE_TICK`].
///
/// [`WRITE_TICK`]: crate::transport::WRITE_TICK
impl<T: Transport> Transport for TlsStream<T> {
    type Reader = TlsReader<T::Reader>;
    type Writer = TlsWriter<T::Writer>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        let TlsStream { reader, writer, closer, .. } = self;
        Ok(Halves { reader, writer, closer })
    }
}

impl<T: Transport> Read for TlsStream<T> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.reader.read(buf)
    }
}

/// Blocks until all accepted octets have been written; [`TlsWriter`] gives up instead.
impl<T: Transport> Write for TlsStream<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = retry(|| self.writer.write_vectored(bufs))?;
        self.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        retry(|| self.writer.flush())
    }
}

impl<T: Transport> fmt::Debug for TlsStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsStream")
            .field("facts", &self.facts)
            .field("closer", &self.closer)
            .finish_non_exhaustive()
    }
}

/// Repeats the call while the transport gives up.
fn retry<T>(mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match write() {
            Err(error) if gave_up(&error) => {}
            result => return result,
        }
    }
}
