//! Deadlines. The core has no clock: the driver asks for the next deadline and passes the time in.
//!
//! The clock may behave arbitrarily. If it stops or goes back, nothing is due. If it jumps ahead (a
//! suspended machine, a stopped process), all deadlines have passed at once, but no input was read
//! meanwhile: what the peer sent in time, such as a WINDOW_UPDATE or an acknowledgment, may be
//! unread in the transport. A late driver is therefore told to return a second later, and only
//! deadlines still expired then take effect.

use std::time::{Duration, Instant};

use bytes::Bytes;

use super::config::Role;
use super::connection::{Connection, Shutdown};
use super::content::Content;
use super::deadlines::{Deadline, PingPurpose};
use super::error::ConnectionError;
use super::event::{CloseReason, Event, ResetBy};
use crate::frame::{ErrorCode, Ping};
use crate::logging;

/// The minimum interval between keepalive PINGs: some servers disconnect clients that send more.
const MIN_KEEPALIVE: Duration = Duration::from_secs(10);

/// How long a graceful shutdown waits for the acknowledgment of its PING.
const SHUTDOWN_ROUND_TRIP: Duration = Duration::from_secs(1);

/// A driver this late has not read input for that long …
pub(crate) const LATE: Duration = Duration::from_secs(1);
/// … and the deadline is extended by this.
pub(crate) const GRACE: Duration = Duration::from_secs(1);

/// How long a server has to close the connection after its GOAWAY, once no stream is left.
const AFTER_GOAWAY: Duration = Duration::from_secs(1);

/// The same for a client, which may still be reading its last responses: what it sends to a socket that
/// we have closed would make the system discard them.
const AFTER_GOAWAY_OF_CLIENT: Duration = Duration::from_secs(30);

impl Connection {
    /// Returns when to call [`handle_timeout`](Self::handle_timeout), unless another call comes
    /// first. Every other call may change it.
    pub fn poll_timeout(&self) -> Option<Instant> {
        if self.ending.closed.is_some() {
            return None;
        }
        self.next_deadline().map(|deadline| self.deadlines.with_grace(deadline))
    }

    fn next_deadline(&self) -> Option<Instant> {
        Deadline::ALL.into_iter().filter_map(|deadline| self.instant(deadline)).min()
    }

    /// Handles the deadlines that have passed at `now`. Calling it early or often is harmless.
    /// Calling it more than a second late gives the peer another second: read and
    /// [`receive`](Self::receive) what it has sent meanwhile.
    ///
    /// # Errors
    ///
    /// The connection must end, as with [`receive`](Self::receive).
    pub fn handle_timeout(&mut self, now: Instant) -> Result<(), ConnectionError> {
        if let Some(CloseReason::Error(error)) = &self.ending.closed {
            return Err(error.clone());
        }
        if self.ending.closed.is_some() {
            return Ok(());
        }
        let next = self.next_deadline();
        if next.is_some_and(|next| self.deadlines.is_grace(next, LATE, GRACE, now)) {
            return Ok(());
        }
        self.run_deadlines(now).map_err(|error| self.fail(error))
    }

    fn run_deadlines(&mut self, now: Instant) -> Result<(), ConnectionError> {
        for deadline in Deadline::ALL {
            // An earlier one may have ended the connection.
            let is_due = self.instant(deadline).is_some_and(|instant| instant <= now);
            if is_due && self.ending.closed.is_none() {
                self.expire(deadline, now)?;
            }
        }
        Ok(())
    }

    /// Returns when a deadline passes, if it is set.
    fn instant(&self, deadline: Deadline) -> Option<Instant> {
        let (deadlines, config) = (&self.deadlines, &self.config);
        match deadline {
            Deadline::Handshake if self.input.greeted => None,
            Deadline::Handshake => deadlines.handshake(config.handshake_timeout),
            Deadline::SettingsAck => {
                let sent = self.local.unacknowledged_since()?;
                deadlines.settings_ack(sent, config.settings_timeout)
            }
            Deadline::FieldBlock => deadlines.field_block(config.header_timeout),
            Deadline::Frame => deadlines.frame(config.header_timeout),
            Deadline::Ping => deadlines.ping(config.keepalive_timeout),
            Deadline::Keepalive => {
                deadlines.keepalive(config.keepalive_interval?.max(MIN_KEEPALIVE))
            }
            Deadline::Idle => {
                let is_idle =
                    self.role == Role::Server && self.input.greeted && self.streams.is_empty();
                is_idle.then(|| deadlines.idle(config.idle_timeout))?
            }
            Deadline::Stall => self.outgoing.stall_deadline(),
            Deadline::Reservation => self.reservation_deadline(),
            Deadline::Shutdown => match self.ending.shutdown? {
                Shutdown::Warned { since } => since.checked_add(SHUTDOWN_ROUND_TRIP),
                Shutdown::Draining => None,
            },
            Deadline::Declined => deadlines.declined(),
            // The peer should close, since it may have a PING or another GOAWAY to send; but this
            // wait is bounded.
            Deadline::Drain => {
                let goaway = self.ending.goaway_received.as_ref()?;
                let time = match self.role {
                    Role::Client => AFTER_GOAWAY,
                    Role::Server => AFTER_GOAWAY_OF_CLIENT,
                };
                self.streams.is_empty().then(|| deadlines.drain(goaway.at, time))?
            }
        }
    }

