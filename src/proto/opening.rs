//! Opening streams: identifiers may be reserved by one call and used by another, from any thread,
//! yet streams open in ascending order.
//!
//! The first use of an identifier closes all lower idle ones (RFC 9113, Section 5.1.1). HEADERS
//! with a higher identifier are therefore *deferred* while a lower one is reserved and unused, for
//! at most [`reservation_timeout`](super::Config::reservation_timeout); then the lower one is given
//! up. HEADERS are also deferred while the peer's limit of concurrent streams is reached.

use std::time::Instant;

use super::config::Role;
use super::connection::Connection;
use super::content::Content;
use super::error::CommandError;
use super::event::{Event, ResetBy};
use super::headers;
use super::opener::{Allowed, Deferred, Opening, Ready};
use super::outgoing::BlockStart;
use super::priority::Priority;
use super::slots::SlotKind;
use super::state::{Cause, State};
use super::stream::{Phase, Stream};
use super::streams::Standing;
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;

impl Connection {
    /// Reserves the next identifier of this side (odd for a client, even for a server).
    ///
    /// # Errors
    ///
    /// [`Closed`](CommandError::Closed), [`GoingAway`](CommandError::GoingAway), or
    /// [`IdsExhausted`](CommandError::IdsExhausted) after 2^30 streams.
    pub fn reserve_stream_id(&mut self, now: Instant) -> Result<StreamId, CommandError> {
        self.check_may_open()?;
        let id = self.opener.reserve().ok_or(CommandError::IdsExhausted)?;
        // Reserving may have given up the oldest reserved identifier.
        self.open_ready(now);
        Ok(id)
    }

