//! The permit of a handler, lent while its thread waits for the peer.

use std::any::Any;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard};

/// A wait that takes longer may take as long as the peer likes.
//
// Ten times as many slow peers as there are permits have theirs within a second. Shorter, and handlers
// that wait for what is on its way would lend and take back for nothing.
const LEND_AFTER: Duration = Duration::from_millis(100);

/// One wait. After a while the permit is lent, until this is dropped.
pub(super) struct Lending {
    /// When it will have taken a while; `None` when the owner has been asked, or has no permits.
    at: Option<Instant>,
    _lent: Option<Box<dyn Any>>,
}

impl Lending {
    pub(super) fn new(conn: &Conn, since: Instant) -> Self {
        let at = conn.wire.owner().has_handlers().then(|| since + LEND_AFTER);
        Lending { at, _lent: None }
    }

    /// When the permit is to be lent, if that is still to come.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Whether the permit is to be lent now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// Lends the permit. The lock is given back meanwhile, so what is waited for may have come.
    pub(super) fn lend<'a>(&mut self, conn: &'a Conn, state: Guard<'a>) -> Guard<'a> {
        self.at = None;
        drop(state);
        self._lent = conn.wire.owner().lend_permit();
        conn.lock()
    }
}
