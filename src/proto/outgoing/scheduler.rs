//! The order of streams: first what needs no window, then DATA by urgency (RFC 9218), round robin
//! within one urgency.

use crate::frame::StreamId;
use crate::proto::line::{Line, Ticket};

const URGENCIES: usize = 8;

/// The queue that a stream belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Trailers, or an empty DATA frame that ends the stream: they are exempt from flow control, so
    /// they never wait behind DATA that a closed window blocks.
    Free,
    /// DATA of this urgency.
    Data(u8),
}

/// A stream's position in the scheduler.
#[derive(Debug)]
pub(crate) struct Turn {
    place: Place,
    ticket: Ticket,
}

impl Turn {
    pub(crate) fn place(&self) -> Place {
        self.place
    }
}

/// Queues of streams that have something to send. A stream is in at most one of them, once.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    free: Line,
    data: [Line; URGENCIES],
    /// Bit `u` is set while `data[u]` is not empty.
    occupied: u8,
}

impl Scheduler {
    /// Appends a stream to its queue.
    pub(crate) fn push(&mut self, id: StreamId, place: Place) -> Turn {
        Turn { place, ticket: self.line(place).push_back(id) }
    }

    /// Puts a stream that has not finished its turn at the front of its queue.
    pub(crate) fn push_front(&mut self, id: StreamId, place: Place) -> Turn {
        Turn { place, ticket: self.line(place).push_front(id) }
    }

    /// Removes and returns the next stream. DATA is skipped while the connection's window is
    /// closed.
    pub(crate) fn pop(&mut self, window_open: bool) -> Option<StreamId> {
        if let Some(id) = self.free.pop_front() {
            return Some(id);
        }
        if !window_open {
            return None;
        }
        let urgency = self.occupied.trailing_zeros() as usize;
        let id = self.data.get_mut(urgency)?.pop_front();
        self.note_empty(urgency);
        id
    }

    /// Removes a stream that has ended or changes its urgency.
    pub(crate) fn remove(&mut self, turn: Turn) {
        match turn.place {
            Place::Free => self.free.remove(turn.ticket),
            Place::Data(urgency) => {
                let urgency = usize::from(urgency);
                self.data[urgency].remove(turn.ticket);
                self.note_empty(urgency);
            }
        }
    }

    fn note_empty(&mut self, urgency: usize) {
        if self.data[urgency].is_empty() {
            self.occupied &= !(1 << urgency);
        }
    }

    /// Whether DATA is queued.
    pub(crate) fn has_data(&self) -> bool {
        self.occupied != 0
    }

    /// Whether something can be sent, given whether the connection's window is open.
    pub(crate) fn has_turn(&self, window_open: bool) -> bool {
        !self.free.is_empty() || (window_open && self.has_data())
    }

    pub(crate) fn clear(&mut self) {
        *self = Scheduler::default();
    }

    fn line(&mut self, place: Place) -> &mut Line {
        match place {
            Place::Free => &mut self.free,
            Place::Data(urgency) => {
                self.occupied |= 1 << urgency;
                // `Priority` guarantees 0 to 7.
                &mut self.data[usize::from(urgency)]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u32) -> StreamId {
        StreamId::from_wire(n)
    }

    #[test]
    fn a_lower_urgency_number_goes_first() {
        let mut scheduler = Scheduler::default();
        for (stream, urgency) in [(1, 7), (3, 0), (5, 3)] {
            scheduler.push(id(stream), Place::Data(urgency));
        }
        let order: Vec<_> = std::iter::from_fn(|| scheduler.pop(true)).collect();
        assert_eq!(order, [id(3), id(5), id(1)]);
        assert!(!scheduler.has_turn(true));
    }

    #[test]
    fn streams_of_one_urgency_take_turns() {
        let mut scheduler = Scheduler::default();
        scheduler.push(id(1), Place::Data(3));
        scheduler.push(id(3), Place::Data(3));
        let order: Vec<_> = (0..4)
            .map(|_| {
                let id = scheduler.pop(true).unwrap();
                scheduler.push(id, Place::Data(3));
                id.get()
            })
            .collect();
        assert_eq!(order, [1, 3, 1, 3]);
    }

    #[test]
    fn a_removed_stream_has_no_turn() {
        let mut scheduler = Scheduler::default();
        for place in [Place::Free, Place::Data(3)] {
            let turn = scheduler.push(id(1), place);
            scheduler.remove(turn);
            assert!(!scheduler.has_turn(true));
            assert_eq!(scheduler.pop(true), None);
        }
    }

    #[test]
    fn what_needs_no_window_goes_also_while_the_window_is_shut() {
        let mut scheduler = Scheduler::default();
        scheduler.push(id(1), Place::Data(0));
        scheduler.push(id(3), Place::Free);
        assert!(scheduler.has_turn(false));
        assert_eq!(scheduler.pop(false), Some(id(3)));
        assert_eq!(scheduler.pop(false), None);
        assert!(!scheduler.has_turn(false));
        assert_eq!(scheduler.pop(true), Some(id(1)));
    }
}
