//! The state under the pool's lock.

use std::collections::HashMap;
use std::thread::Thread;
use std::time::{Duration, Instant};

use super::actions::{Grant, Limits, WaiterId};
use super::health::{Pooled, Seen};
use super::lane::Lane;
use super::machine::Machine;
use crate::client::any_connection::AnyConnection;
use crate::client::origin::Origin;
use crate::error::{Error, ErrorKind};

#[derive(Debug)]
pub(super) struct State {
    pub(super) machine: Machine<Made>,
    pub(super) waiters: HashMap<WaiterId, Waiter>,
    /// Connections to close, which may take a moment.
    pub(super) discarded: Vec<Made>,
    pub(super) is_closed: bool,
    pub(super) has_keeper: bool,
}

/// A connection, and how long establishing it took.
#[derive(Debug, Clone)]
pub(super) struct Made {
    pub(super) connection: AnyConnection,
    pub(super) at: Instant,
    pub(super) connect: Duration,
    pub(super) tls: Option<Duration>,
}

impl Pooled for Made {
    fn seen(&self) -> Seen {
        let now = self.connection.snapshot();
        Seen {
            free: now.free,
            open: now.open,
            is_serial: self.connection.http2().is_none(),
            takes_more: now.can_open,
            has_ended: now.has_ended,
            is_certain: now.has_settings,
            heard: now.heard,
        }
    }
}

/// A waiting thread, and its outcome.
#[derive(Debug)]
pub(super) struct Waiter {
    pub(super) thread: Thread,
    pub(super) verdict: Option<Result<Grant<Made>, Error>>,
}

impl State {
    pub(super) fn new(limits: Limits) -> Self {
        State {
            machine: Machine::new(limits),
            waiters: HashMap::new(),
            discarded: Vec::new(),
            is_closed: false,
            has_keeper: false,
        }
    }

    /// Sets the outcome of a queued request, and returns the thread to wake.
    pub(super) fn tell(
        &mut self,
        waiter: WaiterId,
        verdict: Result<Grant<Made>, Error>,
    ) -> Option<Thread> {
        let waiter = self.waiters.get_mut(&waiter)?;
        waiter.verdict = Some(verdict);
        Some(waiter.thread.clone())
    }

    /// Returns why a request that gives up has no connection.
    pub(super) fn why_none(&self, origin: &Origin) -> Error {
        if self.is_closed {
            return Error::text(ErrorKind::Closed, "the client has been dropped");
        }
        let lane = self.machine.lane(origin);
        if let Some(error) = lane.and_then(Lane::last_error) {
            let what = format!("no connection to {origin} in time; the last attempt: {error}");
            return Error::text(ErrorKind::Timeout, what);
        }
        let what = match lane.is_some_and(Lane::is_connecting) {
            true => format!("connecting to {origin} did not succeed in time"),
            false => format!("no stream was free on the connections to {origin} in time"),
        };
        Error::text(ErrorKind::Timeout, what)
    }
}
