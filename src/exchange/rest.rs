//! What a thread lends while it waits for the peer.

use std::any::Any;
use std::time::{Duration, Instant};

use super::conn::{Conn, Hooks};

/// Who waits for longer than this may take as long as the peer likes.
//
// Ten times as many slow peers as there are places have theirs within a second. Shorter, and those who
// wait for what is on its way would lend and take back for nothing.
const A_WHILE: Duration = Duration::from_millis(100);

/// A wait. When it has taken a while, what the thread [lends](Hooks::rest) is lent, until this is
/// dropped.
pub(super) struct Rest<'a> {
    /// Gone when they have been asked.
    hooks: Option<&'a dyn Hooks>,
    since: Instant,
    _lent: Option<Box<dyn Any>>,
}

impl<'a> Rest<'a> {
    pub(super) fn new(conn: &'a Conn, since: Instant) -> Self {
        Rest { hooks: conn.hooks.as_deref(), since, _lent: None }
    }

    /// When it will have taken a while, if that is still to come.
    pub(super) fn at(&self) -> Option<Instant> {
        self.hooks.map(|_| self.since + A_WHILE)
    }

    /// Has it taken a while by now?
    pub(super) fn look(&mut self, now: Instant) {
        if self.at().is_some_and(|at| at <= now) {
            self._lent = self.hooks.take().and_then(Hooks::rest);
        }
    }
}
