//! Output, and its order.
//!
//! Everything except DATA and trailers is encoded at once, in the order of the calls, into one
//! queue of octets: SETTINGS, acknowledgments, HEADERS, RST_STREAM and others never overtake one
//! another, and HPACK encodes field blocks in wire order. DATA, and the trailers after it, are
//! framed only when it is their turn: control frames go first, then the stream that the scheduler
//! selects, within the windows.

use std::time::Instant;

use super::connection::Connection;
use super::event::Event;
use super::outgoing::{BlockStart, ConnectionFrame, Outgoing, Sent, Transmit};
use super::queue::EventQueue;
use super::state::Cause;
use super::stream::{Phase, Stream};
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;

impl Connection {
    /// Moves output into `out`, until it holds about `max` octets or nothing more can be sent now.
    /// Returns whether `out` holds anything.
    ///
    /// The contents of `out` must then be written, completely and in order.
    pub fn poll_transmit(&mut self, now: Instant, out: &mut Transmit, max: usize) -> bool {
        let before = out.len();
        // Octets returned earlier and no longer in `out` have been written.
        self.deadlines.note_written(self.outgoing.written(out), now);
        loop {
            // Includes frames that the previous turn caused, so that nothing overtakes them: the
            // end of one stream can send the HEADERS of the next.
            self.outgoing.take_frames(out);
            if out.len() >= max || !self.transmit_next(now, out, max) {
                break;
            }
        }
        self.outgoing.note_transmitted(out.len() - before);
        self.outgoing.note_connection_stall(now);
        self.announce_room();
        !out.is_empty()
    }

    /// Whether a stream has DATA or trailers that can be sent now, or once the connection's window
    /// opens.
    pub(crate) fn has_turn(&self, id: StreamId) -> bool {
        self.streams.get(id).is_some_and(|stream| stream.send.queue.is_sendable())
    }

    /// Runs one turn of one stream. Returns `false` if no stream can send.
    fn transmit_next(&mut self, now: Instant, out: &mut Transmit, max: usize) -> bool {
        let Some(id) = self.outgoing.next_turn() else { return false };
        let Some(stream) = self.streams.get_mut(id) else { return true };
        let max_frame_size = self.remote.max_frame_size as usize;
        match self.outgoing.take_turn(&mut stream.send.queue, max_frame_size, max, out, now) {
            Sent::Nothing => {}
            Sent::Data { len, end_stream } => {
                if len > 0 {
                    self.budgets.sent(len);
                }
                self.after_sending(id, end_stream, now);
            }
            Sent::Trailers => self.after_sending(id, true, now),
        }
        true
    }

    /// Updates a stream after its DATA or trailers have been sent.
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
        self.outgoing.end_turn(&mut stream.send.queue, now);
        announce_data_room(stream, &mut self.outgoing, &mut self.events);
    }

    /// Puts a stream into the scheduler if it has something to send.
    pub(super) fn schedule(&mut self, id: StreamId, now: Instant) {
        if let Some(stream) = self.streams.get_mut(id) {
            self.outgoing.schedule(&mut stream.send.queue, now);
        }
    }

    /// Allows queued output after the HEADERS of a stream.
    pub(super) fn open_queue(&mut self, id: StreamId, now: Instant) {
        if let Some(stream) = self.streams.get_mut(id) {
            self.outgoing.open(&mut stream.send.queue, now);
            announce_data_room(stream, &mut self.outgoing, &mut self.events);
        }
    }

    /// Notifies refused senders that there is room, after something was sent or dropped.
    pub(super) fn announce_room(&mut self) {
        if !self.outgoing.has_room_waiters() {
            return;
        }
        if self.outgoing.section_room(self.opener.octets()) {
            self.events.push(Event::SendRoom { stream_id: StreamId::CONNECTION });
        }
        let mut waiting = self.outgoing.take_waiting();
        while let Some(id) = waiting.pop_front() {
            if let Some(stream) = self.streams.get_mut(id) {
                Outgoing::stop_waiting(&mut stream.send.queue);
                announce_data_room(stream, &mut self.outgoing, &mut self.events);
            }
        }
    }

    /// Queues a connection-level frame.
    pub(super) fn queue(&mut self, frame: impl ConnectionFrame) {
        self.outgoing.queue(frame);
    }

    /// Queues RST_STREAM, unless the peer does not know the stream.
    pub(super) fn queue_reset(&mut self, id: StreamId, error_code: ErrorCode) {
        if let Some(stream) = self.streams.known(id) {
            self.outgoing.queue_reset(stream, error_code);
        }
    }

    /// Queues a field block.
    pub(super) fn queue_block(&mut self, id: StreamId, start: BlockStart, headers: &Headers) {
        let max_frame_size = self.remote.max_frame_size as usize;
        self.outgoing.queue_block(id, start, headers, max_frame_size);
    }
}

/// Notifies a stream that has sent something, or has got its guaranteed room, that there is room
/// for what was refused.
fn announce_data_room(stream: &mut Stream, outgoing: &mut Outgoing, events: &mut EventQueue) {
    if stream.send.phase == Phase::Body && outgoing.data_room(&mut stream.send.queue) {
        events.push(Event::SendRoom { stream_id: stream.id });
    }
}
