//! Whose turn it is: what needs no window first, then DATA by urgency (RFC 9218), in turns within one
//! urgency.

use crate::frame::StreamId;
use crate::proto::line::{Line, Ticket};

const URGENCIES: usize = 8;

/// Where a stream stands in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Trailers, or an empty DATA frame that ends the stream: flow control does not count it, so it
    /// never waits behind DATA that a shut window holds up.
    Free,
    /// DATA, of this urgency.
    Data(u8),
}

/// A stream's place in the scheduler.
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

/// Queues of streams that have something to send. A stream stands in one of them, and only once.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    free: Line,
    data: [Line; URGENCIES],
    /// Bit `u` is set while `data[u]` holds something.
    occupied: u8,
}

impl Scheduler {
    /// Behind all others of its kind.
    pub(crate) fn push(&mut self, id: StreamId, place: Place) -> Turn {
        Turn { place, ticket: self.line(place).push_back(id) }
    }

    /// Before all others of its kind: it has not finished its turn.
    pub(crate) fn push_front(&mut self, id: StreamId, place: Place) -> Turn {
        Turn { place, ticket: self.line(place).push_front(id) }
    }

    /// The stream whose turn it is. DATA has no turn while the connection's window is shut.
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

    /// Takes a stream out that is gone or changes its urgency.
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

    /// Whether DATA waits for its turn.
    pub(crate) fn has_data(&self) -> bool {
        self.occupied != 0
    }

    /// Whether something can be sent, with the connection's window open or shut.
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
                // An urgency is 0 to 7: `Priority` sees to it.
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
