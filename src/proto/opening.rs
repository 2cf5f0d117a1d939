//! Opening streams: identifiers are reserved by one call and used by another, from any thread, and
//! still go out in ascending order.
//!
//! The first use of an identifier closes all lower idle ones (RFC 9113, Section 5.1.1), so HEADERS
//! of a higher identifier are *held back* while a lower one is reserved and unused, for at most
//! [`reservation_timeout`](super::Config::reservation_timeout); then the lower one is given up.
//! HEADERS are held back as well while the peer's limit of concurrent streams is reached.

use std::collections::VecDeque;
use std::time::Instant;

use super::config::Role;
use super::connection::Connection;
use super::error::CommandError;
use super::headers;
use super::state::Cause;
use super::stream::{Phase, Stream};
use super::streams::Standing;
use super::transmit::BlockStart;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// Identifiers that may be reserved and unused at once; beyond it the oldest is given up.
const MAX_RESERVED: usize = 4_096;

/// The identifiers of this side.
#[derive(Debug)]
pub(super) struct Reservations {
    next: Option<StreamId>,
    /// Reserved and unused, in ascending order, each with the time of its reservation.
    reserved: VecDeque<(StreamId, Instant)>,
}

impl Reservations {
    pub(super) fn new(role: Role) -> Self {
        let first = match role {
            Role::Client => 1,
            Role::Server => 2,
        };
        Reservations { next: StreamId::new(first), reserved: VecDeque::new() }
    }

    fn reserve(&mut self, now: Instant) -> Option<StreamId> {
        let id = self.next?;
        self.next = id.next();
        if self.reserved.len() == MAX_RESERVED {
            self.reserved.pop_front();
        }
        self.reserved.push_back((id, now));
        Some(id)
    }

    /// Takes a reserved identifier for use.
    fn take(&mut self, id: StreamId) -> bool {
        match self.reserved.binary_search_by_key(&id, |&(reserved, _)| reserved) {
            Ok(index) => self.reserved.remove(index).is_some(),
            Err(_) => false,
        }
    }

    fn is_reserved(&self, id: StreamId) -> bool {
        self.reserved.binary_search_by_key(&id, |&(reserved, _)| reserved).is_ok()
    }

    fn lowest(&self) -> Option<(StreamId, Instant)> {
        self.reserved.front().copied()
    }

    fn was_handed_out(&self, id: StreamId) -> bool {
        self.next.is_none_or(|next| id < next)
    }
}

/// Something that opens a stream and waits for its turn.
#[derive(Debug)]
pub(super) enum Held {
    Request { headers: Headers, end_stream: bool },
    Promise { parent: StreamId, headers: Headers, response: Option<(Headers, bool)> },
}

impl Connection {
    /// Reserves the next identifier of this side (odd for a client, even for a server).
    ///
    /// # Errors
    ///
    /// [`Closed`](CommandError::Closed), [`GoingAway`](CommandError::GoingAway), or
    /// [`IdsExhausted`](CommandError::IdsExhausted) after 2^30 streams.
    pub fn reserve_stream_id(&mut self, now: Instant) -> Result<StreamId, CommandError> {
        self.check_may_open()?;
        self.reservations.reserve(now).ok_or(CommandError::IdsExhausted)
    }

