//! DATA and trailers: framed when it is a stream's turn, within the windows.

use std::time::Instant;

use super::batch::Transmit;
use super::field_block::BlockStart;
use super::send_queue::{Item, SendQueue};
use super::stall::Stall;
use super::state::Outgoing;
use crate::frame::{Flags, Head, Kind, StreamId};
use crate::proto::flow::WindowOverflow;
use crate::proto::priority::Priority;
use crate::proto::trace::Way;

/// With more than this encoded and not yet taken, DATA is queued instead, so that it does not use
/// up the room of field sections.
const FIFO_WITH_DATA: usize = 64 << 10;

/// The outcome of a stream's turn.
#[derive(Debug, Clone, Copy)]
pub(in crate::proto) enum Sent {
    /// Nothing: its window was lowered while it was queued.
    Nothing,
    /// DATA of this many octets, possibly with END_STREAM.
    Data { len: usize, end_stream: bool },
    /// Trailers, which end the stream.
    Trailers,
}

impl Outgoing {
    /// Allows queued output after the HEADERS of a stream.
    pub(in crate::proto) fn open(&mut self, queue: &mut SendQueue, now: Instant) {
        queue.is_open = true;
        self.schedule(queue, now);
    }

    /// Closes the queue of a stream whose HEADERS had END_STREAM, or were sent over HTTP/1.1.
    pub(in crate::proto) fn open_and_end(queue: &mut SendQueue) {
        queue.is_open = true;
    }

    /// Queues DATA or trailers on a stream.
    pub(in crate::proto) fn push(&mut self, queue: &mut SendQueue, item: Item, now: Instant) {
        let octets = item.len();
        queue.items.push_back(item);
        queue.octets += octets;
        self.buffered += octets;
        self.schedule(queue, now);
    }

    /// Puts a stream into the scheduler if it has something to send.
    pub(in crate::proto) fn schedule(&mut self, queue: &mut SendQueue, now: Instant) {
        self.put_in_line(queue, false, now);
    }

    fn put_in_line(&mut self, queue: &mut SendQueue, had_turn: bool, now: Instant) {
        if queue.turn.is_some() {
            return;
        }
        if !queue.is_sendable() {
            self.note_stream_stall(queue, now);
            return;
        }
        let place = queue.place();
        queue.turn = Some(if had_turn && queue.is_sequential() {
            self.scheduler.push_front(queue.id, place)
        } else {
            self.scheduler.push(queue.id, place)
        });
        if self.window.available() == 0 {
            // Without anything to transmit, no later call would detect it.
            self.note_connection_stall(now);
        }
    }

    /// Changes the priority of a response (RFC 9218).
    pub(in crate::proto) fn prefer(&mut self, queue: &mut SendQueue, priority: Priority) {
        queue.priority = Some(priority);
        let place = queue.place();
        if let Some(turn) = queue.turn.take_if(|turn| turn.place() != place) {
            self.scheduler.remove(turn);
            queue.turn = Some(self.scheduler.push(queue.id, place));
        }
    }

    /// Applies WINDOW_UPDATE for a stream.
    pub(in crate::proto) fn grant(
        &mut self,
        queue: &mut SendQueue,
        increment: u32,
        now: Instant,
    ) -> Result<(), WindowOverflow> {
        queue.window.grant(increment)?;
        self.note_credit(queue, increment as usize, now);
        Ok(())
    }

    /// Notes that the peer has granted `granted` octets to a stream.
    pub(in crate::proto) fn note_credit(
        &mut self,
        queue: &mut SendQueue,
        granted: usize,
        now: Instant,
    ) {
        if let Some(stall) = Stall::credit(&mut queue.stall, granted) {
            self.stalls.end(stall, now);
        }
        self.schedule(queue, now);
    }

    /// Applies a change of SETTINGS_INITIAL_WINDOW_SIZE by `delta`, which was temporarily higher by
    /// `rise`. Returns whether the stream waits for window. If it does and the window grew,
    /// [`note_credit`](Self::note_credit) must follow.
    pub(in crate::proto) fn shift(
        queue: &mut SendQueue,
        rise: i64,
        delta: i64,
    ) -> Result<bool, WindowOverflow> {
        let mut at_highest = queue.window;
        at_highest.shift(rise)?;
        queue.window.shift(delta)?;
        let has_turn = queue.turn.is_some() && queue.stall.is_none();
        Ok(!queue.items.is_empty() && !has_turn)
    }

