//! Statistics of a server.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::histogram::{Histogram, Recorder};
use crate::proto::{self, BUDGETS};

/// Statistics of a server since its start. `examples/metrics` has them as OpenMetrics text.
///
/// Taking them locks each open connection for an instant, so they are meant for a monitor that asks
/// every few seconds.
///
/// ```
/// use h2_sync::server::{Http1Stats, Http2Stats, Stats};
///
/// fn report(stats: &Stats) {
///     println!("{} connections, {} requests", stats.connections, stats.requests);
///     println!("{} of {} handlers failed", stats.handlers_failed, stats.requests);
///     let Http1Stats { octets_sent, .. } = stats.http1;
///     println!("{octets_sent} octets sent over HTTP/1.x");
///     let Http2Stats { streams_open, blocked_on_windows, .. } = stats.http2;
///     println!("{streams_open} streams; DATA has waited {blocked_on_windows:?} for windows");
///     for (budget, connections) in stats.http2.budgets_exhausted() {
///         println!("{connections} connections have exhausted {budget}");
///     }
/// }
/// # report(&Stats::default());
/// ```
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
    /// Errors of `accept`.
    pub accept_errors: u64,
    /// Requests whose handler was called.
    pub requests: u64,
    /// Requests without a complete response, including those that wait for a permit.
    pub requests_open: usize,
    /// Requests refused since there was no permit within
    /// [`queue_timeout`](super::Config::queue_timeout).
    pub requests_refused: u64,
    /// The time from the arrival of a request to the call of its handler, spent waiting for a
    /// permit and a thread.
    pub queue_time: Histogram,
    /// Running handlers, including those that wait for their peers.
    pub handlers_running: usize,
    /// Handlers that returned an error.
    pub handlers_failed: u64,
    /// Handlers that panicked.
    pub handlers_panicked: u64,
    /// Handlers over [`handler_timeout`](super::Config::handler_timeout), whose streams were reset.
    pub handlers_timed_out: u64,
    /// The number of times that another thread has replaced a slow leader.
    pub leaders_replaced: u64,
    /// Threads of the server, except the accept thread and the clock.
    pub threads: usize,
    /// The connections of HTTP/1.x.
    pub http1: Http1Stats,
    /// The connections of HTTP/2.
    pub http2: Http2Stats,
}

/// Statistics of a server's HTTP/1.x connections.
///
/// [`Stats`] has an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Http1Stats {
    /// Open connections.
    pub connections_open: usize,
    /// Connections since the start.
    pub connections: u64,
    /// Octets received, after decryption.
    pub octets_received: u64,
    /// Octets sent, before encryption.
    pub octets_sent: u64,
}

/// Statistics of a server's HTTP/2 connections.
///
/// [`Stats`] has an example.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Http2Stats {
    /// Open connections.
    pub connections_open: usize,
    /// Connections since the start.
    pub connections: u64,
    /// Open streams.
    pub streams_open: usize,
    /// Streams that clients have opened.
    pub streams: u64,
    /// Streams refused because of a limit.
    pub streams_refused: u64,
    /// RST_STREAM frames received.
    pub resets_received: u64,
    /// RST_STREAM frames sent.
    pub resets_sent: u64,
    /// Octets of frames received.
    pub octets_received: u64,
    /// Octets of frames sent.
    pub octets_sent: u64,
    /// Total time that DATA has waited for a window of its client, over all streams.
    pub blocked_on_windows: Duration,
    /// In the order of [`BUDGETS`].
    budgets_exhausted: [u64; BUDGETS.len()],
}

impl Http2Stats {
    /// Returns how many connections have ended since their client had exhausted a budget, for each
    /// budget by the name of its field in [`proto::Config`](crate::proto::Config).
    pub fn budgets_exhausted(&self) -> impl Iterator<Item = (&'static str, u64)> {
        BUDGETS.into_iter().zip(self.budgets_exhausted)
    }

    /// Returns the statistics of one connection, which counts as open.
    pub(super) fn of(connection: &proto::Stats) -> Self {
        let exhausted = |name| u64::from(connection.budget_exhausted == Some(name));
        Http2Stats {
            connections_open: 1,
            connections: 1,
            streams_open: connection.streams_open,
            streams: connection.streams_accepted,
            streams_refused: connection.streams_refused,
            resets_received: connection.resets_received,
            resets_sent: connection.resets_sent,
            octets_received: connection.received.total_octets(),
            octets_sent: connection.sent.total_octets(),
            blocked_on_windows: connection.blocked_on_windows,
            budgets_exhausted: BUDGETS.map(exhausted),
        }
    }
}

/// What the connections of both versions add up to.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Totals {
    pub(super) requests_open: usize,
    pub(super) http1: Http1Stats,
    pub(super) http2: Http2Stats,
}

impl Totals {
    /// Returns what remains of a connection that has ended.
    pub(super) fn ended(mut self) -> Self {
        self.requests_open = 0;
        self.http1.connections_open = 0;
        (self.http2.connections_open, self.http2.streams_open) = (0, 0);
        self
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Totals) {
        self.requests_open += other.requests_open;
        let (http1, more) = (&mut self.http1, other.http1);
        http1.connections_open += more.connections_open;
        http1.connections += more.connections;
        http1.octets_received += more.octets_received;
        http1.octets_sent += more.octets_sent;
        let (http2, more) = (&mut self.http2, other.http2);
        http2.connections_open += more.connections_open;
        http2.connections += more.connections;
        http2.streams_open += more.streams_open;
        http2.streams += more.streams;
        http2.streams_refused += more.streams_refused;
        http2.resets_received += more.resets_received;
        http2.resets_sent += more.resets_sent;
        http2.octets_received += more.octets_received;
        http2.octets_sent += more.octets_sent;
        http2.blocked_on_windows = http2.blocked_on_windows.saturating_add(more.blocked_on_windows);
        for (count, more) in http2.budgets_exhausted.iter_mut().zip(more.budgets_exhausted) {
            *count += more;
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) connections_accepted: AtomicU64,
    pub(super) connections_failed: AtomicU64,
    pub(super) accept_errors: AtomicU64,
    pub(super) requests_refused: AtomicU64,
    /// Also counts the requests.
    pub(super) queue_time: Recorder,
    pub(super) handlers_failed: AtomicU64,
    pub(super) handlers_panicked: AtomicU64,
    pub(super) handlers_timed_out: AtomicU64,
    pub(super) leaders_replaced: AtomicU64,
}

/// Increments a counter.
pub(super) fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
