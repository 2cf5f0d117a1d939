//! Receiving: the order of frames, DATA, and frames for streams that have ended. Field blocks and
//! control frames are in separate files.

use std::time::Instant;

use bytes::BytesMut;

use super::budgets::PeerAction;
use super::connection::Connection;
use super::error::{ConnectionError, PEER_SPEAKS_HTTP1};
use super::event::{CloseReason, Event, Extension, ResetBy};
use super::queue::detach;
use super::state::{Cause, Refusal, State};
use super::stream::Phase;
use super::streams::Standing;
use super::trace::Way;
use crate::frame::{Data, ErrorCode, Flags, Frame, Head, Input, Kind, PREFACE, Scope, StreamId};
use crate::logging;

/// DATA for an ended stream, beyond what was in flight, is charged if it is smaller than this: it
/// costs us more per octet than its sender. Larger DATA is bounded by the connection's window.
const SLIVER: usize = 256;

impl Connection {
    /// Processes all complete frames at the front of `input`, and leaves the remainder for more
    /// octets to follow. Large DATA payloads are shared with `input`, not copied.
    ///
    /// # Errors
    ///
    /// A connection error (RFC 9113, Section 5.4.1): GOAWAY is queued, the connection is closed,
    /// and every later call returns the same error. Frames before it in `input` have been
    /// processed. Stream errors are not returned: RST_STREAM is queued, and [`Event::Reset`]
    /// reports it.
    pub fn receive(&mut self, input: &mut BytesMut, now: Instant) -> Result<(), ConnectionError> {
        self.receive_from(input, now)
    }

    /// [`receive`](Self::receive) from either kind of input.
    pub(crate) fn receive_from(
        &mut self,
        input: &mut impl Input,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.deadlines.note_heard(now);
        self.input.len = input.len();
        let result = match &self.ending.closed {
            Some(CloseReason::Error(error)) => Err(error.clone()),
            Some(_) => Ok(()),
            None => self.receive_frames(input, now).map_err(|error| self.fail(error)),
        };
        if self.ending.closed.is_some() {
            input.advance(input.remaining());
        }
        result
    }

    fn receive_frames(
        &mut self,
        input: &mut impl Input,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.receive_preface(input)?;
        while self.input.preface_left == 0 && self.ending.closed.is_none() {
            let Some(head) = Head::parse(input) else {
                if !input.is_empty() {
                    self.deadlines.note_frame(true, now);
                }
                break;
            };
            self.check_order(head)
                .inspect_err(|error| self.tracer.rejected(&head, error.detail()))?;
            let frame = Frame::decode_from(input, self.local.max_frame_size());
            // DATA may arrive as slowly as the network is.
            let is_awaited = matches!(frame, Ok(None)) && head.kind != Kind::DATA;
            self.deadlines.note_frame(is_awaited, now);
            match frame {
                Ok(Some(frame)) => {
                    self.stats.received.count(head.kind, Head::LEN + head.length as usize);
                    self.receive_frame(frame, now)?;
                }
                Ok(None) => {
                    if is_of_field_block(head.kind) {
                        self.deadlines.note_block(now);
                    }
                    break;
                }
                Err(error) => {
                    self.tracer.rejected(error.head(), error.reason());
                    match error.scope {
                        Scope::Connection => return Err(error.into()),
                        Scope::Stream(id) => self.violation(id, error.code, error.reason(), now)?,
                    }
                }
            }
        }
        Ok(())
    }

