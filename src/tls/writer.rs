//! The writing half: encrypts plaintext for the transport.

use std::fmt;
use std::io::{self, IoSlice, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use super::failure::Failure;
use super::outgoing::{Outgoing, finish_if_asked, lock};
use super::shared::Shared;
use crate::error::{Error, ErrorKind};
use crate::transport::Closer;

/// The writing half of a [`TlsStream`](super::TlsStream).
///
/// It takes the lock to encrypt, and writes the ciphertext without holding it. One write accepts at
/// most 128 KiB and fills records completely, across buffer boundaries. Gathered writes
/// ([`write_vectored`](Write::write_vectored)) avoid short records.
///
/// Encrypted octets count as written. If the transport [gives up] before it has accepted all of
/// them, the rest is sent first by the next write or flush; so call flush until it succeeds.
///
/// Dropping it ends our direction, like
/// [`Closer::shutdown_write`](crate::transport::Closer::shutdown_write).
///
/// [gives up]: crate::transport::gave_up
///
/// Both halves, on a thread each:
///
/// ```
/// use std::io::{self, Read, Write};
/// use std::net::TcpStream;
/// use std::thread;
///
/// use h2_sync::tls::{TlsReader, TlsStream, TlsWriter};
/// use h2_sync::transport::{Halves, Transport};
///
/// fn relay(stream: TlsStream<TcpStream>) -> io::Result<()> {
///     let Halves { reader, writer, .. } = stream.split()?;
///     let mut reader: TlsReader<_> = reader;
///     let mut writer: TlsWriter<_> = writer;
///     thread::spawn(move || io::copy(&mut reader, &mut io::stdout()));
///     io::copy(&mut io::stdin(), &mut writer)?;
///     writer.flush()
/// }
/// ```
pub struct TlsWriter<W: Write> {
    shared: Arc<Shared>,
    outgoing: Arc<Mutex<Outgoing<W>>>,
    /// The closer of the underlying transport.
    below: Closer,
}

impl<W: Write + Send + 'static> TlsWriter<W> {
    pub(super) fn new(shared: Arc<Shared>, writer: W, below: Closer) -> Self {
        TlsWriter { shared, outgoing: Arc::new(Mutex::new(Outgoing::new(writer))), below }
    }

    /// Returns the closer of the TLS stream. It holds weak references, so it keeps nothing open.
    pub(super) fn closer(&self) -> Closer {
        let (shared, outgoing) = (Arc::downgrade(&self.shared), Arc::downgrade(&self.outgoing));
        let below = self.below.clone();
        let closer = Closer::new(move |how| {
            let both = how == Shutdown::Both;
            if let Some(shared) = shared.upgrade() {
                if both {
                    shared.close();
                } else {
                    shared.shut();
                }
                if let Some(outgoing) = outgoing.upgrade() {
                    match finish_if_asked(&shared, &outgoing, &below) {
                        // The writer continues the shutdown.
                        Err(error) if crate::transport::gave_up(&error) => {}
                        // When closing, a failed close_notify does not matter.
                        Err(_) if both => {}
                        result => result?,
                    }
                }
            }
            if both { below.close() } else { Ok(()) }
        });
        if self.below.wakes_reader() { closer } else { closer.without_waking() }
    }
}

impl<W: Write> TlsWriter<W> {
    /// Updates the keys of this direction, and asks the peer to update its own (TLS 1.3; RFC 8446,
    /// Section 4.6.3).
    ///
    /// Keys are updated automatically long before their limits, so this is seldom needed; some
    /// peers close the connection after repeated key updates. The request is sent with the next
    /// write or flush.
    ///
    /// ```
    /// use std::io::{self, Write};
    ///
    /// use h2_sync::tls::TlsWriter;
    ///
    /// fn renew(writer: &mut TlsWriter<impl Write>) -> io::Result<()> {
    ///     writer.refresh_keys().map_err(io::Error::other)?;
    ///     writer.flush()
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the connection uses TLS 1.2, which has no key update.
    pub fn refresh_keys(&mut self) -> Result<(), Error> {
        self.shared.lock().refresh_traffic_keys().map_err(|error| {
            let what = format!("cannot update the keys: {error}");
            Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
        })
    }

    /// Runs `act` under the lock, then performs a pending shutdown, whose result comes second.
    fn with<T>(
        &mut self,
        act: impl FnOnce(&mut Outgoing<W>, &Shared) -> io::Result<T>,
    ) -> (io::Result<T>, io::Result<()>) {
        let result = act(&mut lock(&self.outgoing), &self.shared);
        (result, finish_if_asked(&self.shared, &self.outgoing, &self.below))
    }
}

impl<W: Write> Write for TlsWriter<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        // The octets were accepted. A failed shutdown is not reported here: its caller knows that
        // it is pending.
        self.with(|outgoing, shared| outgoing.write(shared, bufs)).0
    }

    fn flush(&mut self) -> io::Result<()> {
        let (flushed, ended) = self.with(|outgoing, shared| outgoing.flush(shared));
        match ended {
            // Flushing includes the pending shutdown.
            Err(error) if crate::transport::gave_up(&error) => flushed.and(Err(error)),
            _ => flushed,
        }
    }
}

impl<W: Write> Drop for TlsWriter<W> {
    fn drop(&mut self) {
        self.shared.shut();
        match finish_if_asked(&self.shared, &self.outgoing, &self.below) {
            // No writer is left to continue it, so the direction ends without close_notify.
            Err(error) if crate::transport::gave_up(&error) => {
                let _ = self.below.shutdown_write();
            }
            // There is no caller to report the error to.
            _ => {}
        }
    }
}

impl<W: Write> fmt::Debug for TlsWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsWriter").finish_non_exhaustive()
    }
}
