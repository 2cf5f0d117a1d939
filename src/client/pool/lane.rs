//! One origin: its connections, connection attempts and queued requests.
//!
//! It makes all decisions without performing them: time is passed in, and [`Action`]s are returned.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::actions::{Action, AttemptId, ConnectionId, Grant, Limits, Place, WaiterId};
use super::health::{Health, Pooled};
use super::member::Member;
use crate::client::origin::Origin;
use crate::error::Error;
use crate::logging;

/// The delay after the first failed attempt. It doubles up to [`MAX_PAUSE`].
const PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How long requests wait for a suspect connection before another is opened besides it.
const HEDGE: Duration = Duration::from_millis(250);

/// Consecutive refusals, without an answered request, after which a connection is retired.
const MAX_REFUSALS: u32 = 3;

/// Assumed capacity of an HTTP/2 connection before one of the origin's has announced its limit.
const EXPECTED_ROOM: usize = 100;

#[derive(Debug)]
pub(crate) struct Lane<C> {
    origin: Origin,
    pub(super) members: Vec<Member<C>>,
    pub(super) attempts: Vec<AttemptId>,
    queue: VecDeque<Waiter>,
    /// The last request that was told that it is the first of the queue.
    head: Option<WaiterId>,
    /// Failed attempts since a connection last answered a request.
    failures: u32,
    /// The time before which no attempt starts.
    paused_until: Option<Instant>,
    /// The expected capacity of a new connection, and whether that is one request at a time.
    expected_room: usize,
    is_serial: bool,
    /// A response timeout makes a connection suspect only this long after its last acknowledged
    /// PING.
    verify_interval: Duration,
    last_error: Option<Error>,
}

#[derive(Debug)]
struct Waiter {
    id: WaiterId,
    needs_certainty: bool,
    failures: u32,
}

impl<C: Pooled> Lane<C> {
    pub(crate) fn new(origin: Origin, limits: &Limits) -> Self {
        let (http, https) = limits.is_serial;
        let is_serial = if origin.is_https { https } else { http };
        Lane {
            origin,
            members: Vec::new(),
            attempts: Vec::new(),
            queue: VecDeque::new(),
            head: None,
            failures: 0,
            paused_until: None,
            expected_room: if is_serial { 1 } else { EXPECTED_ROOM },
            is_serial,
            verify_interval: limits.verify_interval,
            last_error: None,
        }
    }

    /// Grants a connection immediately, if possible.
    pub(crate) fn take(
        &mut self,
        needs_certainty: bool,
        limits: &Limits,
        now: Instant,
    ) -> Option<Grant<C>> {
        if !self.queue.is_empty() {
            return None;
        }
        self.observe(now);
        self.grant(needs_certainty, limits, now)
    }

    /// Queues a request. If attempts have been failing, it waits for a single further one.
    pub(crate) fn enqueue(
        &mut self,
        id: WaiterId,
        needs_certainty: bool,
        place: Place,
        limits: &Limits,
    ) {
        let failures = if self.failures > limits.retries { limits.retries } else { 0 };
        let waiter = Waiter { id, needs_certainty, failures };
        match place {
            Place::Back => self.queue.push_back(waiter),
            Place::Front => self.queue.push_front(waiter),
        }
    }

    /// Removes a request from the queue.
    pub(crate) fn leave(&mut self, id: WaiterId) {
        self.queue.retain(|waiter| waiter.id != id);
    }

    /// Whether its connections speak HTTP/1.1, as one that takes requests has shown.
    pub(crate) fn speaks_http1(&self) -> bool {
        let mut members = self.members.iter().filter(|member| member.health.counts());
        self.is_serial && members.any(|member| member.seen.is_serial)
    }

    /// A granted request has been sent, or is not sent on this connection.
    pub(crate) fn sent(&mut self, id: ConnectionId, now: Instant) {
        if let Some(member) = self.member(id) {
            member.granted = member.granted.saturating_sub(1);
            member.last_used = now;
        }
    }

    /// An attempt has established a connection.
    pub(crate) fn made(
        &mut self,
        attempt: AttemptId,
        id: ConnectionId,
        connection: C,
        now: Instant,
    ) {
        self.attempts.retain(|&other| other != attempt);
        self.paused_until = None;
        self.last_error = None;
        self.members.push(Member::new(id, connection, now));
    }

