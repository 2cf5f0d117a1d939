//! The error type of the crate.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use crate::frame::{ErrorCode, StreamId};
use crate::proto::{CommandError, ConfigError, ConnectionError, Fault, PEER_SPEAKS_HTTP1, ResetBy};
#[cfg(feature = "websocket")]
use crate::ws;

// `tests/models` includes this file by path, where the default lookup would fail.
#[path = "error/boxed.rs"]
mod boxed;
#[path = "error/content.rs"]
mod content;
#[path = "error/context.rs"]
mod context;
#[path = "error/from.rs"]
mod from;
#[path = "error/make.rs"]
mod make;
#[path = "error/phase.rs"]
mod phase;
#[path = "error/show.rs"]
mod show;

pub use boxed::BoxError;
pub use phase::Phase;

/// A result with the [`Error`] of this crate, unless another is given.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// An error of this crate.
///
/// The type is opaque, so that it can grow: see [`kind`](Self::kind), [`phase`](Self::phase) and
/// the `is_…` methods. It is cheap to clone.
///
/// # Texts
///
/// `Display` prints one line with everything that is known: the URL of the request without user and
/// password, what failed, and why. [`source`](std::error::Error::source) returns only what that
/// line does not include, so printing the whole chain repeats nothing. `Debug` prints the chain,
/// readable when `main` returns the error; `{:#?}` prints the parts.
///
/// ```
/// use h2_sync::client::{Client, Config, Proxies};
///
/// # let mut config = Config::default();
/// # config.proxies = Proxies::Never;
/// # let client = Client::with_config(config)?;
/// // No server listens on this port.
/// let error = client.get("http://user@127.0.0.1:9/").send().unwrap_err();
/// assert!(error.to_string().starts_with("http://127.0.0.1:9/: "));
/// # Ok::<(), h2_sync::Error>(())
/// ```
///
/// # Through `io::Error`
///
/// The conversion to [`io::Error`] and back is lossless. The `io::Error` has the kind of the
/// system's error, if there is one:
///
/// ```
/// use h2_sync::{Error, ErrorKind};
/// use std::io;
///
/// let error = Error::from(io::Error::from(io::ErrorKind::ConnectionReset));
/// assert_eq!(error.kind(), ErrorKind::Transport);
/// let through = Error::from(io::Error::from(error.clone()));
/// assert_eq!(through.to_string(), error.to_string());
/// ```
#[derive(Clone)]
pub struct Error {
    cause: Arc<Cause>,
    /// The URL and progress of the request that the error belongs to.
    context: Option<Box<Context>>,
}

#[derive(Debug, Clone, Default)]
struct Context {
    url: Option<String>,
    phase: Option<Phase>,
    /// Whether the connection ended before the peer's SETTINGS.
    is_before_settings: bool,
    /// Whether no part of the request was sent.
    is_unsent: bool,
}

/// The category of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller made an invalid request or call; nothing has changed.
    Caller,
    /// The send buffer is full; retry when there is room.
    Full,
    /// The connection is closed or shutting down.
    Closed,
    /// The stream was reset; other streams continue.
    Reset,
    /// The peer violated the protocol.
    Peer,
    /// The peer exceeded one of our limits.
    Limit,
    /// The peer did not respond or make progress in time.
    Timeout,
    /// The caller has cancelled the request with a [`CancelHandle`](crate::client::CancelHandle).
    Cancelled,
    /// The transport failed.
    Transport,
    /// The TLS handshake failed: a certificate was not accepted, there is no common protocol, or
    /// the peer does not speak TLS. Or TLS failed later, by an alert or an invalid record.
    Tls,
    /// An internal failure: a thread could not be started, or it panicked.
    Internal,
}

