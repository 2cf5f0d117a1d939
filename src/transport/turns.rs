//! The schedule of two sides that share one stream.
//!
//! A plain mutex is not fair: a reader in a loop would reacquire it before the woken writer gets
//! it. So turns follow rules, implemented here without threads or a clock:
//!
//! 1. While both sides want the stream, they alternate.
//! 2. A turn that gave up after some time has cost the other side that time. For the same time the
//!    other side is then *favoured*: it goes first, any number of times. Otherwise, a writer with
//!    much to send would wait for a read timeout before each write.
//! 3. The turn is kept for the favoured side for [`LINGER`] after each of its turns. A writer
//!    fetches its next bytes in that time, and should not have to wait for a read that began in
//!    between.

use std::time::{Duration, Instant};

/// The time for which the turn is kept for a favoured side after its last turn.
const LINGER: Duration = Duration::from_micros(100);

/// One of the two sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Reader,
    Writer,
}

impl Side {
    pub(super) fn other(self) -> Side {
        match self {
            Side::Reader => Side::Writer,
            Side::Writer => Side::Reader,
        }
    }
}

/// A value for each side.
#[derive(Debug, Default)]
pub(super) struct Each<T> {
    reader: T,
    writer: T,
}

impl<T> Each<T> {
    pub(super) fn get(&self, side: Side) -> &T {
        match side {
            Side::Reader => &self.reader,
            Side::Writer => &self.writer,
        }
    }

    pub(super) fn set(&mut self, side: Side, value: T) {
        match side {
            Side::Reader => self.reader = value,
            Side::Writer => self.writer = value,
        }
    }
}

/// The answer to a side that requests a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The turn is granted: [`take`](Turns::take) it.
    Now,
    /// Request again at this time.
    At(Instant),
    /// Request again when the current turn ends.
    Later,
}

/// The state of the schedule.
#[derive(Debug)]
pub(super) struct Turns {
    busy: bool,
    waiting: Each<bool>,
    last: Side,
    favour: Option<Favour>,
}

#[derive(Debug)]
struct Favour {
    side: Side,
    until: Instant,
    /// The end of the [`LINGER`] after its last turn.
    kept_until: Option<Instant>,
}

impl Turns {
    pub(super) fn new() -> Self {
        Turns { busy: false, waiting: Each::default(), last: Side::Reader, favour: None }
    }

    /// Records that `side` waits for its turn, until it takes it or leaves.
    pub(super) fn wait(&mut self, side: Side) {
        self.waiting.set(side, true);
    }

    pub(super) fn leave(&mut self, side: Side) {
        self.waiting.set(side, false);
    }

    /// Returns whether `side`, which waits, may take the turn.
    pub(super) fn ask(&self, side: Side, now: Instant) -> Answer {
        let other_wants = self.busy || *self.waiting.get(side.other());
        match &self.favour {
            Some(favour) if now < favour.until && favour.side != side => {
                // The favoured side does not wake this side after each of its turns, so it must
                // request again.
                if other_wants {
                    Answer::At(favour.until.min(now + LINGER))
                } else {
                    match favour.kept_until {
                        Some(kept_until) if now < kept_until => {
                            Answer::At(favour.until.min(kept_until))
                        }
                        _ => Answer::Now,
                    }
                }
            }
            _ if self.busy => Answer::Later,
            Some(favour) if now < favour.until => Answer::Now,
            // The other side was woken when this side's last turn ended, and is about to take its
            // own.
            _ if other_wants && self.last == side => Answer::Later,
            _ => Answer::Now,
        }
    }

    /// Begins the turn of a side that got [`Answer::Now`].
    pub(super) fn take(&mut self, side: Side) {
        debug_assert!(!self.busy, "two turns at once");
        self.busy = true;
        self.waiting.set(side, false);
        self.last = side;
    }

    /// Ends a turn. `wasted` is its duration, if it gave up.
    ///
    /// Returns whether the other side waits and may take its turn now, so that it must be woken.
    pub(super) fn release(&mut self, side: Side, now: Instant, wasted: Option<Duration>) -> bool {
        self.busy = false;
        let other = side.other();
        match (wasted, &mut self.favour) {
            (Some(wasted), favour) => {
                // A time that `Instant` cannot represent cannot have passed.
                let until = now.checked_add(wasted).unwrap_or(now);
                *favour = Some(Favour { side: other, until, kept_until: None });
            }
            (None, Some(favour)) if favour.side == side => favour.kept_until = Some(now + LINGER),
            (None, _) => {}
        }
        *self.waiting.get(other) && self.ask(other, now) == Answer::Now
    }

    /// Takes the stream for neither side, if it is free.
    pub(super) fn take_aside(&mut self) -> bool {
        !std::mem::replace(&mut self.busy, true)
    }

