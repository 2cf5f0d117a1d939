//! Inputs and outputs of the pool's state machine.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use crate::client::origin::Origin;
use crate::error::Error;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct AttemptId(pub(crate) u64);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct WaiterId(pub(crate) u64);

/// The limits of a pool.
#[derive(Debug, Clone)]
pub(crate) struct Limits {
    /// Maximum HTTP/2 connections to one origin; `serial_per_origin` is the maximum for HTTP/1.1.
    pub(crate) per_origin: usize,
    pub(crate) serial_per_origin: usize,
    /// Whether connections without and with TLS are expected to use HTTP/1.1, until one has told.
    pub(crate) is_serial: (bool, bool),
    /// Maximum idle connections over all origins.
    pub(crate) idle: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) max_age: Option<Duration>,
    /// How long a connection may be silent before a request that needs it makes it suspect.
    pub(crate) verify_after: Duration,
    /// How long after an acknowledged PING a response timeout does not cause another PING.
    pub(crate) verify_interval: Duration,
    /// Failed attempts that one request tolerates before the one that fails it.
    pub(crate) retries: u32,
}

/// An action to perform outside the lock.
#[derive(Debug)]
pub(crate) enum Action<C> {
    /// Lets the request be sent on this connection.
    Grant { waiter: WaiterId, grant: Grant<C> },
    /// Fails the request: it gets no connection.
    Fail { waiter: WaiterId, error: Error },
    /// Wakes the request: its deadline may be earlier now, or it has become the head of the queue.
    Wake { waiter: WaiterId },
    /// Starts a connection attempt.
    Connect { origin: Origin, attempt: AttemptId },
    /// Checks the connection with a PING.
    Probe { origin: Origin, id: ConnectionId, connection: C },
    /// Drops a connection that is not used any more.
    Discard { connection: C },
}

/// Permission to send one request on a connection.
#[derive(Debug, Clone)]
pub(crate) struct Grant<C> {
    pub(crate) id: ConnectionId,
    pub(crate) connection: C,
    /// The number of requests that the connection has answered.
    pub(crate) answers: Arc<AtomicU64>,
    /// The connection had served a request before.
    pub(crate) is_reused: bool,
    /// The peer's limits were known.
    pub(crate) is_certain: bool,
}

/// Where a request enters the queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// At the end.
    Back,
    /// At the front: it had a connection that turned out to be unusable.
    Front,
}
