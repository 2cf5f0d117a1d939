//! The writing side of a link: wait for work, and write it.

use std::io::{self, Write};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::sync::{MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::shared::{Link, Parked, State};
use crate::frame::ErrorCode;
use crate::proto::{Connection, ConnectionError, Transmit, GRACE, LATE};
use crate::transport::gave_up;

/// About so much goes into one write: many frames share a system call, and others need not wait
/// long for their turn.
const BATCH: usize = 256 << 10;

/// The most that goes into one, where the transport takes it [at once](AT_ONCE): four times as much
/// costs a quarter less.
const LARGE_BATCH: usize = 1 << 20;

/// What has been written by then was taken at once, and ten times that is slow.
const AT_ONCE: Duration = Duration::from_millis(2);

/// A peer that takes less than this, in all the time that it may make no progress, makes none.
const STALL_PROGRESS: usize = 4 << 10;

/// When one side of the transport has ended, so long the other has to come to its end by itself.
pub(crate) const LINGER: Duration = Duration::from_millis(500);

/// The writer never sleeps for less, so that a deadline that stays in the past could not make it
/// spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(1);

/// Octets taken from the core and not yet written.
#[derive(Debug)]
pub(crate) struct WriteBuffer {
    out: Transmit,
    /// About so much is taken from the core at a time.
    batch: usize,
    /// When that was done last, and whether there was so much.
    taken: Option<(Instant, bool)>,
    /// The writer may hold octets in a buffer of its own.
    unflushed: bool,
    /// Since when fewer than [`STALL_PROGRESS`] octets have been taken.
    stalled_since: Instant,
    progress: usize,
    /// Nobody has looked for a while, so the peer has until then.
    grace_until: Option<Instant>,
}

/// What the writer is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Take a [write step](Link::write_step).
    Write,
    /// Deliver events, and look after the application.
    Look,
    /// The connection has ended: [say goodbye](Link::say_goodbye).
    Goodbye,
}

impl WriteBuffer {
    pub(crate) fn new() -> Self {
        WriteBuffer {
            out: Transmit::new(),
            batch: BATCH,
            taken: None,
            unflushed: false,
            stalled_since: Instant::now(),
            progress: 0,
            grace_until: None,
        }
    }

    /// Whether all has been written.
    pub(crate) fn is_done(&self) -> bool {
        self.out.is_empty() && !self.unflushed
    }

    /// One write, and a flush behind the last octet.
    pub(crate) fn write_once(&mut self, writer: &mut impl Write) -> io::Result<()> {
        if !self.out.is_empty() {
            self.progress += self.out.write_to(writer)?;
            self.unflushed = true;
        }
        if self.out.is_empty() {
            // Most writers have nothing to flush; a buffered one has.
            writer.flush()?;
            self.unflushed = false;
        }
        Ok(())
    }

    /// Takes what is to be written next, when all has been written. Says whether there was any.
    pub(crate) fn take(&mut self, core: &mut Connection, now: Instant) -> bool {
        if let Some((began, true)) = self.taken {
            self.batch = next_batch(self.batch, now.saturating_duration_since(began));
        }
        let has_any = core.poll_transmit(now, &mut self.out, self.batch);
        self.taken = Some((now, self.out.len() >= self.batch));
        self.start(now);
        has_any
    }

    fn start(&mut self, now: Instant) {
        self.stalled_since = now;
        self.progress = 0;
        self.grace_until = None;
    }

    /// Since when the peer has taken next to nothing.
    fn stalled_since(&mut self, now: Instant) -> Instant {
        if self.progress >= STALL_PROGRESS {
            self.start(now);
        }
        self.stalled_since
    }

    /// Ends a connection whose peer takes next to nothing for too long. Says whether that is so.
    pub(crate) fn end_if_stalled(&mut self, core: &mut Connection, now: Instant) -> bool {
        let limit = core.config().stall_timeout.filter(|_| !self.is_done());
        let Some(limit) = limit else { return false };
        let stalled = now.saturating_duration_since(self.stalled_since(now));
        if stalled.saturating_sub(limit) > LATE && self.grace_until.is_none() {
            // The machine has slept, or this thread has: the peer may have read meanwhile.
            self.grace_until = now.checked_add(GRACE);
        }
        let is_stalled = stalled >= limit && self.grace_until.is_none_or(|until| until <= now);
        if is_stalled {
            let what = "a write made no progress in time";
            core.abort(ConnectionError::timeout(ErrorCode::NoError, what));
        }
        is_stalled
    }

    pub(crate) fn clear(&mut self) {
        self.out.clear();
        self.unflushed = false;
    }
}

/// How much the next write is given, after one that was given so much and took so long.
fn next_batch(batch: usize, took: Duration) -> usize {
    if took < AT_ONCE {
        (batch * 2).min(LARGE_BATCH)
    } else if took < AT_ONCE * 10 {
        batch
    } else {
        BATCH
    }
}

