//! Which streams of ours may be opened: identifiers in order, field sections that wait for their
//! turn, and responses that wait for a slot.
//!
//! The [`Opener`] says what to open now, as a list; opening it is up to the connection.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::config::Role;
use super::line::{Line, Ticket};
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::logging;

/// Identifiers that may be reserved and unused at once; beyond it the oldest is given up.
const MAX_RESERVED: usize = 4_096;

/// What opens a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opening {
    Request { end_stream: bool },
    Promise { parent: StreamId },
}

/// HEADERS or PUSH_PROMISE that wait for their turn.
#[derive(Debug)]
pub(super) struct Deferred {
    pub(super) headers: Headers,
    pub(super) opening: Opening,
    /// Since when it has been waiting.
    since: Instant,
}

/// Something whose turn has come.
#[derive(Debug)]
pub(super) enum Ready {
    Stream(StreamId, Deferred),
    /// The response on a promised stream, which takes its slot now.
    Response(StreamId),
}

/// What the peer allows at the moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// Streams that SETTINGS_MAX_CONCURRENT_STREAMS leaves room for.
    pub(super) slots: usize,
    /// No GOAWAY has been received.
    pub(super) new_streams: bool,
}

impl Allowed {
    fn allows(self, opening: Opening) -> bool {
        self.new_streams
            && match opening {
                Opening::Request { .. } => self.slots > 0,
                // RFC 9113, Section 5.1.2: reserved streams do not count.
                Opening::Promise { .. } => true,
            }
    }
}

/// See the [module](self).
#[derive(Debug)]
pub(super) struct Opener {
    next: Option<StreamId>,
    /// Reserved and unused, in ascending order.
    reserved: VecDeque<StreamId>,
    /// HEADERS and promises whose turn has not come.
    deferred: BTreeMap<StreamId, Deferred>,
    /// Promised streams of ours whose response waits for a slot.
    slot_waiters: Line,
    /// Octets of field sections that wait: those that are deferred, and responses.
    octets: usize,
}

impl Opener {
    pub(super) fn new(role: Role) -> Self {
        let first = match role {
            Role::Client => 1,
            Role::Server => 2,
        };
        Opener {
            next: StreamId::new(first),
            reserved: VecDeque::new(),
            deferred: BTreeMap::new(),
            slot_waiters: Line::default(),
            octets: 0,
        }
    }

    /// What [`reserve`](Self::reserve) would give; `None` when all are used up.
    pub(super) fn next_id(&self) -> Option<StreamId> {
        self.next
    }

    pub(super) fn reserve(&mut self) -> Option<StreamId> {
        let id = self.next?;
        // RFC 9113, Section 5.1.1: identifiers cannot be used again.
        self.next = id.next();
        if self.reserved.len() == MAX_RESERVED {
            self.reserved.pop_front();
        }
        self.reserved.push_back(id);
        Some(id)
    }

    /// Takes a reserved identifier, for use or to forget it.
    pub(super) fn take(&mut self, id: StreamId) -> bool {
        match self.reserved.binary_search(&id) {
            Ok(index) => self.reserved.remove(index).is_some(),
            Err(_) => false,
        }
    }

    pub(super) fn is_reserved(&self, id: StreamId) -> bool {
        self.reserved.binary_search(&id).is_ok()
    }

    pub(super) fn was_handed_out(&self, id: StreamId) -> bool {
        self.next.is_none_or(|next| id < next)
    }

    /// Whether a stream may be opened without waiting. Its identifier is not reserved any more.
    pub(super) fn may_open_at_once(
        &self,
        id: StreamId,
        opening: Opening,
        allowed: Allowed,
    ) -> bool {
        self.deferred.is_empty() && self.none_below(id) && allowed.allows(opening)
    }

    pub(super) fn defer(
        &mut self,
        id: StreamId,
        headers: Headers,
        opening: Opening,
        since: Instant,
    ) {
        self.octets += headers.section_size();
        self.deferred.insert(id, Deferred { headers, opening, since });
    }

    /// Takes something out that was deferred, whatever becomes of it.
    pub(super) fn undefer(&mut self, id: StreamId) -> Option<Deferred> {
        let deferred = self.deferred.remove(&id)?;
        self.octets -= deferred.headers.section_size();
        Some(deferred)
    }

