//! A wait for window, which the stall timeout bounds.

use std::time::{Duration, Instant};

/// Octets of window that end a stall: a peer that grants less within the stall timeout is still
/// stalling.
const STALL_ENDS: usize = 4 << 10;

/// The stall of a stream or of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Stall {
    pub(super) since: Instant,
    /// Octets granted since it began.
    credited: usize,
}

impl Stall {
    pub(super) fn new(since: Instant) -> Self {
        Stall { since, credited: 0 }
    }

    /// Adds granted octets. Returns the stall if they end it.
    pub(super) fn credit(stall: &mut Option<Stall>, octets: usize) -> Option<Stall> {
        let waiting = stall.as_mut()?;
        waiting.credited = waiting.credited.saturating_add(octets);
        stall.take_if(|stall| stall.credited >= STALL_ENDS)
    }

    pub(super) fn has_lasted(self, timeout: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= timeout
    }
}

/// The stall of the connection, and when to check those of its streams.
#[derive(Debug)]
pub(super) struct Stalls {
    /// The stall timeout.
    pub(super) timeout: Option<Duration>,
    /// The stall of DATA that waits for the connection's window.
    pub(super) connection: Option<Stall>,
    /// When to check the streams for stalls.
    pub(super) check: Option<Instant>,
    /// The total time that DATA has waited.
    pub(super) waited: Duration,
}

impl Stalls {
    pub(super) fn new(timeout: Option<Duration>) -> Self {
        Stalls { timeout, connection: None, check: None, waited: Duration::ZERO }
    }

    /// Begins a stall.
    pub(super) fn begin(&mut self, now: Instant) -> Stall {
        let check = || self.timeout.and_then(|timeout| now.checked_add(timeout));
        self.check = self.check.or_else(check);
        Stall::new(now)
    }

    /// Ends a stall.
    pub(super) fn end(&mut self, stall: Stall, now: Instant) {
        self.waited += now.saturating_duration_since(stall.since);
    }
}
