//! Receives field blocks: HEADERS and PUSH_PROMISE with their CONTINUATION frames (RFC 9113,
//! Sections 4.3, 6.2, 6.6 and 6.10).
//!
//! Each fragment is decoded as it arrives. A block is always decoded to its end, even for an ended
//! or refused stream: the HPACK table belongs to the connection and must stay in sync with the
//! peer's.

use std::fmt;
use std::time::Instant;

use super::block::{Block, Purpose};
use super::config::Role;
use super::connection::Connection;
use super::error::ConnectionError;
use super::receive_message::Section;
use super::trace::Way;
use crate::frame::{Continuation, ErrorCode, Headers as HeadersFrame, PushPromise, StreamId};

impl Connection {
    pub(super) fn receive_headers(
        &mut self,
        frame: HeadersFrame,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let purpose = Purpose::Headers { end_stream: frame.end_stream, dependency: frame.priority };
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
        } else if self.local.push_forbidden() {
            // RFC 9113, Section 6.6: not allowed after ENABLE_PUSH 0 was acknowledged.
            Some("PUSH_PROMISE though ENABLE_PUSH is 0")
        } else {
            None
        };
        if let Some(what) = forbidden {
            self.tracer.frame(Way::Received, &frame);
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
        if let Some(block) = &mut self.input.block {
            block.continuations += 1;
            // A flood of CONTINUATION frames costs its sender nothing (VU#421644, CVE-2026-33871).
            if block.continuations > self.config.max_continuations {
                self.tracer.frame(Way::Received, &frame);
                return Err(ConnectionError::limit(
                    ErrorCode::EnhanceYourCalm,
                    "too many CONTINUATION frames in one field block",
                ));
            }
        }
        self.receive_fragment(&frame, &frame.fragment, frame.end_headers, now)
    }

    fn begin_block(&mut self, stream_id: StreamId, purpose: Purpose, now: Instant) {
        self.input.block = Some(Block::new(stream_id, purpose));
        self.deadlines.note_block(now);
    }

    fn receive_fragment(
        &mut self,
        frame: &dyn fmt::Display,
        fragment: &[u8],
        end_headers: bool,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        if let Some(block) = &mut self.input.block {
            block.octets += fragment.len();
            if block.octets > 2 * self.config.max_header_list_size as usize {
                self.tracer.frame(Way::Received, frame);
                return Err(ConnectionError::limit(
                    ErrorCode::EnhanceYourCalm,
                    "a field block of more than twice the octets that a field section may have",
                ));
            }
        }
        self.stats.hpack_received.wire += fragment.len() as u64;
        let decoded = self.input.decoder.decode(fragment, end_headers).inspect_err(|_| {
            self.tracer.frame(Way::Received, frame);
        })?;
        let Some(decoded) = decoded else {
            self.tracer.frame(Way::Received, frame);
            return Ok(());
        };
        let headers = decoded.headers;
        let limit = self.local.max_header_list_size() as usize;
        let truncated = decoded.truncated || headers.section_size() > limit;
        self.tracer.frame_with_fields(Way::Received, frame, &headers);
        self.stats.hpack_received.plain += (headers.section_size() - 32 * headers.len()) as u64;
        self.deadlines.end_block();
        let Some(block) = self.input.block.take() else { return Ok(()) };
        match block.purpose {
            Purpose::Headers { end_stream, dependency } => {
                let section = Section {
                    id: block.stream_id,
                    headers,
                    truncated,
                    end_stream,
                    depends_on_itself: dependency
                        .is_some_and(|dependency| dependency.stream_id == block.stream_id),
                };
                self.receive_section(section, now)
            }
            Purpose::Promise { promised } => {
                self.receive_promise(block.stream_id, promised, headers, truncated, now)
            }
        }
    }
}
