//! What the connections of a server hold in sum of what was received and not taken.
//!
//! Each connection counts what lies untaken on its streams. While less than that is left of the limit,
//! it does not read: TCP then slows its peer down. So the connections that hold the most wait first,
//! `n` of them with `limit / (n + 1)` each, and there is always as much left for the others. A
//! connection that holds nothing always reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The most that one read brings.
const READ: usize = 256 << 10;

/// The sum over all connections, and its limit.
#[derive(Debug)]
pub(crate) struct Ledger {
    limit: usize,
    total: AtomicUsize,
}

impl Ledger {
    pub(crate) fn new(limit: usize) -> Self {
        Ledger { limit, total: AtomicUsize::new(0) }
    }
}

/// What one connection holds. It is taken off the sum when this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    /// `None` where nothing is limited.
    ledger: Option<Arc<Ledger>>,
    octets: usize,
    /// What the sum has of it.
    entered: usize,
}

impl Held {
    pub(crate) fn new(ledger: Option<Arc<Ledger>>) -> Self {
        Held { ledger, octets: 0, entered: 0 }
    }

    /// Octets have been received.
    pub(crate) fn add(&mut self, octets: usize) {
        self.octets += octets;
    }

    /// Octets have been taken or dropped.
    pub(crate) fn remove(&mut self, octets: usize) {
        debug_assert!(octets <= self.octets, "each was added");
        self.octets = self.octets.saturating_sub(octets);
    }

    /// Enters the changes into the sum: one atomic operation, for all that one lock has brought about.
    pub(crate) fn enter(&mut self) {
        if self.octets == self.entered {
            return;
        }
        if let Some(ledger) = &self.ledger {
            if self.octets > self.entered {
                ledger.total.fetch_add(self.octets - self.entered, Ordering::Relaxed);
            } else {
                ledger.total.fetch_sub(self.entered - self.octets, Ordering::Relaxed);
            }
        }
        self.entered = self.octets;
    }

    /// Whether the connection holds so much that it must not read.
    pub(crate) fn is_over(&self) -> bool {
        let Some(ledger) = self.ledger.as_ref().filter(|_| self.octets > 0) else { return false };
        let left = ledger.limit.saturating_sub(ledger.total.load(Ordering::Relaxed));
        self.octets + self.octets.min(READ) > left
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.octets = 0;
        self.enter();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 64 << 20;

    fn connections(count: usize) -> (Arc<Ledger>, Vec<Held>) {
        let ledger = Arc::new(Ledger::new(LIMIT));
        let held = (0..count).map(|_| Held::new(Some(Arc::clone(&ledger)))).collect();
        (ledger, held)
    }

    /// One read, if the connection may. Says whether it did.
    fn read(held: &mut Held) -> bool {
        let reads = !held.is_over();
        if reads {
            held.add(READ);
            held.enter();
        }
        reads
    }

    #[test]
    fn unread_connections_stay_below_the_limit_together() {
        for count in [1, 2, 10, 100] {
            let (ledger, mut all) = connections(count);
            for _ in 0..1_000 {
                for held in &mut all {
                    read(held);
                }
            }
            let total = ledger.total.load(Ordering::Relaxed);
            assert!(total <= LIMIT && total > LIMIT / 4, "{count}: {total}");
        }
    }

    #[test]
    fn connection_that_holds_the_most_waits_and_another_reads() {
        let (_, mut all) = connections(2);
        while read(&mut all[0]) {}
        assert!(read(&mut all[1]));
        assert!(all[0].is_over());
    }

    #[test]
    fn connection_that_holds_nothing_always_reads() {
        let (ledger, mut all) = connections(2);
        ledger.total.store(2 * LIMIT, Ordering::Relaxed);
        assert!(read(&mut all[1]));
        assert!(all[1].is_over());
        all[1].remove(READ);
        assert!(read(&mut all[1]), "all of it was taken");
    }

    #[test]
    fn end_of_a_connection_takes_it_off_the_sum() {
        let (ledger, mut all) = connections(1);
        while read(&mut all[0]) {}
        all.clear();
        assert_eq!(ledger.total.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn without_a_limit_all_is_read() {
        let mut held = Held::new(None);
        assert!((0..10_000).all(|_| read(&mut held)));
    }
}
