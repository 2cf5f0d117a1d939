//! The connections of one origin besides requests: which are retired and removed, and how many there are.

use std::time::Instant;

use super::actions::{Action, ConnectionId, Limits};
use super::health::{Health, Pooled};
use super::lane::Lane;
use crate::client::stats::Stats;

impl<C: Pooled> Lane<C> {
    /// Retires connections that have been idle too long or are too old.
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

    /// Returns the idle connections and when each was last used.
    pub(crate) fn idle(&self) -> impl Iterator<Item = (Instant, ConnectionId)> + '_ {
        let idle = self.members.iter().filter(|member| member.is_idle());
        idle.map(|member| (member.last_used, member.id))
    }

    /// Accepts no more requests on the connection.
    pub(crate) fn retire(&mut self, id: ConnectionId) {
        if let Some(member) = self.member(id) {
            member.health = Health::Draining;
        }
    }

    /// Removes the connections that are not used any more.
    pub(super) fn discard(&mut self, actions: &mut Vec<Action<C>>) {
        self.members.retain(|member| {
            let is_gone = member.health.next(&member.seen) == Health::Gone && member.granted == 0;
            if is_gone {
                actions.push(Action::Discard { connection: member.connection.clone() });
            }
            !is_gone
        });
    }

    /// Adds its connections and attempts to `stats`.
    pub(crate) fn count(&self, stats: &mut Stats) {
        stats.attempts_running += self.attempts.len();
        for member in &self.members {
            let seen = member.connection.seen();
            *match member.health.next(&seen) {
                Health::Fresh | Health::Good if seen.open + member.granted == 0 => {
                    &mut stats.connections_idle
                }
                Health::Fresh | Health::Good => &mut stats.connections_active,
                Health::Suspect { .. } => &mut stats.connections_suspect,
                Health::Draining => &mut stats.connections_draining,
                Health::Gone => continue,
            } += 1;
        }
    }
}