impl Link {
    /// Waits until there is something to write, and takes it; handles deadlines meanwhile.
    ///
    /// What a write step has left in `buffer` comes first. Returns [`Next::Look`] at `look_at` at
    /// the latest, when nudged, and when a deadline or the taking has made events: they are to be
    /// delivered first, since a write may take its time.
    pub(crate) fn next_write(&self, buffer: &mut WriteBuffer, look_at: Option<Instant>) -> Next {
        let mut state = self.lock();
        loop {
            let now = Instant::now();
            // Whoever caused the events that are there already is about to deliver them.
            let had_events = state.core.has_events();
            state.run_clock(now);
            state.check_writes(buffer, now);
            let next = self.next_now(&mut state, buffer, now);
            let looks = std::mem::take(&mut state.nudged)
                || (state.core.has_events() && !had_events)
                || look_at.is_some_and(|at| at <= now);
            match next {
                Some(Next::Goodbye) => {}
                _ if looks => {
                    self.release(state);
                    return Next::Look;
                }
                _ => {}
            }
            if let Some(next) = next {
                self.release(state);
                return next;
            }
            state = self.park(state, look_at, now);
        }
    }

    /// Writes once from `buffer`. A writer that gives up now and then is asked again by the next
    /// step, after deadlines have been looked at.
    pub(crate) fn write_step(&self, writer: &mut impl Write, buffer: &mut WriteBuffer) {
        // The transport may be the application's. Its panic is caught here, so that the writer is not
        // dropped, and its end not seen by the peer and the reader, before the reason is known.
        let error = match catch_unwind(AssertUnwindSafe(|| buffer.write_once(writer))) {
            Ok(Ok(())) => return,
            Ok(Err(error)) if gave_up(&error) => return,
            Ok(Err(error)) => error,
            Err(_) => {
                let what = "the transport panicked in a write";
                self.lock().core.abort(ConnectionError::internal(what));
                io::Error::other(what)
            }
        };
        buffer.clear();
        let mut state = self.lock();
        state.write_failed(error, Instant::now());
        self.release(state);
    }

    /// What there is to do at once, if anything.
    fn next_now(&self, state: &mut State, buffer: &mut WriteBuffer, now: Instant) -> Option<Next> {
        if state.core.close_reason().is_some() {
            return Some(Next::Goodbye);
        }
        if buffer.is_done() && state.write_failed.is_none() {
            buffer.take(&mut state.core, now);
            if state.waiting > 0 && !buffer.is_done() {
                // What has been taken makes room.
                self.changed.notify_all();
            }
        }
        (!buffer.is_done()).then_some(Next::Write)
    }

    fn park<'a>(
        &'a self,
        mut state: MutexGuard<'a, State>,
        look_at: Option<Instant>,
        now: Instant,
    ) -> MutexGuard<'a, State> {
        let until = [state.core.poll_timeout(), look_at, state.write_failure_deadline()];
        let until = until.into_iter().flatten().min();
        state.parked = Some(Parked { until });
        let mut state = match until {
            Some(until) => {
                let wait = until.saturating_duration_since(now).max(SHORTEST_WAIT);
                self.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
            }
            None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
        };
        let was_woken = state.parked.take().is_none();
        if was_woken {
            // Whoever has put something puts more, as a rule: the body behind the head, the next
            // answer. It goes on first, where it shares a core with us, and all of it goes out in
            // one write. With 32 requests at once that is a third of the writes.
            drop(state);
            thread::yield_now();
            state = self.lock();
        }
        state
    }
}

impl State {
    /// Ends a connection that cannot be written to.
    fn check_writes(&mut self, buffer: &mut WriteBuffer, now: Instant) {
        match &self.write_failed {
            Some((at, error)) if *at + LINGER <= now => self.transport_failed(error.clone()),
            _ => {}
        }
        buffer.end_if_stalled(&mut self.core, now);
    }

    /// Until then the reader may find the end of a connection that cannot be written to.
    fn write_failure_deadline(&self) -> Option<Instant> {
        self.write_failed.as_ref().map(|(at, _)| *at + LINGER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transport_that_takes_all_at_once_is_given_more_up_to_a_bound() {
        let at_once = Duration::from_millis(1);
        assert_eq!(next_batch(BATCH, at_once), 2 * BATCH);
        assert_eq!(next_batch(LARGE_BATCH, at_once), LARGE_BATCH);
    }

    #[test]
    fn one_that_takes_its_time_is_given_as_little_as_at_first() {
        assert_eq!(next_batch(LARGE_BATCH, AT_ONCE * 2), LARGE_BATCH);
        assert_eq!(next_batch(LARGE_BATCH, AT_ONCE * 10), BATCH);
    }
}
