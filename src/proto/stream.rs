//! One stream: its state, and the state of its two directions.

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

/// The progress of a message in one direction (RFC 9113, Section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// The request or final response has not been sent or received yet.
    Headers,
    /// DATA or trailers come next.
    Body,
    /// END_STREAM has been requested (sending) or received (receiving).
    Done,
}

#[derive(Debug)]
pub(crate) struct Stream {
    pub(crate) id: StreamId,
    pub(crate) state: State,
    pub(crate) send: SendHalf,
    pub(crate) recv: RecvHalf,
    pub(crate) request: RequestKind,
    /// Its slot among the concurrent streams, once it counts.
    pub(crate) slot: Option<Slot>,
    /// On a client, its place among the promised streams.
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

    /// Returns the content of the final response; in a tunnel, both directions carry octets from
    /// here on.
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
    /// The queued output, which only `Outgoing` changes.
    pub(crate) queue: SendQueue,
    /// What the application has requested, which is ahead of `state`.
    pub(crate) phase: Phase,
    /// What may follow the queued output.
    pub(crate) content: Content,
    /// Interim responses sent so far.
    pub(crate) informational: u32,
    /// A final response, and whether it ends the stream, that waits for promises to be sent before
    /// it, for its own promise, or for a slot.
    pub(crate) response: Option<(Headers, bool)>,
    /// Its position among the streams that wait for a slot.
    pub(crate) slot_ticket: Option<Ticket>,
}

#[derive(Debug)]
pub(crate) struct RecvHalf {
    pub(crate) window: StreamWindow,
    pub(crate) phase: Phase,
    /// What may follow.
    pub(crate) content: Content,
    /// Interim responses received so far.
    pub(crate) informational: u32,
    /// The number of the event that contains the last DATA.
    pub(crate) last_data: Option<u64>,
    /// The application does not read the rest.
    pub(crate) is_declined: bool,
}
