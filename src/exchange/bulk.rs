//! Readers of large bodies, who are not woken for each piece.
//!
//! Waking a thread costs more than taking a frame of 16 KiB does. Where a body comes in one full
//! frame after the other, its reader is left asleep until a good part of the window has come, or the
//! end. Should it come slowly, the clock wakes it; should nothing more come, the stream has to prove itself for longer
//! before that is done again: a peer that sends 16 KiB and waits for the answer waits for the clock
//! once, not each time.

use super::conn::State;
use super::inbox::{Half, Inbox};
use crate::frame::StreamId;

/// A frame of at least so many octets is a piece of something larger.
const FULL: usize = 8 << 10;

/// What has to come in such frames before a reader is left asleep.
const PROOF: usize = 64 << 10;

/// A reader is woken when this part of the window has come.
const PART: usize = 4;

/// What has to come from one look to the next, or the reader is woken: for a slow peer, waking costs
/// nothing that counts, and credit that goes back late would make it slower.
const MOVES: usize = 32 << 10;

/// How a body comes.
#[derive(Debug)]
pub(super) struct Bulk {
    /// Octets that have come in full frames, one behind the other.
    run: usize,
    /// How many of them it takes.
    proof: usize,
    /// The reader has been left asleep, and so much waited for it at the last look.
    pub(super) asleep: Option<usize>,
}

impl Default for Bulk {
    fn default() -> Self {
        Bulk { run: 0, proof: PROOF, asleep: None }
    }
}

impl Inbox {
    /// So many octets of the body have come. Whether the reader can be left asleep for them.
    pub(super) fn leaves_asleep(&mut self, octets: usize, window: usize) -> bool {
        let bulk = &mut self.bulk;
        bulk.run = if octets >= FULL { bulk.run.saturating_add(octets) } else { 0 };
        bulk.run > bulk.proof && self.is_waited_for() && self.waiting_octets() < window / PART
    }

    fn waiting_octets(&self) -> usize {
        self.data.iter().map(|data| data.len()).sum()
    }
}

impl State {
    /// Leaves the reader of a stream asleep until there is more for it.
    pub(super) fn leave_asleep(&mut self, id: StreamId) {
        let Some(inbox) = self.streams.get_mut(&id) else { return };
        if inbox.bulk.asleep.is_none() {
            inbox.bulk.asleep = Some(0);
            if !self.sleepers.contains(&id) {
                self.sleepers.push(id);
            }
        }
    }

    /// Wakes the readers that were left asleep and for which nothing more has come since the last
    /// look.
    pub(crate) fn look_at_sleepers(&mut self) {
        let State { sleepers, streams, wake, .. } = self;
        sleepers.retain(|id| {
            let Some(inbox) = streams.get_mut(id) else { return false };
            // Otherwise it has been woken meanwhile.
            let Some(before) = inbox.bulk.asleep else { return false };
            let waits = inbox.waiting_octets();
            if waits >= before + MOVES {
                inbox.bulk.asleep = Some(waits);
                return true;
            }
            if waits == before {
                inbox.bulk = Bulk { proof: inbox.bulk.proof.saturating_mul(8), ..Bulk::default() };
            }
            inbox.wake(Half::Recv, wake);
            false
        });
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use bytes::Bytes;

    use super::*;

    const WINDOW: usize = 1 << 20;

    fn waited_for() -> Inbox {
        let mut inbox = Inbox::default();
        inbox.set_waiting(Half::Recv, Some(thread::current()));
        inbox
    }

    /// Whether the reader sleeps on after so many octets more.
    fn comes(inbox: &mut Inbox, octets: usize) -> bool {
        inbox.push_data(Bytes::from(vec![0; octets]));
        inbox.leaves_asleep(octets, WINDOW)
    }

    #[test]
    fn a_reader_is_woken_for_each_piece_until_there_have_been_many_full_ones() {
        let mut inbox = waited_for();
        let woken = (0..100).take_while(|_| !comes(&mut inbox, 16 << 10)).count();
        assert_eq!(woken, PROOF / (16 << 10));
    }

    #[test]
    fn then_it_sleeps_until_a_quarter_of_the_window_is_there() {
        let mut inbox = waited_for();
        while !comes(&mut inbox, 16 << 10) {}
        inbox.data.clear();
        while comes(&mut inbox, 16 << 10) {}
        assert_eq!(inbox.waiting_octets(), WINDOW / 4);
    }

    #[test]
    fn a_small_piece_wakes_it() {
        let mut inbox = waited_for();
        while !comes(&mut inbox, 16 << 10) {}
        assert!(!comes(&mut inbox, 100));
    }

    #[test]
    fn nobody_is_left_asleep_who_does_not_sleep() {
        let mut inbox = Inbox::default();
        assert!((0..20).all(|_| !comes(&mut inbox, 16 << 10)));
    }
}
