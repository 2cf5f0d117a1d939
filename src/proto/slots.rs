//! Slots of concurrent streams (RFC 9113, Section 5.1.2).
//!
//! A [`Slot`] is a value owned by its stream. It cannot be copied and is released once, which keeps
//! the counts correct by construction.

use std::collections::HashMap;

use super::id_hasher::IdHashState;
use crate::frame::StreamId;

/// The limit that a slot counts against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotKind {
    /// Locally opened streams: the peer's SETTINGS_MAX_CONCURRENT_STREAMS.
    Own,
    /// The peer's streams: our SETTINGS_MAX_CONCURRENT_STREAMS.
    Peer,
    /// Promised streams held by a client: its `max_promised_streams`.
    Promised,
}

/// A place among the concurrent streams of one kind.
#[derive(Debug)]
#[must_use = "a slot that is dropped is never free again"]
pub(crate) struct Slot(SlotKind);

/// The slots taken by streams, or by work that ended streams have left behind.
#[derive(Debug, Default)]
pub(crate) struct Slots {
    /// In the order of [`SlotKind`].
    taken: [usize; 3],
    /// How many of them are in `parked`.
    held: [usize; 3],
    /// Slots of ended streams that the application has not released yet.
    parked: HashMap<StreamId, Slot, IdHashState>,
}

impl Slots {
    /// Returns how many slots are taken, including parked ones.
    pub(crate) fn taken(&self, kind: SlotKind) -> usize {
        self.taken[kind as usize]
    }

    pub(crate) fn take(&mut self, kind: SlotKind) -> Slot {
        self.taken[kind as usize] += 1;
        Slot(kind)
    }

    pub(crate) fn give_back(&mut self, slot: Slot) {
        // Each slot was counted when it was taken, and is consumed here.
        self.taken[slot.0 as usize] -= 1;
    }

    /// Keeps the slot of an ended stream until [`release`](Self::release).
    pub(crate) fn park(&mut self, id: StreamId, slot: Slot) {
        self.held[slot.0 as usize] += 1;
        if let Some(before) = self.parked.insert(id, slot) {
            debug_assert!(false, "identifiers are used once");
            self.held[before.0 as usize] -= 1;
            self.give_back(before);
        }
    }

    /// Releases the parked slot of a stream. Returns `false` if the stream has none.
    pub(crate) fn release(&mut self, id: StreamId) -> bool {
        let Some(slot) = self.parked.remove(&id) else { return false };
        self.held[slot.0 as usize] -= 1;
        self.give_back(slot);
        if self.parked.is_empty() {
            self.parked.shrink_to(32);
        }
        true
    }

    /// Returns how many slots open streams take, which is what the peer can count.
    pub(crate) fn open(&self, kind: SlotKind) -> usize {
        self.taken[kind as usize] - self.held[kind as usize]
    }

    /// Returns how many slots are parked.
    #[cfg(test)]
    pub(crate) fn parked(&self, kind: SlotKind) -> usize {
        self.parked.values().filter(|slot| slot.0 == kind).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parked_slot_is_released_once() {
        let (mut slots, id) = (Slots::default(), StreamId::from_wire(1));
        let (one, other) = (slots.take(SlotKind::Peer), slots.take(SlotKind::Peer));
        slots.park(id, one);
        assert_eq!((slots.taken(SlotKind::Peer), slots.open(SlotKind::Peer)), (2, 1));
        assert!(slots.release(id));
        assert!(!slots.release(id));
        assert_eq!((slots.taken(SlotKind::Peer), slots.open(SlotKind::Peer)), (1, 1));
        slots.give_back(other);
        assert_eq!(slots.taken(SlotKind::Peer), 0);
    }
}
