//! One stream: its state, and what its two directions have to remember.

use std::collections::VecDeque;
use std::time::Instant;

use bytes::Bytes;

use super::content::Content;
use super::flow::{RecvWindow, SendWindow};
use super::headers::{RequestFacts, ResponseFacts};
use super::line::Ticket;
use super::priority::Priority;
use super::scheduler::{Place, Turn};
use super::slots::Slot;
use super::state::State;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// How far a message has come in one direction (RFC 9113, Section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The request, or the final response, is still to come.
    Headers,
    /// DATA or trailers come next.
    Body,
    /// END_STREAM has been asked for (sending) or has arrived (receiving).
    Done,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) state: State,
    pub(crate) send: SendHalf,
    pub(crate) recv: RecvHalf,
    pub(crate) request: RequestFacts,
    /// What the client has said about scheduling; `None` where it has said nothing.
    pub(crate) priority: Option<Priority>,
    /// What it takes of a limit of concurrent streams, once it counts.
    pub(crate) slot: Option<Slot>,
    /// At a client, the place among the promised streams that it takes.
    pub(crate) promise: Option<Slot>,
}

impl Stream {
    pub(crate) fn new(id: StreamId, send_window: u32, recv_window: u32) -> Self {
        Stream {
            id,
            state: State::Idle,
            send: SendHalf {
                window: SendWindow::new(send_window),
                queue: VecDeque::new(),
                queued: 0,
                phase: Phase::Headers,
                on_wire: false,
                scheduled: None,
                content: Content::Unknown,
                deferred_promises: 0,
                informational: 0,
                response: None,
                slot_ticket: None,
                wants_room: None,
                stall: None,
            },
            recv: RecvHalf {
                window: RecvWindow::new(recv_window),
                phase: Phase::Headers,
                content: Content::Unknown,
                informational: 0,
                last_data: None,
                is_declined: false,
            },
            request: RequestFacts::default(),
            priority: None,
            slot: None,
            promise: None,
        }
    }

    /// Where it belongs in the scheduler, by what it would send next.
    pub(crate) fn place(&self) -> Place {
        if self.has_data_next() {
            Place::Data(usize::from(self.priority.unwrap_or_default().urgency()))
        } else {
            Place::Free
        }
    }

    /// RFC 9218, Section 10: a response that is not incremental is best sent whole before the
    /// next. That is done for a stream whose client says so; streams of clients that say nothing
    /// share in turns.
    pub(crate) fn is_sequential(&self) -> bool {
        self.priority.is_some_and(|priority| !priority.incremental())
    }

    /// Whether something could be sent if the connection's window allows.
    pub(crate) fn is_sendable(&self) -> bool {
        let send = &self.send;
        send.on_wire
            && send.deferred_promises == 0
            && !send.queue.is_empty()
            && (!self.has_data_next() || send.window.available() > 0)
    }

    /// Whether DATA waits for this stream's own window.
    pub(crate) fn is_stalled(&self) -> bool {
        self.send.on_wire && self.has_data_next() && self.send.window.available() == 0
    }

    /// Whether octets that flow control counts come next.
    pub(crate) fn has_data_next(&self) -> bool {
        matches!(self.send.queue.front(), Some(Item::Data { data, .. }) if !data.is_empty())
    }

    /// The content of the final response; a tunnel carries octets in both directions from here on.
    pub(crate) fn begin_content(&mut self, response: &ResponseFacts) -> Content {
        let content = Content::of_response(&self.request, response);
        if content == Content::Tunnel {
            (self.send.content, self.recv.content) = (content, content);
        }
        content
    }

    /// The peer has opened the window by so much: is that the end of a stall?
    pub(crate) fn credit(&mut self, octets: usize) -> Option<Stall> {
        Stall::credit(&mut self.send.stall, octets)
    }
}

/// Something that waits for its turn to be sent.
#[derive(Debug)]
pub(crate) enum Item {
    Data { data: Bytes, end_stream: bool },
    Trailers(Headers),
}

#[derive(Debug)]
pub(crate) struct SendHalf {
    pub(crate) window: SendWindow,
    pub(crate) queue: VecDeque<Item>,
    /// Octets in `queue`, trailers included.
    pub(crate) queued: usize,
    /// What the application has asked for, which runs ahead of `state`.
    pub(crate) phase: Phase,
    /// HEADERS have been encoded: the stream exists for the peer.
    pub(crate) on_wire: bool,
    /// Where it stands in the scheduler.
    pub(crate) scheduled: Option<Turn>,
    /// What may follow behind what is queued.
    pub(crate) content: Content,
    /// PUSH_PROMISE frames that must go out before anything else of this stream.
    pub(crate) deferred_promises: u32,
    /// Interim responses so far.
    pub(crate) informational: u32,
    /// A final response, and whether it ends the stream, that waits for promises to go out before
    /// it, for its own promise, or for a slot.
    pub(crate) response: Option<(Headers, bool)>,
    /// Its place among those that wait for a slot.
    pub(crate) slot_ticket: Option<Ticket>,
    /// DATA of so many octets was refused for lack of room.
    pub(crate) wants_room: Option<usize>,
    /// Since when the window has been shut while DATA waits.
    pub(crate) stall: Option<Stall>,
}

/// Octets of window that end a stall: less than that, in all the time that a stall may last, is
/// none.
const STALL_ENDS: usize = 4 << 10;

/// A stream, or the connection, that waits for its window.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stall {
    pub(crate) since: Instant,
    /// Octets granted since then. A peer that opens the window by an octet now and then is still
    /// stalling.
    credited: usize,
}

impl Stall {
    pub(crate) fn new(since: Instant) -> Self {
        Stall { since, credited: 0 }
    }

    /// Adds what the peer grants. If that is enough, the stall is over, and is returned.
    pub(crate) fn credit(stall: &mut Option<Stall>, octets: usize) -> Option<Stall> {
        let waiting = stall.as_mut()?;
        waiting.credited = waiting.credited.saturating_add(octets);
        stall.take_if(|stall| stall.credited >= STALL_ENDS)
    }
}

#[derive(Debug)]
pub(crate) struct RecvHalf {
    pub(crate) window: RecvWindow,
    pub(crate) phase: Phase,
    /// What may follow.
    pub(crate) content: Content,
    /// Interim responses so far.
    pub(crate) informational: u32,
    /// Number of the event that the last DATA went into.
    pub(crate) last_data: Option<u64>,
    /// The application reads no more of it.
    pub(crate) is_declined: bool,
}
