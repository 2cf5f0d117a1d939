//! The limits of queued output, and the streams that wait for room.

use super::send_queue::SendQueue;
use crate::proto::config::Config;
use crate::proto::line::Line;

/// With at most this much queued (such as acknowledgments), one command of any size is accepted.
pub(super) const NEARLY_NOTHING: usize = 4 << 10;

/// The limits, and what was refused because of them.
#[derive(Debug)]
pub(super) struct Room {
    /// Maximum octets of DATA over all streams, and of field sections.
    pub(super) connection: usize,
    /// Maximum octets of DATA on one stream.
    pub(super) stream: usize,
    /// The size of a refused field section.
    pub(super) wanted_section: Option<usize>,
    /// Streams whose DATA was refused because the connection's limit was reached.
    pub(super) waiting: Line,
    /// They are checked when at most this many octets are queued.
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

    /// Removes a stream that has ended.
    pub(super) fn leave(&mut self, queue: &mut SendQueue) {
        if let Some(ticket) = queue.room_ticket.take() {
            self.waiting.remove(ticket);
        }
    }

    /// Half of the buffer must be free before refused DATA is requested again, to avoid an event
    /// per piece.
    pub(super) fn half(&self) -> usize {
        NEARLY_NOTHING.max(self.connection / 2)
    }

    /// Makes a stream wait for room for this many octets.
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
