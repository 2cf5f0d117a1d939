//! Frames other than DATA: encoded at once, in the order of the calls.

use super::batch::Transmit;
use super::field_block::{BlockFrame, BlockStart, encode_block};
use super::state::{Outgoing, Requests};
use crate::frame::{
    ErrorCode, Frame, Goaway, Head, PREFACE, Ping, PriorityUpdate, RstStream, Settings, StreamId,
    WindowUpdate,
};
use crate::hpack::Headers;
use crate::proto::streams::KnownStream;
use crate::proto::trace::Way;

/// Octets of the promised stream identifier in a PUSH_PROMISE.
const PROMISED_LEN: u64 = 4;

/// A frame of stream 0, which is valid in every state of the streams.
pub(in crate::proto) trait ConnectionFrame: Into<Frame> {}

impl ConnectionFrame for Settings {}
impl ConnectionFrame for Ping {}
impl ConnectionFrame for Goaway {}
impl ConnectionFrame for PriorityUpdate {}

impl Outgoing {
    /// Queues the client's preface (RFC 9113, Section 3.4).
    pub(in crate::proto) fn queue_preface(&mut self) {
        self.fifo.extend_from_slice(PREFACE);
    }

    /// Queues a connection-level frame.
    pub(in crate::proto) fn queue(&mut self, frame: impl ConnectionFrame) {
        self.queue_frame(frame);
    }

    /// Queues an acknowledgment. Returns `false` if more than `max` are queued: a peer that causes
    /// them without reading would accumulate them (CVE-2019-9512, CVE-2019-9515).
    pub(in crate::proto) fn queue_ack(&mut self, frame: impl ConnectionFrame, max: u32) -> bool {
        self.pending_acks += 1;
        let has_room = self.pending_acks <= max;
        if has_room {
            self.queue_frame(frame);
        }
        has_room
    }

    /// Queues a WINDOW_UPDATE for the connection.
    pub(in crate::proto) fn queue_credit(&mut self, increment: u32) {
        self.pending_credit = self.pending_credit.saturating_add(increment);
        self.queue_frame(WindowUpdate { stream_id: StreamId::CONNECTION, increment });
    }

    // RFC 9113, Sections 5.1 and 6.4: on a stream that is idle for the peer, only the frames that
    // open it are allowed; others are a connection error. These functions therefore take a stream
    // that the peer knows.

    pub(in crate::proto) fn queue_reset(&mut self, stream: KnownStream, error_code: ErrorCode) {
        self.figures.resets += 1;
        self.queue_frame(RstStream { stream_id: stream.id(), error_code });
    }

    pub(in crate::proto) fn queue_stream_credit(&mut self, stream: KnownStream, increment: u32) {
        self.queue_frame(WindowUpdate { stream_id: stream.id(), increment });
    }

    fn queue_frame(&mut self, frame: impl Into<Frame>) {
        let frame = frame.into();
        self.tracer.frame(Way::Sent, &frame);
        let before = self.fifo.len();
        frame.encode(&mut self.fifo);
        self.figures.sent.count(frame.kind(), self.fifo.len() - before);
    }

    /// Queues a field block. It will be sent even if its stream ends, since the peer's HPACK table
    /// depends on it (RFC 9113, Section 4.3).
    pub(in crate::proto) fn queue_block(
        &mut self,
        id: StreamId,
        start: BlockStart,
        headers: &Headers,
        max_frame_size: usize,
    ) {
        let begin = self.fifo.len();
        encode_block(&mut self.encoder, id, start, headers, max_frame_size, &mut self.fifo);
        self.figures.hpack.plain += (headers.section_size() - 32 * headers.len()) as u64;
        let mut octets = 0;
        let mut rest = &self.fifo[begin..];
        while let Some(head) = Head::parse(rest) {
            self.figures.sent.count(head.kind, head.frame_len());
            octets += u64::from(head.length);
            // The frames have just been written in sequence.
            rest = &rest[head.frame_len()..];
            let line = BlockFrame { head, start };
            if rest.is_empty() {
                self.tracer.frame_with_fields(Way::Sent, &line, headers);
            } else {
                self.tracer.frame(Way::Sent, &line);
            }
        }
        // Everything except the promised stream's identifier is field block.
        let is_promise = matches!(start, BlockStart::PushPromise { .. });
        self.figures.hpack.wire += octets - if is_promise { PROMISED_LEN } else { 0 };
    }

    /// Returns the number of a section that was encoded before and is kept.
    pub(in crate::proto) fn number_of_repeated(&self, headers: &Headers) -> Option<u64> {
        self.encoder.number_of_repeated(headers)
    }

    /// Records that the field block of a client's request has been queued.
    pub(in crate::proto) fn note_request(&mut self, id: StreamId) {
        self.requests.queued = id;
    }

    /// Records a request that was sent before HTTP/2 started.
    pub(in crate::proto) fn note_upgraded(&mut self, id: StreamId) {
        self.requests = Requests { queued: id, handed_out: id };
    }

    /// Whether no octet of a request has been returned for writing.
    pub(in crate::proto) fn is_unsent(&self, request: StreamId) -> bool {
        request > self.requests.handed_out
    }

    /// Drops the frames of all streams if they include requests not yet returned for writing. Only
    /// at the end of the connection, when HPACK is no longer used.
    pub(super) fn drop_requests(&mut self) {
        if self.requests.queued <= self.requests.handed_out {
            return;
        }
        let fifo = std::mem::take(&mut self.fifo);
        let mut rest = &fifo[..];
        if let Some(frames) = rest.strip_prefix(PREFACE) {
            self.fifo.extend_from_slice(PREFACE);
            rest = frames;
        }
        while let Some(head) = Head::parse(rest) {
            // The queue holds whole frames.
            let (frame, behind) = rest.split_at(head.frame_len());
            if head.stream_id.is_connection() {
                self.fifo.extend_from_slice(frame);
            }
            rest = behind;
        }
    }

    /// Moves the encoded frames to `out`.
    pub(in crate::proto) fn take_frames(&mut self, out: &mut Transmit) {
        if !self.fifo.is_empty() {
            out.take_from(&mut self.fifo);
            self.requests.handed_out = self.requests.queued;
            self.pending_acks = 0;
            self.pending_credit = 0;
        }
    }

    /// Counts octets returned for writing.
    pub(in crate::proto) fn note_transmitted(&mut self, octets: usize) {
        self.transmitted += octets as u64;
    }

    /// Returns the octets written: those returned for writing, except those that `out` still holds.
    pub(in crate::proto) fn written(&self, out: &Transmit) -> u64 {
        self.transmitted.saturating_sub(out.len() as u64)
    }
}
