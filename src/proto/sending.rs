//! Sending messages: responses, bodies and trailers. Requests and promises are in `opening`. Each
//! call either succeeds as a whole or changes nothing.

use std::borrow::Cow;
use std::time::Instant;

use bytes::Bytes;

use super::config::Role;
use super::connection::Connection;
use super::content::{self, Content};
use super::error::CommandError;
use super::headers::{self, RequestKind, ResponseFacts};
use super::outgoing::{BlockStart, Item};
use super::slots::SlotKind;
use super::state::{Cause, State};
use super::stream::Phase;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// The end of a body up to this size is framed at once if no stream is queued, as for most
/// responses. Without this, a small request takes 2.7 µs of the server's CPU, with it 2.3.
pub(crate) const AT_ONCE: usize = 2 << 10;

impl Connection {
    /// Sends a field section: a client's request on a reserved identifier, a server's interim or
    /// final response, or trailers after the body.
    ///
    /// A request may be deferred until lower identifiers have been used, or until the peer's limit
    /// of concurrent streams allows it; DATA sent meanwhile waits with it. The response on a
    /// promised stream may be deferred too.
    ///
    /// A `content-length` that a response must not have is omitted: in 1xx, 204 and 2xx to CONNECT
    /// (RFC 9110, Section 8.6), and above 0 in 205.
    ///
    /// # Errors
    ///
    /// The field section is invalid (RFC 9113, Section 8), too large for the peer, or not allowed
    /// on this stream now. The stream is unchanged.
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
            Phase::Headers => self.send_response(id, stream.request, headers, end_stream, now),
            Phase::Body => self.send_trailers(id, headers, end_stream, now),
            Phase::Done => Err(CommandError::SendClosed(id)),
        }
    }

    fn send_response(
        &mut self,
        id: StreamId,
        request: RequestKind,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        let number = self.outgoing.number_of_repeated(headers);
        let facts = self.checked_response.check(headers, number, end_stream)?;
        let headers = without_forbidden_length(headers, request, &facts);
        let headers = headers.as_ref();
        self.check_section(headers)?;
        self.check_section_room(headers.section_size())?;
        let Some(stream) = self.streams.get_mut(id) else { return Err(self.missing(id)) };
        let is_promised = matches!(stream.state, State::Idle | State::ReservedLocal);
        if facts.is_informational() {
            if is_promised {
                // An interim response would need a slot before one is free.
                return Err(CommandError::HeadersNotSent(id));
            }
            if stream.send.informational >= self.config.max_informational {
                return Err(CommandError::TooManyInformational(id));
            }
            stream.send.informational += 1;
            self.queue_block(id, BlockStart::Headers { end_stream: false }, headers);
            return Ok(());
        }
        if end_stream {
            let content = Content::of_response(request, &facts);
            content.check_end().map_err(|error| error.on(id))?;
        }
        stream.send.content = stream.begin_content(&facts);
        stream.send.phase = if end_stream { Phase::Done } else { Phase::Body };
        if is_promised || stream.send.queue.waits_for_promises() {
            self.opener.add_response(headers.section_size());
            stream.send.response = Some((headers.clone(), end_stream));
            self.respond(id, now);
        } else {
            self.put_response_on_wire(id, headers, end_stream, now);
        }
        if end_stream {
            self.open_ready(now);
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
            stream.slot = Some(self.slots.take(SlotKind::Own));
        }
        let allowed = stream.state.send_headers(end);
        debug_assert!(allowed.is_ok(), "the phase allows a response");
        let is_closed = stream.state.is_closed();
        self.queue_block(id, BlockStart::Headers { end_stream: end }, fields);
        if is_closed {
            self.finish(id, Cause::EndStream, now);
        } else {
            self.open_queue(id, now);
            if end {
                self.note_declined(id, now);
            }
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
        let Some(stream) = self.streams.get_mut(id) else { return Err(self.missing(id)) };
        stream.send.content.check_trailers().map_err(|error| error.on(id))?;
        stream.send.phase = Phase::Done;
        // Never refused for lack of room: there is one per stream, at its end.
        self.outgoing.push(&mut stream.send.queue, Item::Trailers(trailers.clone()), now);
        Ok(())
    }

    /// Sends a piece of a body, as the windows of stream and connection allow.
    ///
    /// # Errors
    ///
    /// [`Full`](CommandError::Full) if too much is queued; an
    /// [`Event::SendRoom`](super::Event::SendRoom) for this stream reports when to retry. Pieces of
    /// up to 64 KiB only wait for their own stream, whatever is queued on others.
    ///
    /// Other errors if DATA cannot be sent on the stream, or the octets contradict the
    /// `content-length` that was sent.
    pub fn send_data(
        &mut self,
        id: StreamId,
        mut data: Bytes,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.take_data(id, &mut data, end_stream, now)
    }

    /// Sends a piece of a body, taking it out of `data` only if it is accepted.
    pub(crate) fn take_data(
        &mut self,
        id: StreamId,
        data: &mut Bytes,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        let len = data.len();
        let content = self.check_data(id, len, end_stream)?;
        if len == 0 && !end_stream {
            return Ok(());
        }
        if end_stream && self.may_frame_at_once(id, len) {
            self.frame_at_once(id, &std::mem::take(data), now);
            return Ok(());
        }
        let Some(stream) = self.streams.get_mut(id) else { return Err(self.missing(id)) };
        if !self.outgoing.check_data(&mut stream.send.queue, len) {
            return Err(CommandError::Full { stream_id: id });
        }
        stream.send.content = content;
        if end_stream {
            stream.send.phase = Phase::Done;
        }
        let item = Item::Data { data: std::mem::take(data), end_stream };
        self.outgoing.push(&mut stream.send.queue, item, now);
        Ok(())
    }

    /// Whether a piece of DATA would have room. `true` if the stream has ended, so that sending
    /// reports that.
    #[cfg(feature = "websocket")]
    pub(crate) fn has_data_room(&self, id: StreamId, octets: usize) -> bool {
        let stream = self.streams.get(id);
        stream.is_none_or(|stream| self.outgoing.has_data_room(&stream.send.queue, octets))
    }

    /// Sends the end of a body from borrowed octets, if nothing has to wait. Returns `false`,
    /// having done nothing, otherwise.
    ///
    /// # Errors
    ///
    /// Those of [`send_data`](Self::send_data).
    pub(crate) fn end_at_once(
        &mut self,
        id: StreamId,
        data: &[u8],
        now: Instant,
    ) -> Result<bool, CommandError> {
        self.check_data(id, data.len(), true)?;
        let may = self.may_frame_at_once(id, data.len());
        if may {
            self.frame_at_once(id, data, now);
        }
        Ok(may)
    }

    /// Checks that this many octets may be sent on a stream, and returns what may follow them.
    fn check_data(
        &self,
        id: StreamId,
        len: usize,
        end_stream: bool,
    ) -> Result<Content, CommandError> {
        self.check_open()?;
        let Some(stream) = self.streams.get(id) else { return Err(self.missing(id)) };
        match stream.send.phase {
            Phase::Headers => return Err(CommandError::HeadersNotSent(id)),
            Phase::Body => {}
            Phase::Done => return Err(CommandError::SendClosed(id)),
        }
        stream.send.content.after_data(len, end_stream).map_err(|error| error.on(id))
    }

    /// Whether the end of a body may be framed right after the encoded frames, without being
    /// queued.
    fn may_frame_at_once(&self, id: StreamId, len: usize) -> bool {
        let Some(stream) = self.streams.get(id) else { return false };
        len <= AT_ONCE && self.outgoing.may_frame_at_once(&stream.send.queue, len)
    }

    fn frame_at_once(&mut self, id: StreamId, data: &[u8], now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        stream.send.phase = Phase::Done;
        self.outgoing.frame_at_once(&mut stream.send.queue, data);
        if !data.is_empty() {
            self.budgets.sent(data.len());
        }
        self.after_sending(id, true, now);
    }

    /// Checks that another field section of this many octets may be queued.
    pub(super) fn check_section_room(&mut self, octets: usize) -> Result<(), CommandError> {
        if self.outgoing.check_section(octets, self.opener.octets()) {
            return Ok(());
        }
        Err(CommandError::Full { stream_id: StreamId::CONNECTION })
    }

    /// Checks SETTINGS_MAX_HEADER_LIST_SIZE: it is advisory, but the peer would refuse a larger
    /// message (RFC 9113, Section 6.5.2).
    pub(super) fn check_section(&self, headers: &Headers) -> Result<(), CommandError> {
        let size = headers.section_size();
        match self.remote.max_header_list_size {
            Some(limit) if size > limit as usize => {
                Err(CommandError::SectionTooLarge { size, limit: limit as usize })
            }
            _ => Ok(()),
        }
    }
}

/// Returns a response without the `content-length` that it must not have. Only this field is
/// removed, as a receiving client does (RFC 9110, Section 8.6).
fn without_forbidden_length<'a>(
    headers: &'a Headers,
    request: RequestKind,
    response: &ResponseFacts,
) -> Cow<'a, Headers> {
    if !content::forbids_length(request, response) {
        return Cow::Borrowed(headers);
    }
    let mut headers = headers.clone();
    headers.remove("content-length");
    Cow::Owned(headers)
}