    /// Applies WINDOW_UPDATE for the connection.
    pub(in crate::proto) fn grant_connection(
        &mut self,
        increment: u32,
        now: Instant,
    ) -> Result<(), WindowOverflow> {
        self.window.grant(increment)?;
        if let Some(stall) = Stall::credit(&mut self.stalls.connection, increment as usize) {
            self.stalls.end(stall, now);
        }
        Ok(())
    }

    /// Returns the stream whose turn it is.
    pub(in crate::proto) fn next_turn(&mut self) -> Option<StreamId> {
        self.scheduler.pop(self.window.available() > 0)
    }

    /// Sends the next item of a stream whose turn it is: at most `max` octets, except for a small
    /// remainder. [`end_turn`](Self::end_turn) must follow, unless the stream has ended.
    pub(in crate::proto) fn take_turn(
        &mut self,
        queue: &mut SendQueue,
        max_frame_size: usize,
        max: usize,
        out: &mut Transmit,
        now: Instant,
    ) -> Sent {
        // `next_turn` has consumed the ticket.
        queue.turn = None;
        if !queue.is_sendable() {
            self.note_stream_stall(queue, now);
            return Sent::Nothing;
        }
        match queue.items.pop_front() {
            Some(Item::Data { mut data, end_stream }) => {
                let len = data
                    .len()
                    .min(self.window.available())
                    .min(queue.window.available())
                    .min(max_frame_size)
                    // At most `max`, but at least 1 KiB, to avoid tiny frames.
                    .min(max.max(1024));
                let piece = data.split_to(len);
                let is_last = data.is_empty();
                if !is_last {
                    queue.items.push_front(Item::Data { data, end_stream });
                }
                self.remove_octets(queue, len);
                let end_stream = end_stream && is_last;
                out.push_data(self.account_data(queue, len, end_stream), piece);
                Sent::Data { len, end_stream }
            }
            Some(Item::Trailers(trailers)) => {
                self.remove_octets(queue, trailers.section_size());
                let start = BlockStart::Headers { end_stream: true };
                self.queue_block(queue.id, start, &trailers, max_frame_size);
                Sent::Trailers
            }
            None => Sent::Nothing,
        }
    }

    fn remove_octets(&mut self, queue: &mut SendQueue, octets: usize) {
        queue.octets -= octets;
        self.buffered -= octets;
    }

    /// Ends the turn of a stream that continues.
    pub(in crate::proto) fn end_turn(&mut self, queue: &mut SendQueue, now: Instant) {
        if !queue.has_data_next() {
            self.end_stream_stall(queue, now);
        }
        self.put_in_line(queue, true, now);
    }

    /// Accounts for a DATA frame of this size and returns its header. The windows must allow it.
    fn account_data(&mut self, queue: &mut SendQueue, len: usize, end_stream: bool) -> Head {
        self.window.consume(len);
        queue.window.consume(len);
        let flags = if end_stream { Flags::END_STREAM } else { Flags::default() };
        // No piece exceeds the maximum frame size.
        let head = Head { length: len as u32, kind: Kind::DATA, flags, stream_id: queue.id };
        self.tracer.frame(Way::Sent, &head);
        self.figures.sent.count(Kind::DATA, head.frame_len());
        head
    }

    /// Whether the end of a body may be framed right after the encoded frames, without being
    /// queued: no DATA of other streams is queued, and the windows are open.
    pub(in crate::proto) fn may_frame_at_once(&self, queue: &SendQueue, len: usize) -> bool {
        self.fifo.len() <= FIFO_WITH_DATA
            && !self.scheduler.has_turn(true)
            && queue.is_open
            && queue.promises == 0
            && queue.items.is_empty()
            && self.window.available() >= len
            && queue.window.available() >= len
    }

    /// Frames the end of a body at once.
    pub(in crate::proto) fn frame_at_once(&mut self, queue: &mut SendQueue, data: &[u8]) {
        let head = self.account_data(queue, data.len(), true);
        head.encode(&mut self.fifo);
        self.fifo.extend_from_slice(data);
    }
}
