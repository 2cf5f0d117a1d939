//! Events: what a [`Session`](super::Session) reports to the application.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;

use crate::error::Error;
use crate::frame::{ErrorCode, Setting, StreamId};
use crate::hpack::Headers;
use crate::proto::{CloseReason, Event, Extension, HeadersKind, Priority, ResetBy};
use crate::wire::End;

/// An event of a connection, taken with [`take_evt`](super::Session::take_evt).
///
/// ```
/// use h2_sync::{Evt, HeadersKind};
///
/// fn describe(evt: &Evt) -> String {
///     match evt {
///         Evt::RecvHeaders { headers, kind: HeadersKind::Request, .. } => {
///             format!("a request for {:?}", headers.path())
///         }
///         Evt::RecvHeaders { kind, .. } => format!("a field section: {kind:?}"),
///         Evt::RecvData { data, is_end_stream, .. } => {
///             format!("{} octets, the last ones: {is_end_stream}", data.len())
///         }
///         Evt::Reset { error_code, by, retry_safe, .. } => {
///             format!("reset by {by:?} with {error_code:?}; safe to retry: {retry_safe}")
///         }
///         Evt::Goaway { last_stream_identifier, .. } => {
///             format!("no streams after {last_stream_identifier}")
///         }
///         Evt::Closed { reason } => format!("closed: {reason:?}"),
///         other => format!("{other:?}"),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Evt {
    /// A valid field section was received.
    RecvHeaders {
        /// The stream.
        stream_identifier: StreamId,
        /// The fields, pseudo-header fields first.
        headers: Headers,
        /// Its kind: a request, an interim or final response, or trailers.
        kind: HeadersKind,
        /// Whether the peer's message ends here.
        is_end_stream: bool,
    },
    /// A part of a body was received. Its boundaries have no meaning: one event may combine several
    /// small DATA frames.
    RecvData {
        /// The stream.
        stream_identifier: StreamId,
        /// The content; may be empty at the end of the stream.
        data: Bytes,
        /// Whether the peer's message ends here.
        is_end_stream: bool,
    },
    /// The server has promised a stream.
    Promise {
        /// The stream that the promise is associated with.
        stream_identifier: StreamId,
        /// The stream that will carry the response.
        promised_stream_identifier: StreamId,
        /// The promised request.
        headers: Headers,
    },
    /// The peer has sent GOAWAY: no new streams can be opened. Streams of ours above
    /// `last_stream_identifier` were reset before this event, and their requests may be retried on
    /// another connection.
    Goaway {
        /// The highest of our streams that the peer has processed or may have processed.
        last_stream_identifier: StreamId,
        /// The error code.
        error_code: ErrorCode,
        /// Diagnostic text of the peer.
        debug_data: Bytes,
    },
    /// A stream was reset.
    Reset {
        /// The stream.
        stream_identifier: StreamId,
        /// The error code.
        error_code: ErrorCode,
        /// The side that reset it.
        by: ResetBy,
        /// Whether the peer has not processed the request at all.
        retry_safe: bool,
        /// A description, where the error code alone is not enough: the field or octets of the peer
        /// that broke a rule, or the text of its GOAWAY.
        detail: Option<Arc<str>>,
    },
    /// The peer's settings have changed; they are applied and acknowledged.
    SettingsChanged {
        /// What changed, in order.
        settings: Vec<Setting>,
    },
    /// The peer has acknowledged our settings.
    SettingsAcknowledged,
    /// A PING of ours was answered.
    Pong {
        /// The time from queueing the PING to reading its answer.
        round_trip_time: Duration,
    },
    /// There is room in the send buffer again, after an action was refused for lack of it.
    SendRoom {
        /// The stream, or stream 0 for the connection.
        stream_identifier: StreamId,
    },
    /// The client has changed the priority of a response (RFC 9218). The scheduler has already
    /// applied it.
    PriorityUpdate {
        /// The stream.
        stream_identifier: StreamId,
        /// The priority.
        priority: Priority,
    },
    /// An extension frame. Boxed, since it is rare and larger than the other variants.
    Extension(Box<Extension>),
    /// The connection has ended. This is always the last event, and occurs once. Streams that were
    /// open end with it, without events of their own.
    Closed {
        /// How it ended.
        reason: Reason,
    },
}

/// The reason why a connection has ended.
///
/// ```
/// use h2_sync::{ErrorCode, Reason};
///
/// /// Returns whether it is worth connecting again.
/// fn is_worth_a_retry(reason: &Reason) -> bool {
///     match reason {
///         Reason::Local => false,
///         Reason::Peer { goaway, .. } => *goaway != Some(ErrorCode::EnhanceYourCalm),
///         Reason::Error(error) => error.is_timeout(),
///         _ => false,
///     }
/// }
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Reason {
    /// It was closed locally, or a graceful shutdown is complete.
    Local,
    /// The peer closed it, possibly after a GOAWAY.
    Peer {
        /// The error code of its last GOAWAY.
        goaway: Option<ErrorCode>,
        /// The diagnostic text of that GOAWAY.
        debug_data: Bytes,
    },
    /// It failed: the peer violated the protocol, a deadline expired, or the transport failed.
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
    /// Converts an event of the core. Returns `None` for events that are internal to the Session.
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
