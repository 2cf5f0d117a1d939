//! Lending a handler's permit while its thread waits for the peer.

use std::any::Any;
use std::time::{Duration, Instant};

use super::conn::{Conn, Guard};

/// After this time, a wait for the peer may take any time.
//
// With this value, all permits can change hands ten times a second. With a shorter one, handlers
// whose input is in flight would lend and reclaim permits in vain.
const LEND_AFTER: Duration = Duration::from_millis(100);

/// A wait for the peer. After [`LEND_AFTER`], the permit is lent until this is dropped.
pub(super) struct Lending {
    /// When to lend the permit; `None` after the owner was asked, or if it has no permits.
    at: Option<Instant>,
    _lent: Option<Box<dyn Any>>,
}

impl Lending {
    pub(super) fn new(conn: &Conn, since: Instant) -> Self {
        let at = conn.wire.owner().has_handlers().then(|| since + LEND_AFTER);
        Lending { at, _lent: None }
    }

    /// Returns when the permit is to be lent, if it was not yet.
    pub(super) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// Returns whether the permit is to be lent now.
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.at.is_some_and(|at| at <= now)
    }

    /// Lends the permit. Releases the lock in between, so the awaited input may have arrived.
    pub(super) fn lend<'a>(&mut self, conn: &'a Conn, state: Guard<'a>) -> Guard<'a> {
        self.at = None;
        drop(state);
        self._lent = conn.wire.owner().lend_permit();
        conn.lock()
    }
}
