//! The error of the whole library: what went wrong, and whose fault it was.

use std::borrow::Cow;
use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::Bytes;

use crate::frame::{ErrorCode, StreamId};
use crate::proto::{CommandError, ConfigError, ConnectionError, Fault, ResetBy};

/// What went wrong.
///
/// Opaque, so that it can grow: ask [`kind`](Self::kind) and the `is_…` methods, and
/// [`source`](std::error::Error::source) for the cause. It is cheap to clone, and survives a
/// journey through [`io::Error`]:
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
}

/// Whose fault an [`Error`] was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller asked for something that cannot be; nothing has changed.
    Caller,
    /// Too many octets wait to be sent; try again when there is room.
    Full,
    /// The connection is closed or going away.
    Closed,
    /// The stream was reset; others go on.
    Reset,
    /// The peer broke a rule of the protocol.
    Peer,
    /// The peer went over one of our limits.
    Limit,
    /// The peer did not answer, or did not go on, in time.
    Timeout,
    /// The transport failed.
    Transport,
    /// TLS could not be agreed upon: a certificate that is not accepted, no protocol that both ends
    /// speak, a peer that does not speak TLS.
    Tls,
    /// Something failed on our side: a thread could not be started, or panicked.
    Internal,
}

#[derive(Debug)]
enum Cause {
    Command(CommandError),
    Config(ConfigError),
    Connection(ConnectionError),
    Transport(io::Error),
    Thread(io::Error),
    #[cfg_attr(not(feature = "tls"), allow(dead_code))]
    Tls(ErrorKind, Box<dyn std::error::Error + Send + Sync>),
    Reset(StreamReset),
    ClosedByPeer(Option<(ErrorCode, Bytes)>),
    BodyTooLarge(usize),
    Text(ErrorKind, Cow<'static, str>),
}

/// A stream that ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct StreamReset {
    pub(crate) stream_id: StreamId,
    pub(crate) code: ErrorCode,
    pub(crate) by: ResetBy,
    pub(crate) retry_safe: bool,
}

impl Error {
    fn new(cause: Cause) -> Self {
        Error { cause: Arc::new(cause) }
    }

    /// A thread could not be started.
    pub(crate) fn thread(error: io::Error) -> Self {
        Error::new(Cause::Thread(error))
    }

    /// TLS failed, or cannot be set up.
    #[cfg(feature = "tls")]
    pub(crate) fn tls(
        kind: ErrorKind,
        error: impl std::error::Error + Send + Sync + 'static,
    ) -> Self {
        Error::new(Cause::Tls(kind, Box::new(error)))
    }

