//! What goes out, and in which order.
//!
//! Everything but DATA and trailers is encoded at once, in the order in which it was asked for,
//! into one queue of octets: SETTINGS, acknowledgements, HEADERS, RST_STREAM and the rest can
//! never overtake one another, and HPACK sees field blocks in the order of the wire. DATA, and
//! the trailers behind it, is framed only when it is its turn: control frames go first, then the
//! stream that the scheduler picks, as the windows allow.

use std::time::Instant;

use bytes::Bytes;

use super::connection::Connection;
use super::event::Event;
use super::outgoing::Transmit;
use super::state::Cause;
use super::stream::{Item, Stall};
use super::trace::Way;
use crate::frame::{self, Flags, Frame, Head, Kind, StreamId};
use crate::hpack::{Encoder, Headers};

/// Octets that end a stall: less than that, in all the time that a stall may last, is none.
const STALL_PROGRESS: usize = 4 << 10;

/// The start of a field block.
#[derive(Clone, Copy)]
pub(super) enum BlockStart {
    Headers { end_stream: bool },
    PushPromise { promised: StreamId },
}

impl Connection {
    /// Moves what is to be sent into `out`, until it holds about `max` octets, or nothing more can
    /// be sent now. Returns whether `out` holds anything.
    ///
    /// What is in `out` afterwards has to be written, whole and in order.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Transmit, max: usize) -> bool {
        if !self.fifo.is_empty() {
            out.take_from(&mut self.fifo);
            self.pending_acks = 0;
        }
        while out.len() < max && self.transmit_next(now, out, max) {}
        self.note_connection_stall(now);
        self.announce_room();
        !out.is_empty()
    }

    /// One turn of one stream. `false` when nobody can send.
    fn transmit_next(&mut self, now: Instant, out: &mut Transmit, max: usize) -> bool {
        let Some(id) = self.scheduler.pop() else { return false };
        let Some(stream) = self.streams.get_mut(id) else { return true };
        stream.send.scheduled = false;
        if !stream.is_sendable() {
            self.note_stream_stall(id, now);
            return true;
        }
        let window = self.send_window.available();
        let blocked = matches!(
            stream.send.queue.front(),
            Some(Item::Data { data, .. }) if !data.is_empty() && window == 0
        );
        if blocked {
            // The whole connection waits: keep the turn.
            stream.send.scheduled = true;
            let urgency = stream.urgency();
            self.scheduler.push_front(id, urgency);
            return false;
        }
        match stream.send.queue.front_mut() {
            Some(Item::Data { data, end_stream }) => {
                let len = data
                    .len()
                    .min(window)
                    .min(stream.send.window.available())
                    .min(self.remote.max_frame_size as usize)
                    // Whole frames, up to what is asked for, and never a sliver at its end.
                    .min(max.max(1024));
                let piece = data.split_to(len);
                let end_stream = *end_stream && data.is_empty();
                if data.is_empty() {
                    stream.send.queue.pop_front();
                }
                self.transmit_data(id, piece, end_stream, now, out);
            }
            Some(Item::Trailers(_)) => {
                let Some(Item::Trailers(trailers)) = stream.send.queue.pop_front() else {
                    return true;
                };
                stream.send.queued = stream.send.queued.saturating_sub(trailers.section_size());
                self.send_buffered = self.send_buffered.saturating_sub(trailers.section_size());
                let start = BlockStart::Headers { end_stream: true };
                out.with_buffer(|buffer| self.encode_block(id, start, &trailers, buffer));
                self.after_sending(id, true, now);
            }
            None => {}
        }
        true
    }

    fn transmit_data(
        &mut self,
        id: StreamId,
        piece: Bytes,
        end_stream: bool,
        now: Instant,
        out: &mut Transmit,
    ) {
        let len = piece.len();
        self.send_window.consume(len);
        self.send_buffered = self.send_buffered.saturating_sub(len);
        if let Some(stream) = self.streams.get_mut(id) {
            stream.send.window.consume(len);
            stream.send.queued = stream.send.queued.saturating_sub(len);
            if let Some(stall) = &mut stream.send.stall {
                stall.progress += len;
                if stall.progress >= STALL_PROGRESS || stream.send.queue.is_empty() {
                    self.stats.blocked_on_windows += now.saturating_duration_since(stall.since);
                    stream.send.stall = None;
                }
            }
        }
        if let Some(stall) = &mut self.stall {
            stall.progress += len;
            if stall.progress >= STALL_PROGRESS {
                self.stats.blocked_on_windows += now.saturating_duration_since(stall.since);
                self.stall = None;
            }
        }
        let data = frame::Data { stream_id: id, data: piece, end_stream, padding: None };
        self.tracer.frame(Way::Sent, &data);
        self.stats.sent.count(Kind::DATA, Head::LEN + len);
        out.push_data(data);
        self.after_sending(id, end_stream, now);
    }

    /// DATA or trailers of a stream have gone out: what comes next for it?
    fn after_sending(&mut self, id: StreamId, end_stream: bool, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let allowed = if end_stream { stream.state.send_data(true) } else { Ok(()) };
        debug_assert!(allowed.is_ok(), "DATA is queued in states that allow it alone");
        let room = stream.send.queued <= self.config.max_stream_send_buffer / 2;
        if stream.send.wants_room && room && !end_stream {
            stream.send.wants_room = false;
            self.events.push(Event::SendRoom { stream_id: id });
        }
        if stream.state.is_closed() {
            self.finish(id, Cause::EndStream, now);
        } else if !stream.send.queue.is_empty() {
            let (urgency, sequential) = (stream.urgency(), stream.is_sequential());
            stream.send.scheduled = true;
            if sequential {
                self.scheduler.push_front(id, urgency);
            } else {
                self.scheduler.push(id, urgency);
            }
        }
    }

    /// Gives a stream a place in the scheduler where it has something to send.
    pub(super) fn schedule(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.is_sendable() {
            if !stream.send.scheduled {
                stream.send.scheduled = true;
                self.scheduler.push(id, stream.urgency());
            }
        } else {
            self.note_stream_stall(id, now);
        }
    }

    fn note_stream_stall(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.is_stalled() && stream.send.stall.is_none() {
            stream.send.stall = Some(Stall { since: now, progress: 0 });
            self.watch_stalls(now);
        }
    }

    fn note_connection_stall(&mut self, now: Instant) {
        let shut = self.send_window.available() == 0 && !self.scheduler.is_empty();
        if shut && self.stall.is_none() {
            self.stall = Some(Stall { since: now, progress: 0 });
            self.watch_stalls(now);
        }
    }

    fn announce_room(&mut self) {
        if self.wants_room && self.send_buffered + self.fifo.len() <= self.config.max_send_buffer / 2
        {
            self.wants_room = false;
            self.events.push(Event::SendRoom { stream_id: StreamId::CONNECTION });
        }
    }

    /// Queues a frame that is neither DATA nor part of a field block.
    pub(super) fn queue(&mut self, frame: impl Into<Frame>) {
        let frame = frame.into();
        self.tracer.frame(Way::Sent, &frame);
        let before = self.fifo.len();
        frame.encode(&mut self.fifo);
        self.stats.sent.count(frame.kind(), self.fifo.len() - before);
    }

    /// Queues a field block. From here on it will be sent, whatever becomes of its stream: the
    /// peer's HPACK table depends on it.
    pub(super) fn queue_block(&mut self, id: StreamId, start: BlockStart, headers: &Headers) {
        let mut fifo = std::mem::take(&mut self.fifo);
        self.encode_block(id, start, headers, &mut fifo);
        self.fifo = fifo;
    }

    fn encode_block(
        &mut self,
        id: StreamId,
        start: BlockStart,
        headers: &Headers,
        out: &mut Vec<u8>,
    ) {
        let begin = out.len();
        let max = self.remote.max_frame_size as usize;
        let frames = encode_block(&mut self.encoder, id, start, headers, max, out);
        let octets = out.len() - begin;
        let first = Head::parse(&out[begin..]);
        if let Some(head) = first {
            self.stats.sent.count(head.kind, octets - (frames - 1) * Head::LEN);
            for _ in 1..frames {
                self.stats.sent.count(Kind::CONTINUATION, Head::LEN);
            }
        }
        self.stats.hpack_sent.wire += (octets - frames * Head::LEN) as u64;
        self.stats.hpack_sent.plain += (headers.section_size() - 32 * headers.len()) as u64;
        if self.tracer.is_on() {
            let mut at = begin;
            for number in 1..=frames {
                let Some(head) = Head::parse(&out[at..]) else { break };
                let line = BlockFrame { head, start };
                if number == frames {
                    self.tracer.frame_with_fields(Way::Sent, &line, headers);
                } else {
                    self.tracer.frame(Way::Sent, &line);
                }
                at += Head::LEN + head.length as usize;
            }
        }
    }
}

