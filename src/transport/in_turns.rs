//! One stream that two sides use in turns, and that anyone may shut.

use std::io;
use std::net::Shutdown;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::halves::gave_up;
use super::turns::{Answer, Each, Side, Turns};

/// The first pause of a side whose turn gave up at once.
pub(super) const MIN_PAUSE: Duration = Duration::from_micros(100);

/// The longest pause. Each is twice the one before.
pub(super) const MAX_PAUSE: Duration = Duration::from_millis(5);

/// What ends the stream `S`, or its writing direction.
pub(super) type ShutdownFn<S> = Box<dyn FnMut(&mut S, Shutdown) -> io::Result<()> + Send>;

/// A stream behind a desk that hands out turns.
///
/// The desk is locked for moments only. The stream has a lock of its own, held during I/O, which
/// only the side that has the turn takes: it is there for the compiler and never waited for.
pub(super) struct InTurns<S> {
    held: Mutex<Held<S>>,
    desk: Mutex<Desk>,
    wake: Each<Condvar>,
}

struct Held<S> {
    stream: S,
    shutdown: ShutdownFn<S>,
}

struct Desk {
    turns: Turns,
    /// The writer has no more turns.
    write_shut: bool,
    /// Nobody has.
    closed: bool,
    /// The stream panicked in a turn.
    panicked: bool,
    /// What the next end of a turn has to do with the stream.
    pending: Option<Shutdown>,
    /// The stream has been shut down in both directions, or must not be touched any more.
    done: bool,
    /// The other side got on since this side's last turn began.
    news: Each<bool>,
    /// This side is in a pause long enough to be woken from by news.
    resting: Each<bool>,
}

impl<S> InTurns<S> {
    pub(super) fn new(stream: S, shutdown: ShutdownFn<S>) -> Self {
        InTurns {
            held: Mutex::new(Held { stream, shutdown }),
            desk: Mutex::new(Desk {
                turns: Turns::new(),
                write_shut: false,
                closed: false,
                panicked: false,
                pending: None,
                done: false,
                news: Each::default(),
                resting: Each::default(),
            }),
            wake: Each::default(),
        }
    }

    /// Waits for the turn of `side` and does `io` in it.
    ///
    /// Returns the result and the time it took, or `None` when there are no turns any more. After a
    /// panic of the stream's, that is an error: its end would look like one of the peer's.
    pub(super) fn turn<T>(
        &self,
        side: Side,
        io: impl FnOnce(&mut S) -> io::Result<T>,
    ) -> Option<(io::Result<T>, Duration)> {
        let Some(started) = self.begin(side) else {
            let panicked = || (Err(io::Error::other("the stream panicked")), Duration::ZERO);
            return self.lock_desk().panicked.then(panicked);
        };
        let result = self.with_held(|held| io(&mut held.stream));
        let took = started.elapsed();
        let wasted = matches!(&result, Err(error) if gave_up(error)).then_some(took);

        // An error of the shutdown has nobody to go to: who asked for it has not waited.
        let (mut desk, _) = self.settle();
        let other = side.other();
        // The time is taken under the lock, so that it is not before that of any answer given: a
        // side that was told `Later` when its favoured neighbour's time was over would not be woken
        // by an earlier time, in which it is not.
        let mut wake = desk.turns.release(side, Instant::now(), wasted);
        if wasted.is_none() {
            desk.news.set(other, true);
            wake |= *desk.resting.get(other);
        }
        drop(desk);
        if wake {
            self.wake.get(other).notify_one();
        }
        Some((result, took))
    }

    /// Pauses `side`, whose turn gave up at once, so that it does not spin. News from the other
    /// side (a write brings an answer) or the end cut the pause short.
    ///
    /// Returns the pause to take next time.
    pub(super) fn rest(&self, side: Side, pause: Duration) -> Duration {
        let started = Instant::now();
        let mut desk = self.lock_desk();
        desk.resting.set(side, pause > MIN_PAUSE);
        while !desk.is_over(side) {
            let pause = if *desk.news.get(side) { MIN_PAUSE } else { pause };
            let left = pause.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            desk = self.wait(side, desk, Some(left));
        }
        desk.resting.set(side, false);
        if *desk.news.get(side) {
            MIN_PAUSE
        } else {
            (pause * 2).min(MAX_PAUSE)
        }
    }

    /// Ends the writer's turns, or all of them, and shuts the stream down: now if it is free, else
    /// the turn in progress does it when it ends.
    pub(super) fn shut(&self, how: Shutdown) -> io::Result<()> {
        let mut desk = self.lock_desk();
        match how {
            Shutdown::Write => desk.write_shut = true,
            Shutdown::Read | Shutdown::Both => desk.closed = true,
        }
        desk.pending = Some(how);
        let free = desk.turns.take_aside();
        drop(desk);
        let mut result = Ok(());
        if free {
            let (mut desk, settled) = self.settle();
            desk.turns.release_aside();
            result = settled;
        }
        self.wake_both();
        result
    }

    /// Waits until `side` has the turn; `None` when there are no turns any more.
    fn begin(&self, side: Side) -> Option<Instant> {
        let mut desk = self.lock_desk();
        desk.turns.wait(side);
        loop {
            if desk.is_over(side) {
                desk.turns.leave(side);
                return None;
            }
            let now = Instant::now();
            let left = match desk.turns.ask(side, now) {
                Answer::Now => {
                    desk.turns.take(side);
                    desk.news.set(side, false);
                    return Some(now);
                }
                Answer::At(at) => Some(at.saturating_duration_since(now)),
                Answer::Later => None,
            };
            desk = self.wait(side, desk, left);
        }
    }

