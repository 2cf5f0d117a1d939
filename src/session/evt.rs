//! Events: what a [`Session`](super::Session) tells the application.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;
use crate::frame::{ErrorCode, Setting, StreamId};
use crate::hpack::Headers;
use crate::proto::{CloseReason, Event, Extension, HeadersKind, Priority, ResetBy};
use crate::wire::End;

/// Something that has happened; taken with [`take_evt`](super::Session::take_evt).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Evt {
    /// A field section has arrived, and is valid.
    RecvHeaders {
        /// The stream.
        stream_identifier: StreamId,
        /// The fields, pseudo-header fields first.
        headers: Headers,
        /// A request, an interim or final response, or trailers.
        kind: HeadersKind,
        /// Nothing follows on this stream.
        is_end_stream: bool,
    },
    /// A piece of a body has arrived. Its boundaries mean nothing: one event may hold several
    /// small DATA frames.
    RecvData {
        /// The stream.
        stream_identifier: StreamId,
        /// The octets; may be empty at the end of the stream.
        data: Bytes,
        /// Nothing follows on this stream.
        is_end_stream: bool,
    },
    /// The server has promised a stream.
    Promise {
        /// The stream whose response refers to it.
        stream_identifier: StreamId,
        /// The stream on which the response will come.
        promised_stream_identifier: StreamId,
        /// The request that the server is going to answer.
        headers: Headers,
    },
    /// The peer is going away: no new streams. Streams of ours above `last_stream_identifier` have
    /// been reset before this, and may be tried again elsewhere.
    Goaway {
        /// The highest of our streams that the peer has or may have processed.
        last_stream_identifier: StreamId,
        /// Why.
        error_code: ErrorCode,
        /// What the peer says about it.
        debug_data: Bytes,
    },
    /// A stream has ended before its time.
    Reset {
        /// The stream.
        stream_identifier: StreamId,
        /// Why.
        error_code: ErrorCode,
        /// Who ended it.
        by: ResetBy,
        /// The peer did not process anything of it.
        retry_safe: bool,
        /// What was wrong, in words, where the code does not say all: which field or octets of the
        /// peer's broke which rule, or what its GOAWAY said.
        detail: Option<Arc<str>>,
    },
    /// The peer's settings have changed; they are in force and acknowledged.
    SettingsChanged {
        /// What changed, in order.
        settings: Vec<Setting>,
    },
    /// The peer has acknowledged our settings.
    SettingsAcknowledged,
    /// A PING of ours was answered.
    Pong {
        /// From when it was queued to when its answer was read.
        round_trip_time: Duration,
    },
    /// After an action found no room: there is room again.
    SendRoom {
        /// The stream, or stream 0 for the connection.
        stream_identifier: StreamId,
    },
    /// The client wants a stream scheduled differently (RFC 9218); the scheduler knows already.
    PriorityUpdate {
        /// The stream.
        stream_identifier: StreamId,
        /// What it wants.
        priority: Priority,
    },
    /// A frame of an extension. Boxed, since it is rare, and larger than all others.
    Extension(Box<Extension>),
    /// The connection has ended. The last event, and always there.
    Closed {
        /// How it ended.
        reason: Reason,
    },
}

/// How a connection ended.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reason {
    /// We closed it, or our graceful shutdown is complete.
    Local,
    /// The peer closed it, after its GOAWAY where there was one.
    Peer {
        /// The code of its last GOAWAY.
        goaway: Option<ErrorCode>,
        /// What that said.
        debug_data: Bytes,
    },
    /// It failed: the peer broke a rule or took too long, or the transport broke.
    Error(Error),
}

impl From<End> for Reason {
    fn from(end: End) -> Self {
        match end {
            End::Transport(error) => Reason::Error(error),
            End::Core(CloseReason::Peer(goaway)) => {
                let (goaway, debug_data) = goaway.unzip();
                Reason::Peer { goaway, debug_data: debug_data.unwrap_or_default() }
            }
            End::Core(CloseReason::Error(error)) => Reason::Error(error.into()),
            End::Core(_) => Reason::Local,
        }
    }
}

impl Evt {
    /// The event for the application; `None` for what the Session keeps to itself.
    pub(super) fn from_core(event: Event) -> Option<Evt> {
        Some(match event {
            Event::Headers { stream_id, headers, kind, end_stream } => Evt::RecvHeaders {
                stream_identifier: stream_id,
                headers,
                kind,
                is_end_stream: end_stream,
            },
            Event::Data { stream_id, data, end_stream } => {
                Evt::RecvData { stream_identifier: stream_id, data, is_end_stream: end_stream }
            }
            Event::Promise { stream_id, promised_stream_id, headers } => Evt::Promise {
                stream_identifier: stream_id,
                promised_stream_identifier: promised_stream_id,
                headers,
            },
            Event::Reset { stream_id, code, by, retry_safe, detail } => Evt::Reset {
                stream_identifier: stream_id,
                error_code: code,
                by,
                retry_safe,
                detail,
            },
            Event::Goaway { last_stream_id, code, debug_data } => {
                Evt::Goaway { last_stream_identifier: last_stream_id, error_code: code, debug_data }
            }
            Event::SettingsChanged { settings } => Evt::SettingsChanged { settings },
            Event::SettingsAcknowledged => Evt::SettingsAcknowledged,
            Event::Pong { round_trip_time, .. } => Evt::Pong { round_trip_time },
            Event::SendRoom { stream_id } => Evt::SendRoom { stream_identifier: stream_id },
            Event::PriorityUpdate { stream_id, priority } => {
                Evt::PriorityUpdate { stream_identifier: stream_id, priority }
            }
            Event::Extension(extension) => Evt::Extension(Box::new(extension)),
            Event::StreamClosed { .. } => return None,
        })
    }
}