    /// It did not come to HTTP/2, since what came before in HTTP/1.1 was not in order.
    pub(crate) fn upgrade(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(kind, what.into()))
    }

    /// What the client has to say in words.
    pub(crate) fn text(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(kind, what.into()))
    }

    /// Something that a caller waited for did not happen in time.
    pub(crate) fn timeout(what: &'static str) -> Self {
        Error::new(Cause::Text(ErrorKind::Timeout, what.into()))
    }

    /// Something that a caller cannot have.
    pub(crate) fn usage(what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(ErrorKind::Caller, what.into()))
    }

    /// A body is larger than is to be read into memory.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        Error::new(Cause::BodyTooLarge(limit))
    }

    /// The peer has closed the connection, after its GOAWAY where there was one.
    pub(crate) fn closed_by_peer(goaway: Option<(ErrorCode, Bytes)>) -> Self {
        Error::new(Cause::ClosedByPeer(goaway))
    }

    /// Whose fault it was.
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
            Cause::Transport(_) => ErrorKind::Transport,
            Cause::Thread(_) => ErrorKind::Internal,
            Cause::Tls(kind, _) => *kind,
            Cause::Reset(_) => ErrorKind::Reset,
            Cause::ClosedByPeer(_) => ErrorKind::Closed,
            Cause::BodyTooLarge(_) => ErrorKind::Limit,
            Cause::Text(kind, _) => *kind,
        }
    }

    /// The code that goes with it on the wire, where there is one.
    pub fn code(&self) -> Option<ErrorCode> {
        match &*self.cause {
            Cause::Connection(error) => Some(error.code()),
            Cause::Reset(reset) => Some(reset.code),
            Cause::ClosedByPeer(goaway) => goaway.as_ref().map(|(code, _)| *code),
            _ => None,
        }
    }

    /// The mistake of the caller, where it was one.
    pub fn as_command_error(&self) -> Option<&CommandError> {
        match &*self.cause {
            Cause::Command(error) => Some(error),
            _ => None,
        }
    }

    /// Whether there was no room; the same call may go through later.
    pub fn is_full(&self) -> bool {
        self.kind() == ErrorKind::Full
    }

    /// Whether the connection is closed or going away.
    pub fn is_closed(&self) -> bool {
        self.kind() == ErrorKind::Closed
    }

    /// Whether the stream was reset, by the peer or by us; [`code`](Self::code) says why. The
    /// connection and its other streams go on.
    pub fn is_reset(&self) -> bool {
        self.kind() == ErrorKind::Reset
    }

    /// Whether the peer says that it did not process anything of the request (REFUSED_STREAM, or
    /// a GOAWAY that leaves it out): sending it again repeats nothing.
    pub fn is_retry_safe(&self) -> bool {
        matches!(&*self.cause, Cause::Reset(reset) if reset.retry_safe)
    }

    /// Whether a GOAWAY of the peer's left the stream out.
    pub(crate) fn is_goaway(&self) -> bool {
        matches!(&*self.cause, Cause::Reset(reset) if reset.by == ResetBy::Goaway)
    }

    /// Whether a body was larger than what is read into memory at most.
    pub fn is_body_too_large(&self) -> bool {
        matches!(&*self.cause, Cause::BodyTooLarge(_))
    }

    /// Whether the peer took too long.
    pub fn is_timeout(&self) -> bool {
        self.kind() == ErrorKind::Timeout
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.cause {
            Cause::Command(error) => error.fmt(f),
            Cause::Config(error) => error.fmt(f),
            Cause::Connection(error) => error.fmt(f),
            Cause::Transport(error) => write!(f, "the transport failed: {error}"),
            Cause::Thread(error) => write!(f, "a thread could not be started: {error}"),
            Cause::Tls(_, error) => error.fmt(f),
            Cause::Reset(StreamReset { stream_id, code, by, .. }) => {
                let by = match by {
                    ResetBy::Peer => "the peer reset it",
                    ResetBy::Goaway => "the peer goes away and will not process it",
                    ResetBy::Violation => "the peer broke a rule on it",
                    ResetBy::Stall => "the peer kept its window shut for too long",
                    ResetBy::Unsent => "nothing of it was sent",
                };
                write!(f, "stream {stream_id} has been reset: {by} ({code})")
            }
            Cause::ClosedByPeer(None) => f.write_str("the peer has closed the connection"),
            Cause::ClosedByPeer(Some((code, debug_data))) => {
                let debug_data = String::from_utf8_lossy(debug_data);
                write!(f, "the peer has closed the connection: {code} {debug_data:?}")
            }
            Cause::BodyTooLarge(limit) => write!(f, "the body has more than {limit} octets"),
            Cause::Text(_, what) => f.write_str(what),
        }
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Error").field(&self.cause).finish()
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(match &*self.cause {
            // Its text is ours, so its cause is as well.
            Cause::Tls(_, error) => return error.source(),
            Cause::Reset(_) | Cause::ClosedByPeer(_) | Cause::BodyTooLarge(_) | Cause::Text(..) => {
                return None
            }
            Cause::Command(error) => error,
            Cause::Config(error) => error,
            Cause::Connection(error) => error,
            Cause::Transport(error) | Cause::Thread(error) => error,
        })
    }
}

impl From<CommandError> for Error {
    fn from(error: CommandError) -> Self {
        Error::new(Cause::Command(error))
    }
}

impl From<ConfigError> for Error {
    fn from(error: ConfigError) -> Self {
        Error::new(Cause::Config(error))
    }
}

impl From<ConnectionError> for Error {
    fn from(error: ConnectionError) -> Self {
        Error::new(Cause::Connection(error))
    }
}

impl From<StreamReset> for Error {
    fn from(reset: StreamReset) -> Self {
        Error::new(Cause::Reset(reset))
    }
}

impl From<io::Error> for Error {
    /// A failure of the transport; or, where the error has one of ours inside, that one.
    fn from(error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(error) => Error::new(Cause::Transport(error)),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match (&*error.cause, error.kind()) {
            (Cause::Transport(cause) | Cause::Thread(cause), _) => cause.kind(),
            (_, ErrorKind::Caller) => io::ErrorKind::InvalidInput,
            (_, ErrorKind::Full) => io::ErrorKind::WouldBlock,
            (_, ErrorKind::Closed) => io::ErrorKind::NotConnected,
            (_, ErrorKind::Reset) => io::ErrorKind::ConnectionReset,
            (_, ErrorKind::Peer | ErrorKind::Limit) => io::ErrorKind::InvalidData,
            (_, ErrorKind::Timeout) => io::ErrorKind::TimedOut,
            _ => io::ErrorKind::Other,
        };
        io::Error::new(kind, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::StreamId;

    #[test]
    fn a_callers_mistake_is_told_apart_from_a_full_buffer() {
        let mistake = Error::from(CommandError::SendClosed(StreamId::from_wire(3)));
        let full = Error::from(CommandError::Full { stream_id: StreamId::CONNECTION });
        assert_eq!((mistake.kind(), full.kind()), (ErrorKind::Caller, ErrorKind::Full));
        assert!(full.is_full() && !mistake.is_full());
    }

    #[test]
    fn an_error_comes_back_whole_out_of_an_io_error() {
        let error = Error::from(ConnectionError::timeout(ErrorCode::SettingsTimeout, "late"));
        let io = io::Error::from(error.clone());
        assert_eq!(io.kind(), io::ErrorKind::TimedOut);
        let back = Error::from(io);
        assert_eq!((back.kind(), back.code()), (error.kind(), error.code()));
    }
}