    /// Applies the effect of an expired deadline.
    fn expire(&mut self, deadline: Deadline, now: Instant) -> Result<(), ConnectionError> {
        let overdue = |code, what| Err(ConnectionError::timeout(code, what));
        match deadline {
            Deadline::Handshake => {
                return overdue(ErrorCode::SettingsTimeout, "no preface and SETTINGS in time");
            }
            // RFC 9113, Section 6.5.3.
            Deadline::SettingsAck => {
                let what = "SETTINGS were not acknowledged in time";
                return overdue(ErrorCode::SettingsTimeout, what);
            }
            Deadline::FieldBlock => {
                return overdue(ErrorCode::EnhanceYourCalm, "a field block did not end in time");
            }
            Deadline::Frame => {
                return overdue(ErrorCode::EnhanceYourCalm, "a frame did not end in time");
            }
            Deadline::Ping => {
                return overdue(ErrorCode::NoError, "PING was not answered in time");
            }
            Deadline::Idle => {
                return overdue(ErrorCode::NoError, "the connection was idle for too long");
            }
            Deadline::Keepalive => _ = self.queue_ping(PingPurpose::Keepalive, now),
            Deadline::Stall => self.check_stalls(now)?,
            Deadline::Reservation => self.open_ready(now),
            Deadline::Shutdown => self.finish_shutdown(),
            Deadline::Declined => {
                while let Some(declined) = self.deadlines.next_declined(now) {
                    let id = declined.id;
                    let Some(stream) = self.streams.get(id) else { continue };
                    let last_data = stream.recv.last_data;
                    // Octets of a tunnel are not a request that its client may want to finish.
                    let goes_on = stream.recv.content != Content::Tunnel
                        && self.deadlines.continue_declined(declined, last_data, now);
                    if !goes_on {
                        self.reset_stream(id, ErrorCode::NoError, now);
                    }
                }
            }
            Deadline::Drain => self.end_after_goaway(),
        }
        Ok(())
    }

    pub(super) fn queue_ping(&mut self, purpose: PingPurpose, now: Instant) -> [u8; 8] {
        let payload = self.deadlines.add_ping(purpose, now);
        self.queue(Ping { ack: false, payload });
        payload
    }

    /// The second step of a server's graceful shutdown: all streams that were in flight when the
    /// warning was sent have arrived.
    pub(super) fn finish_shutdown(&mut self) {
        if let Some(Shutdown::Warned { .. }) = self.ending.shutdown {
            self.ending.shutdown = Some(Shutdown::Draining);
            self.queue_goaway(self.ending.last_processed, ErrorCode::NoError, Bytes::new());
            self.end_when_drained();
        }
    }

    /// Resets the streams whose window has been closed, or nearly closed, too long.
    fn check_stalls(&mut self, now: Instant) -> Result<(), ConnectionError> {
        if self.outgoing.has_stalled(now) {
            return Err(ConnectionError::timeout(
                ErrorCode::EnhanceYourCalm,
                "the connection's window stayed shut while DATA waited",
            ));
        }
        let outgoing = &self.outgoing;
        let stalled =
            self.streams.ids(|stream| outgoing.has_stream_stalled(&stream.send.queue, now));
        for id in stalled {
            logging::debug!("stream {id} is reset: its window stayed shut while DATA waited");
            let code = ErrorCode::Cancel;
            let by = ResetBy::Stall;
            let (retry_safe, detail) = (false, None);
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe, detail });
            self.reset_stream(id, code, now);
        }
        let queues = self.streams.iter_mut().map(|stream| &mut stream.send.queue);
        self.outgoing.plan_stall_check(queues);
        Ok(())
    }
}
