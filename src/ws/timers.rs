//! What each deadline counts from.

use std::time::{Duration, Instant};

use super::config::Config;

/// A caller that comes this much after a deadline has not read for as long …
const LATE: Duration = Duration::from_secs(1);
/// … and this much longer the peer gets.
const GRACE: Duration = Duration::from_secs(1);

/// The deadlines of one connection.
#[derive(Debug)]
pub(super) struct Timers {
    ping_interval: Option<Duration>,
    ping_timeout: Duration,
    close_timeout: Duration,
    /// When an octet has come last.
    heard: Instant,
    /// When the peer has to have sent something after a PING.
    ping_until: Option<Instant>,
    /// The PING had not gone out when that was set.
    was_ping_waiting: bool,
    /// When the peer's Close frame has to be there.
    close_until: Option<Instant>,
}

/// A deadline that has passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expired {
    /// It is time for a PING.
    Interval,
    /// Nothing has come after a PING.
    Ping,
    /// No Close frame has come.
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

    /// Octets have come: the peer is alive.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.ping_until = None;
    }

    /// A Close frame has been queued. No PING goes out any more.
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

    /// The deadline that has passed, if one has. `is_ping_waiting`: a PING has not gone out yet.
    pub(super) fn expired(&mut self, now: Instant, is_ping_waiting: bool) -> Option<Expired> {
        if let Some(until) = self.close_until {
            return (until <= now).then_some(Expired::Close);
        }
        if let Some(until) = self.ping_until.as_mut() {
            if now.saturating_duration_since(*until) > LATE {
                // The answer may lie in the transport.
                *until = now.checked_add(GRACE)?;
            }
            if *until > now {
                return None;
            }
            // A PING that waits behind a large message cannot be answered: the time begins anew.
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
