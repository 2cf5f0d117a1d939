//! Whose turn it is, when two sides share one stream.
//!
//! A plain mutex is not fair: a reader that tries again and again would take it back before the
//! writer, woken up, gets there. So turns are handed out by rules, here without threads or clock:
//!
//! 1. While both sides want the stream, they alternate.
//! 2. A turn that gave up after some time has cost the other side that time. So for as long again
//!    the other side is *favoured*: it goes first, any number of times. Without this rule, a writer
//!    with much to send would wait out a read timeout before each write.
//! 3. The favoured side may leave for [`LINGER`] between two turns. A writer fetches its next bytes
//!    in that time, and should not find a read in its way that was begun just now.

use std::time::{Duration, Instant};

/// How long the turn is kept for a favoured side that has just had one.
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

/// The answer to a side that asks for its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The stream is yours: [`take`](Turns::take) it.
    Now,
    /// Ask again at this time.
    At(Instant),
    /// Ask again when the turn in progress ends.
    Later,
}

/// The state of the rules above.
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

    /// Notes that `side` waits for its turn, until it takes it or leaves.
    pub(super) fn wait(&mut self, side: Side) {
        self.waiting.set(side, true);
    }

    pub(super) fn leave(&mut self, side: Side) {
        self.waiting.set(side, false);
    }

    /// Whether `side`, which waits, may take the stream.
    pub(super) fn ask(&self, side: Side, now: Instant) -> Answer {
        let other_wants = self.busy || *self.waiting.get(side.other());
        match &self.favour {
            Some(favour) if now < favour.until && favour.side != side => {
                // The favoured side does not wake us after each of its turns: we look again.
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
            // The other side was woken when our last turn ended, and is about to take its own.
            _ if other_wants && self.last == side => Answer::Later,
            _ => Answer::Now,
        }
    }

    /// Begins the turn of a side whose answer was [`Answer::Now`].
    pub(super) fn take(&mut self, side: Side) {
        debug_assert!(!self.busy, "two turns at once");
        self.busy = true;
        self.waiting.set(side, false);
        self.last = side;
    }

    /// Ends a turn. `wasted` is the time it took, if it gave up.
    ///
    /// Returns whether the other side waits and may now take the stream, so has to be woken.
    pub(super) fn release(&mut self, side: Side, now: Instant, wasted: Option<Duration>) -> bool {
        self.busy = false;
        let other = side.other();
        match (wasted, &mut self.favour) {
            (Some(wasted), favour) => {
                // A time too far away for the clock cannot have passed.
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

    /// Gives back what [`take_aside`](Turns::take_aside) took; both sides have to be woken.
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
    fn nobody_has_a_turn_during_a_turn() {
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
    fn a_writer_is_favoured_for_as_long_as_a_read_took_in_vain() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        turn(&mut turns, Side::Reader, now, Some(5 * MS));
        turns.wait(Side::Reader);
        // The reader waits all the time and is not woken …
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
    fn a_favoured_side_that_stays_away_holds_nobody_up() {
        let (mut turns, now) = (Turns::new(), Instant::now());
        turn(&mut turns, Side::Reader, now, Some(5 * MS));
        turns.wait(Side::Reader);
        assert_eq!(turns.ask(Side::Reader, now), Answer::Now);
        turn(&mut turns, Side::Writer, now, None);
        assert_eq!(turns.ask(Side::Reader, now + LINGER), Answer::Now);
    }

    /// What a side of the simulation below does next, and when.
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

    /// Plays two sides that always want the stream, with every pattern of turns that give up, and
    /// with wake-ups only where the rules promise them.
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
