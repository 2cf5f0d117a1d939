//! Bounds on what waits to be sent, and word of room for who was refused.
//!
//! DATA and field sections are bounded apart, each by `max_send_buffer`. Field sections wait for
//! the transport, or for their turn to open a stream; DATA waits for windows as well. So streams
//! whose windows are shut can fill the room for DATA, but never keep a request, a response or
//! another stream's next piece from going out.

use super::connection::Connection;
use super::error::CommandError;
use super::event::Event;
use super::stream::{Phase, SendHalf};
use crate::frame::StreamId;

/// With no more than this waiting (acknowledgements, say), one command of any size is taken.
const NEARLY_NOTHING: usize = 4 << 10;

/// So much may wait on each stream that the peer knows of, however much waits on others: else the
/// stream whose end everybody waits for could be the one that gets no room.
const GUARANTEED: usize = 64 << 10;

/// Pieces of DATA that may wait on one stream, so that tiny ones cost little more than they say.
const MAX_PIECES: usize = 1_024;

impl Connection {
    /// Whether another field section of so many octets may wait.
    pub(super) fn check_section_room(&mut self, octets: usize) -> Result<(), CommandError> {
        if self.has_section_room(octets) {
            return Ok(());
        }
        let wanted = self.wants_section_room.unwrap_or(octets);
        self.wants_section_room = Some(wanted.min(octets));
        Err(CommandError::Full { stream_id: StreamId::CONNECTION })
    }

    /// Whether so many octets more of DATA may wait on a stream.
    pub(super) fn check_data_room(
        &mut self,
        id: StreamId,
        octets: usize,
    ) -> Result<(), CommandError> {
        let Some(stream) = self.streams.get(id) else { return Err(self.missing(id)) };
        let shared = self.shares_room(&stream.send, octets);
        // The end of a stream needs no room.
        if octets == 0 || (shared && self.has_own_room(&stream.send, octets)) {
            return Ok(());
        }
        self.wants_data_room |= !shared;
        if let Some(stream) = self.streams.get_mut(id) {
            stream.send.wants_room = Some(octets);
        }
        Err(CommandError::Full { stream_id: id })
    }

    /// Something has been sent or dropped: tells who was refused that there is room. Not before
    /// half of the buffer is free, or there would be an event for each piece.
    pub(super) fn announce_room(&mut self) {
        let half = NEARLY_NOTHING.max(self.config.max_send_buffer / 2);
        if self.wants_section_room.is_some_and(|wanted| self.has_section_room(wanted))
            && self.fifo.len() + self.opener.octets() <= half
        {
            self.wants_section_room = None;
            self.events.push(Event::SendRoom { stream_id: StreamId::CONNECTION });
        }
        if self.wants_data_room && self.send_buffered <= half {
            self.wants_data_room = false;
            for id in self.streams.ids(|stream| stream.send.wants_room.is_some()) {
                self.announce_data_room(id);
            }
        }
    }

    /// The same for one stream: it has sent something, or has got its guaranteed room.
    pub(super) fn announce_data_room(&mut self, id: StreamId) {
        let Some(stream) = self.streams.get(id) else { return };
        let send = &stream.send;
        let Some(octets) = send.wants_room.filter(|_| send.phase == Phase::Body) else { return };
        let half_free = send.queued <= self.config.max_stream_send_buffer / 2
            && send.queue.len() <= MAX_PIECES / 2;
        if !half_free || !self.has_own_room(send, octets) {
            return;
        }
        if !self.shares_room(send, octets) {
            self.wants_data_room = true;
            return;
        }
        if let Some(stream) = self.streams.get_mut(id) {
            stream.send.wants_room = None;
            self.events.push(Event::SendRoom { stream_id: id });
        }
    }

    fn has_section_room(&self, octets: usize) -> bool {
        let waiting = self.fifo.len() + self.opener.octets();
        waiting <= NEARLY_NOTHING || waiting + octets <= self.config.max_send_buffer
    }

    pub(super) fn has_own_room(&self, send: &SendHalf, octets: usize) -> bool {
        send.queue.is_empty()
            || (send.queue.len() < MAX_PIECES
                && send.queued + octets <= self.config.max_stream_send_buffer)
    }

    pub(super) fn shares_room(&self, send: &SendHalf, octets: usize) -> bool {
        let guaranteed = GUARANTEED.min(self.config.max_send_buffer / 16);
        self.send_buffered <= NEARLY_NOTHING
            || self.send_buffered + octets <= self.config.max_send_buffer
            || (send.on_wire && send.queued + octets <= guaranteed)
    }
}
