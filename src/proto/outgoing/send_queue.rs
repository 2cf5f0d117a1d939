//! What one stream has waiting to be sent.

use std::collections::VecDeque;

use bytes::Bytes;

use super::scheduler::{Place, Turn};
use super::stall::Stall;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::flow::SendWindow;
use crate::proto::line::Ticket;
use crate::proto::priority::Priority;

/// Something that waits for its turn to be sent.
#[derive(Debug)]
pub(in crate::proto) enum Item {
    Data { data: Bytes, end_stream: bool },
    Trailers(Headers),
}

impl Item {
    /// Octets that it counts in the buffers.
    pub(super) fn len(&self) -> usize {
        match self {
            Item::Data { data, .. } => data.len(),
            Item::Trailers(trailers) => trailers.section_size(),
        }
    }
}

/// The DATA and trailers of one stream, and its window. `Outgoing` changes it.
#[derive(Debug)]
pub(in crate::proto) struct SendQueue {
    pub(super) id: StreamId,
    pub(super) window: SendWindow,
    pub(super) items: VecDeque<Item>,
    /// Octets in `items`.
    pub(super) octets: usize,
    /// HEADERS have been encoded: the stream exists for the peer.
    pub(super) is_open: bool,
    /// PUSH_PROMISE frames that must go out before anything else of this stream.
    pub(super) promises: u32,
    /// What the client has said about scheduling; `None` where it has said nothing.
    pub(super) priority: Option<Priority>,
    /// Its place in the scheduler.
    pub(super) turn: Option<Turn>,
    /// DATA of this many octets was refused for lack of room.
    pub(super) wanted: Option<usize>,
    /// Its place among those that wait for room on the connection.
    pub(super) room_ticket: Option<Ticket>,
    /// Since when the window has been shut while DATA waits.
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

    /// Whether the HEADERS of the stream have gone out.
    pub(in crate::proto) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Whether promises have to go out before anything else of the stream.
    pub(in crate::proto) fn waits_for_promises(&self) -> bool {
        self.promises > 0
    }

    /// A promise of this stream is deferred.
    pub(in crate::proto) fn add_promise(&mut self) {
        self.promises += 1;
    }

    /// A promise of this stream is deferred no more. `Outgoing::schedule` comes next.
    pub(in crate::proto) fn remove_promise(&mut self) {
        debug_assert!(self.promises > 0, "each was counted");
        self.promises = self.promises.saturating_sub(1);
    }

    /// Where it belongs in the scheduler, by what it would send next.
    pub(super) fn place(&self) -> Place {
        if self.has_data_next() {
            Place::Data(self.priority.unwrap_or_default().urgency())
        } else {
            Place::Free
        }
    }

    /// RFC 9218, Section 10: a response that is not incremental is best sent whole before the
    /// next. That is done for a stream whose client says so; streams of clients that say nothing
    /// share in turns.
    pub(super) fn is_sequential(&self) -> bool {
        self.priority.is_some_and(|priority| !priority.incremental())
    }

    /// Whether something could be sent if the connection's window allows.
    pub(in crate::proto) fn is_sendable(&self) -> bool {
        self.is_open
            && self.promises == 0
            && !self.items.is_empty()
            && (!self.has_data_next() || self.window.available() > 0)
    }

    /// Whether DATA waits for this stream's own window.
    pub(super) fn is_stalled(&self) -> bool {
        self.is_open && self.has_data_next() && self.window.available() == 0
    }

    /// Whether octets that flow control counts come next.
    pub(super) fn has_data_next(&self) -> bool {
        matches!(self.items.front(), Some(Item::Data { data, .. }) if !data.is_empty())
    }
}

#[cfg(test)]
impl SendQueue {
    /// Checks what it counts, and returns its octets.
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
