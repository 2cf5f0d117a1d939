//! Deadlines. The core has no clock: the driver asks when to come back, and says what time it is.
//!
//! The time may do what it likes. Where it stands still or goes back, nothing is due. Where it jumps
//! ahead (a machine that was suspended, a process that was stopped), all deadlines have passed at
//! once, but nobody has read meanwhile: what the peer has sent in time may lie unread in the transport,
//! and its WINDOW_UPDATE or acknowledgement with it. So a driver that comes late is told to come again
//! a second later, and only what is overdue then has its consequences.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config::Role;
use super::connection::Connection;
use super::error::ConnectionError;
use super::event::{CloseReason, Event, ResetBy};
use super::stream::Stall;
use crate::frame::{ErrorCode, Ping};

/// Between two keepalive PINGs, whatever is asked for: some servers cut who pings more often.
const MIN_KEEPALIVE: Duration = Duration::from_secs(10);

/// A graceful shutdown waits this long for the answer to its PING before it goes on.
const SHUTDOWN_ROUND_TRIP: Duration = Duration::from_secs(1);

/// So long a client may go on with a request that nobody reads, after the response is complete.
const UNREAD_REQUEST: Duration = Duration::from_secs(1);

/// A driver that comes so late has not read for as long …
pub(crate) const LATE: Duration = Duration::from_secs(1);
/// … and so much longer the peer gets.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long the peer has to close after its GOAWAY, once no stream is left.
const AFTER_GOAWAY: Duration = Duration::from_secs(1);

/// A PING of ours that waits for its answer.
#[derive(Debug)]
pub(super) struct OwnPing {
    pub(super) payload: [u8; 8],
    pub(super) queued: Instant,
    pub(super) purpose: PingPurpose,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum PingPurpose {
    Application,
    Keepalive,
    Shutdown,
}

/// A deadline that passed while nobody looked, and when it is to have its consequences.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grace {
    deadline: Instant,
    until: Instant,
}

/// How far a graceful shutdown has come.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shutdown {
    /// The peer has been warned; its streams are still accepted.
    Warned { since: Instant },
    /// The last identifier is announced; when no stream is left, the connection ends.
    Draining,
}