#[derive(Debug)]
enum Cause {
    Command(CommandError),
    Config(ConfigError),
    Connection(ConnectionError),
    #[cfg(feature = "websocket")]
    WebSocket(ws::Error),
    Transport(io::Error),
    /// The operation during which the system reported the error.
    Io(Cow<'static, str>, io::Error),
    Thread(io::Error),
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Tls {
        kind: ErrorKind,
        error: Box<dyn std::error::Error + Send + Sync>,
        /// Whether TLS was established without HTTP/2.
        is_http1_only: bool,
    },
    /// A response that is the error, and what it is about, where that is more than a request.
    Status(StatusCode, Option<String>),
    Redirect(String),
    Reset(StreamReset),
    /// The peer has sent GOAWAY and accepts no new streams.
    Goaway((ErrorCode, Bytes)),
    ClosedByPeer(Option<(ErrorCode, Bytes)>),
    BodyTooLarge(usize),
    /// A request body that a handler cannot use, and the status that says why.
    Content(StatusCode, Cow<'static, str>),
    /// A timeout: what did not happen, and the setting with its duration if known.
    Late(&'static str, Option<(&'static str, Duration)>),
    Text(ErrorKind, Cow<'static, str>),
}

/// A stream that was reset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StreamReset {
    pub(crate) stream_id: StreamId,
    pub(crate) code: ErrorCode,
    pub(crate) by: ResetBy,
    pub(crate) retry_safe: bool,
    /// A description of the reason.
    pub(crate) detail: Option<Arc<str>>,
}

impl Error {
    /// Returns the category of the error.
    pub fn kind(&self) -> ErrorKind {
        match &*self.cause {
            Cause::Command(CommandError::Full { .. }) => ErrorKind::Full,
            Cause::Command(CommandError::Closed | CommandError::GoingAway) => ErrorKind::Closed,
            Cause::Command(_) | Cause::Config(_) => ErrorKind::Caller,
            Cause::Connection(error) => match error.fault() {
                Fault::Peer => ErrorKind::Peer,
                Fault::Limit => ErrorKind::Limit,
                Fault::Timeout => ErrorKind::Timeout,
                Fault::Internal => ErrorKind::Internal,
            },
            #[cfg(feature = "websocket")]
            Cause::WebSocket(error) => match error.kind() {
                ws::ErrorKind::Limit => ErrorKind::Limit,
                ws::ErrorKind::Timeout => ErrorKind::Timeout,
                ws::ErrorKind::Truncated => ErrorKind::Closed,
                _ => ErrorKind::Peer,
            },
            Cause::Io(_, error) if is_late(error) => ErrorKind::Timeout,
            Cause::Transport(_) | Cause::Io(..) => ErrorKind::Transport,
            Cause::Thread(_) => ErrorKind::Internal,
            Cause::Tls { kind, .. } => *kind,
            Cause::Status(..) | Cause::Redirect(_) | Cause::Content(..) => ErrorKind::Peer,
            Cause::Reset(_) => ErrorKind::Reset,
            Cause::Goaway(_) | Cause::ClosedByPeer(_) => ErrorKind::Closed,
            Cause::BodyTooLarge(_) => ErrorKind::Limit,
            Cause::Late(..) => ErrorKind::Timeout,
            Cause::Text(kind, _) => *kind,
        }
    }

