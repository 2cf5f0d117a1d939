//! Statistics of a server.

use std::sync::atomic::{AtomicU64, Ordering};

/// Statistics of a server since its start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Open connections, including those in their handshake.
    pub connections: usize,
    /// Connections accepted.
    pub connections_accepted: u64,
    /// Connections that ended before a request was possible: a failed handshake, another protocol,
    /// no thread, or a shutdown.
    pub connections_failed: u64,
    /// Requests whose handler was called.
    pub requests: u64,
    /// Requests refused since there was no permit in time.
    pub requests_refused: u64,
    /// Running handlers, including those that wait for their peers.
    pub handlers_running: usize,
    /// Handlers that returned an error.
    pub handlers_failed: u64,
    /// Handlers that panicked.
    pub handlers_panicked: u64,
    /// Handlers over `handler_timeout`, whose streams were reset.
    pub handlers_given_up: u64,
    /// The number of times that another thread has replaced a slow leader.
    pub leads_taken_over: u64,
    /// Threads of the server, except the accept thread and the clock.
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

/// Increments a counter.
pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
