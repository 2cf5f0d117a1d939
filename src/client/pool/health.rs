//! The states of one connection, and their transitions.
//!
//! ```text
//!            the peer's limits are known
//!   fresh ─────────────────────────────────▶ good ◀──┐ the peer sends something
//!     │  │                                    │ │    │
//!     │  └──── a response is late, ───────────│─┴─▶ suspect
//!     │        or long silence                │      │ no PING acknowledgment in time
//!     └───────────── takes no more ───────────┴──────┴──▶ draining ─ last exchange ends ─▶ gone
//! ```
//!
//! From every state, the end of the transport leads to *gone*.

use std::time::Instant;

/// A connection as the pool sees it, independent of its protocol.
pub(crate) trait Pooled: Clone {
    /// Returns the connection's state. Called under the pool's lock, so it must not block.
    fn seen(&self) -> Seen;
}

/// The state of a connection: its capacity, and whether it is ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Free slots: streams, or one request in HTTP/1.1.
    pub(crate) free: usize,
    /// Open exchanges.
    pub(crate) open: usize,
    /// Carries one exchange at a time, as in HTTP/1.1.
    pub(crate) is_serial: bool,
    /// Accepts new exchanges: it has neither ended nor is going away.
    pub(crate) takes_more: bool,
    /// The connection has ended.
    pub(crate) has_ended: bool,
    /// The peer has announced its limit. Before its SETTINGS arrive, `free` is an assumption.
    pub(crate) is_certain: bool,
    /// When the last octets arrived from the peer.
    pub(crate) heard: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Health {
    /// Established; the peer's limits are not known yet.
    Fresh,
    /// Accepts requests.
    Good,
    /// Possibly dead: accepts no new requests until octets arrive from the peer. A PING is
    /// outstanding.
    Suspect { since: Instant },
    /// Accepts no further requests; open ones are finished.
    Draining,
    /// Ended and unused.
    Gone,
}

impl Health {
    /// Returns the state that follows from what was observed.
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

    /// Returns how many more requests may be sent now, besides `granted` ones not yet sent. A
    /// request that `needs_certainty` cannot be retried if the peer refuses it.
    pub(crate) fn room(self, seen: &Seen, granted: usize, needs_certainty: bool) -> usize {
        match self {
            // RFC 9113, Section 6.5.2, recommends a limit of at least 100 streams; one is always
            // assumed.
            Health::Fresh if needs_certainty => usize::from(seen.open + granted == 0),
            Health::Fresh | Health::Good => seen.free.saturating_sub(granted),
            Health::Suspect { .. } | Health::Draining | Health::Gone => 0,
        }
    }

    /// Whether the connection counts towards its origin's limit: it accepts requests, or may again.
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
    if seen.takes_more { Health::Good } else { draining(seen) }
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
    if seen.open == 0 { Health::Gone } else { Health::Draining }
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
