//! What the application asks for. Each call either does all of it or changes nothing.

use std::time::Instant;

use bytes::Bytes;

use super::config::Role;
use super::connection::Connection;
use super::error::CommandError;
use super::headers;
use super::priority::Priority;
use super::settings;
use super::state::{Cause, State};
use super::stream::{Item, Phase};
use super::timers::{PingPurpose, Shutdown};
use super::transmit::BlockStart;
use crate::frame::{
    ErrorCode, PriorityUpdate, RstStream, Setting, Settings, StreamId, WindowUpdate,
};
use crate::hpack::Headers;

/// PINGs of the application that may be unanswered at once.
const MAX_OWN_PINGS: usize = 16;

/// With no more than this waiting (acknowledgements, say), one command of any size is taken.
const NEARLY_NOTHING: usize = 4 << 10;

impl Connection {
    /// Sends a field section: a client's request on a reserved identifier, a server's interim or
    /// final response, or trailers after the body.
    ///
    /// A request may be held back until lower identifiers have been used, or until the peer's
    /// limit of concurrent streams leaves room; DATA may be sent all the same, and waits with it.
    ///
    /// # Errors
    ///
    /// If the field section is not valid (RFC 9113, Section 8), too large for the peer, or not due
    /// on this stream. The stream is as it was before.
    pub fn send_headers(
        &mut self,
        id: StreamId,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        let Some(stream) = self.streams.get(id) else {
            return match self.role {
                Role::Client if self.streams.is_own(id) => {
                    self.send_request(id, headers, end_stream, now)
                }
                _ => Err(self.missing(id)),
            };
        };
        match stream.send.phase {
            Phase::Headers => self.send_response(id, headers, end_stream, now),
            Phase::Body => self.send_trailers(id, headers, end_stream, now),
            Phase::Done => Err(CommandError::SendClosed(id)),
        }
    }

    fn send_response(
        &mut self,
        id: StreamId,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        let facts = headers::check_response(headers, end_stream)?;
        self.check_section(headers)?;
        self.check_room(headers.section_size())?;
        let has_slot = self.has_slot();
        let stream = self.streams.get_mut(id).ok_or(CommandError::UnknownStream(id))?;
        if facts.is_informational() {
            if stream.state == State::Idle || stream.state == State::ReservedLocal {
                // An interim response would open a promised stream without its final HEADERS.
                return Err(CommandError::HeadersNotSent(id));
            }
            self.queue_block(id, BlockStart::Headers { end_stream: false }, headers);
            return Ok(());
        }
        let is_promised = matches!(stream.state, State::Idle | State::ReservedLocal);
        if is_promised && !has_slot {
            if !self.slot_waiters.contains(&id) {
                self.slot_waiters.push_back(id);
            }
            return Err(CommandError::Full { stream_id: id });
        }
        // RFC 9110, Section 6.4.1: no content in answers to HEAD, in 204 and 304, and none in the
        // sense of HTTP in a 2xx answer to CONNECT, which starts a tunnel.
        let no_body = stream.request.is_head || matches!(facts.status, 204 | 304);
        let tunnel = stream.request.is_connect && (200..300).contains(&facts.status);
        let content_left = if no_body || tunnel { None } else { facts.content_length };
        if end_stream && content_left.is_some_and(|length| length > 0) {
            return Err(CommandError::ContentLength(id));
        }
        stream.send.no_body = no_body;
        stream.send.content_left = content_left;
        stream.send.phase = if end_stream { Phase::Done } else { Phase::Body };
        if !self.hold_response(id, headers, end_stream) {
            self.put_response_on_wire(id, headers, end_stream, now);
        }
        Ok(())
    }