    /// Does what is pending, at the end of a turn. The desk comes back locked, so that nothing more
    /// can become pending before the turn is given back.
    fn settle(&self) -> (MutexGuard<'_, Desk>, io::Result<()>) {
        let mut result = Ok(());
        loop {
            let mut desk = self.lock_desk();
            let Some(how) = desk.pending.take() else { return (desk, result) };
            drop(desk);
            result = self.with_held(|held| (held.shutdown)(&mut held.stream, how));
            let mut desk = self.lock_desk();
            if matches!(&result, Err(error) if gave_up(error)) {
                // Tried again when the next turn ends, or when the stream is dropped.
                desk.pending.get_or_insert(how);
                return (desk, result);
            }
            desk.done |= how == Shutdown::Both;
        }
    }

    /// Lends the stream to `f`, for the side that has the turn.
    fn with_held<T>(&self, f: impl FnOnce(&mut Held<S>) -> T) -> T {
        let mut guard = CloseOnPanic { in_turns: self, armed: true };
        let result = f(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner));
        guard.armed = false;
        result
    }

    fn wait<'a>(
        &'a self,
        side: Side,
        desk: MutexGuard<'a, Desk>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, Desk> {
        let wake = self.wake.get(side);
        match left {
            None => wake.wait(desk).unwrap_or_else(PoisonError::into_inner),
            Some(left) => wake.wait_timeout(desk, left).unwrap_or_else(PoisonError::into_inner).0,
        }
    }

    fn wake_both(&self) {
        self.wake.get(Side::Reader).notify_one();
        self.wake.get(Side::Writer).notify_one();
    }

    fn lock_desk(&self) -> MutexGuard<'_, Desk> {
        // Whole between any two statements, so a panic elsewhere does not spoil it.
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Drop for InTurns<S> {
    fn drop(&mut self) {
        let desk = self.desk.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !desk.done {
            let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
            // A last attempt; nobody is left to hear that it failed.
            let _ = (held.shutdown)(&mut held.stream, Shutdown::Both);
        }
    }
}

impl Desk {
    fn is_over(&self, side: Side) -> bool {
        self.closed || (self.write_shut && side == Side::Writer)
    }
}

/// Ends all turns when the stream panics in one, so that the other side does not wait for ever.
struct CloseOnPanic<'a, S> {
    in_turns: &'a InTurns<S>,
    armed: bool,
}

impl<S> Drop for CloseOnPanic<'_, S> {
    fn drop(&mut self) {
        if self.armed {
            let mut desk = self.in_turns.lock_desk();
            desk.closed = true;
            desk.panicked = true;
            desk.done = true;
            drop(desk);
            self.in_turns.wake_both();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    const AN_HOUR: Duration = Duration::from_secs(3600);

    fn unit() -> InTurns<()> {
        InTurns::new((), Box::new(|(), _| Ok(())))
    }

    /// Lets `side` rest for an hour, and calls `then` once it does.
    fn rest_until(side: Side, then: impl FnOnce(&InTurns<()>)) -> Duration {
        let in_turns = unit();
        thread::scope(|scope| {
            let resting = scope.spawn(|| in_turns.rest(side, AN_HOUR));
            while !*in_turns.lock_desk().resting.get(side) {
                thread::yield_now();
            }
            then(&in_turns);
            resting.join().unwrap()
        })
    }

    #[test]
    fn pauses_double_up_to_the_longest() {
        let in_turns = unit();
        assert_eq!(in_turns.rest(Side::Reader, MIN_PAUSE), 2 * MIN_PAUSE);
        assert_eq!(in_turns.rest(Side::Reader, MAX_PAUSE), MAX_PAUSE);
    }

    #[test]
    fn a_write_ends_the_readers_pause() {
        let next = rest_until(Side::Reader, |in_turns| {
            assert!(in_turns.turn(Side::Writer, |()| Ok(())).is_some());
        });
        assert_eq!(next, MIN_PAUSE);
    }

    #[test]
    fn a_read_ends_the_writers_pause() {
        let next = rest_until(Side::Writer, |in_turns| {
            assert!(in_turns.turn(Side::Reader, |()| Ok(())).is_some());
        });
        assert_eq!(next, MIN_PAUSE);
    }

    #[test]
    fn closing_ends_a_pause() {
        rest_until(Side::Reader, |in_turns| in_turns.shut(Shutdown::Both).unwrap());
        rest_until(Side::Writer, |in_turns| in_turns.shut(Shutdown::Write).unwrap());
    }

    #[test]
    fn closing_ends_the_wait_for_a_turn() {
        let in_turns = unit();
        thread::scope(|scope| {
            in_turns.turn(Side::Reader, |()| {
                let writing = scope.spawn(|| in_turns.turn(Side::Writer, |()| Ok(())).is_none());
                in_turns.shut(Shutdown::Both).unwrap();
                // Our own turn is not over, so it cannot have got one.
                assert!(writing.join().unwrap());
                Ok(())
            });
        });
    }

    #[test]
    fn a_stream_in_use_is_shut_down_when_its_turn_ends() {
        let log = std::sync::Arc::new(Mutex::new(Vec::new()));
        let seen = std::sync::Arc::clone(&log);
        let shutdown = move |(): &mut (), how| {
            seen.lock().unwrap().push(how);
            Ok(())
        };
        let in_turns = InTurns::new((), Box::new(shutdown));
        in_turns.turn(Side::Reader, |()| {
            in_turns.shut(Shutdown::Write).unwrap();
            assert!(log.lock().unwrap().is_empty());
            Ok(())
        });
        assert_eq!(*log.lock().unwrap(), [Shutdown::Write]);
    }
}
