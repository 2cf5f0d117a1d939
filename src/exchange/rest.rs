//! What a thread lends while it waits for the peer.

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
    /// Gone when there is nothing to lend.
    hooks: Option<&'a dyn Hooks>,
    since: Instant,
    has_lent: bool,
}

impl<'a> Rest<'a> {
    pub(super) fn new(conn: &'a Conn, since: Instant) -> Self {
        Rest { hooks: conn.hooks.as_deref(), since, has_lent: false }
    }

    /// When it will have taken a while, if that is still to come.
    pub(super) fn at(&self) -> Option<Instant> {
        self.hooks.filter(|_| !self.has_lent).map(|_| self.since + A_WHILE)
    }

    /// Has it taken a while by now?
    pub(super) fn look(&mut self, now: Instant) {
        if self.at().is_some_and(|at| at <= now) {
            self.has_lent = self.hooks.is_some_and(Hooks::rest);
            self.hooks = self.hooks.filter(|_| self.has_lent);
        }
    }
}

impl Drop for Rest<'_> {
    fn drop(&mut self) {
        if let Some(hooks) = self.hooks.filter(|_| self.has_lent) {
            hooks.resume();
        }
    }
}
