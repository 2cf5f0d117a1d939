//! Commands of the application, except those that send messages. Each either succeeds as a whole or
//! changes nothing.

use std::time::Instant;

use bytes::Bytes;

use super::config::Role;
use super::connection::{Connection, Shutdown};
use super::deadlines::PingPurpose;
use super::error::CommandError;
use super::priority::Priority;
use super::settings;
use super::state::{Cause, State};
use super::stream::Phase;
use crate::frame::{ErrorCode, PriorityUpdate, Setting, Settings, StreamId};

/// Maximum unacknowledged PINGs of the application.
const MAX_OWN_PINGS: usize = 16;

impl Connection {
    /// Ends a stream with RST_STREAM. Queued output on it is dropped, and what the peer still sends
    /// is ignored. A reserved identifier is only released.
    ///
    /// # Errors
    ///
    /// The stream does not exist or has ended.
    pub fn reset(
        &mut self,
        id: StreamId,
        code: ErrorCode,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        if self.cancel_opening(id, now) {
            return Ok(());
        }
        if self.streams.get(id).is_none() {
            return Err(self.missing(id));
        }
        self.reset_stream(id, code, now);
        Ok(())
    }

    /// Ends the stream, with RST_STREAM if the peer knows it.
    pub(super) fn reset_stream(&mut self, id: StreamId, code: ErrorCode, now: Instant) {
        self.queue_reset(id, code);
        self.finish(id, Cause::ResetByUs, now);
        self.open_ready(now);
    }

    /// Declares that the application reads no more of a stream's body. A client resets the stream
    /// with CANCEL. On a server, the client may still want to read the response. Once it is complete,
    /// a tunnel may go on for a second, and any other request for 10 s, with pauses of less than a second.
    /// Then the stream is reset with NO_ERROR, which tells the client not to send the rest (RFC 9113,
    /// Section 8.1).
    ///
    /// # Errors
    ///
    /// The stream does not exist or has ended.
    pub fn decline_body(&mut self, id: StreamId, now: Instant) -> Result<(), CommandError> {
        self.check_open()?;
        let Some(stream) = self.streams.get_mut(id) else { return Err(self.missing(id)) };
        if stream.recv.phase == Phase::Done || stream.recv.is_declined {
            return Ok(());
        }
        stream.recv.is_declined = true;
        match self.role {
            Role::Client => self.reset_stream(id, ErrorCode::Cancel, now),
            Role::Server => self.note_declined(id, now),
        }
        Ok(())
    }

    /// Starts the timeout for the rest of an unread request, once the response is complete.
    //
    // Not at once: some clients discard the response if the reset arrives with it.
    pub(super) fn note_declined(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get(id) else { return };
        if stream.recv.is_declined && stream.state == State::HalfClosedLocal {
            self.deadlines.note_declined(id, stream.recv.last_data, now);
        }
    }

    /// Returns receive-window credit for octets that the application has processed. Octets of an
    /// ended stream need not be released, but until they are, the growth of its window counts
    /// against [`window_budget`](super::Config::window_budget).
    ///
    /// # Errors
    ///
    /// [`ReleasedTooMuch`](CommandError::ReleasedTooMuch) if fewer octets were received.
    pub fn release(
        &mut self,
        id: StreamId,
        octets: usize,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        let Some(stream) = self.streams.get_mut(id) else {
            return match self.missing(id) {
                CommandError::StreamClosed(_) => {
                    let octets = u32::try_from(octets).unwrap_or(u32::MAX);
                    self.input.growth.release_ended(id, octets);
                    Ok(())
                }
                error => Err(error),
            };
        };
        let octets = u32::try_from(octets).ok().filter(|&n| n <= stream.recv.window.unreleased());
        let octets = octets.ok_or(CommandError::ReleasedTooMuch(id))?;
        stream.recv.window.release(octets);
        if stream.recv.phase == Phase::Done {
            stream.recv.window.close(&mut self.input.growth);
        } else {
            self.announce_window(id, now);
        }
        Ok(())
    }

