//! Field blocks that the peer sends: HEADERS and PUSH_PROMISE with their CONTINUATION frames (RFC
//! 9113, Sections 4.3, 6.2, 6.6 and 6.10).
//!
//! Each fragment is decoded as it comes. A block is always decoded to its end, also for a stream
//! that is gone or refused: the HPACK table is the connection's, and has to stay the peer's.

use std::fmt;
use std::time::Instant;

use super::config::Role;
use super::connection::Connection;
use super::error::{ConnectionError, Malformed};
use super::event::{Event, HeadersKind};
use super::headers::{self, RequestFacts};
use super::state::Cause;
use super::stream::Phase;
use super::streams::Standing;
use super::trace::Way;
use super::transmit::BlockStart;
use crate::frame::{
    Continuation, Dependency, ErrorCode, Headers as HeadersFrame, PushPromise, RstStream, StreamId,
};
use crate::hpack::Headers;

/// A field block on its way.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) stream_id: StreamId,
    purpose: Purpose,
    continuations: u32,
    octets: usize,
}

#[derive(Debug, Clone, Copy)]
enum Purpose {
    Headers { end_stream: bool, dependency: Option<Dependency> },
    Promise { promised: StreamId },
}

impl Connection {
    pub(super) fn receive_headers(
        &mut self,
        frame: HeadersFrame,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let purpose =
            Purpose::Headers { end_stream: frame.end_stream, dependency: frame.priority };
        self.begin_block(frame.stream_id, purpose, now);
        self.receive_fragment(&frame, &frame.fragment, frame.end_headers, now)
    }

    pub(super) fn receive_push_promise(
        &mut self,
        frame: PushPromise,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let forbidden = if self.role == Role::Server {
            // RFC 9113, Section 8.4: a client cannot push.
            Some("a client sent PUSH_PROMISE")
        } else if self.local.push_forbidden {
            // RFC 9113, Section 6.6: not after ENABLE_PUSH 0 has been acknowledged.
            Some("PUSH_PROMISE though ENABLE_PUSH is 0")
        } else {
            None
        };
        if let Some(what) = forbidden {
            return Err(ConnectionError::peer(ErrorCode::ProtocolError, what));
        }
        let purpose = Purpose::Promise { promised: frame.promised_stream_id };
        self.begin_block(frame.stream_id, purpose, now);
        self.receive_fragment(&frame, &frame.fragment, frame.end_headers, now)
    }

    pub(super) fn receive_continuation(
        &mut self,
        frame: Continuation,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        if let Some(block) = &mut self.block {
            block.continuations += 1;
            // A flood of CONTINUATION costs its sender nothing (VU#421644, CVE-2026-33871).
            if block.continuations > self.config.max_continuations {
                return Err(ConnectionError::limit(
                    ErrorCode::EnhanceYourCalm,
                    "too many CONTINUATION frames in one field block",
                ));
            }
        }
        self.receive_fragment(&frame, &frame.fragment, frame.end_headers, now)
    }

    fn begin_block(&mut self, stream_id: StreamId, purpose: Purpose, now: Instant) {
        self.block = Some(Block { stream_id, purpose, continuations: 0, octets: 0 });
        self.block_since.get_or_insert(now);
    }

    fn receive_fragment(
        &mut self,
        frame: &dyn fmt::Display,
        fragment: &[u8],
        end_headers: bool,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        if let Some(block) = &mut self.block {
            block.octets += fragment.len();
            if block.octets > 2 * self.config.max_header_list_size as usize {
                return Err(ConnectionError::limit(
                    ErrorCode::EnhanceYourCalm,
                    "a field block of more than twice the octets that a field section may have",
                ));
            }
        }
        self.stats.hpack_received.wire += fragment.len() as u64;
        let decoded = self.decoder.decode(fragment, end_headers).inspect_err(|_| {
            self.tracer.frame(Way::Received, frame);
        })?;
        let Some(decoded) = decoded else {
            self.tracer.frame(Way::Received, frame);
            return Ok(());
        };
        let headers = decoded.headers;
        self.tracer.frame_with_fields(Way::Received, frame, &headers);
        self.stats.hpack_received.plain += (headers.section_size() - 32 * headers.len()) as u64;
        self.block_since = None;
        let Some(block) = self.block.take() else { return Ok(()) };
        match block.purpose {
            Purpose::Headers { end_stream, dependency } => {
                let section = Section {
                    id: block.stream_id,
                    headers,
                    truncated: decoded.truncated,
                    end_stream,
                    depends_on_itself: dependency
                        .is_some_and(|dependency| dependency.stream_id == block.stream_id),
                };
                self.receive_section(section, now)
            }
            Purpose::Promise { promised } => {
                self.receive_promise(block.stream_id, promised, headers, decoded.truncated, now)
            }
        }
    }

