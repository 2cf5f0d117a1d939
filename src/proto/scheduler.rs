//! Whose DATA goes next: urgency first (RFC 9218), in turns within one urgency.

use std::collections::VecDeque;

use crate::frame::StreamId;

const URGENCIES: usize = 8;

/// Queues of streams that have something to send, one queue an urgency.
#[derive(Debug, Default)]
pub(crate) struct Scheduler {
    queues: [VecDeque<StreamId>; URGENCIES],
    /// Bit `u` is set while `queues[u]` holds something.
    occupied: u8,
}

impl Scheduler {
    /// Behind all others of its urgency.
    pub(crate) fn push(&mut self, id: StreamId, urgency: usize) {
        self.queues[urgency].push_back(id);
        self.occupied |= 1 << urgency;
    }

    /// Before all others of its urgency: it has not finished its turn.
    pub(crate) fn push_front(&mut self, id: StreamId, urgency: usize) {
        self.queues[urgency].push_front(id);
        self.occupied |= 1 << urgency;
    }

    /// The stream whose turn it is.
    pub(crate) fn pop(&mut self) -> Option<StreamId> {
        let urgency = self.occupied.trailing_zeros() as usize;
        let queue = self.queues.get_mut(urgency)?;
        let id = queue.pop_front();
        if queue.is_empty() {
            self.occupied &= !(1 << urgency);
        }
        id
    }

    /// Takes a stream out that is gone or changes its urgency.
    pub(crate) fn remove(&mut self, id: StreamId, urgency: usize) {
        let queue = &mut self.queues[urgency];
        queue.retain(|&other| other != id);
        if queue.is_empty() {
            self.occupied &= !(1 << urgency);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    pub(crate) fn clear(&mut self) {
        *self = Scheduler::default();
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
        scheduler.push(id(1), 7);
        scheduler.push(id(3), 0);
        scheduler.push(id(5), 3);
        let order: Vec<_> = std::iter::from_fn(|| scheduler.pop()).collect();
        assert_eq!(order, [id(3), id(5), id(1)]);
        assert!(scheduler.is_empty());
    }

    #[test]
    fn streams_of_one_urgency_take_turns() {
        let mut scheduler = Scheduler::default();
        scheduler.push(id(1), 3);
        scheduler.push(id(3), 3);
        let order: Vec<_> = (0..4)
            .map(|_| {
                let id = scheduler.pop().unwrap();
                scheduler.push(id, 3);
                id.get()
            })
            .collect();
        assert_eq!(order, [1, 3, 1, 3]);
    }

    #[test]
    fn a_removed_stream_has_no_turn() {
        let mut scheduler = Scheduler::default();
        scheduler.push(id(1), 3);
        scheduler.remove(id(1), 3);
        assert_eq!(scheduler.pop(), None);
    }
}
