//! Actions: what the application asks of a [`Session`](super::Session).

use std::fmt;
use std::time::Instant;

use bytes::Bytes;

use crate::error::Error;
use crate::frame::{ErrorCode, Setting, StreamId};
use crate::hpack::Headers;
use crate::proto::{CommandError, Connection, Priority};

/// Something for the connection to do; given to [`put_act`](super::Session::put_act).
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Act {
    /// Send a field section: a request on a reserved identifier, an interim or final response, or
    /// trailers.
    SendHeaders {
        /// The stream.
        stream_identifier: StreamId,
        /// The fields, pseudo-header fields first.
        headers: Headers,
        /// Nothing follows on this stream.
        is_end_stream: bool,
    },
    /// Send a piece of a body.
    SendData {
        /// The stream.
        stream_identifier: StreamId,
        /// The octets; shared, not copied, where they are many.
        data: Bytes,
        /// Nothing follows on this stream.
        is_end_stream: bool,
    },
    /// Promise a stream (a server, to a client that takes pushed streams).
    Promise {
        /// The stream whose response refers to it.
        stream_identifier: StreamId,
        /// The reserved identifier of the stream on which the response will come.
        promised_stream_identifier: StreamId,
        /// The request that is going to be answered.
        headers: Headers,
    },
    /// End a stream with RST_STREAM, or give a reserved identifier back.
    Reset {
        /// The stream.
        stream_identifier: StreamId,
        /// Why.
        error_code: ErrorCode,
    },
    /// Send a PING; [`Evt::Pong`](super::Evt::Pong) tells of the answer.
    Ping,
    /// Announce settings; [`Evt::SettingsAcknowledged`](super::Evt::SettingsAcknowledged) tells
    /// when they are in force.
    Settings {
        /// The settings, in order.
        settings: Vec<Setting>,
    },
    /// Send GOAWAY: streams that the peer opens from now on are ignored, those that are open go
    /// on.
    Goaway {
        /// Why.
        error_code: ErrorCode,
        /// Anything, for the peer's log.
        debug_data: Bytes,
    },
    /// Give receive window back, where [`auto_release`](crate::proto::Config::auto_release) is
    /// off.
    Release {
        /// The stream.
        stream_identifier: StreamId,
        /// How many octets of its data have been dealt with.
        octets: usize,
    },
    /// Tell the server how to schedule a response (RFC 9218).
    PriorityUpdate {
        /// The stream, open or reserved.
        stream_identifier: StreamId,
        /// What is wanted.
        priority: Priority,
    },
}

impl Act {
    /// Does it. What is large in an action is shared, so keeping the action costs next to nothing.
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
            Act::Release { stream_identifier, octets } => core.release(*stream_identifier, *octets),
            Act::PriorityUpdate { stream_identifier, priority } => {
                core.update_priority(*stream_identifier, *priority)
            }
        }
    }
}

/// An action that was not taken, and why. Nothing has been sent of it.
#[derive(Debug, Clone)]
pub struct PutError {
    act: Box<Act>,
    error: Error,
}

impl PutError {
    pub(super) fn new(act: Act, error: CommandError) -> Self {
        PutError { act: Box::new(act), error: error.into() }
    }

    /// The action, to try again or to give up.
    pub fn into_act(self) -> Act {
        *self.act
    }

    /// Why it was not taken.
    pub fn error(&self) -> &Error {
        &self.error
    }

    /// Whether it was for lack of room: the same action may be taken later, when
    /// [`Evt::SendRoom`](super::Evt::SendRoom) comes.
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
