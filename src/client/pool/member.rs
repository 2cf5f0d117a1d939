//! A connection with the state that its lane keeps.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Instant;

use super::actions::{ConnectionId, Limits};
use super::health::{Health, Pooled, Seen};

#[derive(Debug)]
pub(crate) struct Member<C> {
    pub(crate) id: ConnectionId,
    pub(crate) connection: C,
    pub(crate) health: Health,
    pub(crate) seen: Seen,
    /// Granted requests that have not been sent yet.
    pub(crate) granted: usize,
    pub(crate) answers: Arc<AtomicU64>,
    /// Refusals since the connection last answered a request; `answers_before` is the number of
    /// answers at that time.
    pub(crate) refusals: u32,
    pub(crate) answers_before: u64,
    pub(crate) is_probed: bool,
    /// When a PING was last acknowledged.
    pub(crate) proven: Option<Instant>,
    pub(crate) born: Instant,
    pub(crate) last_used: Instant,
}

impl<C: Pooled> Member<C> {
    pub(crate) fn new(id: ConnectionId, connection: C, now: Instant) -> Self {
        let seen = connection.seen();
        Member {
            id,
            connection,
            health: Health::Fresh.next(&seen),
            seen,
            granted: 0,
            answers: Arc::default(),
            refusals: 0,
            answers_before: 0,
            is_probed: false,
            proven: None,
            born: now,
            last_used: now,
        }
    }

    /// Whether a read may free a stream: in HTTP/2, on a connection that takes requests.
    pub(crate) fn may_gain_room(&self) -> bool {
        let takes_requests = matches!(self.health, Health::Fresh | Health::Good);
        takes_requests && !self.seen.is_serial && {
            let seen = self.connection.seen();
            seen.takes_more && !seen.has_ended
        }
    }
}

impl<C> Member<C> {
    pub(crate) fn is_idle(&self) -> bool {
        self.health.counts() && self.granted == 0 && self.seen.open == 0
    }

    /// Whether the connection must be checked first, after a long silence of the peer. An
    /// acknowledgment at `now` always suffices, even if `verify_after` is zero.
    pub(crate) fn is_silent(&self, limits: &Limits, now: Instant) -> bool {
        let heard = self.proven.map_or(self.seen.heard, |proven| proven.max(self.seen.heard));
        self.health == Health::Good
            && self.proven != Some(now)
            && now.saturating_duration_since(heard) >= limits.verify_after
    }
}
