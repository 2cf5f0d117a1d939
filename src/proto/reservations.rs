//! The identifiers of this side: handed out in order, and used in any.

use std::collections::VecDeque;
use std::time::Instant;

use super::config::Role;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// Identifiers that may be reserved and unused at once; beyond it the oldest is given up.
const MAX_RESERVED: usize = 4_096;

#[derive(Debug)]
pub(super) struct Reservations {
    next: Option<StreamId>,
    /// Reserved and unused, in ascending order.
    unused: VecDeque<StreamId>,
}

impl Reservations {
    pub(super) fn new(role: Role) -> Self {
        let first = match role {
            Role::Client => 1,
            Role::Server => 2,
        };
        Reservations { next: StreamId::new(first), unused: VecDeque::new() }
    }

    /// What [`reserve`](Self::reserve) would give; `None` when all are used up.
    pub(super) fn next(&self) -> Option<StreamId> {
        self.next
    }

    pub(super) fn reserve(&mut self) -> Option<StreamId> {
        let id = self.next?;
        // RFC 9113, Section 5.1.1: identifiers cannot be used again.
        self.next = id.next();
        if self.unused.len() == MAX_RESERVED {
            self.unused.pop_front();
        }
        self.unused.push_back(id);
        Some(id)
    }

    /// Takes a reserved identifier, for use or to forget it.
    pub(super) fn take(&mut self, id: StreamId) -> bool {
        match self.unused.binary_search(&id) {
            Ok(index) => self.unused.remove(index).is_some(),
            Err(_) => false,
        }
    }

    pub(super) fn contains(&self, id: StreamId) -> bool {
        self.unused.binary_search(&id).is_ok()
    }

    /// Whether no lower one is still to be used.
    pub(super) fn none_below(&self, id: StreamId) -> bool {
        self.unused.front().is_none_or(|&lowest| lowest > id)
    }

    pub(super) fn give_up_below(&mut self, id: StreamId) {
        while let Some(&lowest) = self.unused.front().filter(|&&lowest| lowest < id) {
            self.unused.pop_front();
            log::debug!("stream {lowest} was reserved and not used in time: given up");
        }
    }

    pub(super) fn was_handed_out(&self, id: StreamId) -> bool {
        self.next.is_none_or(|next| id < next)
    }

    /// As if all below `id` had been used: nobody opens 2^30 streams in a test.
    #[cfg(test)]
    pub(super) fn skip_to(&mut self, id: StreamId) {
        self.next = Some(id);
    }
}

/// What opens a stream.
#[derive(Debug, Clone, Copy)]
pub(super) enum Opening {
    Request { end_stream: bool },
    Promise { parent: StreamId },
}

/// HEADERS or PUSH_PROMISE that wait for their turn.
#[derive(Debug)]
pub(super) struct Held {
    pub(super) headers: Headers,
    pub(super) opening: Opening,
    /// Since when it has been waiting.
    pub(super) since: Instant,
}