    /// An attempt has failed. If no connection or attempt is left, queued requests fail once they
    /// have seen as many failures as they tolerate.
    pub(crate) fn failed(
        &mut self,
        attempt: AttemptId,
        error: &Error,
        is_worth_repeating: bool,
        limits: &Limits,
        now: Instant,
        actions: &mut Vec<Action<C>>,
    ) {
        self.attempts.retain(|&other| other != attempt);
        self.pause(now);
        self.last_error = Some(error.clone());
        if !self.attempts.is_empty() || self.members.iter().any(|member| member.health.counts()) {
            return;
        }
        self.queue.retain_mut(|waiter| {
            let is_older = attempt.0 < waiter.id.0;
            if is_worth_repeating && is_older && waiter.failures == limits.retries {
                // The host may have started before the request was queued.
                return true;
            }
            waiter.failures += 1;
            let stays = is_worth_repeating && waiter.failures <= limits.retries;
            if !stays {
                actions.push(Action::Fail { waiter: waiter.id, error: error.clone() });
            }
            stays
        });
    }

    /// A new connection has answered a request, which ends the backoff.
    pub(crate) fn proved_useful(&mut self) {
        self.failures = 0;
    }

    /// The peer has refused a request within its announced limits.
    pub(crate) fn refused(&mut self, id: ConnectionId, now: Instant) {
        let Some(member) = self.member(id) else { return };
        let answers = member.answers.load(Ordering::Relaxed);
        if std::mem::replace(&mut member.answers_before, answers) != answers {
            member.refusals = 0;
        }
        member.refusals += 1;
        if member.refusals >= MAX_REFUSALS && member.health.counts() {
            member.health = Health::Draining;
            logging::debug!("a connection to {} that refuses all requests is retired", self.origin);
            self.pause(now);
        }
    }

    /// The response to a request sent at `sent` timed out. If nothing has arrived from the peer
    /// since, the connection may be dead.
    pub(crate) fn late(&mut self, id: ConnectionId, sent: Instant, now: Instant) {
        self.observe(now);
        let interval = self.verify_interval;
        let Some(member) = self.member(id) else { return };
        // Servers may close connections that send many PINGs.
        let was_proven = |at| now.saturating_duration_since(at) < interval;
        let takes_requests = matches!(member.health, Health::Fresh | Health::Good);
        if takes_requests && member.seen.heard <= sent && !member.proven.is_some_and(was_proven) {
            member.health = Health::Suspect { since: now };
        }
    }

    /// A PING has been acknowledged, or has timed out.
    pub(crate) fn probed(&mut self, id: ConnectionId, is_alive: bool, now: Instant) {
        let Some(member) = self.member(id) else { return };
        member.is_probed = false;
        if !is_alive {
            if member.health.counts() {
                member.health = Health::Draining;
            }
        } else {
            member.proven = Some(now);
            if matches!(member.health, Health::Suspect { .. }) {
                member.health = Health::Good;
            }
        }
    }

    /// Updates the observed state of the connections, and which of them are used.
    pub(super) fn observe(&mut self, now: Instant) {
        for member in &mut self.members {
            let seen = member.connection.seen();
            if seen.open > 0 || member.granted > 0 {
                member.last_used = member.last_used.max(now);
            }
            if seen.is_certain && member.health == Health::Good {
                self.expected_room = (seen.free + seen.open).max(1);
                self.is_serial = seen.is_serial;
            }
            member.seen = seen;
            let next = member.health.next(&seen);
            // A granted request must still find it.
            member.health =
                if next == Health::Gone && member.granted > 0 { Health::Draining } else { next };
        }
    }

    /// Decides what to do now.
    pub(crate) fn decide(
        &mut self,
        limits: &Limits,
        now: Instant,
        new_attempt: &mut impl FnMut() -> AttemptId,
        actions: &mut Vec<Action<C>>,
    ) {
        self.observe(now);
        self.serve(limits, now, actions);
        if !self.queue.is_empty() {
            self.doubt_silent(limits, now);
        }
        self.probe(actions);
        self.connect(limits, now, new_attempt, actions);
        self.discard(actions);
        actions.extend(self.wake_head(now));
    }

    /// Wakes the head of the queue if it is new, or has a deadline of the lane to wait for.
    pub(crate) fn wake_head(&mut self, now: Instant) -> Option<Action<C>> {
        let waiter = self.queue.front()?.id;
        let is_new = self.head.replace(waiter) != Some(waiter);
        let has_deadline = self.clock().is_some_and(|at| at > now);
        (is_new || has_deadline).then_some(Action::Wake { waiter })
    }

    /// Returns the connection that a queued request reads in this turn: the head of the queue reads
    /// all of HTTP/2 in turn, since a stream may end on any. No other thread may be reading it.
    pub(crate) fn to_read(&self, waiter: WaiterId, turn: usize) -> Option<&C> {
        if self.queue.front()?.id != waiter {
            return None;
        }
        let all: Vec<_> = self.members.iter().filter(|member| member.may_gain_room()).collect();
        let member = all.get(turn.checked_rem(all.len())?)?;
        Some(&member.connection)
    }

