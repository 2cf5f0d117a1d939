//! All origins: finds the lane for an event, and bounds idle connections.

use std::collections::HashMap;
use std::time::Instant;

use super::actions::{Action, AttemptId, ConnectionId, Grant, Limits, Place, WaiterId};
use super::health::Pooled;
use super::lane::Lane;
use crate::client::origin::Origin;
use crate::client::stats::Stats;
use crate::error::Error;

/// The pool's state machine, without threads, sockets or a clock.
///
/// Each method reports an event; what to do in response is added to `actions`.
#[derive(Debug)]
pub(crate) struct Machine<C> {
    lanes: HashMap<Origin, Lane<C>>,
    limits: Limits,
    /// The last identifier assigned.
    last_id: u64,
}

/// The outcome of an attempt.
#[derive(Debug)]
pub(crate) enum Attempted<C> {
    Made(C),
    Failed {
        error: Error,
        /// A later attempt may succeed: the host may be starting.
        is_worth_repeating: bool,
    },
}

impl<C: Pooled> Machine<C> {
    pub(crate) fn new(limits: Limits) -> Self {
        Machine { lanes: HashMap::new(), limits, last_id: 0 }
    }

    /// Grants a connection to `origin` immediately, if possible.
    pub(crate) fn take(
        &mut self,
        origin: &Origin,
        needs_certainty: bool,
        now: Instant,
    ) -> Option<Grant<C>> {
        self.lanes.get_mut(origin)?.take(needs_certainty, &self.limits, now)
    }

    /// Queues a request for a connection.
    pub(crate) fn enqueue(
        &mut self,
        origin: &Origin,
        needs_certainty: bool,
        place: Place,
        now: Instant,
        actions: &mut Vec<Action<C>>,
    ) -> WaiterId {
        self.last_id += 1;
        let waiter = WaiterId(self.last_id);
        if !self.lanes.contains_key(origin) {
            self.lanes.insert(origin.clone(), Lane::new(origin.clone(), &self.limits));
        }
        if let Some(lane) = self.lanes.get_mut(origin) {
            lane.enqueue(waiter, needs_certainty, place, &self.limits);
        }
        self.decide(origin, now, actions);
        waiter
    }

    /// Removes a request from its queue.
    pub(crate) fn leave(
        &mut self,
        origin: &Origin,
        waiter: WaiterId,
        now: Instant,
        actions: &mut Vec<Action<C>>,
    ) {
        if let Some(lane) = self.lanes.get_mut(origin) {
            lane.leave(waiter);
            actions.extend(lane.wake_head(now));
        }
    }

    /// A granted request has been sent, or will not be sent on this connection. For when no request
    /// is queued.
    pub(crate) fn sent(&mut self, origin: &Origin, id: ConnectionId, now: Instant) {
        if let Some(lane) = self.lanes.get_mut(origin) {
            lane.sent(id, now);
        }
    }

    /// An attempt has ended.
    pub(crate) fn attempted(
        &mut self,
        origin: &Origin,
        attempt: AttemptId,
        result: Attempted<C>,
        now: Instant,
        actions: &mut Vec<Action<C>>,
    ) {
        self.last_id += 1;
        let id = ConnectionId(self.last_id);
        let Some(lane) = self.lanes.get_mut(origin) else { return };
        match result {
            Attempted::Made(connection) => lane.made(attempt, id, connection, now),
            Attempted::Failed { error, is_worth_repeating } => {
                lane.failed(attempt, &error, is_worth_repeating, &self.limits, now, actions);
            }
        }
        self.decide(origin, now, actions);
        self.trim(actions, now);
    }

    /// Reports an event on a connection of `origin` to its lane with `note`.
    pub(crate) fn note(
        &mut self,
        origin: &Origin,
        now: Instant,
        actions: &mut Vec<Action<C>>,
        note: impl FnOnce(&mut Lane<C>),
    ) {
        if let Some(lane) = self.lanes.get_mut(origin) {
            note(lane);
            self.decide(origin, now, actions);
        }
    }

    /// Decides what to do for `origin`, from the current state of its connections.
    pub(crate) fn decide(&mut self, origin: &Origin, now: Instant, actions: &mut Vec<Action<C>>) {
        let Machine { lanes, limits, last_id } = self;
        if let Some(lane) = lanes.get_mut(origin) {
            let mut new_attempt = || {
                *last_id += 1;
                AttemptId(*last_id)
            };
            lane.decide(limits, now, &mut new_attempt, actions);
        }
    }

    /// Retires expired connections, and removes origins without state.
    pub(crate) fn tick(&mut self, now: Instant, actions: &mut Vec<Action<C>>) {
        let origins: Vec<_> = self.lanes.keys().cloned().collect();
        for origin in &origins {
            if let Some(lane) = self.lanes.get_mut(origin) {
                lane.expire(&self.limits, now);
            }
            self.decide(origin, now, actions);
        }
        self.trim(actions, now);
        self.lanes.retain(|_, lane| !lane.is_unused(now));
    }

    /// Retires the longest-idle connections above the limit.
    fn trim(&mut self, actions: &mut Vec<Action<C>>, now: Instant) {
        let count: usize = self.lanes.values().map(|lane| lane.idle().count()).sum();
        let excess = count.saturating_sub(self.limits.idle);
        if excess == 0 {
            return;
        }
        let mut idle: Vec<_> = Vec::new();
        for (origin, lane) in &self.lanes {
            idle.extend(lane.idle().map(|(since, id)| (since, id, origin.clone())));
        }
        idle.sort_by_key(|(since, id, _)| (*since, id.0));
        for (_, id, origin) in idle.into_iter().take(excess) {
            self.note(&origin, now, actions, |lane| lane.retire(id));
        }
    }

    pub(crate) fn lane(&self, origin: &Origin) -> Option<&Lane<C>> {
        self.lanes.get(origin)
    }

    /// Returns the connections to all origins.
    pub(crate) fn connections(&self) -> impl Iterator<Item = &C> {
        self.lanes.values().flat_map(Lane::connections)
    }

    /// Adds the connections and attempts of all origins to `stats`.
    pub(crate) fn count(&self, stats: &mut Stats) {
        self.lanes.values().for_each(|lane| lane.count(stats));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lanes.is_empty()
    }

    /// Removes everything and returns the connections.
    pub(crate) fn clear(&mut self) -> Vec<C> {
        let connections = self.connections().cloned().collect();
        self.lanes.clear();
        connections
    }
}
