//! The outgoing direction: ciphertext to be written, and the shutdown.

use std::io::{self, IoSlice, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rustls::Connection;

use super::shared::Shared;
use crate::transport::Closer;

/// The most plaintext that one write accepts, if the transport is fast enough.
const ROOM_MAX: usize = 128 << 10;
/// The least plaintext that one write accepts: one record. With a slow peer, progress is then
/// visible record by record, which stall deadlines need.
const ROOM_MIN: usize = 16 << 10;
/// The most writes to the transport within one call. A partial write may have blocked, and the
/// caller has to check its deadlines in between.
const WRITES_MAX: usize = 4;
/// A buffer with a larger capacity is freed as soon as it is empty.
const KEPT_CAPACITY: usize = 4 << 10;

/// The inner writer, and the ciphertext that it has not accepted yet.
///
/// The writing thread holds its lock while it writes. Others use `try_lock` to shut down our
/// direction.
pub(super) struct Outgoing<W> {
    writer: W,
    ciphertext: Vec<u8>,
    written: usize,
    /// How much plaintext the next write accepts.
    room: usize,
    /// Whether our direction has been shut down.
    finished: bool,
}

impl<W: Write> Outgoing<W> {
    pub(super) fn new(writer: W) -> Self {
        Outgoing { writer, ciphertext: Vec::new(), written: 0, room: ROOM_MIN, finished: false }
    }

    /// Accepts and encrypts plaintext, and writes it as far as the transport accepts it at once.
    /// Later calls write the rest.
    pub(super) fn write(&mut self, shared: &Shared, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        if shared.is_shut() {
            return Err(io::ErrorKind::BrokenPipe.into());
        }
        self.write_out()?;
        let taken = {
            let mut tls = shared.lock();
            let taken = encrypt(&mut tls, bufs, self.room)?;
            self.collect(&mut tls, taken)?;
            taken
        };
        match self.write_out() {
            Err(error) if !crate::transport::gave_up(&error) => Err(error),
            // Encrypted plaintext counts as written, since it cannot be taken back.
            _ => Ok(taken),
        }
    }

    /// Writes all pending ciphertext, including TLS's own records (tickets, key updates).
    pub(super) fn flush(&mut self, shared: &Shared) -> io::Result<()> {
        if !self.finished {
            self.write_out()?;
            self.collect(&mut shared.lock(), 0)?;
            self.write_out()?;
        }
        self.writer.flush()
    }

    /// Sends close_notify.
    fn finish(&mut self, shared: &Shared) -> io::Result<()> {
        self.write_out()?;
        let mut tls = shared.lock();
        // rustls sends it at most once, and not after a fatal alert.
        tls.send_close_notify();
        self.collect(&mut tls, 0)?;
        drop(tls);
        self.write_out()?;
        self.writer.flush()
    }

    /// Returns whether the transport has not accepted all ciphertext.
    fn is_stuck(&self) -> bool {
        !self.ciphertext.is_empty()
    }

    /// Moves pending records from the TLS connection to the buffer.
    fn collect(&mut self, tls: &mut Connection, plaintext: usize) -> io::Result<()> {
        if plaintext > 0 {
            // The header and tag of each record, and room for TLS's own records.
            self.ciphertext.reserve(plaintext + 32 * (2 + plaintext / ROOM_MIN));
        }
        while tls.wants_write() {
            tls.write_tls(&mut self.ciphertext)?;
        }
        Ok(())
    }

    /// Writes the buffered ciphertext.
    fn write_out(&mut self) -> io::Result<()> {
        let mut writes = 0;
        // In bounds: `written` counts octets of `ciphertext` that the writer has accepted.
        while self.written < self.ciphertext.len() {
            if writes == WRITES_MAX {
                self.room = ROOM_MIN;
                return Err(io::ErrorKind::Interrupted.into());
            }
            writes += 1;
            match self.writer.write(&self.ciphertext[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                // Guards against a writer that returns more than it was given.
                Ok(n) => self.written += n.min(self.ciphertext.len() - self.written),
                Err(error) => {
                    self.room = ROOM_MIN;
                    return Err(error);
                }
            }
        }
        if self.written > 0 {
            self.room = (self.room * 2).min(ROOM_MAX);
            self.written = 0;
            self.ciphertext.clear();
            if self.ciphertext.capacity() > KEPT_CAPACITY {
                // The next write allocates it again cheaply, and an idle connection keeps no
                // buffer.
                self.ciphertext = Vec::new();
            }
        }
        Ok(())
    }
}

/// Encrypts up to `room` octets of `bufs` as one stream: records may span buffers.
fn encrypt(tls: &mut Connection, bufs: &[IoSlice<'_>], room: usize) -> io::Result<usize> {
    let mut left = room;
    let whole = bufs.iter().take_while(|buf| {
        let fits = buf.len() <= left;
        left -= if fits { buf.len() } else { 0 };
        fits
    });
    let whole = whole.count();
    // `whole` ≤ `bufs.len()`
    let mut taken = 0;
    if room > left {
        taken = tls.writer().write_vectored(&bufs[..whole])?;
        if taken < room - left {
            return Ok(taken);
        }
    }
    // `left` octets of the next buffer still fit.
    match bufs.get(whole) {
        Some(buf) if left > 0 => Ok(taken + tls.writer().write(&buf[..left])?),
        _ => Ok(taken),
    }
}

pub(super) fn lock<W>(outgoing: &Mutex<Outgoing<W>>) -> MutexGuard<'_, Outgoing<W>> {
    // A writer that has panicked may be used again; its errors are then those of the writer.
    outgoing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Shuts down our direction, if requested and no thread is writing: sends close_notify, then shuts
/// down the transport's direction.
///
/// A thread that requests the shutdown calls this, and so does the writer after each use of the
/// lock. If the lock is taken, its holder performs the shutdown after unlocking.
pub(super) fn finish_if_asked<W: Write>(
    shared: &Shared,
    outgoing: &Mutex<Outgoing<W>>,
    closer: &Closer,
) -> io::Result<()> {
    if !shared.is_shut() {
        return Ok(());
    }
    let mut outgoing = match outgoing.try_lock() {
        Ok(outgoing) => outgoing,
        // The writer has panicked. Calling it again during the unwinding could panic twice, which
        // aborts the program.
        Err(TryLockError::Poisoned(poisoned)) => {
            let was_finished = std::mem::replace(&mut poisoned.into_inner().finished, true);
            return if was_finished { Ok(()) } else { closer.shutdown_write() };
        }
        Err(TryLockError::WouldBlock) => return Ok(()),
    };
    // Closing must not wait for a peer that does not read.
    if outgoing.finished || (shared.is_closed() && outgoing.is_stuck()) {
        return Ok(());
    }
    match outgoing.finish(shared) {
        // The peer does not read; the next call tries again.
        Err(error) if crate::transport::gave_up(&error) => Err(error),
        result => {
            outgoing.finished = true;
            result.and(closer.shutdown_write())
        }
    }
}