    /// Opens a stream: reserves an identifier and sends the request HEADERS in one step.
    ///
    /// # Errors
    ///
    /// Those of [`reserve_stream_id`](Self::reserve_stream_id) and
    /// [`send_headers`](Self::send_headers). On failure no identifier is used.
    pub fn open(
        &mut self,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<StreamId, CommandError> {
        if self.role == Role::Server {
            return Err(CommandError::ClientOnly);
        }
        self.check_may_open()?;
        let next = self.opener.next_id().ok_or(CommandError::IdsExhausted)?;
        let request = self.check_request(next, headers, end_stream)?;
        let id = self.reserve_stream_id(now)?;
        self.start_request(id, request, headers, end_stream, now);
        Ok(id)
    }

    /// Sends a client's first HEADERS on a reserved identifier.
    pub(super) fn send_request(
        &mut self,
        id: StreamId,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        if !self.opener.is_reserved(id) {
            return Err(self.missing(id));
        }
        self.check_may_open()?;
        let request = self.check_request(id, headers, end_stream)?;
        self.start_request(id, request, headers, end_stream, now);
        Ok(())
    }

    /// Promises a stream: sends PUSH_PROMISE on `parent`; the response on `promised` follows later.
    ///
    /// # Errors
    ///
    /// The peer does not accept pushed streams, `parent` is not a stream of the peer that can be
    /// sent on, `promised` was not reserved, or the request is unsafe or has a body (RFC 9113,
    /// Section 8.4).
    pub fn promise(
        &mut self,
        parent: StreamId,
        promised: StreamId,
        headers: &Headers,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_may_open()?;
        if !self.may_push() {
            return Err(CommandError::PushDisabled);
        }
        match self.streams.get(parent) {
            Some(stream) if stream.send.phase == Phase::Done => {
                return Err(CommandError::SendClosed(parent));
            }
            Some(_) if parent.is_client_initiated() => {}
            // RFC 9113, Section 8.4: a promise belongs to a request of the client.
            Some(_) => return Err(CommandError::UnknownStream(parent)),
            None => return Err(self.missing(parent)),
        }
        let request = headers::check_promise(headers)?;
        self.check_section(headers)?;
        if !self.opener.is_reserved(promised) {
            return Err(self.missing(promised));
        }
        self.check_section_room(headers.section_size())?;
        let mut stream = self.new_stream(promised, None);
        stream.request = request.kind;
        stream.recv.phase = Phase::Done;
        self.streams.insert(stream);
        self.open_or_defer(promised, Opening::Promise { parent }, headers, now);
        Ok(())
    }

    /// Releases an identifier that is reserved, or whose HEADERS are deferred. Returns `false` if
    /// it is neither.
    pub(super) fn cancel_opening(&mut self, id: StreamId, now: Instant) -> bool {
        if self.opener.take(id) {
            self.open_ready(now);
            return true;
        }
        let is_deferred = self.opener.is_deferred(id);
        if is_deferred {
            self.finish(id, Cause::ResetByUs, now);
            self.open_ready(now);
        }
        is_deferred
    }

    /// Sends deferred items that need not wait any longer: requests and promises in order of their
    /// identifiers, responses on promised streams in the order of the calls. Every operation that
    /// may have ended a stream must call it.
    pub(super) fn open_ready(&mut self, now: Instant) {
        while !self.opener.is_idle() {
            let timeout = self.config.reservation_timeout;
            let ready = self.opener.ready(self.allowed(), timeout, now);
            if ready.is_empty() {
                return;
            }
            for item in &ready {
                if let Ready::Response(id) = *item {
                    if let Some(stream) = self.streams.get_mut(id) {
                        stream.send.slot_ticket = None;
                    }
                }
            }
            // An opened stream may end at once and leave its slot for the next round.
            for item in ready {
                match item {
                    Ready::Stream(id, deferred) => self.open_deferred(id, deferred, now),
                    Ready::Response(id) => self.respond(id, now),
                }
            }
        }
    }

    fn open_deferred(&mut self, id: StreamId, deferred: Deferred, now: Instant) {
        self.note_undeferred(deferred.opening);
        self.put_on_wire(id, deferred.opening, &deferred.headers, now);
        if let Opening::Promise { parent } = deferred.opening {
            self.promise_done(parent, now);
        }
    }

    /// A promise that is no longer deferred does not delay its parent.
    fn note_undeferred(&mut self, opening: Opening) {
        if let Opening::Promise { parent } = opening {
            if let Some(parent) = self.streams.get_mut(parent) {
                parent.send.queue.remove_promise();
            }
        }
    }

    /// Returns when reserved identifiers that others wait for are given up.
    pub(super) fn reservation_deadline(&self) -> Option<Instant> {
        self.opener.deadline(self.allowed(), self.config.reservation_timeout)
    }

    fn allowed(&self) -> Allowed {
        let taken = self.slots.taken(SlotKind::Own);
        Allowed {
            slots: (self.remote.max_concurrent_streams as usize).saturating_sub(taken),
            // RFC 9113, Section 6.8: no new streams after GOAWAY.
            new_streams: self.ending.goaway_received.is_none(),
        }
    }

    /// Whether the peer's SETTINGS_MAX_CONCURRENT_STREAMS allows another stream.
    pub(super) fn has_slot(&self) -> bool {
        self.allowed().slots > 0
    }

    fn check_request(
        &mut self,
        id: StreamId,
        headers: &Headers,
        end_stream: bool,
    ) -> Result<headers::RequestFacts, CommandError> {
        let request = headers::check_request(headers, self.remote.enable_connect_protocol)?;
        self.check_section(headers)?;
        if end_stream {
            Content::of_request(&request).check_end().map_err(|error| error.on(id))?;
        }
        self.check_section_room(headers.section_size())?;
        Ok(request)
    }

    fn start_request(
        &mut self,
        id: StreamId,
        request: headers::RequestFacts,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) {
        let mut stream = self.new_stream(id, request.priority);
        stream.request = request.kind;
        stream.send.phase = if end_stream { Phase::Done } else { Phase::Body };
        stream.send.content = Content::of_request(&request);
        self.streams.insert(stream);
        self.open_or_defer(id, Opening::Request { end_stream }, headers, now);
    }

    /// Uses a reserved identifier now, or defers it.
    fn open_or_defer(&mut self, id: StreamId, opening: Opening, headers: &Headers, now: Instant) {
        self.opener.take(id);
        if self.opener.may_open_at_once(id, opening, self.allowed()) {
            self.put_on_wire(id, opening, headers, now);
            return;
        }
        if let Opening::Promise { parent } = opening {
            if let Some(parent) = self.streams.get_mut(parent) {
                parent.send.queue.add_promise();
            }
        }
        self.opener.defer(id, headers.clone(), opening, now);
        // Higher identifiers may have waited for this one.
        self.open_ready(now);
    }

    /// Ends a stream that was not opened yet.
    pub(super) fn drop_deferred(&mut self, id: StreamId, now: Instant) {
        let Some(Deferred { opening, .. }) = self.opener.undefer(id) else { return };
        self.note_undeferred(opening);
        if let Opening::Promise { parent } = opening {
            self.promise_done(parent, now);
        }
    }

    fn put_on_wire(&mut self, id: StreamId, opening: Opening, headers: &Headers, now: Instant) {
        match opening {
            Opening::Request { end_stream } => {
                self.put_request_on_wire(id, headers, end_stream, now);
            }
            Opening::Promise { parent } => self.put_promise_on_wire(id, parent, headers, now),
        }
    }

    fn put_request_on_wire(&mut self, id: StreamId, fields: &Headers, end: bool, now: Instant) {
        self.streams.use_id(id);
        self.stats.streams_opened += 1;
        let Some(stream) = self.streams.get_mut(id) else { return };
        let allowed = stream.state.send_headers(end);
        debug_assert!(allowed.is_ok(), "the stream was idle");
        stream.slot = Some(self.slots.take(SlotKind::Own));
        self.queue_block(id, BlockStart::Headers { end_stream: end }, fields);
        self.outgoing.note_request(id);
        self.open_queue(id, now);
    }

    fn put_promise_on_wire(
        &mut self,
        id: StreamId,
        parent: StreamId,
        headers: &Headers,
        now: Instant,
    ) {
        let can_send = self.streams.get(parent).is_some_and(|parent| parent.state.can_send());
        if !can_send || !self.may_push() {
            // While the promise was deferred, its request was reset, or the client has disabled
            // server push.
            let (code, by) = (ErrorCode::Cancel, ResetBy::Unsent);
            let (retry_safe, detail) = (false, None);
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe, detail });
            self.finish(id, Cause::ResetByUs, now);
            return;
        }
        self.streams.use_id(id);
        self.stats.streams_opened += 1;
        if let Some(stream) = self.streams.get_mut(id) {
            let allowed = stream.state.send_promise();
            debug_assert!(allowed.is_ok(), "the stream was idle");
        }
        self.queue_block(parent, BlockStart::PushPromise { promised: id }, headers);
        self.respond(id, now);
    }

    /// Notes that a promise no longer delays its parent.
    fn promise_done(&mut self, parent: StreamId, now: Instant) {
        self.respond(parent, now);
        self.schedule(parent, now);
    }

    /// Sends a waiting response if nothing delays it any more.
    pub(super) fn respond(&mut self, id: StreamId, now: Instant) {
        let has_slot = self.has_slot();
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.send.queue.waits_for_promises() || stream.state == State::Idle {
            return;
        }
        // RFC 9113, Section 5.1.2: a promised stream counts once its HEADERS are sent.
        if stream.state == State::ReservedLocal && !has_slot {
            if stream.send.response.is_some() && stream.send.slot_ticket.is_none() {
                stream.send.slot_ticket = Some(self.opener.wait_for_slot(id));
            }
            return;
        }
        if let Some((headers, end_stream)) = stream.send.response.take() {
            self.opener.remove_response(headers.section_size());
            self.put_response_on_wire(id, &headers, end_stream, now);
        }
    }

    pub(super) fn new_stream(&self, id: StreamId, priority: Option<Priority>) -> Stream {
        let send_window = self.remote.initial_window_size;
        Stream::new(id, send_window, self.local.initial_window_size(), priority)
    }

    fn may_push(&self) -> bool {
        self.role == Role::Server && self.remote.enable_push
    }

    fn check_may_open(&self) -> Result<(), CommandError> {
        self.check_open()?;
        if self.ending.goaway_received.is_some() || self.ending.shutdown.is_some() {
            return Err(CommandError::GoingAway);
        }
        Ok(())
    }

    /// Returns why a stream that is not in the table cannot be used.
    pub(super) fn missing(&self, id: StreamId) -> CommandError {
        if id.is_connection() {
            return CommandError::UnknownStream(id);
        }
        let is_own = self.streams.is_own(id);
        if is_own && self.opener.is_reserved(id) {
            return CommandError::HeadersNotSent(id);
        }
        match self.streams.standing(id) {
            Standing::Closed(_) | Standing::Forgotten => CommandError::StreamClosed(id),
            Standing::Skipped if !is_own => CommandError::StreamClosed(id),
            _ if !is_own => CommandError::UnknownStream(id),
            _ if self.opener.was_handed_out(id) => CommandError::GivenUp(id),
            _ => CommandError::NotReserved(id),
        }
    }
}
