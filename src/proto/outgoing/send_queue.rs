//! The queued output of one stream.

use std::collections::VecDeque;

use bytes::Bytes;

use super::scheduler::{Place, Turn};
use super::stall::Stall;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::flow::SendWindow;
use crate::proto::line::Ticket;
use crate::proto::priority::Priority;

/// An item of queued output.
#[derive(Debug)]
pub(in crate::proto) enum Item {
    Data { data: Bytes, end_stream: bool },
    Trailers(Headers),
}

impl Item {
    /// Returns the octets that count against the limits.
    pub(super) fn len(&self) -> usize {
        match self {
            Item::Data { data, .. } => data.len(),
            Item::Trailers(trailers) => trailers.section_size(),
        }
    }
}

/// The queued DATA and trailers of one stream, and its window. Only `Outgoing` changes it.
#[derive(Debug)]
pub(in crate::proto) struct SendQueue {
    pub(super) id: StreamId,
    pub(super) window: SendWindow,
    pub(super) items: VecDeque<Item>,
    /// Octets in `items`.
    pub(super) octets: usize,
    /// HEADERS have been encoded, so the peer knows the stream.
    pub(super) is_open: bool,
    /// Deferred PUSH_PROMISE frames that must precede everything else on this stream.
    pub(super) promises: u32,
    /// The priority that the client has signalled, if any.
    pub(super) priority: Option<Priority>,
    /// Its position in the scheduler.
    pub(super) turn: Option<Turn>,
    /// The size of refused DATA.
    pub(super) wanted: Option<usize>,
    /// Its position among the streams that wait for room on the connection.
    pub(super) room_ticket: Option<Ticket>,
    /// When the window closed while DATA was queued.
    pub(super) stall: Option<Stall>,
}

impl SendQueue {
    pub(in crate::proto) fn new(id: StreamId, window: u32, priority: Option<Priority>) -> Self {
        SendQueue {
            id,
            window: SendWindow::new(window),
            items: VecDeque::new(),
            octets: 0,
            is_open: false,
            promises: 0,
            priority,
            turn: None,
            wanted: None,
            room_ticket: None,
            stall: None,
        }
    }

    /// Whether the HEADERS of the stream have been sent.
    pub(in crate::proto) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether promises must precede everything else on the stream.
    pub(in crate::proto) fn waits_for_promises(&self) -> bool {
        self.promises > 0
    }

    /// Counts a deferred promise of this stream.
    pub(in crate::proto) fn add_promise(&mut self) {
        self.promises += 1;
    }

    /// Uncounts a promise that is no longer deferred. `Outgoing::schedule` must follow.
    pub(in crate::proto) fn remove_promise(&mut self) {
        debug_assert!(self.promises > 0, "each was counted");
        self.promises = self.promises.saturating_sub(1);
    }

    /// Returns the scheduler queue for the next item.
    pub(super) fn place(&self) -> Place {
        if self.has_data_next() {
            Place::Data(self.priority.unwrap_or_default().urgency())
        } else {
            Place::Free
        }
    }

    /// RFC 9218, Section 10: a response that is not incremental is best sent whole before the next.
    /// This applies to streams whose client signals a priority; others are sent round robin.
    pub(super) fn is_sequential(&self) -> bool {
        self.priority.is_some_and(|priority| !priority.incremental())
    }

    /// Whether something could be sent if the connection's window allows it.
    pub(in crate::proto) fn is_sendable(&self) -> bool {
        self.is_open
            && self.promises == 0
            && !self.items.is_empty()
            && (!self.has_data_next() || self.window.available() > 0)
    }

    /// Whether DATA waits for this stream's window.
    pub(super) fn is_stalled(&self) -> bool {
        self.is_open && self.has_data_next() && self.window.available() == 0
    }

    /// Whether the next item is subject to flow control.
    pub(super) fn has_data_next(&self) -> bool {
        matches!(self.items.front(), Some(Item::Data { data, .. }) if !data.is_empty())
    }
}

#[cfg(test)]
impl SendQueue {
    /// Checks the counters, and returns the octets.
    pub(in crate::proto) fn audit(&self, is_deferred: bool, promises: usize) -> usize {
        let id = self.id;
        let octets: usize = self.items.iter().map(Item::len).sum();
        assert_eq!(self.octets, octets, "octets in the queue of {id}");
        assert_eq!(self.promises as usize, promises, "promises of {id}");
        assert!(!self.is_open || !is_deferred, "{id} is open and deferred");
        if self.is_sendable() {
            assert!(self.turn.is_some(), "{id} could send and is forgotten");
        }
        if self.is_stalled() {
            assert!(self.turn.is_some() || self.stall.is_some(), "{id} stalls unwatched");
        }
        if let Some(turn) = &self.turn {
            let as_free = turn.place() == Place::Free;
            assert_eq!(as_free, !self.has_data_next(), "{id} stands in the wrong line");
        }
        octets
    }
}