    pub(super) fn is_deferred(&self, id: StreamId) -> bool {
        self.deferred.contains_key(&id)
    }

    /// The streams that are deferred, in ascending order.
    pub(super) fn deferred_ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.deferred.keys().copied()
    }

    /// How many requests and promises are deferred.
    pub(super) fn deferred_len(&self) -> usize {
        self.deferred.len()
    }

    /// How many promises of a stream are deferred, which its response waits for.
    #[cfg(test)]
    pub(super) fn promises_of(&self, id: StreamId) -> usize {
        let is_meant = |opening| matches!(opening, Opening::Promise { parent } if parent == id);
        self.deferred.values().filter(|deferred| is_meant(deferred.opening)).count()
    }

    /// Whether promised streams wait for a slot.
    #[cfg(test)]
    pub(super) fn has_slot_waiters(&self) -> bool {
        !self.slot_waiters.is_empty()
    }

    /// Octets of field sections that are deferred, without the responses that wait.
    #[cfg(test)]
    pub(super) fn deferred_octets(&self) -> usize {
        self.deferred.values().map(|deferred| deferred.headers.section_size()).sum()
    }

    /// Counts a response that waits, of so many octets.
    pub(super) fn add_response(&mut self, octets: usize) {
        self.octets += octets;
    }

    /// A response waits no more.
    pub(super) fn remove_response(&mut self, octets: usize) {
        self.octets -= octets;
    }

    /// Octets of field sections that wait.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// A promised stream waits for a slot.
    pub(super) fn wait_for_slot(&mut self, id: StreamId) -> Ticket {
        self.slot_waiters.push_back(id)
    }

    /// It is over.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.slot_waiters.remove(ticket);
    }

    /// Whether nothing waits to be opened.
    pub(super) fn is_idle(&self) -> bool {
        self.deferred.is_empty() && self.slot_waiters.is_empty()
    }

    /// What is to be opened now: requests and promises in the order of their identifiers, then
    /// responses on promised streams in the order of the calls.
    pub(super) fn ready(
        &mut self,
        mut allowed: Allowed,
        reservation_timeout: Duration,
        now: Instant,
    ) -> Vec<Ready> {
        let mut ready = Vec::new();
        while let Some(id) = self.next_ready(allowed, reservation_timeout, now) {
            let Some(deferred) = self.undefer(id) else { break };
            if matches!(deferred.opening, Opening::Request { .. }) {
                allowed.slots -= 1;
            }
            ready.push(Ready::Stream(id, deferred));
        }
        while allowed.slots > 0 {
            let Some(id) = self.slot_waiters.pop_front() else { break };
            allowed.slots -= 1;
            ready.push(Ready::Response(id));
        }
        ready
    }

    fn next_ready(
        &mut self,
        allowed: Allowed,
        reservation_timeout: Duration,
        now: Instant,
    ) -> Option<StreamId> {
        let (&id, deferred) = self.deferred.first_key_value()?;
        if !allowed.allows(deferred.opening) {
            return None;
        }
        if now.saturating_duration_since(deferred.since) >= reservation_timeout {
            self.give_up_below(id);
        }
        self.none_below(id).then_some(id)
    }

    /// When the identifiers that something waits for are given up.
    pub(super) fn deadline(
        &self,
        allowed: Allowed,
        reservation_timeout: Duration,
    ) -> Option<Instant> {
        let (&id, deferred) = self.deferred.first_key_value()?;
        if !allowed.allows(deferred.opening) || self.none_below(id) {
            return None;
        }
        deferred.since.checked_add(reservation_timeout)
    }

    /// The connection has ended.
    pub(super) fn clear(&mut self) {
        self.deferred.clear();
        self.slot_waiters = Line::default();
        self.octets = 0;
    }

    /// Whether no lower identifier is still to be used.
    fn none_below(&self, id: StreamId) -> bool {
        self.reserved.front().is_none_or(|&lowest| lowest > id)
    }

    fn give_up_below(&mut self, id: StreamId) {
        while let Some(&lowest) = self.reserved.front().filter(|&&lowest| lowest < id) {
            self.reserved.pop_front();
            logging::debug!("stream {lowest} was reserved and not used in time: given up");
        }
    }

    /// As if all below `id` had been used: a test does not open 2^30 streams.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, id: StreamId) {
        self.next = Some(id);
    }
}