    /// Encodes a final response that has been checked.
    pub(super) fn put_response_on_wire(
        &mut self,
        id: StreamId,
        fields: &Headers,
        end: bool,
        now: Instant,
    ) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.state == State::ReservedLocal {
            stream.counted = true;
            self.streams.own_active += 1;
        }
        let Some(stream) = self.streams.get_mut(id) else { return };
        let allowed = stream.state.send_headers(end);
        debug_assert!(allowed.is_ok(), "the phase allows a response");
        stream.send.on_wire = true;
        let closed = stream.state.is_closed();
        self.queue_block(id, BlockStart::Headers { end_stream: end }, fields);
        if closed {
            self.finish(id, Cause::EndStream, now);
        } else {
            self.schedule(id, now);
        }
    }

    fn send_trailers(
        &mut self,
        id: StreamId,
        trailers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        // RFC 9113, Section 8.1: the field section after the body ends the stream.
        if !end_stream {
            return Err(CommandError::TrailersWithoutEnd(id));
        }
        headers::check_trailers(trailers)?;
        self.check_section(trailers)?;
        let size = trailers.section_size();
        self.check_room(size)?;
        let stream = self.streams.get_mut(id).ok_or(CommandError::UnknownStream(id))?;
        if stream.send.content_left.is_some_and(|left| left > 0) {
            return Err(CommandError::ContentLength(id));
        }
        stream.send.phase = Phase::Done;
        stream.send.queue.push_back(Item::Trailers(trailers.clone()));
        stream.send.queued += size;
        self.send_buffered += size;
        self.schedule(id, now);
        Ok(())
    }

    /// Sends a piece of a body. It goes out as the windows of stream and connection allow.
    ///
    /// # Errors
    ///
    /// [`Full`](CommandError::Full) when too much waits already; an
    /// [`Event::SendRoom`](super::Event::SendRoom) will tell when to try again. Others if the
    /// stream is not one that DATA can be sent on, or the octets do not agree with the
    /// `content-length` that was sent.
    pub fn send_data(
        &mut self,
        id: StreamId,
        data: Bytes,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        let len = data.len();
        if self.streams.get(id).is_none() {
            return Err(self.missing(id));
        }
        let limit = self.config.max_stream_send_buffer;
        let stream = self.streams.get_mut(id).ok_or(CommandError::UnknownStream(id))?;
        match stream.send.phase {
            Phase::Headers => return Err(CommandError::HeadersNotSent(id)),
            Phase::Body => {}
            Phase::Done => return Err(CommandError::SendClosed(id)),
        }
        if len > 0 && stream.send.no_body {
            return Err(CommandError::NoBodyAllowed(id));
        }
        let content_left = match stream.send.content_left {
            None => None,
            Some(left) => match left.checked_sub(len as u64) {
                Some(left) if left == 0 || !end_stream => Some(left),
                _ => return Err(CommandError::ContentLength(id)),
            },
        };
        if len == 0 && !end_stream {
            return Ok(());
        }
        if len > 0 && stream.send.queued > 0 && stream.send.queued + len > limit {
            stream.send.wants_room = true;
            return Err(CommandError::Full { stream_id: id });
        }
        self.check_room(len)?;
        let stream = self.streams.get_mut(id).ok_or(CommandError::UnknownStream(id))?;
        stream.send.content_left = content_left;
        stream.send.queue.push_back(Item::Data { data, end_stream });
        stream.send.queued += len;
        self.send_buffered += len;
        if end_stream {
            stream.send.phase = Phase::Done;
        }
        self.schedule(id, now);
        Ok(())
    }

    /// Ends a stream with RST_STREAM. What waits to be sent on it is dropped, and what the peer
    /// still sends on it is ignored. A reserved identifier is just given back.
    ///
    /// # Errors
    ///
    /// If there is no such stream, or it has ended already.
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

    /// RST_STREAM, and the stream is over.
    pub(super) fn reset_stream(&mut self, id: StreamId, code: ErrorCode, now: Instant) {
        self.stats.resets_sent += 1;
        self.queue(RstStream { stream_id: id, error_code: code });
        self.finish(id, Cause::ResetByUs, now);
    }

    /// Gives back receive window for octets that the application has done with. Octets of a stream
    /// that has ended need not be given back.
    ///
    /// # Errors
    ///
    /// [`ReleasedTooMuch`](CommandError::ReleasedTooMuch) if so many were never received.
    pub fn release(&mut self, id: StreamId, octets: usize) -> Result<(), CommandError> {
        self.check_open()?;
        let Some(stream) = self.streams.get_mut(id) else {
            return match self.missing(id) {
                CommandError::StreamClosed(_) => Ok(()),
                error => Err(error),
            };
        };
        let octets = u32::try_from(octets).ok().filter(|&n| n <= stream.recv.window.unreleased());
        let octets = octets.ok_or(CommandError::ReleasedTooMuch(id))?;
        stream.recv.window.release(octets);
        self.announce_window(id);
        Ok(())
    }

    /// Sends a stream's WINDOW_UPDATE where one is due and of use.
    pub(super) fn announce_window(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.recv.phase == Phase::Done {
            return;
        }
        if let Some(increment) = stream.recv.window.take_update() {
            self.queue(WindowUpdate { stream_id: id, increment });
        }
    }

    /// Sends a PING; [`Event::Pong`](super::Event::Pong) tells of its answer. Returns its payload.
    ///
    /// # Errors
    ///
    /// [`TooManyUnanswered`](CommandError::TooManyUnanswered) over 16.
    pub fn ping(&mut self, now: Instant) -> Result<[u8; 8], CommandError> {
        self.check_open()?;
        if self.pings.len() >= MAX_OWN_PINGS {
            return Err(CommandError::TooManyUnanswered);
        }
        Ok(self.queue_ping(PingPurpose::Application, now))
    }

    /// Announces settings; [`Event::SettingsAcknowledged`](super::Event::SettingsAcknowledged)
    /// tells when they are in force.
    ///
    /// # Errors
    ///
    /// [`InvalidSetting`](CommandError::InvalidSetting) if one is out of range or not this side's
    /// to send; [`TooManyUnanswered`](CommandError::TooManyUnanswered).
    pub fn update_settings(
        &mut self,
        entries: Vec<Setting>,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_open()?;
        settings::check(self.role, &entries, self.config.max_settings_entries, &self.local)?;
        if !self.local.can_announce() {
            return Err(CommandError::TooManyUnanswered);
        }
        self.local.announce(entries.clone(), now);
        self.queue(Settings { ack: false, entries });
        Ok(())
    }

    /// Tells the server how to schedule the response on a stream of ours (RFC 9218, Section 7.1).
    ///
    /// # Errors
    ///
    /// If this is a server, or the stream was never reserved.
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

    /// Sends GOAWAY with the highest stream of the peer's that was processed. The peer's later
    /// streams are ignored; those that are open go on.
    ///
    /// # Errors
    ///
    /// [`Closed`](CommandError::Closed).
    pub fn goaway(&mut self, code: ErrorCode, debug_data: Bytes) -> Result<(), CommandError> {
        self.check_open()?;
        self.queue_goaway(self.last_processed, code, debug_data);
        Ok(())
    }

    /// Begins a graceful shutdown: no new streams, those that are open are finished, then the
    /// connection closes by itself.
    ///
    /// A server sends two GOAWAY frames (RFC 9113, Section 6.8): one that warns, and, a round trip
    /// later, one with the true last identifier, so that no request on its way is lost.
    pub fn shutdown(&mut self, now: Instant) {
        if self.closed.is_some() || self.shutdown.is_some() {
            return;
        }
        match self.role {
            Role::Server => {
                self.queue_goaway(StreamId::MAX, ErrorCode::NoError, Bytes::new());
                self.queue_ping(PingPurpose::Shutdown, now);
                self.shutdown = Some(Shutdown::Warned { since: now });
            }
            Role::Client => {
                self.queue_goaway(self.last_processed, ErrorCode::NoError, Bytes::new());
                self.shutdown = Some(Shutdown::Draining);
                self.end_when_drained();
            }
        }
    }

    /// RFC 9113, Section 6.5.2: SETTINGS_MAX_HEADER_LIST_SIZE is advice, and going against it gets
    /// the message refused.
    pub(super) fn check_section(&self, headers: &Headers) -> Result<(), CommandError> {
        let size = headers.section_size();
        match self.remote.max_header_list_size {
            Some(limit) if size > limit as usize => {
                Err(CommandError::SectionTooLarge { size, limit: limit as usize })
            }
            _ => Ok(()),
        }
    }

    /// Whether the connection's send buffer takes so many octets more.
    pub(super) fn check_room(&mut self, octets: usize) -> Result<(), CommandError> {
        let waiting = self.send_buffered + self.fifo.len();
        if octets > 0 && waiting > NEARLY_NOTHING && waiting + octets > self.config.max_send_buffer {
            self.wants_room = true;
            return Err(CommandError::Full { stream_id: StreamId::CONNECTION });
        }
        Ok(())
    }
}
