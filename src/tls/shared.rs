//! State shared by the halves and the closer of a TLS stream.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustls::Connection;

/// The TLS connection behind its lock, and flags.
///
/// The lock is held to encrypt and to decrypt, and never during I/O.
#[derive(Debug)]
pub(super) struct Shared {
    connection: Mutex<Connection>,
    /// Our direction is shut down: no more plaintext is accepted.
    shut: AtomicBool,
    /// Both directions were closed locally.
    closed: AtomicBool,
    /// A read timeout is set.
    timed: AtomicBool,
    /// The reader may hold octets that have left the transport but have not been read.
    has_more: AtomicBool,
    /// The reader's buffer, while it is empty.
    spare: Mutex<Vec<u8>>,
}

impl Shared {
    pub(super) fn new(connection: Connection) -> Self {
        Shared {
            connection: Mutex::new(connection),
            shut: AtomicBool::new(false),
            closed: AtomicBool::new(false),
            timed: AtomicBool::new(false),
            // The handshake may have read more than its own records.
            has_more: AtomicBool::new(true),
            spare: Mutex::default(),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Connection> {
        // After a panic within rustls the connection fails; it never sends cleartext.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn shut(&self) {
        self.shut.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_shut(&self) -> bool {
        self.shut.load(Ordering::SeqCst)
    }

    pub(super) fn close(&self) {
        self.shut();
        self.closed.store(true, Ordering::SeqCst);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(super) fn set_timed(&self, timed: bool) {
        self.timed.store(timed, Ordering::SeqCst);
    }

    pub(super) fn set_has_more(&self, has_more: bool) {
        self.has_more.store(has_more, Ordering::SeqCst);
    }

    pub(super) fn has_more(&self) -> bool {
        self.has_more.load(Ordering::SeqCst)
    }

    /// Frees the buffers of an idle connection: the reader's, and that of rustls, which shrinks it
    /// before each read.
    pub(super) fn rest(&self) {
        drop(self.take_spare());
        // It always fails.
        let _ = self.lock().read_tls(&mut Nothing);
    }

    pub(super) fn set_spare(&self, buffer: Vec<u8>) {
        *self.spare.lock().unwrap_or_else(PoisonError::into_inner) = buffer;
    }

    /// Takes the reader's buffer, if it is empty.
    pub(super) fn take_spare(&self) -> Vec<u8> {
        std::mem::take(&mut self.spare.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn is_timed(&self) -> bool {
        self.timed.load(Ordering::SeqCst)
    }
}

/// A transport without input.
struct Nothing;

impl io::Read for Nothing {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::ErrorKind::WouldBlock.into())
    }
}