    fn receive_section(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        if let Some(stream) = self.streams.get(id) {
            if section.depends_on_itself {
                return self.violation(id, ErrorCode::ProtocolError, SELF_DEPENDENCY, now);
            }
            return match stream.recv.phase {
                Phase::Headers => self.receive_response(section, now),
                Phase::Body | Phase::Done => self.receive_trailers(section, now),
            };
        }
        let opens = self.role == Role::Server && id.is_client_initiated();
        match self.streams.standing(id) {
            Standing::Idle if self.is_ignored(id) => Ok(()),
            Standing::Idle if opens => self.receive_request(section, now),
            Standing::Idle => Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("HEADERS on stream {id}, which the peer cannot open"),
            )),
            // RFC 9113, Section 5.1.1: identifiers only go up.
            Standing::Closed(None) if opens => Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("HEADERS on stream {id}, below one that has been used"),
            )),
            Standing::Closed(_) => self.receive_for_missing(id, "HEADERS", now),
        }
    }

    /// HEADERS that open a stream, at a server.
    fn receive_request(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        self.streams.use_id(id);
        let priority = self.take_early_priority(id);
        if section.depends_on_itself {
            return self.violation(id, ErrorCode::ProtocolError, SELF_DEPENDENCY, now);
        }
        // RFC 9113, Section 5.1.2: over our limit: PROTOCOL_ERROR or REFUSED_STREAM; the latter
        // says that the request may be tried again.
        if self.streams.peer_active >= self.local.max_concurrent_streams as usize {
            self.stats.streams_refused += 1;
            self.budgets.reset_provoked(now)?;
            self.refuse(id, ErrorCode::RefusedStream);
            return Ok(());
        }
        if section.truncated {
            return self.answer_431(section, now);
        }
        let extended_connect = self.local.enable_connect_protocol;
        let facts = match headers::check_request(&section.headers, extended_connect) {
            Ok(facts) => facts,
            Err(what) => return self.malformed(id, &what, now),
        };
        if section.end_stream && facts.content_length.is_some_and(|length| length > 0) {
            let what = "the body does not match its content-length";
            return self.violation(id, ErrorCode::ProtocolError, what, now);
        }
        self.accept(section, facts, priority.or(facts.priority));
        Ok(())
    }

    fn accept(
        &mut self,
        section: Section,
        facts: RequestFacts,
        priority: Option<super::priority::Priority>,
    ) {
        let mut stream = self.new_stream(section.id);
        stream.request = facts;
        stream.priority = priority;
        stream.counted = true;
        stream.recv.content_left = if facts.is_connect { None } else { facts.content_length };
        stream.recv.phase = if section.end_stream { Phase::Done } else { Phase::Body };
        let opened = stream.state.recv_headers(section.end_stream);
        debug_assert!(opened.is_ok(), "the stream was idle");
        self.streams.insert(stream);
        self.streams.peer_active += 1;
        self.stats.streams_accepted += 1;
        self.last_processed = section.id;
        self.budgets.useful();
        self.push_headers(section, HeadersKind::Request);
    }

    /// A field section over the limit gets an answer of its own: 431 (RFC 6585, Section 5), and
    /// the application never sees it.
    fn answer_431(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        self.budgets.reset_provoked(now)?;
        self.stats.streams_refused += 1;
        let answer = Headers::from([(":status", "431"), ("content-length", "0")]);
        self.queue_block(id, BlockStart::Headers { end_stream: true }, &answer);
        if section.end_stream {
            self.streams.record(id, Cause::EndStream);
        } else {
            // RFC 9113, Section 8.1: the answer is complete, the rest of the request is not needed.
            self.refuse(id, ErrorCode::NoError);
        }
        Ok(())
    }

    /// Interim or final HEADERS on a stream of ours, or on one that was promised to us.
    fn receive_response(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        if section.truncated {
            let what = "the field section is over the limit";
            return self.violation(id, ErrorCode::EnhanceYourCalm, what, now);
        }
        let facts = match headers::check_response(&section.headers, section.end_stream) {
            Ok(facts) => facts,
            Err(what) => return self.malformed(id, &what, now),
        };
        let limit = self.local.max_concurrent_streams as usize;
        let full = self.streams.peer_active >= limit;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        if facts.is_informational() {
            stream.recv.informational += 1;
            if stream.recv.informational > self.config.max_informational {
                let what = "too many interim responses";
                return self.violation(id, ErrorCode::EnhanceYourCalm, what, now);
            }
            self.push_headers(section, HeadersKind::Informational);
            return Ok(());
        }
        let pushed = id.is_server_initiated();
        if pushed && full {
            self.stats.streams_refused += 1;
            let what = "more pushed streams than we allow at once";
            return self.violation(id, ErrorCode::RefusedStream, what, now);
        }
        if let Err(code) = stream.state.recv_headers(section.end_stream) {
            let what = "HEADERS in a state that does not allow them";
            return self.violation(id, code, what, now);
        }
        stream.recv.no_body = stream.request.is_head || matches!(facts.status, 204 | 304);
        let tunnel = stream.request.is_connect && (200..300).contains(&facts.status);
        if !stream.recv.no_body && !tunnel {
            stream.recv.content_left = facts.content_length;
        }
        stream.recv.phase = if section.end_stream { Phase::Done } else { Phase::Body };
        if section.end_stream && stream.recv.content_left.is_some_and(|left| left > 0) {
            let what = "the body does not match its content-length";
            return self.violation(id, ErrorCode::ProtocolError, what, now);
        }
        if pushed {
            stream.counted = true;
            self.streams.peer_active += 1;
        }
        self.push_headers(section, HeadersKind::Response);
        self.finish_if_closed(id, now);
        Ok(())
    }

    fn receive_trailers(&mut self, section: Section, now: Instant) -> Result<(), ConnectionError> {
        let id = section.id;
        let Some(stream) = self.streams.get_mut(id) else { return Ok(()) };
        let violation = if let Err(code) = stream.state.recv_headers(section.end_stream) {
            Some((code, "HEADERS after the end of the stream"))
        } else if !section.end_stream {
            // RFC 9113, Section 8.1: the field section after the body ends the stream.
            Some((ErrorCode::ProtocolError, "trailers that do not end the stream"))
        } else if section.truncated {
            Some((ErrorCode::EnhanceYourCalm, "the trailers are over the limit"))
        } else if stream.recv.content_left.is_some_and(|left| left > 0) {
            Some((ErrorCode::ProtocolError, "the body does not match its content-length"))
        } else {
            None
        };
        if let Some((code, what)) = violation {
            return self.violation(id, code, what, now);
        }
        if let Err(what) = headers::check_trailers(&section.headers) {
            return self.malformed(id, &what, now);
        }
        stream.recv.phase = Phase::Done;
        self.push_headers(section, HeadersKind::Trailers);
        self.finish_if_closed(id, now);
        Ok(())
    }

    fn receive_promise(
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
        // RFC 9113, Section 6.6: on a stream that is open or half-closed (local) for us. One that
        // we have reset may still have promises on their way.
        let parent_open = self.streams.get(parent).is_some_and(|stream| stream.state.can_receive());
        let reset_by_us = self.streams.standing(parent)
            == Standing::Closed(Some(Cause::ResetByUs))
            && self.streams.is_own(parent);
        if !parent.is_client_initiated() || !(parent_open || reset_by_us) {
            return error(format!("PUSH_PROMISE on stream {parent}, which is not open"));
        }
        self.streams.use_id(promised);
        if self.is_ignored(promised) {
            return Ok(());
        }
        let over_limit = self.promised >= self.config.max_promised_streams;
        if reset_by_us || !self.local.enable_push || over_limit || truncated {
            self.stats.streams_refused += 1;
            self.refuse(promised, ErrorCode::Cancel);
            return Ok(());
        }
        let facts = match headers::check_promise(&headers) {
            Ok(facts) => facts,
            Err(what) => return self.malformed(promised, &what, now),
        };
        let mut stream = self.new_stream(promised);
        stream.request = facts;
        stream.send.phase = Phase::Done;
        let reserved = stream.state.recv_promise();
        debug_assert!(reserved.is_ok(), "the stream was idle");
        self.streams.insert(stream);
        self.promised += 1;
        self.stats.streams_accepted += 1;
        self.last_processed = promised;
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

    /// RST_STREAM for a stream that never got into the table.
    fn refuse(&mut self, id: StreamId, code: ErrorCode) {
        self.streams.record(id, Cause::ResetByUs);
        self.stats.resets_sent += 1;
        self.queue(RstStream { stream_id: id, error_code: code });
    }

    fn take_early_priority(&mut self, id: StreamId) -> Option<super::priority::Priority> {
        if self.early_priorities.is_empty() {
            return None;
        }
        let index = self.early_priorities.iter().position(|&(other, _)| other == id)?;
        self.early_priorities.remove(index).map(|(_, priority)| priority)
    }
}

const SELF_DEPENDENCY: &str = "a stream cannot depend on itself";

/// A whole field section of HEADERS.
struct Section {
    id: StreamId,
    headers: Headers,
    truncated: bool,
    end_stream: bool,
    depends_on_itself: bool,
}