/// Encodes a field block as HEADERS or PUSH_PROMISE, and CONTINUATION where it is larger than one
/// frame (RFC 9113, Section 4.3). Returns the number of frames.
fn encode_block(
    encoder: &mut Encoder,
    stream_id: StreamId,
    start: BlockStart,
    headers: &Headers,
    max_frame_size: usize,
    out: &mut Vec<u8>,
) -> usize {
    let begin = out.len();
    let (kind, mut flags) = match start {
        BlockStart::Headers { end_stream: true } => (Kind::HEADERS, Flags::END_STREAM),
        BlockStart::Headers { end_stream: false } => (Kind::HEADERS, Flags::default()),
        BlockStart::PushPromise { .. } => (Kind::PUSH_PROMISE, Flags::default()),
    };
    // Nearly every block fits into one frame, so it is encoded in place and the length is filled
    // in afterwards.
    Head { length: 0, kind, flags, stream_id }.encode(out);
    if let BlockStart::PushPromise { promised } = start {
        out.extend_from_slice(&promised.get().to_be_bytes());
    }
    encoder.encode(headers.iter(), out);
    let length = out.len() - begin - Head::LEN;
    if length <= max_frame_size {
        flags.insert(Flags::END_HEADERS);
        set_head(out, begin, length, flags);
        return 1;
    }
    let rest = out.split_off(begin + Head::LEN + max_frame_size);
    set_head(out, begin, max_frame_size, flags);
    let mut pieces = rest.chunks(max_frame_size).peekable();
    let mut frames = 1;
    while let Some(piece) = pieces.next() {
        let flags = if pieces.peek().is_none() { Flags::END_HEADERS } else { Flags::default() };
        Head { length: piece.len() as u32, kind: Kind::CONTINUATION, flags, stream_id }.encode(out);
        out.extend_from_slice(piece);
        frames += 1;
    }
    frames
}

/// Fills in what was not known when the head was written.
fn set_head(out: &mut [u8], begin: usize, length: usize, flags: Flags) {
    out[begin..begin + 3].copy_from_slice(&(length as u32).to_be_bytes()[1..]);
    out[begin + 4] = flags.bits();
}

/// A frame of a field block, for the log.
struct BlockFrame {
    head: Head,
    start: BlockStart,
}

impl std::fmt::Display for BlockFrame {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.head)?;
        match self.start {
            BlockStart::PushPromise { promised } if self.head.kind == Kind::PUSH_PROMISE => {
                write!(f, " promised={promised}")
            }
            _ => Ok(()),
        }
    }
}
