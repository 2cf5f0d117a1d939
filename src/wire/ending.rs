//! How far the end of a connection has come, and what it needs next.

use std::time::{Duration, Instant};

use crate::error::Error;
use crate::proto::CloseReason;

/// How long the last frames (GOAWAY) may take to be written after the end of the connection.
pub(crate) const FINAL_FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// When one direction of the transport has ended, how long the other may take to come to its end.
pub(crate) const DRAIN_TIMEOUT: Duration = Duration::from_millis(500);

/// How far the end of the connection has come.
#[derive(Debug, Default)]
pub(super) struct Ending {
    /// Why nothing can be written any more.
    pub(super) write_failed: Option<WriteFailure>,
    /// What broke the transport, if that ended the connection.
    pub(super) failed: Option<Error>,
    /// Since when the core has been closed.
    pub(super) since: Option<Instant>,
    /// Since when our direction has been shut.
    pub(super) write_shut: Option<Instant>,
    /// Nothing more comes from the transport.
    pub(super) read_ended: bool,
    pub(super) is_cut: bool,
}

/// A write that has failed, and the search for what the peer said before.
#[derive(Debug)]
pub(super) struct WriteFailure {
    pub(super) error: Error,
    /// When the failure becomes the reason of the end.
    pub(super) decided_at: Instant,
    /// A read since has found nothing, or one more [`DRAIN_TIMEOUT`] has been given for it.
    pub(super) is_searched: bool,
}

impl WriteFailure {
    pub(super) fn new(error: Error, now: Instant) -> Self {
        WriteFailure { error, decided_at: now + DRAIN_TIMEOUT, is_searched: false }
    }
}

/// How the connection ended.
#[derive(Debug, Clone)]
pub(crate) enum End {
    /// As the core tells.
    Core(CloseReason),
    /// The transport broke, and nothing that the peer said explains it.
    Transport(Error),
}

/// What the end of a connection needs next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EndStep {
    /// It is alive.
    Alive,
    /// The last frames are to be written.
    Write,
    /// Our direction is to be shut.
    Shut,
    /// The peer may close its direction, and is read from, until then.
    Drain(Instant),
    /// The transport is to be cut.
    Cut,
    /// Nothing.
    Over,
}

impl Ending {
    /// The next step. `is_written`: nothing is left to write, and no thread writes.
    pub(super) fn next(&self, now: Instant, is_written: bool) -> EndStep {
        let Some(since) = self.since else { return EndStep::Alive };
        let cut_at = since + FINAL_FLUSH_TIMEOUT + DRAIN_TIMEOUT;
        match self.write_shut {
            _ if self.is_cut => EndStep::Over,
            // There are no last frames that the peer could miss for want of being drained.
            _ if self.write_failed.is_some() || now >= cut_at => EndStep::Cut,
            None if is_written => EndStep::Shut,
            None => EndStep::Write,
            Some(shut) if self.read_ended || now >= shut + DRAIN_TIMEOUT => EndStep::Cut,
            Some(shut) => EndStep::Drain(cut_at.min(shut + DRAIN_TIMEOUT)),
        }
    }

    /// When the next step is due, if nothing else happens.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let since = self.since.filter(|_| !self.is_cut)?;
        if self.write_failed.is_some() {
            return Some(since);
        }
        let cut_at = since + FINAL_FLUSH_TIMEOUT + DRAIN_TIMEOUT;
        Some(self.write_shut.map_or(cut_at, |shut| cut_at.min(shut + DRAIN_TIMEOUT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended(now: Instant) -> Ending {
        Ending { since: Some(now), ..Ending::default() }
    }

    #[test]
    fn connection_that_lives_needs_nothing() {
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
    fn peer_that_has_closed_is_not_waited_for() {
        let now = Instant::now();
        let end = Ending { write_shut: Some(now), read_ended: true, ..ended(now) };
        assert_eq!(end.next(now, true), EndStep::Cut);
    }

    #[test]
    fn peer_that_takes_nothing_is_cut_in_the_end() {
        let now = Instant::now();
        let end = ended(now);
        let cut_at = now + FINAL_FLUSH_TIMEOUT + DRAIN_TIMEOUT;
        assert_eq!(end.deadline(), Some(cut_at));
        assert_eq!(end.next(cut_at, false), EndStep::Cut);
    }

    #[test]
    fn failed_write_leaves_nothing_to_wait_for() {
        let now = Instant::now();
        let failed = WriteFailure::new(Error::timeout("a write"), now);
        let end = Ending { write_failed: Some(failed), ..ended(now) };
        assert_eq!((end.next(now, false), end.deadline()), (EndStep::Cut, Some(now)));
    }
}