    /// Grants connections in FIFO order. Only requests that need certainty may be overtaken.
    fn serve(&mut self, limits: &Limits, now: Instant, actions: &mut Vec<Action<C>>) {
        let mut place = 0;
        while let Some(&Waiter { id, needs_certainty, .. }) = self.queue.get(place) {
            if let Some(grant) = self.grant(needs_certainty, limits, now) {
                self.queue.remove(place);
                actions.push(Action::Grant { waiter: id, grant });
            } else if needs_certainty {
                place += 1;
            } else {
                return;
            }
        }
    }

    /// Grants the first connection that has a free slot and has not been silent for too long.
    fn grant(&mut self, needs_certainty: bool, limits: &Limits, now: Instant) -> Option<Grant<C>> {
        let has_room = |member: &&mut Member<C>| {
            member.health.room(&member.seen, member.granted, needs_certainty) > 0
                && !member.is_silent(limits, now)
        };
        let member = self.members.iter_mut().find(has_room)?;
        member.granted += 1;
        Some(Grant {
            id: member.id,
            connection: member.connection.clone(),
            answers: Arc::clone(&member.answers),
            is_reused: member.answers.load(Ordering::Relaxed) > 0,
            is_certain: member.seen.is_certain,
        })
    }

    /// Marks connections as suspect that have been silent for long, now that they are needed.
    fn doubt_silent(&mut self, limits: &Limits, now: Instant) {
        for member in &mut self.members {
            if member.health == Health::Good && member.is_silent(limits, now) {
                member.health = Health::Suspect { since: now };
            }
        }
    }

    fn probe(&mut self, actions: &mut Vec<Action<C>>) {
        let needs_certainty = self.queue.iter().any(|waiter| waiter.needs_certainty);
        for member in &mut self.members {
            let is_wanted = match member.health {
                Health::Suspect { .. } => true,
                // The peer's SETTINGS arrive before its acknowledgment.
                Health::Fresh => needs_certainty,
                _ => false,
            };
            if is_wanted && !member.is_probed {
                member.is_probed = true;
                let (origin, connection) = (self.origin.clone(), member.connection.clone());
                actions.push(Action::Probe { origin, id: member.id, connection });
            }
        }
    }

    /// Starts as many attempts as the queue needs and the limits allow.
    fn connect(
        &mut self,
        limits: &Limits,
        now: Instant,
        new_attempt: &mut impl FnMut() -> AttemptId,
        actions: &mut Vec<Action<C>>,
    ) {
        if self.clock().is_some_and(|at| now < at) {
            return;
        }
        let wanted = self.waiting_for_more().div_ceil(self.expected_room);
        let counted = self.members.iter().filter(|member| member.health.counts()).count();
        let bound = if self.is_serial { limits.serial_per_origin } else { limits.per_origin };
        let allowed = bound.saturating_sub(counted);
        while self.attempts.len() < wanted.min(allowed) {
            let attempt = new_attempt();
            self.attempts.push(attempt);
            actions.push(Action::Connect { origin: self.origin.clone(), attempt });
        }
    }

    /// Returns the number of queued requests that another connection would serve.
    fn waiting_for_more(&self) -> usize {
        let has_fresh = self.members.iter().any(|member| member.health == Health::Fresh);
        // Requests that need certainty wait for the fresh connection's SETTINGS.
        self.queue.iter().filter(|waiter| !(has_fresh && waiter.needs_certainty)).count()
    }

    /// When the next attempt may start; `None` if that is now or no request waits for it.
    pub(crate) fn clock(&self) -> Option<Instant> {
        if self.queue.is_empty() {
            return None;
        }
        let hedge = |member: &Member<C>| match member.health {
            Health::Suspect { since } => since.checked_add(HEDGE),
            _ => None,
        };
        self.members.iter().filter_map(hedge).chain(self.paused_until).max()
    }

    /// Returns the error of the last failed attempt, if no connection has been established since.
    pub(crate) fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = &C> {
        self.members.iter().map(|member| &member.connection)
    }

    pub(crate) fn is_connecting(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// Whether the lane holds no state worth keeping.
    pub(crate) fn is_unused(&self, now: Instant) -> bool {
        self.members.is_empty()
            && self.attempts.is_empty()
            && self.queue.is_empty()
            && self.paused_until.is_none_or(|at| at <= now)
    }

    fn pause(&mut self, now: Instant) {
        let pause = PAUSE.saturating_mul(1 << self.failures.min(10)).min(MAX_PAUSE);
        self.failures = self.failures.saturating_add(1);
        self.paused_until = now.checked_add(pause);
    }

    pub(super) fn member(&mut self, id: ConnectionId) -> Option<&mut Member<C>> {
        self.members.iter_mut().find(|member| member.id == id)
    }
}
