//! The write buffer of a connection.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::frame::ErrorCode;
use crate::proto::{Connection, ConnectionError, GRACE, LATE, Transmit};

/// The size of a batch in octets: many frames share a system call, and other threads need not wait
/// long for their turn.
const WRITE_SIZE: usize = 256 << 10;

/// The size of a batch if the transport accepts it [at once](AT_ONCE_MAX). The larger batch costs a
/// quarter less.
const WRITE_SIZE_MAX: usize = 1 << 20;

/// A write of at most this duration counts as "at once"; one of ten times that counts as slow.
const AT_ONCE_MAX: Duration = Duration::from_millis(2);

/// A peer that accepts less than this within `stall_timeout`, in octets, makes no progress.
const STALL_PROGRESS_MIN: usize = 4 << 10;

/// Octets that were taken from the core but not written yet.
#[derive(Debug)]
pub(crate) struct WriteBuffer {
    out: Transmit,
    /// The size of the next batch in octets.
    batch: usize,
    /// The time of the last batch, and whether the core had enough to fill it.
    taken: Option<(Instant, bool)>,
    /// Whether the writer may have buffered octets.
    unflushed: bool,
    /// The time since which fewer than [`STALL_PROGRESS_MIN`] octets have been accepted.
    stalled_since: Instant,
    progress: usize,
    /// The end of a grace period, granted after no thread has checked for a while.
    grace_until: Option<Instant>,
}

impl WriteBuffer {
    pub(crate) fn new() -> Self {
        WriteBuffer {
            out: Transmit::new(),
            batch: WRITE_SIZE,
            taken: None,
            unflushed: false,
            stalled_since: Instant::now(),
            progress: 0,
            grace_until: None,
        }
    }

    /// Returns whether everything has been written.
    pub(crate) fn is_done(&self) -> bool {
        self.out.is_empty() && !self.unflushed
    }

    /// Writes once, and flushes after the last octet.
    pub(crate) fn write_once(&mut self, writer: &mut impl Write) -> io::Result<()> {
        if !self.out.is_empty() {
            self.progress += self.out.write_to(writer)?;
            self.unflushed = true;
        }
        if self.out.is_empty() {
            // Only buffering writers have something to flush.
            writer.flush()?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Takes the next batch, once everything has been written. Returns whether there was any.
    pub(crate) fn take(&mut self, core: &mut Connection, now: Instant) -> bool {
        if let Some((began, true)) = self.taken {
            self.batch = next_batch(self.batch, now.saturating_duration_since(began));
        }
        let has_any = core.poll_transmit(now, &mut self.out, self.batch);
        self.taken = Some((now, self.out.len() >= self.batch));
        self.start(now);
        has_any
    }

    fn start(&mut self, now: Instant) {
        self.stalled_since = now;
        self.progress = 0;
        self.grace_until = None;
    }

    /// Returns the time since which the peer has made no progress.
    fn stalled_since(&mut self, now: Instant) -> Instant {
        if self.progress >= STALL_PROGRESS_MIN {
            self.start(now);
        }
        self.stalled_since
    }

    /// Ends the connection if its peer makes no progress for too long. Returns whether it did.
    pub(crate) fn end_if_stalled(&mut self, core: &mut Connection, now: Instant) -> bool {
        let limit = core.config().stall_timeout.filter(|_| !self.is_done());
        let Some(limit) = limit else { return false };
        let stalled = now.saturating_duration_since(self.stalled_since(now));
        if stalled.saturating_sub(limit) > LATE && self.grace_until.is_none() {
            // The machine or this thread was suspended, and the peer may have read in the meantime.
            self.grace_until = now.checked_add(GRACE);
        }
        let is_stalled = stalled >= limit && self.grace_until.is_none_or(|until| until <= now);
        if is_stalled {
            let what = "a write made no progress in time";
            core.abort(ConnectionError::timeout(ErrorCode::NoError, what));
        }
        is_stalled
    }

    pub(crate) fn clear(&mut self) {
        self.out.clear();
        self.unflushed = false;
    }
}

/// Returns the size of the next batch, given the size and duration of the last one.
fn next_batch(batch: usize, took: Duration) -> usize {
    if took < AT_ONCE_MAX {
        (batch * 2).min(WRITE_SIZE_MAX)
    } else if took < AT_ONCE_MAX * 10 {
        batch
    } else {
        WRITE_SIZE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fast_transport_gets_larger_batches_up_to_a_limit() {
        let at_once = Duration::from_millis(1);
        assert_eq!(next_batch(WRITE_SIZE, at_once), 2 * WRITE_SIZE);
        assert_eq!(next_batch(WRITE_SIZE_MAX, at_once), WRITE_SIZE_MAX);
    }

    #[test]
    fn a_slow_transport_gets_the_smallest_batch() {
        assert_eq!(next_batch(WRITE_SIZE_MAX, AT_ONCE_MAX * 2), WRITE_SIZE_MAX);
        assert_eq!(next_batch(WRITE_SIZE_MAX, AT_ONCE_MAX * 10), WRITE_SIZE);
    }
}
