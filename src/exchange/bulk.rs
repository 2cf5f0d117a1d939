//! Readers of large bodies, who are not woken for each piece.
//!
//! Waking a thread costs more than taking a frame of 16 KiB does. Where a body comes in one full
//! frame after the other, its reader is left asleep until a good part of the window has come, or the
//! end. Should it come slowly, the clock wakes it. Should nothing more come, the stream also has to
//! prove itself for longer before that is done again: a peer that sends 16 KiB and waits for the
//! answer waits for the clock once, not each time.

/// A frame of at least so many octets is a piece of something larger.
const FULL: usize = 8 << 10;

/// What has to come in such frames before a reader is left asleep.
const PROOF: usize = 64 << 10;

/// A reader is woken when this part of the window has come, or [so much](MOST).
const PART: usize = 4;

/// The most that waits for a reader who is left asleep, however large the window.
const MOST: usize = 1 << 20;

/// What has to come from one look to the next, or the reader is woken: where a body comes slowly,
/// waking costs nothing that counts, and credit that goes back late would make it slower.
const MOVES: usize = 32 << 10;

/// How a body comes, and whether its reader has been left asleep.
#[derive(Debug)]
pub(super) struct Bulk {
    /// Octets that have come in full frames, one behind the other.
    run: usize,
    /// How many of them it takes.
    proof: usize,
    /// The reader has been left asleep, and so much waited for it at the last look.
    asleep: Option<usize>,
}

impl Default for Bulk {
    fn default() -> Self {
        Bulk { run: 0, proof: PROOF, asleep: None }
    }
}

impl Bulk {
    /// So many octets have come.
    pub(super) fn came(&mut self, octets: usize) {
        self.run = if octets >= FULL { self.run.saturating_add(octets) } else { 0 };
    }

    /// Whether a reader for whom so much waits can be left asleep.
    pub(super) fn may_sleep(&self, waits: usize, window: usize) -> bool {
        self.run > self.proof && waits < MOST.min(window / PART)
    }

    /// The reader is left asleep. Whether it was not before.
    pub(super) fn falls_asleep(&mut self) -> bool {
        let is_new = self.asleep.is_none();
        self.asleep.get_or_insert(0);
        is_new
    }

    /// The reader has been woken.
    pub(super) fn wakes(&mut self) {
        self.asleep = None;
    }

    /// A look at a reader for whom so much waits. Whether it sleeps on; `None` if it is awake.
    pub(super) fn look(&mut self, waits: usize) -> Option<bool> {
        let before = self.asleep?;
        if waits == before {
            *self = Bulk { proof: self.proof.saturating_mul(8), ..Bulk::default() };
            return Some(false);
        }
        self.asleep = Some(waits);
        Some(waits >= before + MOVES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WINDOW: usize = 1 << 20;
    const FRAME: usize = 16 << 10;

    /// Full frames come until the reader may sleep. How many of them it took.
    fn prove(bulk: &mut Bulk) -> usize {
        let mut sleeps = |_: &usize| {
            bulk.came(FRAME);
            bulk.may_sleep(FRAME, WINDOW)
        };
        1 + (0..).take_while(|n| !sleeps(n)).count()
    }

    #[test]
    fn a_reader_is_woken_for_each_piece_until_there_have_been_many_full_ones() {
        assert_eq!(prove(&mut Bulk::default()), PROOF / FRAME + 1);
    }

    #[test]
    fn then_it_sleeps_until_a_quarter_of_the_window_is_there() {
        let mut bulk = Bulk::default();
        prove(&mut bulk);
        assert!(bulk.may_sleep(WINDOW / 4 - 1, WINDOW));
        assert!(!bulk.may_sleep(WINDOW / 4, WINDOW));
    }

    #[test]
    fn in_a_huge_window_it_is_woken_long_before() {
        let mut bulk = Bulk::default();
        prove(&mut bulk);
        assert!(!bulk.may_sleep(MOST, (1 << 31) - 1));
    }

    #[test]
    fn a_small_piece_begins_it_anew() {
        let mut bulk = Bulk::default();
        prove(&mut bulk);
        bulk.came(100);
        assert!(!bulk.may_sleep(100, WINDOW));
    }

    #[test]
    fn without_a_window_nobody_sleeps() {
        let mut bulk = Bulk::default();
        prove(&mut bulk);
        assert!(!bulk.may_sleep(0, 0));
    }

    #[test]
    fn a_sleeper_sleeps_on_while_much_comes() {
        let mut bulk = Bulk::default();
        assert_eq!(bulk.look(FRAME), None);
        assert!(bulk.falls_asleep());
        assert!(!bulk.falls_asleep());
        assert_eq!(bulk.look(MOVES), Some(true));
        assert_eq!(bulk.look(2 * MOVES), Some(true));
        assert_eq!(bulk.look(2 * MOVES + 1), Some(false));
        bulk.wakes();
        assert_eq!(bulk.look(MOVES), None);
    }

    #[test]
    fn who_was_left_asleep_for_nothing_has_to_be_proven_to_for_longer() {
        let mut bulk = Bulk::default();
        prove(&mut bulk);
        bulk.falls_asleep();
        bulk.look(FRAME);
        assert_eq!(bulk.look(FRAME), Some(false));
        assert_eq!(prove(&mut bulk), 8 * PROOF / FRAME + 1);
    }
}
