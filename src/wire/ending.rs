//! The progress of a connection's end, and its next step.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::proto::CloseReason;

/// The time for writing the last frames (GOAWAY) after the end of the connection.
pub(crate) const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// The time from the end of one direction of the transport to the end of the other.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// The same after a server has answered all requests, counted from the last input. A slow client may
/// still be reading what the system has buffered; its WINDOW_UPDATE to a closed socket would make the
/// system discard the rest. It is that of nginx (`lingering_timeout`).
const LINGER_TIMEOUT: Duration = Duration::from_secs(5);

/// The longest end of such a connection: that of nginx (`lingering_time`).
const LINGER_MAX: Duration = Duration::from_secs(30);

/// The progress of a connection's end.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// The write that has failed, after which nothing more can be written.
    pub(super) write_failed: Option<WriteFailure>,
    /// The failure of the transport that ended the connection.
    pub(super) failed: Option<Error>,
    /// The time at which the core was closed.
    pub(super) since: Option<Instant>,
    /// Whether the peer may still be reading the last responses.
    lingers: bool,
    /// The time of the last input.
    pub(super) heard: Option<Instant>,
    /// The time at which our direction was shut.
    pub(super) write_shut: Option<Instant>,
    /// Whether the transport has no more input.
    pub(super) read_ended: bool,
    pub(super) is_cut: bool,
}

/// A failed write, whose cause may still be in the input.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) error: Error,
    /// The time at which the failure becomes the reason for the end.
    pub(super) decided_at: Instant,
    /// Whether a read since then has found nothing, or the time was extended once.
    pub(super) is_searched: bool,
}

impl WriteFailure {
    pub(super) fn new(error: Error, now: Instant) -> Self {
        WriteFailure { error, decided_at: now + DRAIN_TIMEOUT, is_searched: false }
    }
}

/// How a connection has ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// As reported by the core.
    Core(CloseReason),
    /// The transport failed, and no input from the peer explains it.
    Transport(Error),
}

/// The next step of a connection's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndStep {
    /// None: the connection is alive.
    Alive,
    /// Write the last frames.
    Write,
    /// Shut our direction.
    Shut,
    /// Read until then, or until the peer closes its direction.
    Drain(Instant),
    /// Cut the transport.
    Cut,
    /// None: the transport is cut.
    Over,
}

impl Ending {
    /// Records that the core was closed. `lingers` means that all requests have been answered.
    pub(super) fn begin(&mut self, lingers: bool, now: Instant) {
        self.since = Some(now);
        self.lingers = lingers;
    }

    /// Returns the next step. `is_written` means that nothing is left to write and no thread is
    /// writing.
    pub(super) fn next(&self, now: Instant, is_written: bool) -> EndStep {
        let Some(since) = self.since else { return EndStep::Alive };
        let cut_at = self.cut_at(since);
        match self.write_shut {
            _ if self.is_cut => EndStep::Over,
            // Without last frames to protect, there is no reason to drain.
            _ if self.write_failed.is_some() || now >= cut_at => EndStep::Cut,
            None if is_written => EndStep::Shut,
            None => EndStep::Write,
            Some(_) if self.read_ended => EndStep::Cut,
            Some(_) => EndStep::Drain(cut_at),
        }
    }

    /// Returns the time of the next step, if nothing else happens before.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let since = self.since.filter(|_| !self.is_cut)?;
        Some(if self.write_failed.is_some() { since } else { self.cut_at(since) })
    }

    /// Returns whether the time for writing the last frames is over.
    pub(super) fn is_past_final_flush(&self, now: Instant) -> bool {
        let time = if self.lingers { LINGER_MAX } else { FINAL_FLUSH_TIMEOUT };
        self.since.is_some_and(|since| now >= since + time)
    }

    /// Returns when the transport is cut if the peer does not close it.
    fn cut_at(&self, since: Instant) -> Instant {
        let (silence, longest, heard) = match self.lingers {
            true => (LINGER_TIMEOUT, LINGER_MAX, self.heard),
            false => (DRAIN_TIMEOUT, FINAL_FLUSH_TIMEOUT + DRAIN_TIMEOUT, None),
        };
        let last = since + longest;
        match self.write_shut {
            Some(shut) => last.min(heard.map_or(shut, |heard| heard.max(shut)) + silence),
            None => last,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(now: Instant) -> Ending {
        Ending { since: Some(now), ..Ending::default() }
    }

    #[test]
    fn a_live_connection_needs_no_step() {
        assert_eq!(Ending::default().next(Instant::now(), true), EndStep::Alive);
    }

    #[test]
    fn last_frames_are_written_then_the_direction_is_shut_then_the_peer_is_drained() {
        let now = Instant::now();
        let mut end = ended(now);
        assert_eq!(end.next(now, false), EndStep::Write);
        assert_eq!(end.next(now, true), EndStep::Shut);
        end.write_shut = Some(now);
        let until = now + DRAIN_TIMEOUT;
        assert_eq!(end.next(now, true), EndStep::Drain(until));
        assert_eq!(end.deadline(), Some(until));
        assert_eq!(end.next(until, true), EndStep::Cut);
        end.is_cut = true;
        assert_eq!(end.next(until, true), EndStep::Over);
        assert_eq!(end.deadline(), None);
    }

    #[test]
    fn a_client_that_still_reads_the_last_response_is_waited_for() {
        let now = Instant::now();
        let mut end = Ending::default();
        end.begin(true, now);
        end.write_shut = Some(now);
        assert_eq!(end.next(now, true), EndStep::Drain(now + LINGER_TIMEOUT));
        let mut later = now;
        while later + LINGER_TIMEOUT < now + LINGER_MAX {
            later += Duration::from_secs(4);
            end.heard = Some(later);
            let until = (later + LINGER_TIMEOUT).min(now + LINGER_MAX);
            assert_eq!(
                (end.next(later, true), end.deadline()),
                (EndStep::Drain(until), Some(until))
            );
        }
        assert_eq!(end.next(now + LINGER_MAX, true), EndStep::Cut);
        end.read_ended = true;
        assert_eq!(end.next(now, true), EndStep::Cut);
    }

    #[test]
    fn the_last_response_has_more_time_than_the_last_frames() {
        let now = Instant::now();
        let mut end = Ending::default();
        end.begin(true, now);
        assert!(!end.is_past_final_flush(now + FINAL_FLUSH_TIMEOUT));
        assert_eq!(end.next(now + LINGER_TIMEOUT, false), EndStep::Write);
        assert_eq!(end.next(now + LINGER_MAX, false), EndStep::Cut);
    }

    #[test]
    fn a_closed_peer_is_not_drained() {
        let now = Instant::now();
        let end = Ending { write_shut: Some(now), read_ended: true, ..ended(now) };
        assert_eq!(end.next(now, true), EndStep::Cut);
    }

    #[test]
    fn a_peer_that_does_not_read_is_cut_after_the_timeouts() {
        let now = Instant::now();
        let end = ended(now);
        let cut_at = now + FINAL_FLUSH_TIMEOUT + DRAIN_TIMEOUT;
        assert_eq!(end.deadline(), Some(cut_at));
        assert_eq!(end.next(cut_at, false), EndStep::Cut);
    }

    #[test]
    fn a_failed_write_skips_the_drain() {
        let now = Instant::now();
        let failed = WriteFailure::new(Error::timeout("a write"), now);
        let end = Ending { write_failed: Some(failed), ..ended(now) };
        assert_eq!((end.next(now, false), end.deadline()), (EndStep::Cut, Some(now)));
    }
}