impl Connection {
    /// When [`handle_timeout`](Self::handle_timeout) has something to do, unless something else
    /// happens before. Ask again after every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.closed.is_some() {
            return None;
        }
        let deadline = self.next_deadline()?;
        let grace = self.grace.filter(|grace| grace.deadline == deadline);
        Some(grace.map_or(deadline, |grace| grace.until))
    }

    fn next_deadline(&self) -> Option<Instant> {
        [
            self.handshake_deadline(),
            self.local.deadline(self.config.settings_timeout),
            self.block_deadline(),
            self.frame_deadline(),
            self.ping_deadline(),
            self.keepalive_due(),
            self.idle_deadline(),
            self.next_stall_check,
            self.reservation_deadline(),
            self.shutdown_deadline(),
            self.drain_deadline(),
            self.declined_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Does what is due at `now`. Calling it early or often is harmless. Calling it more than a second
    /// late gives the peer another second: have what it has sent meanwhile
    /// [received](Self::receive).
    ///
    /// # Errors
    ///
    /// If the connection has to end, as with [`receive`](Self::receive).
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ConnectionError> {
        if let Some(CloseReason::Error(error)) = &self.closed {
            return Err(error.clone());
        }
        if self.closed.is_some() {
            return Ok(());
        }
        if self.comes_late(now) {
            return Ok(());
        }
        self.run_deadlines(now).map_err(|error| self.fail(error))
    }

    /// Whether the peer is to have another moment, since we were not there. It has one for each
    /// deadline, not one after the other.
    fn comes_late(&mut self, now: Instant) -> bool {
        let Some(deadline) = self.next_deadline() else { return false };
        if let Some(grace) = self.grace.filter(|grace| grace.deadline == deadline) {
            return now < grace.until;
        }
        let is_late = now.saturating_duration_since(deadline) > LATE;
        let until = now.checked_add(GRACE).filter(|_| is_late);
        self.grace = until.map(|until| Grace { deadline, until });
        self.grace.is_some()
    }

    fn run_deadlines(&mut self, now: Instant) -> Result<(), ConnectionError> {
        let is_due = |deadline: Option<Instant>| deadline.is_some_and(|deadline| deadline <= now);
        let overdue = |code, what| Err(ConnectionError::timeout(code, what));
        if is_due(self.handshake_deadline()) {
            return overdue(ErrorCode::SettingsTimeout, "no preface and SETTINGS in time");
        }
        if is_due(self.local.deadline(self.config.settings_timeout)) {
            // RFC 9113, Section 6.5.3.
            return overdue(ErrorCode::SettingsTimeout, "SETTINGS were not acknowledged in time");
        }
        if is_due(self.block_deadline()) {
            return overdue(ErrorCode::EnhanceYourCalm, "a field block did not end in time");
        }
        if is_due(self.frame_deadline()) {
            return overdue(ErrorCode::EnhanceYourCalm, "a frame did not end in time");
        }
        if is_due(self.ping_deadline()) {
            return overdue(ErrorCode::NoError, "PING was not answered in time");
        }
        if is_due(self.idle_deadline()) {
            return overdue(ErrorCode::NoError, "the connection was idle for too long");
        }
        if is_due(self.keepalive_due()) {
            self.queue_ping(PingPurpose::Keepalive, now);
        }
        if is_due(self.next_stall_check) {
            self.check_stalls(now)?;
        }
        if is_due(self.reservation_deadline()) {
            self.open_waiting(now);
        }
        if is_due(self.shutdown_deadline()) {
            self.finish_shutdown();
        }
        while is_due(self.declined_deadline()) {
            let Some((_, id)) = self.declined.pop_front() else { break };
            if self.streams.get(id).is_some() {
                self.reset_stream(id, ErrorCode::NoError, now);
            }
        }
        // What was done so far may have been the end.
        if self.closed.is_none() && is_due(self.drain_deadline()) {
            self.end_after_goaway();
        }
        Ok(())
    }

    fn handshake_deadline(&self) -> Option<Instant> {
        if self.greeted {
            return None;
        }
        self.started.checked_add(self.config.handshake_timeout?)
    }

    fn block_deadline(&self) -> Option<Instant> {
        self.block_since?.checked_add(self.config.header_timeout?)
    }

    /// A peer that sends the head of a frame and not the rest, or its octets one by one, would have us
    /// wait for ever, and keep the read buffer for it.
    fn frame_deadline(&self) -> Option<Instant> {
        self.frame_since?.checked_add(self.config.header_timeout?)
    }

    /// Counted from when the PING was *queued*: a connection that cannot write times out too.
    fn ping_deadline(&self) -> Option<Instant> {
        let oldest = self.pings.iter().find(|ping| ping.purpose != PingPurpose::Shutdown)?;
        oldest.queued.checked_add(self.config.keepalive_timeout)
    }

    fn keepalive_due(&self) -> Option<Instant> {
        let interval = self.config.keepalive_interval?.max(MIN_KEEPALIVE);
        let waiting = self.pings.iter().any(|ping| ping.purpose == PingPurpose::Keepalive);
        (!waiting).then(|| self.heard.checked_add(interval))?
    }

    fn idle_deadline(&self) -> Option<Instant> {
        if self.role == Role::Client || !self.greeted || !self.streams.is_empty() {
            return None;
        }
        self.idle_since.checked_add(self.config.idle_timeout?)
    }

    fn shutdown_deadline(&self) -> Option<Instant> {
        match self.shutdown? {
            Shutdown::Warned { since } => since.checked_add(SHUTDOWN_ROUND_TRIP),
            Shutdown::Draining => None,
        }
    }

    /// The peer goes away and no stream is left: it is for the peer to close, since it may have a
    /// PING or another GOAWAY to send; but not for ever.
    fn drain_deadline(&self) -> Option<Instant> {
        let goaway = self.goaway_received.as_ref()?;
        let since = self.idle_since.max(goaway.at);
        self.streams.is_empty().then(|| since.checked_add(AFTER_GOAWAY))?
    }

    fn declined_deadline(&self) -> Option<Instant> {
        self.declined.front()?.0.checked_add(UNREAD_REQUEST)
    }

    pub(super) fn queue_ping(&mut self, purpose: PingPurpose, now: Instant) -> [u8; 8] {
        let payload = self.next_ping.to_be_bytes();
        self.next_ping += 1;
        self.pings.push_back(OwnPing { payload, queued: now, purpose });
        self.queue(Ping { ack: false, payload });
        payload
    }

    /// The second step of a server's graceful shutdown: all streams that were on their way when
    /// the warning went out have arrived.
    pub(super) fn finish_shutdown(&mut self) {
        if let Some(Shutdown::Warned { .. }) = self.shutdown {
            self.shutdown = Some(Shutdown::Draining);
            self.queue_goaway(self.last_processed, ErrorCode::NoError, Bytes::new());
            self.end_when_drained();
        }
    }

    /// A stream or the connection has begun to wait for its window.
    pub(super) fn watch_stalls(&mut self, now: Instant) {
        if self.next_stall_check.is_none() {
            self.next_stall_check =
                self.config.stall_timeout.and_then(|timeout| now.checked_add(timeout));
        }
    }

    /// Resets the streams whose window has stayed shut, or all but shut, for too long.
    fn check_stalls(&mut self, now: Instant) -> Result<(), ConnectionError> {
        self.next_stall_check = None;
        let Some(timeout) = self.config.stall_timeout else { return Ok(()) };
        let expired = |stall: Stall| now.saturating_duration_since(stall.since) >= timeout;
        if self.stall.is_some_and(expired) {
            return Err(ConnectionError::timeout(
                ErrorCode::EnhanceYourCalm,
                "the connection's window stayed shut while DATA waited",
            ));
        }
        for id in self.streams.ids(|stream| stream.send.stall.is_some_and(expired)) {
            log::debug!("stream {id} is reset: its window stayed shut while DATA waited");
            let code = ErrorCode::Cancel;
            let by = ResetBy::Stall;
            let (retry_safe, detail) = (false, None);
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe, detail });
            self.reset_stream(id, code, now);
        }
        let waiting = self.streams.iter_mut().filter_map(|stream| stream.send.stall);
        let oldest = waiting.chain(self.stall).map(|stall| stall.since).min();
        self.next_stall_check = oldest.and_then(|since| since.checked_add(timeout));
        Ok(())
    }

    pub(super) fn stall_ended(&mut self, stall: Stall, now: Instant) {
        self.stats.blocked_on_windows += now.saturating_duration_since(stall.since);
    }
}
