//! Ends streams and the connection.

use std::time::Instant;

use bytes::Bytes;

use super::budgets::PeerAction;
use super::config::Role;
use super::connection::{Connection, PeerGoaway, Shutdown};
use super::error::{CommandError, ConnectionError};
use super::event::{CloseReason, Event};
use super::state::Cause;
use super::stream::Stream;
use crate::frame::{ErrorCode, Goaway, StreamId};
use crate::logging;

impl Connection {
    /// Ends the connection at once: queues GOAWAY with `code` and discards all streams' output.
    pub fn close(&mut self, code: ErrorCode, debug_data: Bytes) {
        if self.ending.closed.is_none() {
            self.queue_goaway(self.ending.last_processed, code, debug_data);
            self.end(CloseReason::Local);
        }
    }

    /// The transport has reached the end of the peer's output.
    pub fn end_of_input(&mut self) {
        if self.ending.closed.is_none() {
            self.end(CloseReason::Peer(self.peer_goaway()));
        }
    }

    /// Ends the connection for an error found outside the core: a panicked thread, or a write that
    /// made no progress in time.
    pub fn abort(&mut self, error: ConnectionError) {
        if self.ending.closed.is_none() {
            self.fail(error);
        }
    }

    /// RFC 9113, Section 5.4.1: sends GOAWAY with the code, then closes the connection.
    pub(super) fn fail(&mut self, error: ConnectionError) -> ConnectionError {
        logging::debug!("{}: {error}", self.role.name());
        let debug_data = Bytes::copy_from_slice(error.detail().as_bytes());
        self.queue_goaway(self.ending.last_processed, error.code(), debug_data);
        self.end(CloseReason::Error(error.clone()));
        error
    }

    fn end(&mut self, reason: CloseReason) {
        self.ending.closed = Some(reason);
        self.streams.clear();
        self.opener.clear();
        self.outgoing.clear();
        self.input.block = None;
    }

    pub(super) fn queue_goaway(
        &mut self,
        last_stream_id: StreamId,
        error_code: ErrorCode,
        debug_data: Bytes,
    ) {
        // RFC 9113, Section 6.8: the identifier must not increase from one GOAWAY to the next.
        let last_stream_id =
            self.ending.goaway_sent.map_or(last_stream_id, |id| id.min(last_stream_id));
        self.ending.goaway_sent = Some(last_stream_id);
        self.queue(Goaway { last_stream_id, error_code, debug_data });
    }

    /// Removes an ended stream and releases its slot and buffers. Another stream may be waiting for
    /// the slot, so [`open_ready`](Self::open_ready) must follow.
    pub(super) fn finish(&mut self, id: StreamId, cause: Cause, now: Instant) {
        let Some(mut stream) = self.streams.remove(id, cause) else { return };
        if cause == Cause::EndStream {
            // A refund cannot fail.
            let _ = self.budgets.charge(PeerAction::CompleteStream, now);
        }
        self.outgoing.discard(&mut stream.send.queue, now);
        if let Some((headers, _)) = &stream.send.response {
            self.opener.remove_response(headers.section_size());
        }
        if let Some(ticket) = stream.send.slot_ticket.take() {
            self.opener.leave(ticket);
        }
        let held_slot = self.free_slots(&mut stream, cause);
        self.input.growth.end(id, stream.recv.window);
        self.events.push(Event::StreamClosed { stream_id: id, held_slot });
        if self.streams.is_empty() {
            self.deadlines.note_idle(now);
        }
        self.drop_deferred(id, now);
        self.announce_room();
        self.end_when_drained();
    }

    /// Releases the slots of a stream, or parks one that its work still occupies. Returns whether
    /// it parked one.
    fn free_slots(&mut self, stream: &mut Stream, cause: Cause) -> bool {
        let holds = self.config.hold_slots && !self.streams.is_own(stream.id);
        // A complete response frees the slot at once: the peer may use it as soon as it reads the
        // response. Only a stream that was cut short may have left work behind; or a promised one,
        // which its server ends unasked.
        let parks_slot = holds && self.role == Role::Server && cause != Cause::EndStream;
        let slots = [(stream.slot.take(), parks_slot), (stream.promise.take(), holds)];
        let mut is_parked = false;
        for (slot, parks) in slots {
            match slot {
                Some(slot) if parks => {
                    self.slots.park(stream.id, slot);
                    is_parked = true;
                }
                Some(slot) => self.slots.give_back(slot),
                None => {}
            }
        }
        is_parked
    }

    /// Releases the slot of a stream after `StreamClosed { held_slot: true, .. }`, so that the peer
    /// may open another. Returns `false` if the stream holds no slot.
    pub fn release_slot(&mut self, id: StreamId) -> bool {
        self.slots.release(id)
    }

    /// Ends the connection once we have announced its end and no stream is left.
    pub(super) fn end_when_drained(&mut self) {
        let is_draining = matches!(self.ending.shutdown, Some(Shutdown::Draining));
        if is_draining && self.ending.closed.is_none() && self.streams.is_empty() {
            self.ending.is_orderly = true;
            self.end(CloseReason::Local);
        }
    }

    /// Ends the connection if the peer has announced its end and has had time to close it.
    pub(super) fn end_after_goaway(&mut self) {
        self.queue_goaway(self.ending.last_processed, ErrorCode::NoError, Bytes::new());
        self.ending.is_orderly = true;
        self.end(CloseReason::Peer(self.peer_goaway()));
    }

    /// Returns whether a server has ended the connection because nothing was left to do: its peer
    /// may still be reading the last responses.
    pub(crate) fn has_served_all(&self) -> bool {
        self.role == Role::Server && self.ending.is_orderly
    }

    /// Returns the code and debug data of the peer's last GOAWAY.
    pub(crate) fn peer_goaway(&self) -> Option<(ErrorCode, Bytes)> {
        self.ending.goaway_received.as_ref().map(PeerGoaway::reason)
    }

    pub(super) fn check_open(&self) -> Result<(), CommandError> {
        match self.ending.closed {
            Some(_) => Err(CommandError::Closed),
            None => Ok(()),
        }
    }
}