    /// RFC 9113, Section 3.4: a client's connection starts with 24 fixed octets.
    fn receive_preface(&mut self, input: &mut impl Input) -> Result<(), ConnectionError> {
        let len = self.input.preface_left.min(input.len());
        let expected = &PREFACE[PREFACE.len() - self.input.preface_left..][..len];
        if input[..len] != *expected {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                "the connection does not start with the HTTP/2 preface",
            ));
        }
        input.advance(len);
        self.input.preface_left -= len;
        Ok(())
    }

    /// Checks the frame header before the payload has arrived.
    fn check_order(&self, head: Head) -> Result<(), ConnectionError> {
        // RFC 9113, Section 3.4: the first frame is SETTINGS without ACK.
        if !self.input.greeted && head.to_octets().starts_with(b"HTTP/1") {
            return Err(ConnectionError::peer(ErrorCode::ProtocolError, PEER_SPEAKS_HTTP1));
        }
        if !self.input.greeted && (head.kind != Kind::SETTINGS || head.flags.contains(Flags::ACK)) {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("the first frame must be SETTINGS, not {head}"),
            ));
        }
        match &self.input.block {
            // RFC 9113, Section 6.10: between HEADERS without END_HEADERS and the end of its block,
            // only CONTINUATION of the same stream is allowed.
            Some(block) if head.kind != Kind::CONTINUATION || head.stream_id != block.stream_id => {
                Err(ConnectionError::peer(
                    ErrorCode::ProtocolError,
                    format!("{head} inside the field block of stream {}", block.stream_id),
                ))
            }
            None if head.kind == Kind::CONTINUATION => Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("{head} outside of a field block"),
            )),
            _ => Ok(()),
        }
    }

    fn receive_frame(&mut self, frame: Frame, now: Instant) -> Result<(), ConnectionError> {
        if !is_of_field_block(frame.kind()) {
            self.tracer.frame(Way::Received, &frame);
        }
        match frame {
            Frame::Data(frame) => self.receive_data(frame, now),
            Frame::Headers(frame) => self.receive_headers(frame, now),
            Frame::Continuation(frame) => self.receive_continuation(frame, now),
            Frame::PushPromise(frame) => self.receive_push_promise(frame, now),
            Frame::RstStream(frame) => self.receive_rst_stream(frame, now),
            Frame::Settings(frame) => self.receive_settings(frame, now),
            Frame::Ping(frame) => self.receive_ping(frame, now),
            Frame::Goaway(frame) => self.receive_goaway(frame, now),
            Frame::WindowUpdate(frame) => self.receive_window_update(frame, now),
            Frame::Priority(frame) => self.receive_priority(frame, now),
            Frame::PriorityUpdate(frame) => self.receive_priority_update(frame, now),
            Frame::AltSvc(frame) => self.receive_extension(Extension::AltSvc(frame), now),
            Frame::Origin(frame) => self.receive_extension(Extension::Origin(frame), now),
            Frame::Unknown(frame) => self.receive_extension(Extension::Unknown(frame), now),
        }
    }

    // DATA, RFC 9113, Section 6.1.
    fn receive_data(&mut self, frame: Data, now: Instant) -> Result<(), ConnectionError> {
        let id = frame.stream_id;
        let counted = frame.flow_len();
        // RFC 9113, Section 6.9: flow control counts DATA even if its stream has ended.
        // Connection-level credit is returned at once: the windows of the streams bound memory.
        // Credit that has not been sent yet is not available to the peer.
        let window = self.input.window.signed() - i64::from(self.outgoing.pending_credit());
        if i64::from(counted) > window || self.input.window.receive(counted).is_err() {
            return Err(ConnectionError::peer(
                ErrorCode::FlowControlError,
                format!("{counted} octets of DATA are more than the connection's window allows"),
            ));
        }
        self.input.window.release(counted);
        if let Some(increment) = self.input.window.take_update() {
            self.outgoing.queue_credit(increment);
        }
        let Some(stream) = self.streams.get_mut(id) else {
            // RFC 9113, Section 5.1: the peer may not know yet that we reset the stream. A server
            // of tiny messages may have thousands of frames in flight.
            if self.streams.was_on_its_way(id, counted, frame.end_stream) {
                return Ok(());
            }
            let is_sliver = frame.data.len() < SLIVER;
            let action = if is_sliver { PeerAction::LateFrame } else { PeerAction::LateData };
            return self.receive_for_missing(id, "DATA", action, now);
        };
        let is_empty = frame.data.is_empty() && !frame.end_stream;
        let action = if is_empty { PeerAction::EmptyData } else { PeerAction::Data };
        self.budgets.charge(action, now)?;
        if stream.recv.phase == Phase::Headers && stream.state.can_receive() {
            return self.violation(id, ErrorCode::ProtocolError, "DATA before HEADERS", now);
        }
        if let Err(refusal) = stream.state.recv_data(frame.end_stream) {
            return self.refused(id, refusal, "DATA in a state that does not allow it", now);
        }
        if stream.recv.window.receive(counted, now).is_err() {
            let what = "more DATA than the stream's window allows";
            return self.violation(id, ErrorCode::FlowControlError, what, now);
        }
        let len = frame.data.len();
        match stream.recv.content.after_data(len, frame.end_stream) {
            Ok(rest) => stream.recv.content = rest,
            Err(error) => {
                return self.violation(id, ErrorCode::ProtocolError, &error.to_string(), now);
            }
        }
        // The application never takes padding, so its credit is returned here.
        stream.recv.window.release(counted - len as u32);
        if len > 0 || frame.end_stream {
            let data = detach(frame.data, self.input.len);
            let last = stream.recv.last_data;
            stream.recv.last_data = Some(self.events.push_data(id, data, frame.end_stream, last));
        }
        if frame.end_stream {
            stream.recv.phase = Phase::Done;
            stream.recv.window.close(&mut self.input.growth);
            self.finish_if_closed(id, now);
        } else if len < counted as usize {
            self.announce_window(id, now);
        }
        Ok(())
    }

    /// Handles a frame that opens nothing, for a stream that is not in the table. If it may have
    /// been in flight when the stream ended, it is charged as `late`.
    pub(super) fn receive_for_missing(
        &mut self,
        id: StreamId,
        what: &'static str,
        late: PeerAction,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        self.check_not_idle(id, what)?;
        if self.is_ignored(id) || self.streams.may_be_late(id) {
            return self.budgets.charge(late, now);
        }
        match self.streams.standing(id) {
            // RFC 9113, Section 5.1: a connection error after END_STREAM in both directions.
            Standing::Closed(Cause::EndStream) => Err(ConnectionError::peer(
                ErrorCode::StreamClosed,
                format!("{what} on stream {id}, which has ended"),
            )),
            // Not recorded as reset: HEADERS on it remain a connection error (RFC 9113, Section
            // 5.1.1).
            Standing::Skipped => {
                self.budgets.charge(PeerAction::ProvokedReset, now)?;
                self.queue_reset(id, ErrorCode::StreamClosed);
                Ok(())
            }
            _ => self.violation(id, ErrorCode::StreamClosed, what, now),
        }
    }

    /// Whether a stream of the peer is beyond our GOAWAY. Its frames are ignored, apart from flow
    /// control and HPACK (RFC 9113, Section 6.8).
    pub(super) fn is_ignored(&self, id: StreamId) -> bool {
        !self.streams.is_own(id) && self.ending.goaway_sent.is_some_and(|last| id > last)
    }

    /// RFC 9113, Section 5.1: on an idle stream only HEADERS, PUSH_PROMISE and PRIORITY are
    /// allowed.
    pub(super) fn check_not_idle(
        &self,
        id: StreamId,
        what: &'static str,
    ) -> Result<(), ConnectionError> {
        if self.streams.get(id).is_none_or(|stream| stream.state == State::Idle)
            && self.streams.standing(id) == Standing::Idle
            && !self.is_ignored(id)
        {
            return Err(ConnectionError::peer(
                ErrorCode::ProtocolError,
                format!("{what} on stream {id}, which is idle"),
            ));
        }
        Ok(())
    }

    /// Handles a frame that the state of the stream does not allow.
    pub(super) fn refused(
        &mut self,
        id: StreamId,
        refusal: Refusal,
        what: &'static str,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        match refusal {
            Refusal::Stream(code) => self.violation(id, code, what, now),
            Refusal::Connection(code) => {
                Err(ConnectionError::peer(code, format!("stream {id}: {what}")))
            }
        }
    }

    /// Resets a stream on which the peer violated a rule (RFC 9113, Section 5.4.2). This is charged
    /// to a budget, since a peer could otherwise make us reset streams without end (CVE-2025-8671).
    pub(super) fn violation(
        &mut self,
        id: StreamId,
        code: ErrorCode,
        what: &str,
        now: Instant,
    ) -> Result<(), ConnectionError> {
        let is_known = self.streams.get(id).is_some();
        if !is_known && (self.is_ignored(id) || self.streams.may_be_late(id)) {
            // RFC 9113, Section 5.4.2: one RST_STREAM suffices; Section 6.8: none for a stream
            // beyond our GOAWAY.
            return self.budgets.charge(PeerAction::LateFrame, now);
        }
        if self.streams.standing(id) == Standing::Idle {
            // RFC 9113, Section 6.4: RST_STREAM must not be sent on an idle stream.
            return Err(ConnectionError::peer(code, format!("{what} (idle stream {id})")));
        }
        self.budgets.charge(PeerAction::ProvokedReset, now)?;
        logging::debug!("{}: stream {id} is reset with {code}: {what}", self.role.name());
        if is_known {
            let by = ResetBy::Violation;
            let (retry_safe, detail) = (false, Some(what.into()));
            self.events.push(Event::Reset { stream_id: id, code, by, retry_safe, detail });
        } else if matches!(self.streams.standing(id), Standing::Closed(_)) {
            self.streams.record(id, Cause::ResetByUs);
        }
        self.reset_stream(id, code, now);
        Ok(())
    }

    /// Removes the stream if END_STREAM from the peer has ended it.
    pub(super) fn finish_if_closed(&mut self, id: StreamId, now: Instant) {
        if self.streams.get(id).is_some_and(|stream| stream.state.is_closed()) {
            self.finish(id, Cause::EndStream, now);
            self.open_ready(now);
        }
    }
}

fn is_of_field_block(kind: Kind) -> bool {
    matches!(kind, Kind::HEADERS | Kind::CONTINUATION | Kind::PUSH_PROMISE)
}
