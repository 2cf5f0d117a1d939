//! The writing half: plaintext in, ciphertext out.

use std::fmt;
use std::io::{self, IoSlice, Write};
use std::net::Shutdown;
use std::sync::{Arc, Mutex};

use super::failure::Failure;
use super::outgoing::{finish_if_asked, lock, Outgoing};
use super::shared::Shared;
use crate::error::{Error, ErrorKind};
use crate::transport::Closer;

/// The writing half of a [`TlsStream`](super::TlsStream).
///
/// Takes the lock to encrypt, and writes the ciphertext without it. One write takes 128 KiB at most
/// and makes records as long as they may be, whatever buffers the octets come in; so write gathered
/// buffers ([`write_vectored`](Write::write_vectored)).
///
/// What has been encrypted counts as written. If the transport [gives up] before it has all of it,
/// the rest goes out first in the next write or flush; so flush until that succeeds.
///
/// Dropping it tells the peer that nothing more comes, as
/// [`Closer::shutdown_write`](crate::transport::Closer::shutdown_write) does.
///
/// [gives up]: crate::transport::gave_up
pub struct TlsWriter<W: Write> {
    shared: Arc<Shared>,
    outgoing: Arc<Mutex<Outgoing<W>>>,
    /// Of the transport below.
    below: Closer,
}

impl<W: Write + Send + 'static> TlsWriter<W> {
    pub(super) fn new(shared: Arc<Shared>, writer: W, below: Closer) -> Self {
        TlsWriter { shared, outgoing: Arc::new(Mutex::new(Outgoing::new(writer))), below }
    }

    /// The closer of the TLS stream. Weak: one that somebody still holds keeps nothing open.
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
                        // The writer has to go on with it.
                        Err(error) if crate::transport::gave_up(&error) => {}
                        // Whether the last words could be said does not matter any more.
                        Err(_) if both => {}
                        result => result?,
                    }
                }
            }
            if both {
                below.close()
            } else {
                Ok(())
            }
        });
        if self.below.wakes_reader() {
            closer
        } else {
            closer.without_waking()
        }
    }
}

impl<W: Write> TlsWriter<W> {
    /// Goes on with new keys in this direction, and asks the peer to do the same in its own (TLS
    /// 1.3, RFC 8446, Section 4.6.3).
    ///
    /// The keys change by themselves long before they are worn out, so there is seldom a reason to
    /// call it; and peers do not suffer it often. It goes out with the next write or flush.
    ///
    /// # Errors
    ///
    /// TLS 1.2 has nothing of the kind.
    pub fn refresh_keys(&mut self) -> Result<(), Error> {
        self.shared.lock().refresh_traffic_keys().map_err(|error| {
            let what = format!("new keys cannot be had: {error}");
            Failure::new(what).caused_by(error).into_error(ErrorKind::Caller)
        })
    }

    /// Lets go of the lock, and sees to what has been asked meanwhile: its result comes second.
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
        // What has been taken has been taken. The shutdown has told its caller that it is under way.
        self.with(|outgoing, shared| outgoing.write(shared, bufs)).0
    }

    fn flush(&mut self) -> io::Result<()> {
        let (flushed, ended) = self.with(|outgoing, shared| outgoing.flush(shared));
        match ended {
            // The end is among what is to be written.
            Err(error) if crate::transport::gave_up(&error) => flushed.and(Err(error)),
            _ => flushed,
        }
    }
}

impl<W: Write> Drop for TlsWriter<W> {
    fn drop(&mut self) {
        self.shared.shut();
        match finish_if_asked(&self.shared, &self.outgoing, &self.below) {
            // Nobody is left to go on with it, so it ends without close_notify.
            Err(error) if crate::transport::gave_up(&error) => {
                let _ = self.below.shutdown_write();
            }
            // Nobody is left to tell.
            _ => {}
        }
    }
}

impl<W: Write> fmt::Debug for TlsWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TlsWriter").finish_non_exhaustive()
    }
}
