//! Handles received field sections as parts of messages: requests, responses, trailers and promises
//! (RFC 9113, Sections 8.1 and 8.4).

use std::borrow::Cow;
use std::time::Instant;

use super::budgets::PeerAction;
use super::config::Role;
use super::connection::Connection;
use super::content::{self, Content};
use super::error::{ConnectionError, Malformed};
use super::event::{Event, HeadersKind};
use super::headers::{self, RequestFacts, ResponseFacts};
use super::outgoing::BlockStart;
use super::priority::Priority;
use super::slots::SlotKind;
use super::state::{Cause, State};
use super::stream::Phase;
use super::streams::Standing;
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;
use crate::logging;

const SELF_DEPENDENCY: &str = "a stream cannot depend on itself";

impl Connection {
    /// Handles HEADERS. The stream determines which part of a message they are.
    pub(super) fn receive_section(
        &mut self,
        section: Section,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = section.id;
        let Some(stream) = self.streams.get(id) else {
            return self.receive_section_for_missing(section, now);
        };
        if stream.state == State::Idle {
            return Err(out_of_order(id, "which has not been opened"));
        }
        // RFC 9113, Section 5.1: HEADERS that the state does not allow are a different error.
        if section.depends_on_itself && stream.state.may_receive_headers() {
            return self.violation(id, ErrorCode::ProtocolError, SELF_DEPENDENCY, now);
        }
        match stream.recv.phase {
            Phase::Headers => self.receive_response(section, now),
            Phase::Body | Phase::Done => self.receive_trailers(section, now),
        }
    }

    /// Handles HEADERS of a stream that is not in the table: a request, or late HEADERS.
    fn receive_section_for_missing(
        &mut self,
        section: Section,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = section.id;
        let may_open = self.role == Role::Server && id.is_client_initiated();
        match self.streams.standing(id) {
            // RFC 9113, Section 5.1.1: clients open odd streams, and servers must promise first.
            Standing::Idle if !may_open => Err(out_of_order(id, "which the peer cannot open")),
            // RFC 9113, Section 6.8: beyond our GOAWAY, HEADERS are only decoded.
            Standing::Idle if self.is_ignored(id) => {
                self.budgets.charge(PeerAction::LateFrame, now)
            }
            Standing::Idle => self.receive_request(section, now),
            // RFC 9113, Section 5.1.1: identifiers only increase.
            Standing::Skipped => Err(out_of_order(id, "below one that has been used")),
            // RFC 9113, Section 5.1: the response to a request that was cancelled meanwhile, or its
            // trailers.
            _ if section.end_stream && self.streams.was_on_its_way(id, 0, true) => Ok(()),
            _ => self.receive_for_missing(id, "HEADERS", PeerAction::LateFrame, now),
        }
    }

    /// Handles HEADERS that open a stream, on a server.
    fn receive_request(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        self.streams.use_id(id);
        let priority = self.take_early_priority(id);
        if section.depends_on_itself {
            return self.reject(id, SELF_DEPENDENCY, now);
        }
        // RFC 9113, Section 5.1.2: a stream over our limit is PROTOCOL_ERROR or REFUSED_STREAM; the
        // latter allows a retry.
        if self.slots.taken(SlotKind::Peer) >= self.local.max_concurrent_streams() {
            self.stats.streams_refused += 1;
            let is_over = self.slots.open(SlotKind::Peer) >= self.local.max_concurrent_streams();
            let within = PeerAction::RefusedWithinLimit;
            let action = if is_over { PeerAction::RefusedStream } else { within };
            self.budgets.charge(action, now)?;
            self.refuse(id, ErrorCode::RefusedStream);
            return Ok(());
        }
        if section.truncated {
            return self.answer_431(section, now);
        }
        let extended_connect = self.local.enable_connect_protocol();
        let facts = match self.input.checked.check(&section.headers, extended_connect) {
            Ok(facts) => facts,
            Err(what) => return self.reject(id, &what.to_string(), now),
        };
        if section.end_stream {
            if let Err(error) = Content::of_request(&facts).check_end() {
                return self.reject(id, &error.to_string(), now);
            }
        }
        self.accept(section, facts, priority.or(facts.priority), now)
    }

