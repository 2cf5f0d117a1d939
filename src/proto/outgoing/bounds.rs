//! The bounds on what waits, and who waits for room.

use super::send_queue::SendQueue;
use crate::proto::config::Config;
use crate::proto::line::Line;

/// With no more than this waiting (acknowledgements, say), one command of any size is taken.
pub(super) const NEARLY_NOTHING: usize = 4 << 10;

/// The bounds, and what was refused.
#[derive(Debug)]
pub(super) struct Room {
    /// Octets of DATA over all streams, and of field sections.
    pub(super) connection: usize,
    /// Octets of DATA on one stream.
    pub(super) stream: usize,
    /// A field section of this many octets was refused.
    pub(super) wanted_section: Option<usize>,
    /// Streams whose DATA was refused since the connection's buffer is full.
    pub(super) waiting: Line,
    /// They are looked at when no more octets than this wait.
    pub(super) look_at: usize,
}

impl Room {
    pub(super) fn new(config: &Config) -> Self {
        Room {
            connection: config.max_send_buffer,
            stream: config.max_stream_send_buffer,
            wanted_section: None,
            waiting: Line::default(),
            look_at: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.wanted_section = None;
        self.waiting = Line::default();
    }

    /// A stream is over.
    pub(super) fn leave(&mut self, queue: &mut SendQueue) {
        if let Some(ticket) = queue.room_ticket.take() {
            self.waiting.remove(ticket);
        }
    }

    /// Half of the buffer has to be free before a refused piece is asked for again, or there would
    /// be an event for each.
    pub(super) fn half(&self) -> usize {
        NEARLY_NOTHING.max(self.connection / 2)
    }

    /// Has a stream wait for room for this many octets.
    pub(super) fn wait(&mut self, queue: &mut SendQueue, octets: usize) {
        if queue.room_ticket.is_none() {
            if self.waiting.is_empty() {
                self.look_at = 0;
            }
            queue.room_ticket = Some(self.waiting.push_back(queue.id));
        }
        let fits = self.connection.saturating_sub(octets).max(NEARLY_NOTHING);
        self.look_at = self.look_at.max(fits.min(self.half()));
    }
}
