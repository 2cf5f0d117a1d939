//! What the statistics of a client count.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::client::stats::Stats;
use crate::histogram::Recorder;

#[derive(Debug, Default)]
pub(in crate::client) struct Counters {
    pub(in crate::client) requests: AtomicU64,
    pub(in crate::client) requests_failed: AtomicU64,
    pub(in crate::client) retries: AtomicU64,
    pub(super) wait_time: Recorder,
    pub(super) attempts: AtomicU64,
    pub(super) attempts_failed: AtomicU64,
}

impl Counters {
    pub(super) fn snapshot(&self) -> Stats {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Stats {
            attempts: of(&self.attempts),
            attempts_failed: of(&self.attempts_failed),
            wait_time: self.wait_time.snapshot(),
            requests: of(&self.requests),
            requests_failed: of(&self.requests_failed),
            retries: of(&self.retries),
            ..Stats::default()
        }
    }
}

/// Increments a counter.
pub(in crate::client) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
