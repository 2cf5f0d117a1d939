//! The events that the core reports to the application.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use super::error::ConnectionError;
use super::priority::Priority;
use crate::frame::{AltSvc, ErrorCode, Origin, Setting, StreamId, Unknown};
use crate::hpack::Headers;

/// The part of a message that a field section is (RFC 9113, Section 8.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum HeadersKind {
    /// A request, on a server.
    Request,
    /// An interim (1xx) response, on a client.
    Informational,
    /// The final response, on a client.
    Response,
    /// The fields after the body.
    Trailers,
}

/// An event on the connection. Events are reported in the order in which they happened.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Event {
    /// A complete and valid field section has arrived. A `content-length` that a response must not
    /// have is omitted (RFC 9110, Section 8.6).
    Headers {
        /// The stream.
        stream_id: StreamId,
        /// The fields, pseudo-header fields first.
        headers: Headers,
        /// The part of the message.
        kind: HeadersKind,
        /// Nothing follows on this stream.
        end_stream: bool,
    },
    /// A piece of a body has arrived. One event may combine several small DATA frames.
    Data {
        /// The stream.
        stream_id: StreamId,
        /// The octets, without padding; possibly empty at the end of the stream.
        data: Bytes,
        /// Nothing follows on this stream.
        end_stream: bool,
    },
    /// The server has promised a stream.
    Promise {
        /// The stream whose response refers to the promised one.
        stream_id: StreamId,
        /// The stream on which the response will come.
        promised_stream_id: StreamId,
        /// The request that the server will respond to.
        headers: Headers,
    },
    /// A stream has ended prematurely.
    Reset {
        /// The stream.
        stream_id: StreamId,
        /// The error code.
        code: ErrorCode,
        /// The side that ended it, and why.
        by: ResetBy,
        /// The peer states that it processed nothing of the stream, so the request can safely be
        /// retried, on another connection if this one is going away.
        retry_safe: bool,
        /// An explanation beyond the code: which field or octets of the peer violated which rule,
        /// or the debug data of its GOAWAY.
        detail: Option<Arc<str>>,
    },
    /// A stream has ended; the last event of every stream that was open.
    StreamClosed {
        /// The stream.
        stream_id: StreamId,
        /// The peer's stream was reset and keeps its slot until
        /// [`Connection::release_slot`](super::Connection::release_slot) is called; on a client,
        /// the stream was promised and keeps its place among
        /// [`max_promised_streams`](super::Config::max_promised_streams), however it ended. Only
        /// with [`hold_slots`](super::Config::hold_slots).
        held_slot: bool,
    },
    /// The peer is going away. Streams that it will not process have been reset before this event,
    /// with `retry_safe`.
    Goaway {
        /// The highest of our streams that the peer may have processed.
        last_stream_id: StreamId,
        /// The error code.
        code: ErrorCode,
        /// The peer's debug data: arbitrary octets, only suitable for logs.
        debug_data: Bytes,
    },
    /// The peer has changed its settings; they are in force and acknowledged.
    SettingsChanged {
        /// The settings in the frame, in order.
        settings: Vec<Setting>,
    },
    /// The peer has acknowledged our settings; they are in force.
    SettingsAcknowledged,
    /// The peer has acknowledged a PING.
    Pong {
        /// The payload that was sent.
        payload: [u8; 8],
        /// The time since the PING was queued.
        round_trip_time: Duration,
    },
    /// There is room again after a command failed with [`Full`](super::CommandError::Full).
    SendRoom {
        /// As in the error: the stream for DATA, or stream 0 for field sections.
        stream_id: StreamId,
    },
    /// The client changes the priority of a stream (RFC 9218).
    PriorityUpdate {
        /// The stream, which may not be open yet.
        stream_id: StreamId,
        /// The new priority.
        priority: Priority,
    },
    /// A frame of an extension, which does not affect the core.
    Extension(Extension),
}

/// The side that ended a stream, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ResetBy {
    /// The peer, with RST_STREAM.
    Peer,
    /// The peer, with a GOAWAY that excludes the stream.
    Goaway,
    /// This side, because the peer violated a rule on the stream.
    Violation,
    /// This side, because the peer kept its window closed too long.
    Stall,
    /// This side, before anything was sent: a promise whose request has ended, or whose client no
    /// longer accepts pushed streams.
    Unsent,
}

/// A frame outside RFC 9113.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Extension {
    /// An alternative service (RFC 7838), at a client.
    AltSvc(AltSvc),
    /// The origins that the server is authoritative for (RFC 8336), at a client.
    Origin(Origin),
    /// A frame of an unknown type.
    Unknown(Unknown),
}

impl Extension {
    /// Copies the frame, so that keeping it does not keep the read buffer it arrived in.
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

/// How the connection ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// The application closed it, or a graceful shutdown completed.
    Local,
    /// The peer closed it; with its last GOAWAY, if any.
    Peer(Option<(ErrorCode, Bytes)>),
    /// A connection error found by this side.
    Error(ConnectionError),
}
