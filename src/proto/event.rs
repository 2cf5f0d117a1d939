//! What the core tells the application.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::error::ConnectionError;
use super::priority::Priority;
use crate::frame::{AltSvc, ErrorCode, Origin, Setting, StreamId, Unknown};
use crate::hpack::Headers;

/// Which part of a message a field section is (RFC 9113, Section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadersKind {
    /// A request, at a server.
    Request,
    /// An interim (1xx) response, at a client.
    Informational,
    /// The final response, at a client.
    Response,
    /// The fields after the body.
    Trailers,
}

/// Something that has happened on the connection, in the order in which it happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A whole field section has arrived and is valid. A `content-length` that must not stand in a
    /// response is left out (RFC 9110, Section 8.6).
    Headers {
        /// The stream.
        stream_id: StreamId,
        /// The fields, pseudo-header fields first.
        headers: Headers,
        /// Which part of the message they are.
        kind: HeadersKind,
        /// Nothing follows on this stream.
        end_stream: bool,
    },
    /// A piece of a body has arrived. Several small DATA frames may come as one event.
    Data {
        /// The stream.
        stream_id: StreamId,
        /// The octets, without padding; may be empty at the end of the stream.
        data: Bytes,
        /// Nothing follows on this stream.
        end_stream: bool,
    },
    /// The server has promised a stream.
    Promise {
        /// The stream whose response refers to it.
        stream_id: StreamId,
        /// The stream on which the response will come.
        promised_stream_id: StreamId,
        /// The request that the server will answer.
        headers: Headers,
    },
    /// A stream has ended before its time.
    Reset {
        /// The stream.
        stream_id: StreamId,
        /// Why.
        code: ErrorCode,
        /// Who ended it.
        by: ResetBy,
        /// The peer says that it did not process anything of it: sending it again, on another
        /// connection where this one is going away, repeats nothing.
        retry_safe: bool,
        /// What was wrong, in words, where the code does not say all: which field or octets of the
        /// peer's broke which rule, or what its GOAWAY said.
        detail: Option<Arc<str>>,
    },
    /// A stream is over and nothing more comes for it; last event of each stream that was open.
    StreamClosed {
        /// The stream.
        stream_id: StreamId,
        /// It was the peer's and was reset, and keeps its place among our limit of concurrent
        /// streams until [`Connection::release_slot`](super::Connection::release_slot) is called;
        /// at a client, it was promised, and keeps its place among
        /// [`max_promised_streams`](super::Config::max_promised_streams), however it ended. Only with
        /// [`hold_slots`](super::Config::hold_slots).
        held_slot: bool,
    },
    /// The peer is going away. Streams that it will not process have been reset before this, with
    /// `retry_safe`.
    Goaway {
        /// The highest of our streams that it has or may have processed.
        last_stream_id: StreamId,
        /// Why.
        code: ErrorCode,
        /// What it says about it; anything, and for the log at most.
        debug_data: Bytes,
    },
    /// The peer has changed its settings; they are in force and have been acknowledged.
    SettingsChanged {
        /// What the frame held, in order.
        settings: Vec<Setting>,
    },
    /// The peer has acknowledged our settings; they are in force.
    SettingsAcknowledged,
    /// A PING of ours has come back.
    Pong {
        /// The payload that was sent.
        payload: [u8; 8],
        /// From when it was queued to now.
        round_trip_time: Duration,
    },
    /// After a command failed with "full": there is room again.
    SendRoom {
        /// As in the error: the stream that had no room for DATA, or stream 0 for field sections.
        stream_id: StreamId,
    },
    /// The client wants a stream scheduled differently (RFC 9218).
    PriorityUpdate {
        /// The stream, which may not be open yet.
        stream_id: StreamId,
        /// What it wants.
        priority: Priority,
    },
    /// A frame of an extension. It changes nothing in the core.
    Extension(Extension),
}

/// Who ended a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetBy {
    /// The peer, with RST_STREAM.
    Peer,
    /// The peer, with a GOAWAY that says it will not process the stream.
    Goaway,
    /// We did, since the peer broke a rule on this stream.
    Violation,
    /// We did, since the peer kept its window shut for too long.
    Stall,
    /// We did, before anything of it was sent: a promise whose request has ended meanwhile, or
    /// whose client takes no pushed streams any more.
    Unsent,
}

/// A frame outside RFC 9113.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Extension {
    /// An alternative service (RFC 7838), at a client.
    AltSvc(AltSvc),
    /// The origins that the server speaks for (RFC 8336), at a client.
    Origin(Origin),
    /// A frame of a type that we do not know.
    Unknown(Unknown),
}

impl Extension {
    /// The same in memory of its own: what is kept of a frame is not to keep the read buffer that it
    /// came in.
    pub(crate) fn copied(self) -> Self {
        let copy = |octets: &Bytes| Bytes::copy_from_slice(octets);
        match self {
            Extension::AltSvc(frame) => Extension::AltSvc(AltSvc {
                origin: copy(&frame.origin),
                field_value: copy(&frame.field_value),
                ..frame
            }),
            Extension::Origin(frame) => {
                let mut all = Bytes::from(frame.origins.concat());
                let origins = frame.origins.iter().map(|origin| all.split_to(origin.len()));
                Extension::Origin(Origin { origins: origins.collect() })
            }
            Extension::Unknown(frame) => {
                Extension::Unknown(Unknown { payload: copy(&frame.payload), ..frame })
            }
        }
    }
}

/// How the connection ended, once it has.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The application closed it, or a graceful shutdown is complete.
    Local,
    /// The peer closed it; with the last GOAWAY that it sent, if any.
    Peer(Option<(ErrorCode, Bytes)>),
    /// A connection error that we found.
    Error(ConnectionError),
}