    fn accept(
        &mut self,
        section: Section,
        facts: RequestFacts,
        priority: Option<Priority>,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let mut stream = self.new_stream(section.id, priority);
        stream.request = facts.kind;
        stream.slot = Some(self.slots.take(SlotKind::Peer));
        stream.recv.content = Content::of_request(&facts);
        stream.recv.phase = if section.end_stream { Phase::Done } else { Phase::Body };
        let opened = stream.state.recv_headers(section.end_stream);
        debug_assert!(opened.is_ok(), "the stream was idle");
        self.streams.insert(stream);
        self.stats.streams_accepted += 1;
        self.ending.last_processed = section.id;
        self.push_headers(section, HeadersKind::Request);
        self.budgets.charge(PeerAction::Request, now)
    }

    /// Answers a field section over the limit with 431 (RFC 6585, Section 5), without reporting it
    /// to the application.
    fn answer_431(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        self.budgets.charge(PeerAction::RefusedStream, now)?;
        self.stats.streams_refused += 1;
        self.ending.last_processed = id;
        let answer = Headers::from([(":status", "431"), ("content-length", "0")]);
        self.queue_block(id, BlockStart::Headers { end_stream: true }, &answer);
        if section.end_stream {
            self.streams.record(id, Cause::EndStream);
        } else {
            // RFC 9113, Section 8.1: the response is complete, the rest of the request is not
            // needed.
            self.refuse(id, ErrorCode::NoError);
        }
        Ok(())
    }

    /// Handles interim or final HEADERS on a stream that this client opened or the server promised.
    fn receive_response(
        &mut self,
        mut section: Section,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = section.id;
        let limit = self.local.max_header_list_size();
        let is_full = self.slots.taken(SlotKind::Peer) >= self.local.max_concurrent_streams();
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        let request = stream.request;
        // RFC 9113, Section 5.1.2: a promised stream counts from its HEADERS on.
        let takes_slot = stream.state == State::ReservedRemote;
        if let Err(refusal) = stream.state.recv_headers(section.end_stream) {
            return self.refused(id, refusal, "HEADERS in a state that does not allow them", now);
        }
        if takes_slot && is_full {
            self.stats.streams_refused += 1;
            let what = "more pushed streams than we allow at once";
            return self.violation(id, ErrorCode::RefusedStream, what, now);
        }
        if takes_slot {
            stream.slot = Some(self.slots.take(SlotKind::Peer));
        }
        if section.truncated {
            let what = format!("the field section is over max_header_list_size ({limit})");
            return self.violation(id, ErrorCode::EnhanceYourCalm, &what, now);
        }
        if self.config.lenient_responses {
            headers::trim_values(&mut section.headers);
        }
        let facts = match headers::check_response(&section.headers, section.end_stream) {
            Ok(facts) => facts,
            Err(what) => return self.malformed(id, &what, now),
        };
        if content::forbids_length(request, &facts) {
            section.headers.remove("content-length");
        }
        if facts.is_informational() {
            return self.receive_interim(section, now);
        }
        self.receive_final(section, facts, now)
    }

    fn receive_interim(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        stream.recv.informational += 1;
        if stream.recv.informational > self.config.max_informational {
            let what = "too many interim responses";
            return self.violation(id, ErrorCode::EnhanceYourCalm, what, now);
        }
        let Section { headers, end_stream, .. } = section;
        let kind = HeadersKind::Informational;
        self.events.push_interim(Event::Headers { stream_id: id, headers, kind, end_stream });
        Ok(())
    }

    fn receive_final(
        &mut self,
        section: Section,
        facts: ResponseFacts,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let id = section.id;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        stream.recv.content = stream.begin_content(&facts);
        stream.recv.phase = if section.end_stream { Phase::Done } else { Phase::Body };
        if section.end_stream {
            if let Err(error) = stream.recv.content.check_end() {
                return self.violation(id, ErrorCode::ProtocolError, &error.to_string(), now);
            }
        }
        self.push_headers(section, HeadersKind::Response);
        self.finish_if_closed(id, now);
        Ok(())
    }

    fn receive_trailers(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        if let Err(refusal) = stream.state.recv_headers(section.end_stream) {
            return self.refused(id, refusal, "HEADERS in a state that does not allow them", now);
        }
        let violation = if let Err(error) = stream.recv.content.check_trailers() {
            Some((ErrorCode::ProtocolError, error.to_string().into()))
        } else if !section.end_stream {
            // RFC 9113, Section 8.1: the field section after the body ends the stream.
            Some((ErrorCode::ProtocolError, Cow::from("trailers that do not end the stream")))
        } else if section.truncated {
            Some((ErrorCode::EnhanceYourCalm, Cow::from("the trailers are over the limit")))
        } else {
            None
        };
        if let Some((code, what)) = violation {
            return self.violation(id, code, &what, now);
        }
        if let Err(what) = headers::check_trailers(&section.headers) {
            return self.malformed(id, &what, now);
        }
        stream.recv.phase = Phase::Done;
        stream.recv.window.close(&mut self.input.growth);
        self.push_headers(section, HeadersKind::Trailers);
        self.finish_if_closed(id, now);
        Ok(())
    }

