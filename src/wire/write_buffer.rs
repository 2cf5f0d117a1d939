//! What is written next, and how the transport takes it.

use std::io::{self, Write};
use std::time::{Duration, Instant};

use crate::frame::ErrorCode;
use crate::proto::{Connection, ConnectionError, Transmit, GRACE, LATE};

/// How much one write is given: many frames share a system call, and others need not wait long for
/// their turn.
const WRITE_SIZE: usize = 256 << 10;

/// How much one write is given where the transport takes it [at once](AT_ONCE_MAX): four times as
/// much costs a quarter less.
const WRITE_SIZE_MAX: usize = 1 << 20;

/// A write that takes no longer was taken at once, and one of ten times that is slow.
const AT_ONCE_MAX: Duration = Duration::from_millis(2);

/// A peer that takes less than this within `stall_timeout` makes no progress.
const STALL_PROGRESS_MIN: usize = 4 << 10;

/// Octets taken from the core and not yet written.
#[derive(Debug)]
pub(crate) struct WriteBuffer {
    out: Transmit,
    /// How much is taken from the core at a time.
    batch: usize,
    /// When that was done last, and whether the core had that much.
    taken: Option<(Instant, bool)>,
    /// The writer may hold octets in a buffer of its own.
    unflushed: bool,
    /// Since when fewer than [`STALL_PROGRESS`] octets have been taken.
    stalled_since: Instant,
    progress: usize,
    /// No thread has checked for a while, so the peer has until then.
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

    /// Whether all has been written.
    pub(crate) fn is_done(&self) -> bool {
        self.out.is_empty() && !self.unflushed
    }

    /// One write, and a flush behind the last octet.
    pub(crate) fn write_once(&mut self, writer: &mut impl Write) -> io::Result<()> {
        if !self.out.is_empty() {
            self.progress += self.out.write_to(writer)?;
            self.unflushed = true;
        }
        if self.out.is_empty() {
            // Most writers have nothing to flush; a buffered one has.
            writer.flush()?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Takes what is to be written next, when all has been written. Says whether there was any.
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

    /// Since when the peer has taken next to nothing.
    fn stalled_since(&mut self, now: Instant) -> Instant {
        if self.progress >= STALL_PROGRESS_MIN {
            self.start(now);
        }
        self.stalled_since
    }

    /// Ends a connection whose peer takes next to nothing for too long. Says whether that is so.
    pub(crate) fn end_if_stalled(&mut self, core: &mut Connection, now: Instant) -> bool {
        let limit = core.config().stall_timeout.filter(|_| !self.is_done());
        let Some(limit) = limit else { return false };
        let stalled = now.saturating_duration_since(self.stalled_since(now));
        if stalled.saturating_sub(limit) > LATE && self.grace_until.is_none() {
            // The machine has slept, or this thread has: the peer may have read meanwhile.
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

/// How much the next write is given, after one that was given so much and took so long.
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
    fn a_transport_that_takes_all_at_once_is_given_more_up_to_a_bound() {
        let at_once = Duration::from_millis(1);
        assert_eq!(next_batch(WRITE_SIZE, at_once), 2 * WRITE_SIZE);
        assert_eq!(next_batch(WRITE_SIZE_MAX, at_once), WRITE_SIZE_MAX);
    }

    #[test]
    fn one_that_takes_its_time_is_given_as_little_as_at_first() {
        assert_eq!(next_batch(WRITE_SIZE_MAX, AT_ONCE_MAX * 2), WRITE_SIZE_MAX);
        assert_eq!(next_batch(WRITE_SIZE_MAX, AT_ONCE_MAX * 10), WRITE_SIZE);
    }
}
