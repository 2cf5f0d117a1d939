//! A wait for window.

use std::time::{Duration, Instant};

/// Octets of window that end a stall: a peer that grants less, in all the time that a stall may
/// last, is still stalling.
const STALL_ENDS: usize = 4 << 10;

/// A stream, or the connection, that waits for its window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stall {
    pub(super) since: Instant,
    /// Octets granted since then.
    credited: usize,
}

impl Stall {
    pub(super) fn new(since: Instant) -> Self {
        Stall { since, credited: 0 }
    }

    /// Adds what the peer grants. If that is enough, the stall is over, and is returned.
    pub(super) fn credit(stall: &mut Option<Stall>, octets: usize) -> Option<Stall> {
        let waiting = stall.as_mut()?;
        waiting.credited = waiting.credited.saturating_add(octets);
        stall.take_if(|stall| stall.credited >= STALL_ENDS)
    }

    pub(super) fn has_lasted(self, timeout: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= timeout
    }
}

/// The stalls of a connection: its own, and when to look for those of its streams.
#[derive(Debug)]
pub(super) struct Stalls {
    /// How long a stall may last.
    pub(super) timeout: Option<Duration>,
    /// Since when DATA has been waiting for the connection's window.
    pub(super) connection: Option<Stall>,
    /// When to look for streams that have stalled.
    pub(super) check: Option<Instant>,
    /// How long DATA has waited in sum.
    pub(super) waited: Duration,
}

impl Stalls {
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Stalls { timeout, connection: None, check: None, waited: Duration::ZERO }
    }

    /// One has begun.
    pub(super) fn begin(&mut self, now: Instant) -> Stall {
        let check = || self.timeout.and_then(|timeout| now.checked_add(timeout));
        self.check = self.check.or_else(check);
        Stall::new(now)
    }

    /// One has ended.
    pub(super) fn end(&mut self, stall: Stall, now: Instant) {
        self.waited += now.saturating_duration_since(stall.since);
    }
}
