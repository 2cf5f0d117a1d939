//! One stream: its state, and what its two directions have to remember.

use super::content::Content;
use super::growth::StreamWindow;
use super::headers::{RequestKind, ResponseFacts};
use super::line::Ticket;
use super::outgoing::SendQueue;
use super::priority::Priority;
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
    pub(crate) request: RequestKind,
    /// What it takes of a limit of concurrent streams, once it counts.
    pub(crate) slot: Option<Slot>,
    /// At a client, the place among the promised streams that it takes.
    pub(crate) promise: Option<Slot>,
}

impl Stream {
    pub(crate) fn new(
        id: StreamId,
        send_window: u32,
        recv_window: u32,
        priority: Option<Priority>,
    ) -> Self {
        Stream {
            id,
            state: State::Idle,
            send: SendHalf {
                queue: SendQueue::new(id, send_window, priority),
                phase: Phase::Headers,
                content: Content::Unknown,
                informational: 0,
                response: None,
                slot_ticket: None,
            },
            recv: RecvHalf {
                window: StreamWindow::new(recv_window),
                phase: Phase::Headers,
                content: Content::Unknown,
                informational: 0,
                last_data: None,
                is_declined: false,
            },
            request: RequestKind::default(),
            slot: None,
            promise: None,
        }
    }

    /// The content of the final response; a tunnel carries octets in both directions from here on.
    pub(crate) fn begin_content(&mut self, response: &ResponseFacts) -> Content {
        let content = Content::of_response(self.request, response);
        if content == Content::Tunnel {
            (self.send.content, self.recv.content) = (content, content);
        }
        content
    }
}

#[derive(Debug)]
pub(crate) struct SendHalf {
    /// What waits to be sent; `Outgoing` changes it.
    pub(crate) queue: SendQueue,
    /// What the application has asked for, which runs ahead of `state`.
    pub(crate) phase: Phase,
    /// What may follow behind what is queued.
    pub(crate) content: Content,
    /// Interim responses so far.
    pub(crate) informational: u32,
    /// A final response, and whether it ends the stream, that waits for promises to go out before
    /// it, for its own promise, or for a slot.
    pub(crate) response: Option<(Headers, bool)>,
    /// Its place among those that wait for a slot.
    pub(crate) slot_ticket: Option<Ticket>,
}

#[derive(Debug)]
pub(crate) struct RecvHalf {
    pub(crate) window: StreamWindow,
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