    pub(super) fn receive_promise(
        &mut self,
        parent: StreamId,
        promised: StreamId,
        headers: Headers,
        truncated: bool,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let error = |what: String| Err(ConnectionError::peer(ErrorCode::ProtocolError, what));
        // RFC 9113, Section 6.6: a new, even identifier.
        if !promised.is_server_initiated() || promised <= self.streams.last_of_peer() {
            return error(format!("stream {promised} cannot be promised"));
        }
        // RFC 9113, Section 6.6: on a stream that is open or half-closed (local) for us. Promises
        // for a stream that we have reset may still be in flight.
        let parent_open = self.streams.get(parent).is_some_and(|stream| stream.state.can_receive());
        let is_late = self.streams.may_be_late(parent);
        if !parent.is_client_initiated() || !(parent_open || is_late) {
            return error(format!("PUSH_PROMISE on stream {parent}, which is not open"));
        }
        self.streams.use_id(promised);
        if self.is_ignored(promised) {
            // Its response is in flight as well.
            self.streams.record_refused(promised, self.local.initial_window_size());
            return self.budgets.charge(PeerAction::LateFrame, now);
        }
        let over_limit = self.slots.taken(SlotKind::Promised) >= self.config.max_promised_streams;
        if is_late || !self.local.enable_push() || over_limit || truncated {
            self.stats.streams_refused += 1;
            self.budgets.charge(PeerAction::RefusedStream, now)?;
            self.refuse(promised, ErrorCode::Cancel);
            return Ok(());
        }
        let facts = match headers::check_promise(&headers) {
            Ok(facts) => facts,
            Err(what) => return self.reject(promised, &what.to_string(), now),
        };
        let mut stream = self.new_stream(promised, None);
        stream.request = facts.kind;
        stream.send.phase = Phase::Done;
        let reserved = stream.state.recv_promise();
        debug_assert!(reserved.is_ok(), "the stream was idle");
        stream.promise = Some(self.slots.take(SlotKind::Promised));
        self.streams.insert(stream);
        self.stats.streams_accepted += 1;
        self.ending.last_processed = promised;
        let event = Event::Promise { stream_id: parent, promised_stream_id: promised, headers };
        self.events.push(event);
        Ok(())
    }

    fn push_headers(&mut self, section: Section, kind: HeadersKind) {
        let Section { id: stream_id, headers, end_stream, .. } = section;
        self.events.push(Event::Headers { stream_id, headers, kind, end_stream });
    }

    /// RFC 9113, Section 8.1.1: a malformed message is a stream error PROTOCOL_ERROR.
    fn malformed(
        &mut self,
        id: StreamId,
        what: &Malformed,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.violation(id, ErrorCode::ProtocolError, &what.to_string(), now)
    }

    /// Refuses a malformed request that would open a stream (RFC 9113, Section 8.1.1).
    fn reject(&mut self, id: StreamId, what: &str, now: Instant) -> Result<(), ConnectionError> {
        self.budgets.charge(PeerAction::ProvokedReset, now)?;
        logging::debug!("{}: stream {id} is reset: {what}", self.role.name());
        self.refuse(id, ErrorCode::ProtocolError);
        Ok(())
    }

    /// Sends RST_STREAM for a stream that is not in the table.
    fn refuse(&mut self, id: StreamId, code: ErrorCode) {
        self.streams.record_refused(id, self.local.initial_window_size());
        self.queue_reset(id, code);
    }

    fn take_early_priority(&mut self, id: StreamId) -> Option<Priority> {
        if self.early_priorities.is_empty() {
            return None;
        }
        let index = self.early_priorities.iter().position(|&(other, _)| other == id)?;
        self.early_priorities.remove(index).map(|(_, priority)| priority)
    }
}

/// Returns the error of HEADERS on a stream that the peer cannot open, or no longer.
fn out_of_order(id: StreamId, what: &str) -> ConnectionError {
    ConnectionError::peer(ErrorCode::ProtocolError, format!("HEADERS on stream {id}, {what}"))
}

/// A complete field section of HEADERS.
pub(super) struct Section {
    pub(super) id: StreamId,
    pub(super) headers: Headers,
    pub(super) truncated: bool,
    pub(super) end_stream: bool,
    pub(super) depends_on_itself: bool,
}
