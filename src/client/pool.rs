//! The connections of a client, by origin.
//!
//! ```text
//!   checkout ─ one with room? ─ yes ─ silent for long, or suspect? ─ no ─────────────▶ use it
//!                 │ no                     │ yes: prove it by PING
//!                 │                        └─ an answer ─▶ use it;  none ─▶ close it, look again
//!                 ├─ fewer than allowed ─▶ make one
//!                 └─ as many as allowed ─▶ the one with the fewest requests, which wait there
//! ```
//!
//! Proving and making are *attempts*. There is one for an origin at a time, outside of the lock; who
//! finds one under way waits for it, and looks again.
//!
//! The lock is never held across I/O. Dropping a connection can be I/O, so that is done outside of
//! it as well.

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::connect::{Connected, Connector};
use super::connection::Connection;
use super::origin::Origin;
use crate::error::{Error, ErrorKind};

#[derive(Debug)]
pub(super) struct Pool {
    state: Mutex<State>,
    /// An attempt has ended, or the client is gone.
    changed: Condvar,
    connector: Connector,
    limits: Limits,
}

#[derive(Debug, Clone)]
pub(super) struct Limits {
    pub(super) per_origin: usize,
    pub(super) idle_timeout: Duration,
    pub(super) verify_after: Duration,
    pub(super) verify_timeout: Duration,
}

#[derive(Debug, Default)]
struct State {
    origins: HashMap<Origin, Entry>,
    attempts: u64,
    is_closed: bool,
}

#[derive(Debug, Default)]
struct Entry {
    pooled: Vec<Pooled>,
    /// The attempt that is under way.
    attempt: Option<u64>,
    /// The last attempt that failed.
    failed: Option<(u64, Failure)>,
    /// Threads that wait for an attempt; the entry stays for as long as there are any.
    waiting: usize,
}

/// How an attempt ended.
#[derive(Debug, Clone)]
enum Failure {
    /// For a reason that is good for all who wait for it.
    ForAll(Error),
    /// Whoever made it had less time than others may have.
    CutShort,
}

#[derive(Debug)]
struct Pooled {
    connection: Connection,
    last_used: Instant,
}

/// A connection to send a request on.
#[derive(Debug)]
pub(super) struct Lease {
    pub(super) connection: Connection,
    /// How long making it took, if it was made for this request.
    pub(super) made_in: Option<(Duration, Option<Duration>)>,
}

/// A connection that nobody has used for so long is looked at before it is used again, which takes a
/// millisecond.
const LOOK_AFTER: Duration = Duration::from_millis(100);

/// What is to be done outside of the lock.
enum Plan {
    Use(Connection),
    /// Nobody has looked at it for a moment.
    Look(Connection),
    Verify(Connection, u64),
    Make(u64),
    Wait(u64),
}

impl Pool {
    pub(super) fn new(connector: Connector, limits: Limits) -> Self {
        Pool { state: Mutex::default(), changed: Condvar::new(), connector, limits }
    }

    /// A connection to `origin` that is there, or a new one.
    pub(super) fn checkout(
        self: &Arc<Self>,
        origin: &Origin,
        deadline: Option<Instant>,
    ) -> Result<Lease, Error> {
        // After an attempt for a second connection that failed, the first is made do with.
        let mut may_make = true;
        loop {
            match self.plan(origin, may_make)? {
                Plan::Use(connection) => return Ok(Lease { connection, made_in: None }),
                Plan::Look(connection) => {
                    // The peer may have closed it: better to know before a request is risked. If so,
                    // it is not planned with again.
                    connection.tend();
                    if !connection.is_closed() {
                        return Ok(Lease { connection, made_in: None });
                    }
                }
                Plan::Verify(connection, attempt) => {
                    if self.verify(origin, attempt, &connection, deadline)? {
                        return Ok(Lease { connection, made_in: None });
                    }
                }
                Plan::Make(attempt) => match self.make(origin, attempt, deadline) {
                    Ok(lease) => return Ok(lease),
                    Err(error) if !self.has_any(origin) => return Err(error),
                    Err(_) => may_make = false,
                },
                Plan::Wait(attempt) => match self.wait(origin, attempt, deadline)? {
                    Some(error) if !self.has_any(origin) => return Err(error),
                    Some(_) => may_make = false,
                    None => {}
                },
            }
        }
    }

    /// Connections that are open, to all origins.
    pub(super) fn connections(&self) -> Vec<Connection> {
        let state = self.lock();
        let pooled = state.origins.values().flat_map(|entry| &entry.pooled);
        pooled.map(|pooled| pooled.connection.clone()).collect()
    }

