//! What may happen with one connection, by its state.
//!
//! ```text
//!            the peer's limits are known
//!   fresh ─────────────────────────────────▶ good ◀──┐ heard of again
//!     │  │                                    │ │    │
//!     │  └──── a response is late, ───────────│─┴─▶ suspect
//!     │        or silent for long             │      │ the PING is not answered
//!     └───────────── takes no more ───────────┴──────┴──▶ draining ── last exchange over ──▶ gone
//! ```
//!
//! The end of the transport leads to *gone* from everywhere.

use std::time::Instant;

/// A connection as the pool sees it, whichever protocol it speaks.
pub(crate) trait Pooled: Clone {
    /// How the connection stands now. Called under the pool's lock: it must not wait.
    fn seen(&self) -> Seen;
}

/// How a connection stands: its capacity, and what it says about its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Exchanges that the peer has room for: streams, or one request in HTTP/1.1.
    pub(crate) free: usize,
    /// Exchanges under way.
    pub(crate) open: usize,
    /// One exchange at a time, as in HTTP/1.1.
    pub(crate) is_serial: bool,
    /// New exchanges can begin: the connection neither has ended nor is going away.
    pub(crate) takes_more: bool,
    /// The connection has ended.
    pub(crate) has_ended: bool,
    /// `free` is the peer's word. Before its SETTINGS have come it is an assumption.
    pub(crate) is_certain: bool,
    /// When the peer was last heard of.
    pub(crate) heard: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Made, and the peer's limits are not known yet.
    Fresh,
    /// Takes requests.
    Good,
    /// May be dead: takes no new requests until the peer has been heard of again. A PING is under
    /// way.
    Suspect { since: Instant },
    /// Takes no new requests for good; those under way are finished.
    Draining,
    /// Nothing is left to do with it.
    Gone,
}

impl Health {
    /// The state that follows from how the connection stands.
    pub(crate) fn next(self, seen: &Seen) -> Health {
        if seen.has_ended {
            return Health::Gone;
        }
        match self {
            Health::Fresh => fresh(seen),
            Health::Good => good(seen),
            Health::Suspect { since } => suspect(seen, since),
            Health::Draining => draining(seen),
            Health::Gone => Health::Gone,
        }
    }

    /// How many more requests may be sent on the connection now, beside `granted` ones that are about
    /// to be. A request that `needs_certainty` cannot be repeated, if the peer refuses it.
    pub(crate) fn room(self, seen: &Seen, granted: usize, needs_certainty: bool) -> usize {
        match self {
            // RFC 9113, Section 6.5.2: a server should allow 100 streams, and may allow one.
            Health::Fresh if needs_certainty => usize::from(seen.open + granted == 0),
            Health::Fresh | Health::Good => seen.free.saturating_sub(granted),
            Health::Suspect { .. } | Health::Draining | Health::Gone => 0,
        }
    }

    /// Whether the connection counts among those that its origin may have: it takes requests, or may
    /// do so again.
    pub(crate) fn counts(self) -> bool {
        matches!(self, Health::Fresh | Health::Good | Health::Suspect { .. })
    }
}

fn fresh(seen: &Seen) -> Health {
    match (seen.takes_more, seen.is_certain) {
        (false, _) => draining(seen),
        (true, true) => Health::Good,
        (true, false) => Health::Fresh,
    }
}

fn good(seen: &Seen) -> Health {
    if seen.takes_more {
        Health::Good
    } else {
        draining(seen)
    }
}

fn suspect(seen: &Seen, since: Instant) -> Health {
    if !seen.takes_more {
        draining(seen)
    } else if seen.heard > since {
        fresh(seen)
    } else {
        Health::Suspect { since }
    }
}

fn draining(seen: &Seen) -> Health {
    if seen.open == 0 {
        Health::Gone
    } else {
        Health::Draining
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn seen(now: Instant) -> Seen {
        let heard = now;
        Seen {
            free: 4,
            open: 1,
            is_serial: false,
            takes_more: true,
            has_ended: false,
            is_certain: true,
            heard,
        }
    }

    #[test]
    fn each_state_leads_where_the_drawing_says() {
        let now = Instant::now();
        let later = now + Duration::from_secs(1);
        let (usual, late) = (seen(now), seen(later));
        let unknown = Seen { is_certain: false, ..usual };
        let leaves = Seen { takes_more: false, ..usual };
        let left = Seen { open: 0, ..leaves };
        let ended = Seen { has_ended: true, ..leaves };
        let suspect = Health::Suspect { since: now };
        let table = [
            (Health::Fresh, unknown, Health::Fresh),
            (Health::Fresh, usual, Health::Good),
            (Health::Fresh, leaves, Health::Draining),
            (Health::Good, usual, Health::Good),
            (Health::Good, leaves, Health::Draining),
            (Health::Good, left, Health::Gone),
            (suspect, usual, suspect),
            (suspect, late, Health::Good),
            (suspect, leaves, Health::Draining),
            (Health::Draining, usual, Health::Draining),
            (Health::Draining, left, Health::Gone),
            (Health::Gone, usual, Health::Gone),
        ];
        for (before, seen, after) in table {
            assert_eq!(before.next(&seen), after, "{before:?} {seen:?}");
            assert_eq!(before.next(&ended), Health::Gone, "{before:?}");
        }
    }

    #[test]
    fn only_fresh_and_good_connections_have_room() {
        let usual = seen(Instant::now());
        assert_eq!(Health::Good.room(&usual, 1, false), 3);
        assert_eq!(Health::Good.room(&usual, 9, false), 0);
        for state in [Health::Suspect { since: usual.heard }, Health::Draining, Health::Gone] {
            assert_eq!(state.room(&usual, 0, false), 0, "{state:?}");
        }
    }

    #[test]
    fn before_the_limits_are_known_one_stream_is_certain() {
        let first = Seen { free: 100, open: 0, is_certain: false, ..seen(Instant::now()) };
        assert_eq!(Health::Fresh.room(&first, 0, true), 1);
        assert_eq!(Health::Fresh.room(&first, 1, true), 0);
        assert_eq!(Health::Fresh.room(&Seen { open: 1, ..first }, 0, true), 0);
        assert_eq!(Health::Fresh.room(&first, 1, false), 99);
    }
}
