//! Figures of a server.

use std::sync::atomic::{AtomicU64, Ordering};

/// Figures of a server, from its start to now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that are open now, those in their handshake included.
    pub connections: usize,
    /// Connections accepted.
    pub connections_accepted: u64,
    /// Connections that ended before a request could come: no handshake, no HTTP/2, no thread, a
    /// server that was shut down.
    pub connections_failed: u64,
    /// Requests whose handler has begun.
    pub requests: u64,
    /// Requests refused since no handler became free in time.
    pub requests_refused: u64,
    /// Handlers that run now, those that wait for their peers among them.
    pub handlers_running: usize,
    /// Handlers that returned an error.
    pub handlers_failed: u64,
    /// Handlers that panicked.
    pub handlers_panicked: u64,
    /// Handlers that took too long, and whose streams were reset.
    pub handlers_given_up: u64,
    /// How often a leader was too slow, and another thread went on in its place.
    pub leads_taken_over: u64,
    /// Threads of the server, but for the one that accepts and the clock.
    pub threads: usize,
    /// Errors of `accept`.
    pub accept_errors: u64,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections_accepted: AtomicU64,
    pub(super) connections_failed: AtomicU64,
    pub(super) requests: AtomicU64,
    pub(super) requests_refused: AtomicU64,
    pub(super) handlers_failed: AtomicU64,
    pub(super) handlers_panicked: AtomicU64,
    pub(super) handlers_given_up: AtomicU64,
    pub(super) leads_taken_over: AtomicU64,
    pub(super) accept_errors: AtomicU64,
}

/// One more.
pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
