//! Actions: the application's commands to a [`Session`](super::Session).

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::error::Error;
use crate::frame::{ErrorCode, Setting, StreamId};
use crate::hpack::Headers;
use crate::proto::{CommandError, Connection, Priority};

/// A command to the connection, for [`put_act`](super::Session::put_act).
///
/// ```
/// use h2_sync::frame::Setting;
/// use h2_sync::{headers, Act, ErrorCode, StreamId};
///
/// fn refuse(stream_identifier: StreamId) -> [Act; 3] {
///     let headers = headers!(":status" => "503");
///     [
///         Act::SendHeaders { stream_identifier, headers, is_end_stream: true },
///         // From now on, three requests at a time.
///         Act::Settings { settings: vec![Setting::MaxConcurrentStreams(3)] },
///         // And no further ones on this connection.
///         Act::Goaway { error_code: ErrorCode::NoError, debug_data: "maintenance".into() },
///     ]
/// }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Act {
    /// Sends a field section: a request on a reserved identifier, an interim or final response, or
    /// trailers.
    SendHeaders {
        /// The stream.
        stream_identifier: StreamId,
        /// The fields, pseudo-header fields first.
        headers: Headers,
        /// Whether this ends the stream in our direction.
        is_end_stream: bool,
    },
    /// Sends a part of a body.
    SendData {
        /// The stream.
        stream_identifier: StreamId,
        /// The content; long data is shared, not copied.
        data: Bytes,
        /// Whether this ends the stream in our direction.
        is_end_stream: bool,
    },
    /// Promises a stream (server only, to a client that accepts server push).
    Promise {
        /// The stream that the promise is associated with.
        stream_identifier: StreamId,
        /// The reserved identifier of the stream that will carry the response.
        promised_stream_identifier: StreamId,
        /// The promised request.
        headers: Headers,
    },
    /// Ends a stream with RST_STREAM, or releases a reserved identifier.
    Reset {
        /// The stream.
        stream_identifier: StreamId,
        /// The error code.
        error_code: ErrorCode,
    },
    /// Sends a PING; its answer is reported as [`Evt::Pong`](super::Evt::Pong).
    Ping,
    /// Sends SETTINGS; [`Evt::SettingsAcknowledged`](super::Evt::SettingsAcknowledged) reports that
    /// they are in effect.
    Settings {
        /// The settings, in order.
        settings: Vec<Setting>,
    },
    /// Sends GOAWAY: new streams of the peer are ignored from now on, open ones continue.
    Goaway {
        /// The error code.
        error_code: ErrorCode,
        /// Diagnostic text for the peer.
        debug_data: Bytes,
    },
    /// Releases receive window, if [`auto_release`](crate::proto::Config::auto_release) is off.
    Release {
        /// The stream.
        stream_identifier: StreamId,
        /// The number of octets that were processed.
        octets: usize,
    },
    /// Sends a priority for a response (client only; RFC 9218).
    PriorityUpdate {
        /// The stream, open or reserved.
        stream_identifier: StreamId,
        /// The priority.
        priority: Priority,
    },
}

impl Act {
    /// Executes the action. Large parts of it are shared, so keeping the action is cheap.
    pub(super) fn apply(&self, core: &mut Connection, now: Instant) -> Result<(), CommandError> {
        match self {
            Act::SendHeaders { stream_identifier, headers, is_end_stream } => {
                core.send_headers(*stream_identifier, headers, *is_end_stream, now)
            }
            Act::SendData { stream_identifier, data, is_end_stream } => {
                core.send_data(*stream_identifier, data.clone(), *is_end_stream, now)
            }
            Act::Promise { stream_identifier, promised_stream_identifier, headers } => {
                core.promise(*stream_identifier, *promised_stream_identifier, headers, now)
            }
            Act::Reset { stream_identifier, error_code } => {
                core.reset(*stream_identifier, *error_code, now)
            }
            Act::Ping => core.ping(now).map(|_| ()),
            Act::Settings { settings } => core.update_settings(settings.clone(), now),
            Act::Goaway { error_code, debug_data } => core.goaway(*error_code, debug_data.clone()),
            Act::Release { stream_identifier, octets } => {
                core.release(*stream_identifier, *octets, now)
            }
            Act::PriorityUpdate { stream_identifier, priority } => {
                core.update_priority(*stream_identifier, *priority)
            }
        }
    }
}

/// An action that was refused, with the reason. No part of it was sent.
///
/// ```
/// use h2_sync::{Act, Error, Session};
///
/// /// Returns an action that is to be put again after the next `Evt::SendRoom`.
/// fn offer(session: &Session, act: Act) -> Result<Option<Act>, Error> {
///     match session.put_act(act) {
///         Ok(()) => Ok(None),
///         Err(refused) if refused.is_full() => Ok(Some(refused.into_act())),
///         Err(refused) => Err(refused.error().clone()),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct PutError {
    act: Box<Act>,
    error: Error,
}

impl PutError {
    pub(super) fn new(act: Act, error: CommandError) -> Self {
        PutError { act: Box::new(act), error: error.into() }
    }

    /// Returns the action, to retry or discard it.
    pub fn into_act(self) -> Act {
        *self.act
    }

    /// Returns the reason.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Returns whether the send buffer was full: the action may succeed after the next
    /// [`Evt::SendRoom`](super::Evt::SendRoom).
    pub fn is_full(&self) -> bool {
        self.error.is_full()
    }
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl std::error::Error for PutError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl From<PutError> for Error {
    fn from(error: PutError) -> Self {
        error.error
    }
}
