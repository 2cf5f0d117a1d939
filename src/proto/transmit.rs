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
use super::outgoing::Transmit;
use super::state::Cause;
use super::stream::{Item, Stall};
use super::trace::Way;
use super::transmit_block::BlockStart;
use crate::frame::{
    ErrorCode, Flags, Frame, Goaway, Head, Kind, Ping, PriorityUpdate, RstStream, Settings,
    StreamId, WindowUpdate,
};
use crate::hpack::Headers;

/// A frame of stream 0: it is right whatever the states of the streams are.
pub(super) trait ConnectionFrame: Into<Frame> {}

impl ConnectionFrame for Settings {}
impl ConnectionFrame for Ping {}
impl ConnectionFrame for Goaway {}
impl ConnectionFrame for PriorityUpdate {}

impl Connection {
    /// Moves what is to be sent into `out`, until it holds about `max` octets, or nothing more can
    /// be sent now. Returns whether `out` holds anything.
    ///
    /// What is in `out` afterwards has to be written, whole and in order.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Transmit, max: usize) -> bool {
        let before = out.len();
        // What was handed out before and is not there any more has been written.
        self.deadlines.note_written(self.transmitted.saturating_sub(before as u64), now);
        loop {
            // Also what the turn before has brought about, so that nothing overtakes it: the end of
            // one stream can send the HEADERS of the next.
            if !self.fifo.is_empty() {
                out.take_from(&mut self.fifo);
                self.pending_acks = 0;
                self.pending_credit = 0;
            }
            if out.len() >= max || !self.transmit_next(now, out, max) {
                break;
            }
        }
        self.transmitted += (out.len() - before) as u64;
        self.note_connection_stall(now);
        self.announce_room();
        !out.is_empty()
    }

    /// One turn of one stream. `false` when nobody can send.
    fn transmit_next(&mut self, now: Instant, out: &mut Transmit, max: usize) -> bool {
        let window = self.send_window.available();
        let Some(id) = self.scheduler.pop(window > 0) else { return false };
        let Some(stream) = self.streams.get_mut(id) else { return true };
        stream.send.scheduled = None;
        if !stream.is_sendable() {
            // Its window was lowered while it stood in line.
            self.note_stream_stall(id, now);
            return true;
        }
        match stream.send.queue.pop_front() {
            Some(Item::Data { mut data, end_stream }) => {
                let len = data
                    .len()
                    .min(window)
                    .min(stream.send.window.available())
                    .min(self.remote.max_frame_size as usize)
                    // Whole frames, up to what is asked for, and never a sliver at its end.
                    .min(max.max(1024));
                let piece = data.split_to(len);
                let is_last = data.is_empty();
                if !is_last {
                    stream.send.queue.push_front(Item::Data { data, end_stream });
                }
                self.transmit_data(id, piece, end_stream && is_last, now, out);
            }
            Some(Item::Trailers(trailers)) => self.transmit_trailers(id, &trailers, now),
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
        self.send_buffered -= piece.len();
        if let Some(stream) = self.streams.get_mut(id) {
            stream.send.queued -= piece.len();
        }
        out.push_data(self.account_data(id, piece.len(), end_stream), piece);
        self.after_sending(id, end_stream, now);
    }

    /// The head of a frame for so many octets, which the windows allow, and the account of them.
    pub(super) fn account_data(&mut self, id: StreamId, len: usize, end_stream: bool) -> Head {
        self.send_window.consume(len);
        if let Some(stream) = self.streams.get_mut(id) {
            stream.send.window.consume(len);
        }
        if len > 0 {
            self.budgets.sent(len);
        }
        let flags = if end_stream { Flags::END_STREAM } else { Flags::default() };
        // No piece is larger than a frame may be.
        let head = Head { length: len as u32, kind: Kind::DATA, flags, stream_id: id };
        self.tracer.frame(Way::Sent, &head);
        self.stats.sent.count(Kind::DATA, head.frame_len());
        head
    }

    fn transmit_trailers(&mut self, id: StreamId, trailers: &Headers, now: Instant) {
        let size = trailers.section_size();
        self.send_buffered -= size;
        if let Some(stream) = self.streams.get_mut(id) {
            stream.send.queued -= size;
        }
        self.queue_block(id, BlockStart::Headers { end_stream: true }, trailers);
        self.after_sending(id, true, now);
    }

    /// DATA or trailers of a stream have gone out: what comes next for it?
    pub(super) fn after_sending(&mut self, id: StreamId, end_stream: bool, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        let allowed = if end_stream { stream.state.send_data(true) } else { Ok(()) };
        debug_assert!(allowed.is_ok(), "DATA is queued in states that allow it alone");
        if stream.state.is_closed() {
            self.finish(id, Cause::EndStream, now);
            self.open_ready(now);
            return;
        }
        if end_stream && stream.recv.is_declined {
            self.note_declined(id, now);
            return;
        }
        if !stream.has_data_next() {
            if let Some(stall) = stream.send.stall.take() {
                self.stall_ended(stall, now);
            }
        }
        self.put_in_line(id, true, now);
        self.announce_data_room(id);
    }

    /// Gives a stream a place in the scheduler where it has something to send.
    pub(super) fn schedule(&mut self, id: StreamId, now: Instant) {
        self.put_in_line(id, false, now);
    }

    fn put_in_line(&mut self, id: StreamId, had_turn: bool, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.send.scheduled.is_some() {
            return;
        }
        if !stream.is_sendable() {
            self.note_stream_stall(id, now);
            return;
        }
        let place = stream.place();
        stream.send.scheduled = Some(if had_turn && stream.is_sequential() {
            self.scheduler.push_front(id, place)
        } else {
            self.scheduler.push(id, place)
        });
        if self.send_window.available() == 0 {
            // With nothing to transmit, nobody else would see it.
            self.note_connection_stall(now);
        }
    }

    fn note_stream_stall(&mut self, id: StreamId, now: Instant) {
        let Some(stream) = self.streams.get_mut(id) else { return };
        if stream.is_stalled() && stream.send.stall.is_none() {
            stream.send.stall = Some(Stall::new(now));
            self.watch_stalls(now);
        }
    }

    fn note_connection_stall(&mut self, now: Instant) {
        if !self.scheduler.has_data() {
            // Nothing waits for the connection's window any more.
            if let Some(stall) = self.stall.take() {
                self.stall_ended(stall, now);
            }
        } else if self.send_window.available() == 0 && self.stall.is_none() {
            self.stall = Some(Stall::new(now));
            self.watch_stalls(now);
        }
    }

    /// Opens the connection's window by so much, for a peer that has read of it.
    pub(super) fn queue_credit(&mut self, increment: u32) {
        self.pending_credit = self.pending_credit.saturating_add(increment);
        self.queue_frame(WindowUpdate { stream_id: StreamId::CONNECTION, increment });
    }

    /// Queues RST_STREAM, unless the stream is idle: RFC 9113, Section 6.4 forbids it, and the peer
    /// would have to end the connection.
    pub(super) fn queue_reset(&mut self, id: StreamId, error_code: ErrorCode) {
        if self.streams.is_known_to_peer(id) {
            self.stats.resets_sent += 1;
            self.queue_frame(RstStream { stream_id: id, error_code });
        }
    }

    /// Queues WINDOW_UPDATE for a stream, unless it is idle (RFC 9113, Section 5.1).
    pub(super) fn queue_stream_credit(&mut self, id: StreamId, increment: u32) {
        if self.streams.is_known_to_peer(id) {
            self.queue_frame(WindowUpdate { stream_id: id, increment });
        }
    }

    /// Queues a frame that belongs to the connection.
    pub(super) fn queue(&mut self, frame: impl ConnectionFrame) {
        self.queue_frame(frame);
    }

    // Private, so that no other file can queue a frame for a stream whose HEADERS have not gone out.
    fn queue_frame(&mut self, frame: impl Into<Frame>) {
        let frame = frame.into();
        self.tracer.frame(Way::Sent, &frame);
        let before = self.fifo.len();
        frame.encode(&mut self.fifo);
        self.stats.sent.count(frame.kind(), self.fifo.len() - before);
    }
}