    /// Opens a stream: reserves an identifier and sends the request HEADERS, in one step.
    ///
    /// # Errors
    ///
    /// Those of [`reserve_stream_id`](Self::reserve_stream_id) and
    /// [`send_headers`](Self::send_headers).
    pub fn open(
        &mut self,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<StreamId, CommandError> {
        if self.role == Role::Server {
            return Err(CommandError::ClientOnly);
        }
        let id = self.reserve_stream_id(now)?;
        let opened = self.send_request(id, headers, end_stream, now);
        if opened.is_err() {
            self.reservations.take(id);
            self.release_held(now);
        }
        opened.map(|()| id)
    }

    /// Promises a stream: PUSH_PROMISE on `parent`, and a response on `promised` later.
    ///
    /// # Errors
    ///
    /// If the peer takes no pushed streams, `parent` is not a stream of the peer's that can still
    /// be sent on, `promised` was not reserved, or the request is not a safe one without body
    /// (RFC 9113, Section 8.4).
    pub fn promise(
        &mut self,
        parent: StreamId,
        promised: StreamId,
        headers: &Headers,
        now: Instant,
    ) -> Result<(), CommandError> {
        self.check_may_open()?;
        if self.role == Role::Client || !self.remote.enable_push {
            return Err(CommandError::PushDisabled);
        }
        match self.streams.get(parent) {
            Some(stream) if stream.send.phase == Phase::Done => {
                return Err(CommandError::SendClosed(parent))
            }
            Some(_) if parent.is_client_initiated() => {}
            _ => return Err(self.missing(parent)),
        }
        let request = headers::check_promise(headers)?;
        self.check_section(headers)?;
        self.take_reserved(promised)?;
        let mut stream = self.new_stream(promised);
        stream.request = request;
        stream.recv.phase = Phase::Done;
        self.streams.insert(stream);
        if let Some(parent) = self.streams.get_mut(parent) {
            parent.send.held_promises += 1;
        }
        self.hold(promised, Held::Promise { parent, headers: headers.clone(), response: None }, now);
        Ok(())
    }

    /// A client's first HEADERS on a reserved identifier.
    pub(super) fn send_request(
        &mut self,
        id: StreamId,
        headers: &Headers,
        end_stream: bool,
        now: Instant,
    ) -> Result<(), CommandError> {
        if !self.reservations.is_reserved(id) {
            return Err(self.missing(id));
        }
        self.check_may_open()?;
        let request = headers::check_request(headers, self.remote.enable_connect_protocol)?;
        self.check_section(headers)?;
        if end_stream && request.content_length.is_some_and(|length| length > 0) {
            return Err(CommandError::ContentLength(id));
        }
        let size = headers.section_size();
        self.check_room(size)?;
        self.take_reserved(id)?;
        let mut stream = self.new_stream(id);
        stream.request = request;
        stream.priority = request.priority;
        stream.send.phase = if end_stream { Phase::Done } else { Phase::Body };
        stream.send.content_left = request.content_length;
        self.streams.insert(stream);
        self.stats.streams_opened += 1;
        if self.may_go_now(id) {
            self.put_request_on_wire(id, headers, end_stream, now);
        } else {
            self.send_buffered += size;
            self.hold(id, Held::Request { headers: headers.clone(), end_stream }, now);
        }
        Ok(())
    }

    /// Keeps the response to a promise that itself is still held back. `false` if there is none.
    pub(super) fn hold_response(&mut self, id: StreamId, fields: &Headers, end: bool) -> bool {
        match self.held.get_mut(&id) {
            Some(Held::Promise { response, .. }) => {
                *response = Some((fields.clone(), end));
                true
            }
            _ => false,
        }
    }

    /// Forgets a reserved identifier, or one whose HEADERS are held back. `false` if it is neither.
    pub(super) fn cancel_opening(&mut self, id: StreamId, now: Instant) -> bool {
        if self.reservations.take(id) {
            self.release_held(now);
            return true;
        }
        match self.held.remove(&id) {
            Some(Held::Request { headers, .. }) => {
                self.send_buffered = self.send_buffered.saturating_sub(headers.section_size());
            }
            Some(Held::Promise { parent, .. }) => self.promise_done(parent, now),
            None => return false,
        }
        self.finish(id, Cause::ResetByUs, now);
        true
    }

    fn hold(&mut self, id: StreamId, held: Held, now: Instant) {
        self.held.insert(id, held);
        self.release_held(now);
    }

    /// Sends what was held back and need not wait any more, in the order of the identifiers.
    pub(super) fn release_held(&mut self, now: Instant) {
        while let Some((&id, held)) = self.held.first_key_value() {
            let needs_slot = matches!(held, Held::Request { .. });
            self.give_up_reservations_below(id, now);
            if self.reservations.lowest().is_some_and(|(lowest, _)| lowest < id)
                || (needs_slot && !self.has_slot())
            {
                break;
            }
            match self.held.remove(&id) {
                Some(Held::Request { headers, end_stream }) => {
                    self.send_buffered = self.send_buffered.saturating_sub(headers.section_size());
                    self.put_request_on_wire(id, &headers, end_stream, now);
                }
                Some(Held::Promise { parent, headers, response }) => {
                    self.put_promise_on_wire(id, parent, &headers, now);
                    if let Some((headers, end_stream)) = response {
                        self.put_response_on_wire(id, &headers, end_stream, now);
                    }
                }
                None => break,
            }
        }
    }

    /// When the reservation that something waits for runs out.
    pub(super) fn reservation_deadline(&self) -> Option<Instant> {
        let (&first, _) = self.held.first_key_value()?;
        let (lowest, since) = self.reservations.lowest()?;
        (lowest < first).then(|| since.checked_add(self.config.reservation_timeout))?
    }

    fn give_up_reservations_below(&mut self, id: StreamId, now: Instant) {
        while let Some((lowest, since)) = self.reservations.lowest() {
            let waited = now.saturating_duration_since(since) >= self.config.reservation_timeout;
            if lowest > id || !waited {
                break;
            }
            log::debug!("stream {lowest} was reserved and not used in time: given up");
            self.reservations.take(lowest);
        }
    }

    fn may_go_now(&self, id: StreamId) -> bool {
        self.held.is_empty()
            && self.has_slot()
            && self.reservations.lowest().is_none_or(|(lowest, _)| lowest > id)
    }

    /// Whether the peer's SETTINGS_MAX_CONCURRENT_STREAMS leaves room for one more.
    pub(super) fn has_slot(&self) -> bool {
        self.streams.own_active < self.remote.max_concurrent_streams as usize
    }

    fn put_request_on_wire(&mut self, id: StreamId, fields: &Headers, end: bool, now: Instant) {
        self.streams.use_id(id);
        self.streams.own_active += 1;
        let Some(stream) = self.streams.get_mut(id) else { return };
        let allowed = stream.state.send_headers(end);
        debug_assert!(allowed.is_ok(), "the stream was idle");
        stream.counted = true;
        stream.send.on_wire = true;
        self.queue_block(id, BlockStart::Headers { end_stream: end }, fields);
        self.schedule(id, now);
    }

    fn put_promise_on_wire(
        &mut self,
        id: StreamId,
        parent: StreamId,
        headers: &Headers,
        now: Instant,
    ) {
        let can_promise =
            self.streams.get(parent).is_some_and(|stream| stream.state.can_send());
        if !can_promise {
            // The parent was reset while the promise waited: nobody is left to hear it.
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
        self.promise_done(parent, now);
    }

    fn promise_done(&mut self, parent: StreamId, now: Instant) {
        if let Some(stream) = self.streams.get_mut(parent) {
            stream.send.held_promises -= 1;
        }
        self.schedule(parent, now);
    }

    pub(super) fn new_stream(&self, id: StreamId) -> Stream {
        Stream::new(id, self.remote.initial_window_size, self.local.initial_window_size)
    }

    fn take_reserved(&mut self, id: StreamId) -> Result<(), CommandError> {
        if self.reservations.take(id) {
            Ok(())
        } else {
            Err(self.missing(id))
        }
    }

    fn check_may_open(&self) -> Result<(), CommandError> {
        self.check_open()?;
        if self.goaway_received.is_some() || self.shutdown.is_some() {
            return Err(CommandError::GoingAway);
        }
        Ok(())
    }

    /// Why a stream that is not in the table cannot be used.
    pub(super) fn missing(&self, id: StreamId) -> CommandError {
        if self.streams.is_own(id) {
            if self.reservations.is_reserved(id) {
                return CommandError::HeadersNotSent(id);
            }
            return match self.streams.standing(id) {
                Standing::Closed(Some(_)) => CommandError::StreamClosed(id),
                _ if self.reservations.was_handed_out(id) => CommandError::GivenUp(id),
                _ => CommandError::NotReserved(id),
            };
        }
        match self.streams.standing(id) {
            Standing::Closed(_) => CommandError::StreamClosed(id),
            Standing::Idle => CommandError::UnknownStream(id),
        }
    }
}