    /// Returns the error code of HTTP/2 that corresponds to the error, if there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match &*self.cause {
            Cause::Connection(error) => Some(error.code()),
            Cause::Reset(reset) => Some(reset.code),
            Cause::Goaway((code, _)) => Some(*code),
            Cause::ClosedByPeer(goaway) => goaway.as_ref().map(|(code, _)| *code),
            _ => None,
        }
    }

    /// Returns the close code of a failed WebSocket: the one sent to the peer, or
    /// [`ABNORMAL`](ws::CloseCode::ABNORMAL) if the peer has ended its octets without a Close frame. `None`
    /// for other errors, also if the connection has failed: a peer that is killed resets it.
    #[cfg(feature = "websocket")]
    pub fn close_code(&self) -> Option<ws::CloseCode> {
        match &*self.cause {
            Cause::WebSocket(error) => Some(error.close_code()),
            _ => None,
        }
    }

    /// Returns the error of an invalid call, if it is one.
    pub fn as_command_error(&self) -> Option<&CommandError> {
        match &*self.cause {
            Cause::Command(error) => Some(error),
            Cause::Goaway(_) => Some(&CommandError::GoingAway),
            _ => None,
        }
    }

    /// Returns the status of the response, for errors of
    /// [`error_for_status`](crate::client::Response::error_for_status) and for WebSockets that were refused.
    pub fn status(&self) -> Option<StatusCode> {
        match &*self.cause {
            Cause::Status(status, _) => Some(*status),
            _ => None,
        }
    }

    /// Returns the system's error, if there is one.
    pub fn as_io_error(&self) -> Option<&io::Error> {
        match &*self.cause {
            Cause::Transport(error) | Cause::Io(_, error) | Cause::Thread(error) => Some(error),
            _ => None,
        }
    }

    /// Returns whether no connection was established: the lookup, the connection attempt or the
    /// handshake failed. No part of the request was sent.
    pub fn is_connect(&self) -> bool {
        matches!(self.phase(), Some(Phase::Lookup | Phase::Connect | Phase::Handshake))
    }

    /// Returns whether the TLS handshake failed, or TLS failed later.
    pub fn is_tls(&self) -> bool {
        self.kind() == ErrorKind::Tls
    }

    /// Returns whether the peer speaks HTTP/1.1 instead of HTTP/2.
    pub fn is_http1_only(&self) -> bool {
        match &*self.cause {
            Cause::Tls { is_http1_only, .. } => *is_http1_only,
            Cause::Connection(error) => error.detail() == PEER_SPEAKS_HTTP1,
            Cause::Reset(reset) => reset.code == ErrorCode::Http11Required,
            Cause::ClosedByPeer(Some((code, _))) => *code == ErrorCode::Http11Required,
            _ => false,
        }
    }

    /// Returns whether a redirect was not followed: there were too many, or its target is not
    /// allowed.
    pub fn is_redirect(&self) -> bool {
        matches!(&*self.cause, Cause::Redirect(_))
    }

    /// Returns whether the send buffer was full; the same call may succeed later.
    pub fn is_full(&self) -> bool {
        self.kind() == ErrorKind::Full
    }

    /// Returns whether the connection is closed or shutting down.
    pub fn is_closed(&self) -> bool {
        self.kind() == ErrorKind::Closed
    }

    /// Returns whether the stream was reset, by either side; [`code`](Self::code) has the reason.
    /// The connection and its other streams continue.
    pub fn is_reset(&self) -> bool {
        self.kind() == ErrorKind::Reset
    }

    /// Returns whether the peer has not processed the request, so that it can safely be sent again.
    /// That is so if the peer says it (REFUSED_STREAM, or a GOAWAY that excludes the request), or
    /// if no part of the request was sent, since the connection failed before that.
    ///
    /// The next attempt may fail as well: an error of a certificate ([`is_tls`](Self::is_tls)) is also
    /// safe to retry.
    pub fn is_retry_safe(&self) -> bool {
        let had_no_connection = matches!(
            self.phase(),
            Some(Phase::Lookup | Phase::Connect | Phase::Handshake | Phase::Slot)
        );
        had_no_connection
            || self.is_unsent()
            || matches!(&*self.cause, Cause::Reset(reset) if reset.retry_safe)
    }

    /// Returns whether no part of the request was sent before the connection ended.
    pub(crate) fn is_unsent(&self) -> bool {
        self.context.as_ref().is_some_and(|context| context.is_unsent)
    }

    /// Returns whether a GOAWAY of the peer excluded the stream.
    pub(crate) fn is_goaway(&self) -> bool {
        matches!(&*self.cause, Cause::Reset(reset) if reset.by == ResetBy::Goaway)
    }

    /// Returns whether a body exceeded the limit for reading it into memory.
    pub fn is_body_too_large(&self) -> bool {
        matches!(&*self.cause, Cause::BodyTooLarge(_))
    }

    /// Returns whether the request was cancelled with a
    /// [`CancelHandle`](crate::client::CancelHandle); [`phase`](Self::phase) tells how far it had
    /// come.
    pub fn is_cancelled(&self) -> bool {
        self.kind() == ErrorKind::Cancelled
    }

    /// Returns whether a timeout expired; [`phase`](Self::phase) tells in which step.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }
}

/// Returns whether a system error is a timeout. A socket with a read timeout reports `WouldBlock`.
fn is_late(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
}

#[cfg(test)]
#[path = "error/tests.rs"]
mod tests;
