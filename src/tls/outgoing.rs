//! Ciphertext on its way out, and the end of our direction.

use std::io::{self, IoSlice, Write};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use rustls::Connection;

use super::shared::Shared;
use crate::transport::Closer;

/// The most plaintext that one write takes, where the transport takes it as fast as it comes.
const MOST: usize = 128 << 10;
/// The least: one record. A slow peer then sees its records one by one, and whoever watches how a
/// write gets on (with a deadline for stalled ones) sees them too.
const LEAST: usize = 16 << 10;
/// So many writes of the transport go into one of ours. Each that does not take all may have waited,
/// and whoever writes is to look at its deadlines now and then.
const PATIENCE: usize = 4;
/// A buffer that has grown beyond this is given back as soon as it is empty.
const KEPT: usize = 4 << 10;

/// The inner writer, and ciphertext that it has not taken yet.
///
/// Locked by the writing thread while it writes; whoever else ends our direction only tries.
pub(super) struct Outgoing<W> {
    writer: W,
    ciphertext: Vec<u8>,
    written: usize,
    /// How much plaintext the next write takes.
    room: usize,
    /// Nothing more is written.
    finished: bool,
}

impl<W: Write> Outgoing<W> {
    pub(super) fn new(writer: W) -> Self {
        Outgoing { writer, ciphertext: Vec::new(), written: 0, room: LEAST, finished: false }
    }

    /// Takes plaintext, and writes it if the transport can take it at once. What has been taken is
    /// written by later calls otherwise.
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
            // Once it is encrypted, it counts as written: it cannot be taken back.
            _ => Ok(taken),
        }
    }

    /// Writes all that is there, records of the connection's own (tickets, new keys) included.
    pub(super) fn flush(&mut self, shared: &Shared) -> io::Result<()> {
        if !self.finished {
            self.write_out()?;
            self.collect(&mut shared.lock(), 0)?;
            self.write_out()?;
        }
        self.writer.flush()
    }

    /// Tells the peer that nothing more comes.
    fn finish(&mut self, shared: &Shared) -> io::Result<()> {
        self.write_out()?;
        let mut tls = shared.lock();
        // Once only, and not after a fatal alert: rustls sees to both.
        tls.send_close_notify();
        self.collect(&mut tls, 0)?;
        drop(tls);
        self.write_out()?;
        self.writer.flush()
    }

    /// Whether the transport has not taken all that it was given.
    fn is_stuck(&self) -> bool {
        !self.ciphertext.is_empty()
    }

    /// Moves records out of the connection.
    fn collect(&mut self, tls: &mut Connection, plaintext: usize) -> io::Result<()> {
        if plaintext > 0 {
            // Head and tag of each record, and something for others.
            self.ciphertext.reserve(plaintext + 32 * (2 + plaintext / LEAST));
        }
        while tls.wants_write() {
            tls.write_tls(&mut self.ciphertext)?;
        }
        Ok(())
    }

    /// Writes the ciphertext that is there.
    fn write_out(&mut self) -> io::Result<()> {
        let mut writes = 0;
        // `written` counts octets of `ciphertext` that the writer has taken.
        while self.written < self.ciphertext.len() {
            if writes == PATIENCE {
                self.room = LEAST;
                return Err(io::ErrorKind::Interrupted.into());
            }
            writes += 1;
            match self.writer.write(&self.ciphertext[self.written..]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                // A writer that says more than it was given has its number cut.
                Ok(n) => self.written += n.min(self.ciphertext.len() - self.written),
                Err(error) => {
                    self.room = LEAST;
                    return Err(error);
                }
            }
        }
        if self.written > 0 {
            self.room = (self.room * 2).min(MOST);
            self.written = 0;
            self.ciphertext.clear();
            if self.ciphertext.capacity() > KEPT {
                // The allocator has it back at once while data flows, and an idle connection
                // holds nothing.
                self.ciphertext = Vec::new();
            }
        }
        Ok(())
    }
}

/// Encrypts up to `room` octets of `bufs`, as one stream: records do not end where buffers end.
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
    // Of the buffer that does not fit, `left` octets do.
    match bufs.get(whole) {
        Some(buf) if left > 0 => Ok(taken + tls.writer().write(&buf[..left])?),
        _ => Ok(taken),
    }
}

pub(super) fn lock<W>(outgoing: &Mutex<Outgoing<W>>) -> MutexGuard<'_, Outgoing<W>> {
    // A writer that panicked is not asked again by a sane caller; if it is, that is its affair.
    outgoing.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Ends our direction if that has been asked for and nobody is writing: close_notify, then the end
/// of the transport's direction.
///
/// Whoever asks, calls this; and the writer calls it after each time that it held the lock. So one
/// of them does it: if the lock cannot be had here, its holder looks after unlocking it.
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
        // The writer has panicked. To ask it once more would abort the program, should it panic again
        // while that panic is under way.
        Err(TryLockError::Poisoned(poisoned)) => {
            let was_finished = std::mem::replace(&mut poisoned.into_inner().finished, true);
            return if was_finished { Ok(()) } else { closer.shutdown_write() };
        }
        Err(TryLockError::WouldBlock) => return Ok(()),
    };
    // Who closes does not wait for a peer that does not read.
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