    /// Looks after connections that nobody has used since `before`: reads what came, and drops
    /// those that have ended or have been idle for too long. Says whether any are left.
    pub(super) fn tend(&self, before: Instant) -> bool {
        let mut unused = Vec::new();
        for pooled in self.lock().origins.values().flat_map(|entry| &entry.pooled) {
            if pooled.last_used < before {
                unused.push(pooled.connection.clone());
            }
        }
        unused.iter().for_each(Connection::tend);
        drop(unused);

        let now = Instant::now();
        let mut dropped = Vec::new();
        let mut state = self.lock();
        let idle_timeout = self.limits.idle_timeout;
        for entry in state.origins.values_mut() {
            entry.prune(&mut dropped, |pooled| {
                if pooled.connection.open_streams() > 0 {
                    pooled.last_used = now;
                }
                now.saturating_duration_since(pooled.last_used) < idle_timeout
            });
        }
        state.origins.retain(|_, entry| !entry.is_unused());
        let has_more = !state.origins.is_empty();
        drop(state);
        drop(dropped);
        has_more
    }

    /// The client is gone: connections go away, and are not kept any more.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        let origins = std::mem::take(&mut state.origins);
        drop(state);
        self.changed.notify_all();
        drop(origins);
    }

    fn plan(&self, origin: &Origin, may_make: bool) -> Result<Plan, Error> {
        let mut dropped = Vec::new();
        let mut state = self.lock();
        if state.is_closed {
            return Err(Error::text(ErrorKind::Closed, "the client is gone"));
        }
        if !state.origins.contains_key(origin) {
            state.origins.insert(origin.clone(), Entry::default());
        }
        let next = state.attempts + 1;
        // It has just been seen to.
        let Some(entry) = state.origins.get_mut(origin) else {
            return Err(Error::text(ErrorKind::Internal, "an origin is missing"));
        };
        entry.prune(&mut dropped, |_| true);

        let is_full = entry.pooled.len() >= self.limits.per_origin.max(1);
        let with_room = entry.pooled.iter().position(|it| it.connection.free_streams() > 0);
        let best = match with_room {
            Some(place) => Some(place),
            None if is_full || !may_make => entry.least_used(),
            None => None,
        };
        let attempt = entry.attempt;
        let plan = match (best.and_then(|place| entry.pooled.get_mut(place)), attempt) {
            (Some(pooled), _) if !pooled.looks_dead(self.limits.verify_after) => {
                let rested = pooled.last_used.elapsed();
                pooled.last_used = Instant::now();
                let connection = pooled.connection.clone();
                if rested >= LOOK_AFTER && connection.open_streams() == 0 {
                    Plan::Look(connection)
                } else {
                    Plan::Use(connection)
                }
            }
            (_, Some(attempt)) => Plan::Wait(attempt),
            (Some(pooled), None) => Plan::Verify(pooled.connection.clone(), next),
            (None, None) => Plan::Make(next),
        };
        if matches!(plan, Plan::Verify(..) | Plan::Make(_)) {
            entry.attempt = Some(next);
            state.attempts = next;
        }
        drop(state);
        drop(dropped);
        Ok(plan)
    }

    fn make(
        &self,
        origin: &Origin,
        number: u64,
        deadline: Option<Instant>,
    ) -> Result<Lease, Error> {
        // Whatever happens, the others are told.
        let mut attempt = Attempt { pool: self, origin, number, failure: None };
        let patience = Instant::now().checked_add(self.connector.patience());
        let is_cut_short = deadline.zip(patience).is_some_and(|(ours, full)| ours < full);
        match self.connector.connect(origin, deadline) {
            Ok(Connected { connection, connect, tls }) => {
                let mut state = self.lock();
                let is_closed = state.is_closed;
                if let Some(entry) = state.origins.get_mut(origin).filter(|_| !is_closed) {
                    let connection = connection.clone();
                    entry.pooled.push(Pooled { connection, last_used: Instant::now() });
                }
                Ok(Lease { connection, made_in: Some((connect, tls)) })
            }
            Err(error) => {
                let is_ours = is_cut_short && error.is_timeout();
                let failure =
                    if is_ours { Failure::CutShort } else { Failure::ForAll(error.clone()) };
                attempt.failure = Some(failure);
                Err(error)
            }
        }
    }

    /// Waits for somebody else's attempt. `Some` if it failed, for a reason that is ours as well.
    fn wait(
        &self,
        origin: &Origin,
        attempt: u64,
        deadline: Option<Instant>,
    ) -> Result<Option<Error>, Error> {
        let mut state = self.lock();
        let under_way = |state: &State| {
            !state.is_closed
                && state.origins.get(origin).is_some_and(|entry| entry.attempt == Some(attempt))
        };
        if let Some(entry) = state.origins.get_mut(origin) {
            entry.waiting += 1;
        }
        let mut is_late = false;
        while under_way(&state) && !is_late {
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    is_late = left.is_zero();
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
        let is_late = is_late && under_way(&state);
        let Some(entry) = state.origins.get_mut(origin) else { return Ok(None) };
        entry.waiting = entry.waiting.saturating_sub(1);
        let failure = match &entry.failed {
            Some((failed, Failure::ForAll(error))) if *failed == attempt => Some(error.clone()),
            _ => None,
        };
        state.forget_unused(origin);
        if is_late {
            return Err(Error::timeout("there was no connection in time"));
        }
        Ok(failure)
    }

    /// Asks a connection whether it is there. One that is not is taken out. Fails if the caller has
    /// less time than an answer may take.
    fn verify(
        &self,
        origin: &Origin,
        number: u64,
        connection: &Connection,
        deadline: Option<Instant>,
    ) -> Result<bool, Error> {
        let _attempt = Attempt { pool: self, origin, number, failure: None };
        let left = deadline.map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = self.limits.verify_timeout.min(left.unwrap_or(Duration::MAX));
        let is_busy = connection.open_streams() > 0;
        let before = connection.heard();
        let answer = match connection.ping(timeout) {
            // The answer may stand behind a lot of DATA. Who sends that is there.
            Err(error) if error.is_timeout() && is_busy && connection.heard() > before => {
                Ok(timeout)
            }
            answer => answer,
        };
        match answer {
            Err(error) if error.is_timeout() && timeout < self.limits.verify_timeout => {
                return Err(error);
            }
            _ => {}
        }
        let is_alive = answer.is_ok() && connection.can_open();
        connection.set_suspect(false);
        let mut taken_out = None;
        let mut state = self.lock();
        if let Some(entry) = state.origins.get_mut(origin) {
            let is_it = |pooled: &Pooled| pooled.connection.is_same(connection);
            match entry.pooled.iter().position(is_it) {
                Some(place) if !is_alive => taken_out = Some(entry.pooled.swap_remove(place)),
                // The place has just been found.
                Some(place) => entry.pooled[place].last_used = Instant::now(),
                None => {}
            }
        }
        drop(state);
        drop(taken_out);
        if let Err(error) = answer {
            log::debug!("the connection to {origin} is taken for dead: {error}");
            connection.close();
        }
        Ok(is_alive)
    }

    fn has_any(&self, origin: &Origin) -> bool {
        self.lock().origins.get(origin).is_some_and(|entry| !entry.pooled.is_empty())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// An origin without connections, which nobody waits for, need not be remembered.
    fn forget_unused(&mut self, origin: &Origin) {
        if self.origins.get(origin).is_some_and(Entry::is_unused) {
            self.origins.remove(origin);
        }
    }
}

impl Entry {
    /// Moves out what has ended or goes away, and what is not to be kept.
    fn prune(&mut self, dropped: &mut Vec<Pooled>, mut keep: impl FnMut(&mut Pooled) -> bool) {
        let mut place = 0;
        while let Some(pooled) = self.pooled.get_mut(place) {
            if pooled.connection.can_open() && keep(pooled) {
                place += 1;
            } else {
                dropped.push(self.pooled.swap_remove(place));
            }
        }
    }

    fn least_used(&self) -> Option<usize> {
        let used = |pooled: &Pooled| pooled.connection.open_streams();
        let (place, _) = self.pooled.iter().enumerate().min_by_key(|(_, pooled)| used(pooled))?;
        Some(place)
    }

    fn is_unused(&self) -> bool {
        self.pooled.is_empty() && self.attempt.is_none() && self.waiting == 0
    }
}

impl Pooled {
    /// Nothing has come from it for long. That it has been used says nothing: requests may be waiting
    /// there in vain.
    fn looks_dead(&self, verify_after: Duration) -> bool {
        self.connection.heard().elapsed() >= verify_after || self.connection.is_suspect()
    }
}

/// An attempt, which ends in any case, so that nobody waits for it in vain.
struct Attempt<'a> {
    pool: &'a Pool,
    origin: &'a Origin,
    number: u64,
    failure: Option<Failure>,
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        if let Some(entry) = state.origins.get_mut(self.origin) {
            if entry.attempt == Some(self.number) {
                entry.attempt = None;
            }
            entry.failed = self.failure.take().map(|failure| (self.number, failure));
        }
        state.forget_unused(self.origin);
        drop(state);
        self.pool.changed.notify_all();
    }
}

#[cfg(test)]
mod tests;
