//! A stream that two sides use in turns, and that any thread can shut down.

use std::io;
use std::net::Shutdown;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::halves::gave_up;
use super::turns::{Answer, Each, Side, Turns};

/// The first pause after a turn that gave up at once.
pub(super) const MIN_PAUSE: Duration = Duration::from_micros(100);

/// The longest pause. Each pause is twice the previous one.
pub(super) const MAX_PAUSE: Duration = Duration::from_millis(5);

/// The function that shuts down one direction or both of the stream `S`.
pub(super) type ShutdownFn<S> = Box<dyn FnMut(&mut S, Shutdown) -> io::Result<()> + Send>;

/// A stream with a schedule of turns.
///
/// The schedule is locked only briefly. The stream has a lock of its own, held during I/O. Only the
/// side with the turn takes it, so it is never contended.
pub(super) struct InTurns<S> {
    held: Mutex<Held<S>>,
    schedule: Mutex<Schedule>,
    wake: Each<Condvar>,
}

struct Held<S> {
    stream: S,
    shutdown: ShutdownFn<S>,
}

struct Schedule {
    turns: Turns,
    /// The writer gets no more turns.
    write_shut: bool,
    /// Neither side gets any more turns.
    closed: bool,
    /// The stream has panicked during a turn.
    panicked: bool,
    /// The shutdown to be done at the end of the current turn.
    pending: Option<Shutdown>,
    /// The stream was shut down in both directions, or has panicked and must not be used.
    done: bool,
    /// The other side has made progress since this side's last turn began.
    progress: Each<bool>,
    /// This side is in a pause that the other side's progress should end.
    pausing: Each<bool>,
}

impl<S> InTurns<S> {
    pub(super) fn new(stream: S, shutdown: ShutdownFn<S>) -> Self {
        InTurns {
            held: Mutex::new(Held { stream, shutdown }),
            schedule: Mutex::new(Schedule {
                turns: Turns::new(),
                write_shut: false,
                closed: false,
                panicked: false,
                pending: None,
                done: false,
                progress: Each::default(),
                pausing: Each::default(),
            }),
            wake: Each::default(),
        }
    }

    /// Waits for the turn of `side` and calls `io`.
    ///
    /// Returns the result and its duration, or `None` after the shutdown. After a panic of the
    /// stream the result is an error, since `None` would look like the peer's end of the stream.
    pub(super) fn turn<T>(
        &self,
        side: Side,
        io: impl FnOnce(&mut S) -> io::Result<T>,
    ) -> Option<(io::Result<T>, Duration)> {
        let Some(started) = self.begin(side) else {
            let panicked = || (Err(io::Error::other("the stream panicked")), Duration::ZERO);
            return self.lock_schedule().panicked.then(panicked);
        };
        let result = self.with_held(|held| io(&mut held.stream));
        let took = started.elapsed();
        let wasted = matches!(&result, Err(error) if gave_up(error)).then_some(took);

        // The shutdown's error cannot be reported: its caller has not waited.
        let (mut schedule, _) = self.settle();
        let other = side.other();
        // The time is taken under the lock, so that it is not earlier than that of any answer. A
        // side that was told `Later` because the other side's favour was over would otherwise not
        // be woken, by an earlier time at which it is not over.
        let mut wake = schedule.turns.release(side, Instant::now(), wasted);
        if wasted.is_none() {
            schedule.progress.set(other, true);
            wake |= *schedule.pausing.get(other);
        }
        drop(schedule);
        if wake {
            self.wake.get(other).notify_one();
        }
        Some((result, took))
    }

    /// Pauses `side` after a turn that gave up at once, so that it does not spin. Progress of the
    /// other side (a write causes a response) or the shutdown ends the pause early.
    ///
    /// Returns the next pause.
    pub(super) fn rest(&self, side: Side, pause: Duration) -> Duration {
        let started = Instant::now();
        let mut schedule = self.lock_schedule();
        schedule.pausing.set(side, pause > MIN_PAUSE);
        while !schedule.is_over(side) {
            let pause = if *schedule.progress.get(side) { MIN_PAUSE } else { pause };
            let left = pause.saturating_sub(started.elapsed());
            if left.is_zero() {
                break;
            }
            schedule = self.wait(side, schedule, Some(left));
        }
        schedule.pausing.set(side, false);
        if *schedule.progress.get(side) { MIN_PAUSE } else { (pause * 2).min(MAX_PAUSE) }
    }

