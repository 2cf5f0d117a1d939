//! The order in which locally opened streams open: identifiers in order, deferred field sections,
//! and responses that wait for a slot.
//!
//! The [`Opener`] returns what can be opened now; the connection opens it.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use super::config::Role;
use super::line::{Line, Ticket};
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::logging;

/// Maximum reserved and unused identifiers; above it the oldest is given up.
const MAX_RESERVED: usize = 4_096;

/// What opens a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opening {
    Request { end_stream: bool },
    Promise { parent: StreamId },
}

/// Deferred HEADERS or PUSH_PROMISE.
#[derive(Debug)]
pub(super) struct Deferred {
    pub(super) headers: Headers,
    pub(super) opening: Opening,
    /// When it was deferred.
    since: Instant,
}

/// A stream that can be opened now.
#[derive(Debug)]
pub(super) enum Ready {
    Stream(StreamId, Deferred),
    /// The response on a promised stream, which now takes its slot.
    Response(StreamId),
}

/// What the peer allows at present.
#[derive(Debug, Clone, Copy)]
pub(super) struct Allowed {
    /// Slots left by SETTINGS_MAX_CONCURRENT_STREAMS.
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
    /// Reserved and unused identifiers, in ascending order.
    reserved: VecDeque<StreamId>,
    /// Deferred HEADERS and promises.
    deferred: BTreeMap<StreamId, Deferred>,
    /// Promised streams of this server whose response waits for a slot.
    slot_waiters: Line,
    /// Octets of waiting field sections: deferred ones and responses.
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

    /// Returns what [`reserve`](Self::reserve) would return; `None` when all are used.
    pub(super) fn next_id(&self) -> Option<StreamId> {
        self.next
    }

    pub(super) fn reserve(&mut self) -> Option<StreamId> {
        let id = self.next?;
        // RFC 9113, Section 5.1.1: identifiers cannot be reused.
        self.next = id.next();
        if self.reserved.len() == MAX_RESERVED {
            self.reserved.pop_front();
        }
        self.reserved.push_back(id);
        Some(id)
    }

    /// Removes a reserved identifier, to use or forget it.
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

    /// Whether a stream may be opened without waiting. Its identifier is no longer reserved.
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

    /// Removes a deferred stream.
    pub(super) fn undefer(&mut self, id: StreamId) -> Option<Deferred> {
        let deferred = self.deferred.remove(&id)?;
        self.octets -= deferred.headers.section_size();
        Some(deferred)
    }

    pub(super) fn is_deferred(&self, id: StreamId) -> bool {
        self.deferred.contains_key(&id)
    }

    /// Returns the deferred streams, in ascending order.
    pub(super) fn deferred_ids(&self) -> impl Iterator<Item = StreamId> + '_ {
        self.deferred.keys().copied()
    }

    /// Returns the number of deferred requests and promises.
    pub(super) fn deferred_len(&self) -> usize {
        self.deferred.len()
    }

    /// Returns the number of deferred promises of a stream, which its response waits for.
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

    /// Returns the octets of deferred field sections, without waiting responses.
    #[cfg(test)]
    pub(super) fn deferred_octets(&self) -> usize {
        self.deferred.values().map(|deferred| deferred.headers.section_size()).sum()
    }

    /// Counts a waiting response of this many octets.
    pub(super) fn add_response(&mut self, octets: usize) {
        self.octets += octets;
    }

    /// Uncounts a response that no longer waits.
    pub(super) fn remove_response(&mut self, octets: usize) {
        self.octets -= octets;
    }

    /// Returns the octets of waiting field sections.
    pub(super) fn octets(&self) -> usize {
        self.octets
    }

    /// Queues a promised stream for a slot.
    pub(super) fn wait_for_slot(&mut self, id: StreamId) -> Ticket {
        self.slot_waiters.push_back(id)
    }

    /// Removes a stream that no longer waits for a slot.
    pub(super) fn leave(&mut self, ticket: Ticket) {
        self.slot_waiters.remove(ticket);
    }

    /// Whether no stream waits to be opened.
    pub(super) fn is_idle(&self) -> bool {
        self.deferred.is_empty() && self.slot_waiters.is_empty()
    }

    /// Returns what can be opened now: requests and promises in order of their identifiers, then
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

    /// Returns when reserved identifiers that others wait for are given up.
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

    /// Clears the queues when the connection has ended.
    pub(super) fn clear(&mut self) {
        self.deferred.clear();
        self.slot_waiters = Line::default();
        self.octets = 0;
    }

    /// Whether no lower identifier is reserved.
    fn none_below(&self, id: StreamId) -> bool {
        self.reserved.front().is_none_or(|&lowest| lowest > id)
    }

    fn give_up_below(&mut self, id: StreamId) {
        while let Some(&lowest) = self.reserved.front().filter(|&&lowest| lowest < id) {
            self.reserved.pop_front();
            logging::debug!("stream {lowest} was reserved and not used in time: given up");
        }
    }

    /// Marks all identifiers below `id` as used, so that a test need not open 2^30 streams.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, id: StreamId) {
        self.next = Some(id);
    }
}
