//! The deadlines of a connection.

use std::time::{Duration, Instant};

use super::config::Config;

/// A caller that comes this much after a deadline has not read for as long …
const LATE: Duration = Duration::from_secs(1);
/// … and this much longer the peer gets.
const GRACE: Duration = Duration::from_secs(1);

/// The deadlines of a connection.
#[derive(Debug)]
pub(super) struct Timers {
    ping_interval: Option<Duration>,
    ping_timeout: Duration,
    close_timeout: Duration,
    /// When the latest octet arrived.
    heard: Instant,
    /// When the time for an answer to a PING ends.
    ping_until: Option<Instant>,
    /// The PING had not been transmitted when the deadline was set.
    was_ping_waiting: bool,
    /// When the time for the peer's Close frame ends.
    close_until: Option<Instant>,
}

/// A deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// A PING is due.
    Interval,
    /// No octet arrived after a PING.
    Ping,
    /// No Close frame arrived.
    Close,
}

impl Timers {
    pub(super) fn new(config: &Config, now: Instant) -> Self {
        Timers {
            ping_interval: config.ping_interval,
            ping_timeout: config.ping_timeout,
            close_timeout: config.close_timeout,
            heard: now,
            ping_until: None,
            was_ping_waiting: false,
            close_until: None,
        }
    }

    /// Notes that octets have arrived, so the peer is alive.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.ping_until = None;
    }

    /// Notes that a Close frame has been queued. No further PING is due.
    pub(super) fn closing(&mut self, now: Instant) {
        self.ping_interval = None;
        self.ping_until = None;
        self.close_until = now.checked_add(self.close_timeout);
    }

    pub(super) fn next(&self) -> Option<Instant> {
        self.close_until.or(self.ping_until).or_else(|| self.ping_at())
    }

    fn ping_at(&self) -> Option<Instant> {
        self.ping_interval.and_then(|interval| self.heard.checked_add(interval))
    }

    /// Returns the deadline that has passed, if any. `is_ping_waiting` means a PING is still
    /// queued.
    pub(super) fn expired(&mut self, now: Instant, is_ping_waiting: bool) -> Option<Expired> {
        if let Some(until) = self.close_until {
            return (until <= now).then_some(Expired::Close);
        }
        if let Some(until) = self.ping_until.as_mut() {
            if now.saturating_duration_since(*until) > LATE {
                // The answer may be in the transport, unread.
                *until = now.checked_add(GRACE)?;
            }
            if *until > now {
                return None;
            }
            // A PING queued behind a large message cannot be answered yet: restart its time.
            if std::mem::replace(&mut self.was_ping_waiting, is_ping_waiting) || is_ping_waiting {
                *until = now.checked_add(self.ping_timeout)?;
                return None;
            }
            return Some(Expired::Ping);
        }
        if self.ping_at()? > now {
            return None;
        }
        self.ping_until = now.checked_add(self.ping_timeout);
        self.was_ping_waiting = false;
        Some(Expired::Interval)
    }
}
