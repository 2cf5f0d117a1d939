//! Statistics of a client.

use crate::histogram::Histogram;

/// Statistics of a [`Client`](super::Client) since its start, over all origins.
///
/// ```
/// use h2_sync::client::Client;
///
/// let client = Client::new()?;
/// let stats = client.stats();
/// println!("{} connections in use, {} idle", stats.connections_active, stats.connections_idle);
/// assert_eq!((stats.requests, stats.requests_failed), (0, 0));
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Connections that carry requests.
    pub connections_active: usize,
    /// Connections without requests, which can take some.
    pub connections_idle: usize,
    /// Connections that take no requests until the server answers a PING, after a late response or a
    /// long silence.
    pub connections_suspect: usize,
    /// Connections that take no more requests, and finish those under way.
    pub connections_draining: usize,
    /// Connection attempts under way.
    pub attempts_running: usize,
    /// Connection attempts that have begun.
    pub attempts: u64,
    /// Connection attempts that have failed.
    pub attempts_failed: u64,
    /// Requests that wait for a connection or a free stream.
    pub requests_waiting: usize,
    /// The time that requests have waited for a connection with a free stream.
    pub wait_time: Histogram,
    /// Requests, of which those that follow a redirect count as further ones. Retries do not count.
    pub requests: u64,
    /// The number of times that a request was sent again, on the same or another connection, since
    /// the server had not processed it.
    pub retries: u64,
    /// Requests that failed before the header section of their response. One whose body the caller
    /// writes ([`Client::open`](super::Client::open)) counts if it could not be sent.
    pub requests_failed: u64,
}