    /// Ends the turns of the writer, or of both sides, and shuts the stream down: now if it is
    /// free, otherwise at the end of the current turn.
    pub(super) fn shut(&self, how: Shutdown) -> io::Result<()> {
        let mut schedule = self.lock_schedule();
        match how {
            Shutdown::Write => schedule.write_shut = true,
            Shutdown::Read | Shutdown::Both => schedule.closed = true,
        }
        schedule.pending = Some(how);
        let free = schedule.turns.take_aside();
        drop(schedule);
        let mut result = Ok(());
        if free {
            let (mut schedule, settled) = self.settle();
            schedule.turns.release_aside();
            result = settled;
        }
        self.wake_both();
        result
    }

    /// Waits until `side` has the turn; returns `None` after the shutdown.
    fn begin(&self, side: Side) -> Option<Instant> {
        let mut schedule = self.lock_schedule();
        schedule.turns.wait(side);
        loop {
            if schedule.is_over(side) {
                schedule.turns.leave(side);
                return None;
            }
            let now = Instant::now();
            let left = match schedule.turns.ask(side, now) {
                Answer::Now => {
                    schedule.turns.take(side);
                    schedule.progress.set(side, false);
                    return Some(now);
                }
                Answer::At(at) => Some(at.saturating_duration_since(now)),
                Answer::Later => None,
            };
            schedule = self.wait(side, schedule, left);
        }
    }

    /// Performs a pending shutdown at the end of a turn. Returns with the schedule locked, so that
    /// none can become pending before the turn is released.
    fn settle(&self) -> (MutexGuard<'_, Schedule>, io::Result<()>) {
        let mut result = Ok(());
        loop {
            let mut schedule = self.lock_schedule();
            let Some(how) = schedule.pending.take() else { return (schedule, result) };
            drop(schedule);
            result = self.with_held(|held| (held.shutdown)(&mut held.stream, how));
            let mut schedule = self.lock_schedule();
            if matches!(&result, Err(error) if gave_up(error)) {
                // Retried after the next turn, and when the stream is dropped.
                schedule.pending.get_or_insert(how);
                return (schedule, result);
            }
            schedule.done |= how == Shutdown::Both;
        }
    }

    /// Calls `f` with the stream, for the side that has the turn.
    fn with_held<T>(&self, f: impl FnOnce(&mut Held<S>) -> T) -> T {
        let mut guard = CloseOnPanic { in_turns: self, armed: true };
        let result = f(&mut self.held.lock().unwrap_or_else(PoisonError::into_inner));
        guard.armed = false;
        result
    }

    fn wait<'a>(
        &'a self,
        side: Side,
        schedule: MutexGuard<'a, Schedule>,
        left: Option<Duration>,
    ) -> MutexGuard<'a, Schedule> {
        let wake = self.wake.get(side);
        match left {
            None => wake.wait(schedule).unwrap_or_else(PoisonError::into_inner),
            Some(left) => {
                wake.wait_timeout(schedule, left).unwrap_or_else(PoisonError::into_inner).0
            }
        }
    }

    fn wake_both(&self) {
        self.wake.get(Side::Reader).notify_one();
        self.wake.get(Side::Writer).notify_one();
    }

    fn lock_schedule(&self) -> MutexGuard<'_, Schedule> {
        // Each statement leaves the schedule consistent, so a poisoned lock does no harm.
        self.schedule.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S> Drop for InTurns<S> {
    fn drop(&mut self) {
        let schedule = self.schedule.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !schedule.done {
            let held = self.held.get_mut().unwrap_or_else(PoisonError::into_inner);
            // The last attempt; there is no caller to report an error to.
            let _ = (held.shutdown)(&mut held.stream, Shutdown::Both);
        }
    }
}

impl Schedule {
    fn is_over(&self, side: Side) -> bool {
        self.closed || (self.write_shut && side == Side::Writer)
    }
}

/// Ends all turns if the stream panics during one, so that the other side does not wait forever.
struct CloseOnPanic<'a, S> {
    in_turns: &'a InTurns<S>,
    armed: bool,
}

impl<S> Drop for CloseOnPanic<'_, S> {
    fn drop(&mut self) {
        if self.armed {
            let mut schedule = self.in_turns.lock_schedule();
            schedule.closed = true;
            schedule.panicked = true;
            schedule.done = true;
            drop(schedule);
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

    /// Pauses `side` for an hour, and calls `then` during the pause.
    fn rest_until(side: Side, then: impl FnOnce(&InTurns<()>)) -> Duration {
        let in_turns = unit();
        thread::scope(|scope| {
            let pausing = scope.spawn(|| in_turns.rest(side, AN_HOUR));
            while !*in_turns.lock_schedule().pausing.get(side) {
                thread::yield_now();
            }
            then(&in_turns);
            pausing.join().unwrap()
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
                // The test's own turn is not over, so the writer cannot have had one.
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
