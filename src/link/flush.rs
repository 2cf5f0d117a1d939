//! The writing side of a link: wait for work, write it, and say goodbye.

use std::io::Write;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use super::{Link, State};
use crate::frame::ErrorCode;
use crate::proto::{ConnectionError, Transmit};
use crate::transport::gave_up;

/// About so much goes into one write: many frames share a system call, and others need not wait
/// long for their turn.
const BATCH: usize = 256 << 10;

/// After the end of the connection, so long is tried to write what is left (GOAWAY).
const LAST_WORDS: Duration = Duration::from_secs(1);

/// After that, so long we wait for the peer to close as well. Closing with octets unread would
/// have the system send a TCP RST, which can destroy the GOAWAY before the peer reads it.
const LINGER: Duration = Duration::from_millis(500);

/// The longest that [`Link::say_goodbye`] takes.
pub(crate) const GOODBYE: Duration = LAST_WORDS.saturating_add(LINGER);

/// What the writer is to do next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    /// Write what has been taken.
    Write,
    /// Nothing to write; look after the application.
    Look,
    /// The connection has ended: say goodbye.
    Goodbye,
}

impl Link {
    /// Waits until there is something to write and takes it; handles deadlines meanwhile. Returns
    /// after `look_after` at the latest, where given, when nudged, and when events have come up.
    pub(crate) fn next_write(&self, out: &mut Transmit, look_after: Option<Duration>) -> Next {
        let mut state = self.lock();
        let look_at = look_after.map(|after| Instant::now() + after);
        loop {
            let now = Instant::now();
            // Whoever caused the events that are there already delivers them.
            let had_events = state.core.has_events();
            self.run_clock(&mut state, now);
            if state.core.close_reason().is_some() {
                return Next::Goodbye;
            }
            state.core.poll_transmit(now, out, BATCH);
            if state.waiting > 0 {
                // What has been taken makes room.
                self.changed.notify_all();
            }
            if !out.is_empty() {
                return Next::Write;
            }
            let new_events = state.core.has_events() && !had_events;
            if std::mem::take(&mut state.nudged)
                || new_events
                || look_at.is_some_and(|at| at <= now)
            {
                return Next::Look;
            }
            let until = state.core.poll_timeout();
            state.parked_until = Some(until);
            state = match until.into_iter().chain(look_at).min() {
                Some(until) => {
                    let wait = until.saturating_duration_since(now);
                    self.work.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.work.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
            state.parked_until = None;
        }
    }

    /// Writes all of `out`. A writer that gives up now and then is asked again until it has made
    /// no progress for the stall deadline, or another deadline ends the connection.
    pub(crate) fn write(&self, writer: &mut impl Write, out: &mut Transmit) {
        let mut progress = Instant::now();
        while !out.is_empty() {
            match out.write_to(writer) {
                Ok(_) => progress = Instant::now(),
                Err(error) if gave_up(&error) => {
                    let now = Instant::now();
                    let mut state = self.lock();
                    self.run_clock(&mut state, now);
                    let stuck = now.saturating_duration_since(progress);
                    let limit = state.core.config().stall_timeout;
                    if limit.is_some_and(|limit| stuck >= limit) {
                        let what = "a write made no progress in time";
                        state.core.abort(ConnectionError::timeout(ErrorCode::NoError, what));
                    }
                    if state.core.close_reason().is_some() && stuck >= LAST_WORDS {
                        out.clear();
                    }
                }
                Err(error) => {
                    self.lock().transport_failed(error);
                    out.clear();
                }
            }
        }
        // Most writers have nothing to flush; a buffered one has.
        if let Err(error) = writer.flush() {
            if !gave_up(&error) {
                self.lock().transport_failed(error);
            }
        }
    }

    /// Writes the last frames, closes our direction, waits a little for the peer to close its own,
    /// and cuts the transport.
    pub(crate) fn say_goodbye(&self, mut writer: impl Write, out: &mut Transmit) {
        let until = Instant::now() + LAST_WORDS;
        self.lock().core.poll_transmit(Instant::now(), out, usize::MAX);
        while !out.is_empty() && Instant::now() < until {
            match out.write_to(&mut writer) {
                Ok(_) => {}
                Err(error) if gave_up(&error) => {}
                Err(_) => break,
            }
        }
        // Whether it arrives is the peer's business now.
        let _ = writer.flush();
        let _ = self.closer.shutdown_write();
        drop(writer);
        self.wait_for(Instant::now() + LINGER, |state| state.reader_done);
        self.cut();
    }

    fn run_clock(&self, state: &mut State, now: Instant) {
        if state.core.poll_timeout().is_some_and(|at| at <= now) {
            // An error is kept by the core as the reason of the end.
            let _ = state.core.handle_timeout(now);
        }
    }
}
