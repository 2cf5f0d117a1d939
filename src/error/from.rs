//! Conversions from and to the errors of other modules and of the system.

use std::io;

use super::{Cause, Error, ErrorKind, StreamReset};
use crate::http1;
use crate::proto::{CommandError, ConfigError, ConnectionError};
#[cfg(feature = "websocket")]
use crate::ws;

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

impl From<http1::Error> for Error {
    fn from(error: http1::Error) -> Self {
        let kind = match error.kind() {
            http1::ErrorKind::Limit => ErrorKind::Limit,
            http1::ErrorKind::Truncated | http1::ErrorKind::Unanswered => ErrorKind::Closed,
            _ => ErrorKind::Peer,
        };
        Error::new(Cause::Text(kind, error.detail().to_owned().into()))
    }
}

impl From<http1::SendError> for Error {
    fn from(error: http1::SendError) -> Self {
        Error::usage(error.to_string())
    }
}

#[cfg(feature = "websocket")]
impl From<ws::Error> for Error {
    fn from(error: ws::Error) -> Self {
        Error::new(Cause::WebSocket(error))
    }
}

#[cfg(feature = "websocket")]
impl From<ws::SendError> for Error {
    fn from(error: ws::SendError) -> Self {
        let kind = match error {
            ws::SendError::Closed => ErrorKind::Closed,
            ws::SendError::Full => ErrorKind::Full,
            _ => ErrorKind::Caller,
        };
        Error::text(kind, error.to_string())
    }
}

impl From<StreamReset> for Error {
    fn from(reset: StreamReset) -> Self {
        Error::new(Cause::Reset(reset))
    }
}

impl From<io::Error> for Error {
    /// A failure of the transport. If `error` wraps an error of this crate, that one is returned.
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
            (Cause::Transport(cause) | Cause::Io(_, cause) | Cause::Thread(cause), _) => {
                cause.kind()
            }
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
