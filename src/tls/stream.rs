//! A TLS stream whose handshake is over.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::sync::Arc;

use rustls::Connection;

use super::facts::Facts;
use super::reader::TlsReader;
use super::shared::Shared;
use super::writer::TlsWriter;
use crate::transport::{gave_up, Closer, Halves, Transport};

/// A stream that TLS has been established on: a [`Transport`], and a blocking [`Read`] + [`Write`]
/// to go on with another protocol than HTTP/2.
///
/// It comes out of [`Acceptor::accept`](super::Acceptor::accept) and
/// [`Connector::connect`](super::Connector::connect). Dropping it tells the peer that nothing more
/// comes (close_notify), and closes the stream below.
pub struct TlsStream<T: Transport> {
    reader: TlsReader<T::Reader>,
    writer: TlsWriter<T::Writer>,
    closer: Closer,
    facts: Facts,
}

impl<T: Transport> TlsStream<T> {
    /// `has_read_timeout` says whether the halves below can be given one.
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

    /// What the handshake has settled. Clone it before the stream goes into a connection.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// What ends the stream from any thread, and sets its read timeout.
    pub fn closer(&self) -> &Closer {
        &self.closer
    }
}

/// Splitting prepares nothing more: the stream below was split before the handshake.
///
/// The [`Closer`] tells the peer what it does: `shutdown_write` sends close_notify before it ends
/// the direction below. `close` sends it too, unless octets wait that the peer does not take. Either
/// waits for as long as a write of the transport below may: see [`WRITE_TICK`].
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

/// Blocks until all that it takes has been written; see [`TlsWriter`] for one that gives up.
impl<T: Transport> Write for TlsStream<T> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let taken = patiently(|| self.writer.write_vectored(bufs))?;
        self.flush()?;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        patiently(|| self.writer.flush())
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

/// Asks again where the transport gives up.
fn patiently<T>(mut write: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match write() {
            Err(error) if gave_up(&error) => {}
            result => return result,
        }
    }
}