    /// Releases what [`take_aside`](Turns::take_aside) took; both sides must be woken.
    pub(super) fn release_aside(&mut self) {
        self.busy = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn turn(turns: &mut Turns, side: Side, now: Instant, wasted: Option<Duration>) -> bool {
        turns.wait(side);
        assert_eq!(turns.ask(side, now), Answer::Now);
        turns.take(side);
        turns.release(side, now, wasted)
    }

    #[test]
    fn a_side_alone_has_every_turn() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        for _ in 0..3 {
            assert!(!turn(&mut turns, Side::Reader, now, Some(MS)));
        }
    }

    #[test]
    fn sides_that_both_want_the_stream_alternate() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        turns.wait(Side::Reader);
        for _ in 0..3 {
            assert!(turn(&mut turns, Side::Writer, now, None), "the reader is woken");
            turns.wait(Side::Writer);
            assert_eq!(turns.ask(Side::Writer, now), Answer::Later);
            assert!(turn(&mut turns, Side::Reader, now, None), "the writer is woken");
            turns.wait(Side::Reader);
            assert_eq!(turns.ask(Side::Reader, now), Answer::Later);
        }
    }

    #[test]
    fn no_turn_is_granted_during_a_turn() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        turns.take(Side::Reader);
        turns.wait(Side::Writer);
        assert_eq!(turns.ask(Side::Writer, now), Answer::Later);
        assert!(!turns.take_aside());
        assert!(turns.release(Side::Reader, now, None));
        assert!(turns.take_aside());
        assert_eq!(turns.ask(Side::Writer, now), Answer::Later);
        turns.release_aside();
        assert_eq!(turns.ask(Side::Writer, now), Answer::Now);
    }

    #[test]
    fn a_writer_is_favoured_for_the_duration_of_a_futile_read() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        turn(&mut turns, Side::Reader, now, Some(5 * MS));
        turns.wait(Side::Reader);
        // The reader waits and is not woken …
        for ms in 0..5 {
            assert!(!turn(&mut turns, Side::Writer, now + ms * MS, None));
            let soon = now + ms * MS + LINGER / 2;
            assert_eq!(turns.ask(Side::Reader, soon), Answer::At(now + ms * MS + LINGER));
        }
        // … then they alternate again.
        turns.wait(Side::Writer);
        assert_eq!(turns.ask(Side::Writer, now + 5 * MS), Answer::Later);
        assert_eq!(turns.ask(Side::Reader, now + 5 * MS), Answer::Now);
    }

    #[test]
    fn an_absent_favoured_side_does_not_delay_the_other() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        turn(&mut turns, Side::Reader, now, Some(5 * MS));
        turns.wait(Side::Reader);
        assert_eq!(turns.ask(Side::Reader, now), Answer::Now);
        turn(&mut turns, Side::Writer, now, None);
        assert_eq!(turns.ask(Side::Reader, now + LINGER), Answer::Now);
    }

    /// The next action of a simulated side, and its time.
    #[derive(Clone, Copy)]
    enum Next {
        Ask(Instant),
        Release(Instant, Option<Duration>),
        Sleep,
    }

    impl Next {
        fn at(self) -> Option<Instant> {
            match self {
                Next::Ask(at) | Next::Release(at, _) => Some(at),
                Next::Sleep => None,
            }
        }
    }

    /// Simulates two sides that always want the stream, with every pattern of turns that give up.
    /// They are woken only when the rules say so.
    #[test]
    fn each_side_gets_turns_again_and_again() {
        for pattern in 0..4096_u32 {
            let (mut turns, start) = (Turns::new(), Instant::now());
            let mut next = Each { reader: Next::Ask(start), writer: Next::Ask(start) };
            let mut had = Each { reader: 0, writer: 0 };
            turns.wait(Side::Reader);
            turns.wait(Side::Writer);
            for step in 0..300 {
                let soonest = [Side::Reader, Side::Writer]
                    .into_iter()
                    .filter_map(|side| next.get(side).at().map(|at| (at, side)))
                    .min_by_key(|&(at, _)| at);
                let Some((now, side)) = soonest else {
                    panic!("both sleep: pattern {pattern:b}, {turns:?}")
                };
                if let Next::Release(_, wasted) = *next.get(side) {
                    let wake = turns.release(side, now, wasted);
                    if wake && matches!(next.get(side.other()), Next::Sleep) {
                        next.set(side.other(), Next::Ask(now + MS / 20));
                    }
                    turns.wait(side);
                    next.set(side, Next::Ask(now + MS / 100));
                    continue;
                }
                match turns.ask(side, now) {
                    Answer::At(at) => next.set(side, Next::Ask(at)),
                    Answer::Later => next.set(side, Next::Sleep),
                    Answer::Now => {
                        turns.take(side);
                        had.set(side, had.get(side) + 1);
                        let wasted = (pattern >> (step % 12) & 1 == 1).then_some(MS / 3);
                        let end = now + wasted.unwrap_or(MS / 50);
                        next.set(side, Next::Release(end, wasted));
                    }
                }
            }
            assert!(*had.get(Side::Reader) > 5 && *had.get(Side::Writer) > 5, "{had:?}");
        }
    }
}
