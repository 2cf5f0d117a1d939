//! What goes into the pool's decisions and comes out of them.

use std::sync::atomic::AtomicU64;
use std::sync::Arc;
use std::time::Duration;

use crate::client::origin::Origin;
use crate::error::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId(pub(crate) u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WaiterId(pub(crate) u64);

/// What bounds a pool.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Connections to one origin, and where each takes one request at a time.
    pub(crate) per_origin: usize,
    pub(crate) serial_per_origin: usize,
    /// Connections without TLS take one request at a time; with TLS. It is what is expected of the first.
    pub(crate) is_serial: (bool, bool),
    /// Idle connections over all origins.
    pub(crate) idle: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_age: Option<Duration>,
    /// A connection that has been silent for so long is suspect once a request needs it.
    pub(crate) verify_after: Duration,
    /// A late response is no reason to ask a connection that has answered a PING since so long.
    pub(crate) verify_interval: Duration,
    /// Failed attempts that one request waits for beyond the first.
    pub(crate) retries: u32,
}

/// What is to be done outside of the lock.
#[derive(Debug)]
pub(crate) enum Action<C> {
    /// The request may be sent on this connection.
    Grant { waiter: WaiterId, grant: Grant<C> },
    /// The request gets no connection.
    Fail { waiter: WaiterId, error: Error },
    /// The request is to look at the clock again: what it waits for may begin earlier.
    Wake { waiter: WaiterId },
    /// A connection is to be made.
    Connect { origin: Origin, attempt: AttemptId },
    /// The connection is to be asked by PING whether it is alive.
    Probe { origin: Origin, id: ConnectionId, connection: C },
    /// The connection is done with.
    Discard { connection: C },
}

/// The right to send one request on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Grant<C> {
    pub(crate) id: ConnectionId,
    pub(crate) connection: C,
    /// Requests that the connection has answered.
    pub(crate) answers: Arc<AtomicU64>,
    /// The connection had answered a request before.
    pub(crate) is_reused: bool,
    /// The peer's limits were known.
    pub(crate) is_certain: bool,
}

/// Where a request stands in line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the others.
    Back,
    /// Before them: it had a connection, which was of no use.
    Front,
}