    /// Stops accounting for an ended stream, of which the application holds no more octets.
    pub(crate) fn release_all(&mut self, id: StreamId) {
        self.input.growth.forget(id);
    }

    /// Sends a stream's WINDOW_UPDATE where one is due and of use.
    pub(super) fn announce_window(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.recv.phase == Phase::Done {
            return;
        }
        let increment = stream.recv.window.take_update(&mut self.input.growth, now);
        let Some(increment) = increment else { return };
        if let Some(stream) = self.streams.known(id) {
            self.outgoing.queue_stream_credit(stream, increment);
        }
    }

    /// Sends a PING and returns its payload; [`Event::Pong`](super::Event::Pong) reports the
    /// acknowledgment.
    ///
    /// # Errors
    ///
    /// [`TooManyUnanswered`](CommandError::TooManyUnanswered) if 16 are outstanding.
    pub fn ping(&mut self, now: Instant) -> Result<[u8; 8], CommandError> {
        self.check_open()?;
        if self.deadlines.unanswered_pings() >= MAX_OWN_PINGS {
            return Err(CommandError::TooManyUnanswered);
        }
        Ok(self.queue_ping(PingPurpose::Application, now))
    }

    /// Announces settings; [`Event::SettingsAcknowledged`](super::Event::SettingsAcknowledged)
    /// reports when they are in force.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`](CommandError::InvalidSetting) if one is out of range or not allowed for
    /// this role; [`TooManyUnanswered`](CommandError::TooManyUnanswered).
    pub fn update_settings(
        &mut self,
        entries: Vec<Setting>,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        settings::check(self.role, &entries, &self.config, &self.local)?;
        if !self.local.can_announce() {
            return Err(CommandError::TooManyUnanswered);
        }
        self.local.announce(entries.clone(), now);
        self.queue(Settings { ack: false, entries });
        Ok(())
    }

    /// Asks the server to reprioritize the response on a stream that we opened (RFC 9218, Section
    /// 7.1).
    ///
    /// # Errors
    ///
    /// This is a server, or the stream was never reserved.
    pub fn update_priority(
        &mut self,
        id: StreamId,
        priority: Priority,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        if self.role == Role::Server {
            return Err(CommandError::ClientOnly);
        }
        if self.streams.get(id).is_none() {
            match self.missing(id) {
                CommandError::HeadersNotSent(_) => {}
                error => return Err(error),
            }
        }
        let field_value = Bytes::from(priority.to_string());
        self.queue(PriorityUpdate { prioritized_stream_id: id, field_value });
        Ok(())
    }

    /// Sends GOAWAY with the highest processed stream of the peer. The peer's later streams are
    /// ignored; open ones continue.
    ///
    /// # Errors
    ///
    /// [`Closed`](CommandError::Closed).
    pub fn goaway(&mut self, code: ErrorCode, debug_data: Bytes) -> Result<(), CommandError> {
        self.check_open()?;
        self.queue_goaway(self.ending.last_processed, code, debug_data);
        Ok(())
    }

    /// Starts a graceful shutdown: no new streams are accepted, open ones are finished, then the
    /// connection closes.
    ///
    /// A server sends two GOAWAY frames (RFC 9113, Section 6.8): a warning and, one round trip
    /// later, one with the final last stream identifier, so that no request in flight is lost.
    pub fn shutdown(&mut self, now: Instant) {
        if self.ending.closed.is_some() || self.ending.shutdown.is_some() {
            return;
        }
        match self.role {
            Role::Server => {
                self.queue_goaway(StreamId::MAX, ErrorCode::NoError, Bytes::new());
                self.queue_ping(PingPurpose::Shutdown, now);
                self.ending.shutdown = Some(Shutdown::Warned { since: now });
            }
            Role::Client => {
                self.queue_goaway(self.ending.last_processed, ErrorCode::NoError, Bytes::new());
                self.ending.shutdown = Some(Shutdown::Draining);
                self.end_when_drained();
            }
        }
    }
}
