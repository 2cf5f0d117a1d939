//! One origin: its connections, the attempts to make more, and the requests that wait.
//!
//! All decisions are here, and none of the work: time is passed in, and what is to be done comes out
//! as [`Action`]s.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::actions::{Action, AttemptId, ConnectionId, Grant, Limits, Place, WaiterId};
use super::health::{Health, Pooled};
use super::member::Member;
use crate::client::origin::Origin;
use crate::error::Error;
use crate::logging;

/// The first pause after an attempt that failed. It doubles up to [`MAX_PAUSE`].
const PAUSE: Duration = Duration::from_millis(50);
const MAX_PAUSE: Duration = Duration::from_secs(1);

/// How long requests wait for a suspect connection before another one is made beside it.
const HEDGE: Duration = Duration::from_millis(250);

/// A connection that has refused so many requests in a row, and answered none, is retired.
const MAX_REFUSALS: u32 = 3;

/// Requests that a connection of HTTP/2 is assumed to take before one of the origin's has told.
const EXPECTED_ROOM: usize = 100;

#[derive(Debug)]
pub(crate) struct Lane<C> {
    origin: Origin,
    members: Vec<Member<C>>,
    attempts: Vec<AttemptId>,
    queue: VecDeque<Waiter>,
    /// Attempts that have failed since a connection last answered a request.
    failures: u32,
    /// No attempt is begun before.
    paused_until: Option<Instant>,
    /// What a new connection will probably take, and whether that is one request at a time.
    expected_room: usize,
    is_serial: bool,
    /// A late response makes a connection suspect only if no PING has been answered for so long.
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
            failures: 0,
            paused_until: None,
            expected_room: if is_serial { 1 } else { EXPECTED_ROOM },
            is_serial,
            verify_interval: limits.verify_interval,
            last_error: None,
        }
    }

    /// Gives a request a connection at once, if it need not wait.
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

    /// Has a request wait. Where attempts have failed in vain before, it waits for one more.
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

    /// The request waits no more.
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

    /// An attempt has made a connection.
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

    /// An attempt has failed. Requests that have no other connection to hope for get the error, at
    /// once or after as many failures as they wait for.
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
                // The host may have started before the request came.
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

    /// A new connection has answered: attempts are of use again.
    pub(crate) fn proved_useful(&mut self) {
        self.failures = 0;
    }

    /// A request has been refused that was sent within the peer's limits.
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

    /// A response is late that was asked for at `sent`. If nothing has been heard of the peer since,
    /// the connection may be dead.
    pub(crate) fn late(&mut self, id: ConnectionId, sent: Instant, now: Instant) {
        self.observe(now);
        let interval = self.verify_interval;
        let Some(member) = self.member(id) else { return };
        // Servers may end connections that send many PINGs.
        let was_proven = |at| now.saturating_duration_since(at) < interval;
        let takes_requests = matches!(member.health, Health::Fresh | Health::Good);
        if takes_requests && member.seen.heard <= sent && !member.proven.is_some_and(was_proven) {
            member.health = Health::Suspect { since: now };
        }
    }

    /// A PING has been answered, or not in time.
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

    /// Takes note of how the connections stand, and of which of them are used.
    fn observe(&mut self, now: Instant) {
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
            // What is about to be sent still finds it.
            member.health =
                if next == Health::Gone && member.granted > 0 { Health::Draining } else { next };
        }
    }

    /// Decides what is to be done now.
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
        actions.extend(self.wake_for_clock(now));
    }

    /// The first in line keeps the clock of the lane.
    pub(crate) fn wake_for_clock(&self, now: Instant) -> Option<Action<C>> {
        let waiter = self.queue.front()?.id;
        self.clock().is_some_and(|at| at > now).then_some(Action::Wake { waiter })
    }

    /// Gives connections to those in line, first come first served. Only a request that needs
    /// certainty is passed by the others.
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

    /// The first connection with room that has not been silent for too long.
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

    /// Connections that have been silent for long are needed, and so must be proven.
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
                // The peer's SETTINGS come before its answer.
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

    /// Begins as many attempts as those in line need, and as the bounds allow.
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

    /// Requests that another connection would help.
    fn waiting_for_more(&self) -> usize {
        let has_fresh = self.members.iter().any(|member| member.health == Health::Fresh);
        // They wait for its SETTINGS.
        self.queue.iter().filter(|waiter| !(has_fresh && waiter.needs_certainty)).count()
    }

    /// When another attempt may begin; `None` if that is now or nothing waits for it.
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

    fn discard(&mut self, actions: &mut Vec<Action<C>>) {
        self.members.retain(|member| {
            let is_gone = member.health.next(&member.seen) == Health::Gone && member.granted == 0;
            if is_gone {
                actions.push(Action::Discard { connection: member.connection.clone() });
            }
            !is_gone
        });
    }

    /// Retires what has been idle for too long or is too old.
    pub(crate) fn expire(&mut self, limits: &Limits, now: Instant) {
        self.observe(now);
        for member in self.members.iter_mut().filter(|member| member.health.counts()) {
            let idle = now.saturating_duration_since(member.last_used);
            let age = now.saturating_duration_since(member.born);
            let is_old = limits.max_age.is_some_and(|max_age| age >= max_age);
            if is_old || member.is_idle() && idle >= limits.idle_timeout {
                member.health = Health::Draining;
            }
        }
    }

    /// Since when each idle connection has been so.
    pub(crate) fn idle(&self) -> impl Iterator<Item = (Instant, ConnectionId)> + '_ {
        let idle = self.members.iter().filter(|member| member.is_idle());
        idle.map(|member| (member.last_used, member.id))
    }

    /// Lets no more requests go over the connection.
    pub(crate) fn retire(&mut self, id: ConnectionId) {
        if let Some(member) = self.member(id) {
            member.health = Health::Draining;
        }
    }

    /// The attempt that failed last, if no connection has been made since.
    pub(crate) fn last_error(&self) -> Option<&Error> {
        self.last_error.as_ref()
    }

    pub(crate) fn connections(&self) -> impl Iterator<Item = &C> {
        self.members.iter().map(|member| &member.connection)
    }

    pub(crate) fn is_connecting(&self) -> bool {
        !self.attempts.is_empty()
    }

    /// Whether nothing need be remembered of the origin.
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

    fn member(&mut self, id: ConnectionId) -> Option<&mut Member<C>> {
        self.members.iter_mut().find(|member| member.id == id)
    }
}
