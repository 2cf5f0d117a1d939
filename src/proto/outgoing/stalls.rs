//! Detects streams, or a connection, with DATA but no window.

use std::time::Instant;

use super::send_queue::SendQueue;
use super::stall::Stall;
use super::state::Outgoing;

impl Outgoing {
    /// Returns when to check the streams for stalls.
    pub(in crate::proto) fn stall_deadline(&self) -> Option<Instant> {
        self.stalls.check
    }

    /// Whether the connection's window has been closed too long.
    pub(in crate::proto) fn has_stalled(&self, now: Instant) -> bool {
        self.has_lasted(self.stalls.connection, now)
    }

    /// Whether a stream's window has been closed, or nearly closed, too long.
    pub(in crate::proto) fn has_stream_stalled(&self, queue: &SendQueue, now: Instant) -> bool {
        self.has_lasted(queue.stall, now)
    }

    fn has_lasted(&self, stall: Option<Stall>, now: Instant) -> bool {
        let lasted = |stall: Stall| Some(stall.has_lasted(self.stalls.timeout?, now));
        stall.and_then(lasted).unwrap_or(false)
    }

    /// Schedules the next check from the remaining stalls.
    pub(in crate::proto) fn plan_stall_check<'a>(
        &mut self,
        queues: impl Iterator<Item = &'a mut SendQueue>,
    ) {
        let waiting = queues.filter_map(|queue| queue.stall).chain(self.stalls.connection);
        let oldest = waiting.map(|stall| stall.since).min();
        let timeout = self.stalls.timeout;
        self.stalls.check = oldest.and_then(|since| since.checked_add(timeout?));
    }

    pub(super) fn note_stream_stall(&mut self, queue: &mut SendQueue, now: Instant) {
        if queue.is_stalled() && queue.stall.is_none() {
            queue.stall = Some(self.stalls.begin(now));
        }
    }

    pub(super) fn end_stream_stall(&mut self, queue: &mut SendQueue, now: Instant) {
        if let Some(stall) = queue.stall.take() {
            self.stalls.end(stall, now);
        }
    }

    /// Checks whether DATA waits for the connection's window.
    pub(in crate::proto) fn note_connection_stall(&mut self, now: Instant) {
        if !self.scheduler.has_data() {
            // No DATA waits for the connection's window any more.
            if let Some(stall) = self.stalls.connection.take() {
                self.stalls.end(stall, now);
            }
        } else if self.window.available() == 0 && self.stalls.connection.is_none() {
            self.stalls.connection = Some(self.stalls.begin(now));
        }
    }
}
