//! Limits of queued output, and notification when refused output has room.
//!
//! DATA and field sections are limited separately, each by `max_send_buffer`. Field sections wait
//! for the transport, or to open a stream in order; DATA also waits for windows. Streams with
//! closed windows can therefore fill the limit of DATA, but never block a request, a response, or
//! another stream's next piece.

use super::bounds::NEARLY_NOTHING;
use super::send_queue::SendQueue;
use super::state::Outgoing;
use crate::proto::line::Line;

/// This much may be queued on every stream that the peer knows, however much is queued on others:
/// otherwise the one stream whose end all others wait for could get no room.
const GUARANTEED: usize = 64 << 10;

/// Maximum pieces of DATA queued on one stream, which bounds the overhead of tiny ones.
const MAX_PIECES: usize = 1_024;

impl Outgoing {
    /// Whether another field section of this many octets may be queued, besides `deferred` octets
    /// of deferred ones. If not, [`section_room`](Self::section_room) reports when.
    pub(in crate::proto) fn check_section(&mut self, octets: usize, deferred: usize) -> bool {
        let has_room = self.has_section_room(octets, deferred);
        if !has_room {
            let wanted = self.room.wanted_section.unwrap_or(octets);
            self.room.wanted_section = Some(wanted.min(octets));
        }
        has_room
    }

    /// Whether this many more octets of DATA may be queued on a stream. If not,
    /// [`data_room`](Self::data_room) reports when.
    pub(in crate::proto) fn check_data(&mut self, queue: &mut SendQueue, octets: usize) -> bool {
        let shares = self.shares_room(queue, octets);
        // The end of a stream takes no room.
        if octets == 0 || (shares && self.has_own_room(queue, octets)) {
            return true;
        }
        queue.wanted = Some(octets);
        if !shares {
            self.room.wait(queue, octets);
        }
        false
    }

    /// Whether output was refused because the connection's limit was reached.
    #[inline]
    pub(in crate::proto) fn has_room_waiters(&self) -> bool {
        self.room.wanted_section.is_some() || !self.room.waiting.is_empty()
    }

    /// Whether a refused field section has room now. Returns `true` once.
    pub(in crate::proto) fn section_room(&mut self, deferred: usize) -> bool {
        let Some(wanted) = self.room.wanted_section else { return false };
        let has_room = self.has_section_room(wanted, deferred)
            && self.fifo.len() + deferred <= self.room.half();
        if has_room {
            self.room.wanted_section = None;
        }
        has_room
    }

    /// Returns the streams that wait for room on the connection, if there may be some now. Call
    /// [`data_room`](Self::data_room) for each.
    pub(in crate::proto) fn take_waiting(&mut self) -> Line {
        if self.room.waiting.is_empty() || self.buffered > self.room.look_at {
            return Line::default();
        }
        std::mem::take(&mut self.room.waiting)
    }

    /// Removes a stream from those that [`take_waiting`](Self::take_waiting) returned.
    pub(in crate::proto) fn stop_waiting(queue: &mut SendQueue) {
        queue.room_ticket = None;
    }

    /// Whether DATA was refused on a stream that has room now. Returns `true` once.
    pub(in crate::proto) fn data_room(&mut self, queue: &mut SendQueue) -> bool {
        let Some(octets) = queue.wanted else { return false };
        let half_free = queue.octets <= self.room.stream / 2 && queue.items.len() <= MAX_PIECES / 2;
        if !half_free || !self.has_own_room(queue, octets) {
            return false;
        }
        if !self.shares_room(queue, octets) {
            self.room.wait(queue, octets);
            return false;
        }
        queue.wanted = None;
        self.room.leave(queue);
        true
    }

    /// Whether a piece of DATA would have room.
    #[cfg(feature = "websocket")]
    pub(in crate::proto) fn has_data_room(&self, queue: &SendQueue, octets: usize) -> bool {
        self.has_own_room(queue, octets) && self.shares_room(queue, octets)
    }

    fn has_section_room(&self, octets: usize, deferred: usize) -> bool {
        let waiting = self.fifo.len() + deferred;
        waiting <= NEARLY_NOTHING || waiting + octets <= self.room.connection
    }

    fn has_own_room(&self, queue: &SendQueue, octets: usize) -> bool {
        queue.items.is_empty()
            || (queue.items.len() < MAX_PIECES && queue.octets + octets <= self.room.stream)
    }

    fn shares_room(&self, queue: &SendQueue, octets: usize) -> bool {
        let guaranteed = GUARANTEED.min(self.room.connection / 16);
        self.buffered <= NEARLY_NOTHING
            || self.buffered + octets <= self.room.connection
            || (queue.is_open && queue.octets + octets <= guaranteed)
    }
}

#[cfg(test)]
impl Outgoing {
    /// Checks that a stream with room has been notified.
    pub(in crate::proto) fn audit_room(&self, queue: &SendQueue) {
        let Some(octets) = queue.wanted else { return };
        let own = self.has_own_room(queue, octets)
            && queue.octets <= self.room.stream / 2
            && queue.items.len() <= MAX_PIECES / 2;
        let many = queue.octets + octets > self.room.connection / 16;
        let shared =
            self.shares_room(queue, octets) && (!many || self.buffered <= self.room.connection / 2);
        assert!(!own || !shared, "{} has room and has not been told", queue.id);
    }
}
