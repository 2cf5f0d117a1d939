//! `Display`, `Debug` and the source of an error.

use std::error::Error as StdError;
use std::fmt;

use super::{Cause, Error, StreamReset, is_late};
use crate::proto::{CommandError, GoawayText, ResetBy};

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(url) = self.url() {
            write!(f, "{url}: ")?;
        }
        if self.context.as_ref().is_some_and(|context| context.is_before_settings) {
            f.write_str("the peer has closed the connection right after the handshake")?;
            f.write_str(", before its SETTINGS")?;
            if let Cause::Transport(error) = &*self.cause {
                write!(f, ": {error}")?;
            }
        } else {
            self.cause.fmt(f)?;
        }
        if self.is_unsent() {
            f.write_str("; nothing of the request was sent")?;
        }
        match self.phase() {
            _ if matches!(*self.cause, Cause::Late(_, Some(_))) => Ok(()),
            // The words "timed out" and "cancelled" need the step they refer to.
            Some(phase) if self.is_timeout() || self.is_cancelled() => write!(f, " ({phase})"),
            _ => Ok(()),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Command(error) => error.fmt(f),
            Cause::Config(error) => error.fmt(f),
            Cause::Connection(error) => error.fmt(f),
            #[cfg(feature = "websocket")]
            Cause::WebSocket(error) => error.fmt(f),
            Cause::Transport(error) => write!(f, "the transport failed: {error}"),
            // The system's own text is "Resource temporarily unavailable".
            Cause::Io(what, error) if is_late(error) => write!(f, "{what} timed out"),
            Cause::Io(what, error) => write!(f, "{what} failed: {error}"),
            Cause::Thread(error) => write!(f, "cannot start a thread: {error}"),
            Cause::Tls { error, .. } => error.fmt(f),
            Cause::Status(status, None) => write!(f, "the server answered {status}"),
            Cause::Status(_, Some(what)) => f.write_str(what),
            Cause::Reset(StreamReset { stream_id, code, by, detail, .. }) => {
                let by = match by {
                    ResetBy::Peer => "the peer reset it",
                    ResetBy::Goaway => "a GOAWAY of the peer excludes it",
                    ResetBy::Violation => "the peer violated the protocol",
                    ResetBy::Stall => {
                        "the peer's flow-control window stayed exhausted for too long"
                    }
                    ResetBy::Unsent => "nothing of it was sent",
                };
                write!(f, "stream {stream_id} was reset: {by}")?;
                if let Some(detail) = detail {
                    write!(f, ": {detail}")?;
                }
                write!(f, " ({code})")
            }
            Cause::Goaway((code, debug_data)) => {
                let goaway = GoawayText(*code, debug_data);
                write!(f, "{}: {goaway}", CommandError::GoingAway)
            }
            Cause::ClosedByPeer(None) => f.write_str("the peer has closed the connection"),
            Cause::ClosedByPeer(Some((code, debug_data))) => {
                let debug_data = String::from_utf8_lossy(debug_data);
                write!(f, "the peer has closed the connection: {code} {debug_data:?}")
            }
            Cause::Content(_, what) => f.write_str(what),
            Cause::BodyTooLarge(limit) => write!(f, "the body exceeds {limit} octets"),
            Cause::Late(what, None) => write!(f, "{what} in time"),
            Cause::Late(what, Some((setting, time))) => {
                write!(f, "{what} within {time:?} ({setting})")
            }
            Cause::Redirect(what) => f.write_str(what),
            Cause::Text(_, what) => f.write_str(what),
        }
    }
}

/// Prints the text and those of all sources; `{:#?}` prints the parts.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if f.alternate() {
            return f
                .debug_struct("Error")
                .field("kind", &self.kind())
                .field("phase", &self.phase())
                .field("url", &self.url())
                .field("code", &self.code())
                .field("cause", &self.cause)
                .finish();
        }
        write!(f, "{self}")?;
        let mut source = self.source();
        while let Some(cause) = source {
            write!(f, "\n  caused by: {cause}")?;
            source = cause.source();
        }
        Ok(())
    }
}

impl StdError for Error {
    /// Returns the cause of the error, as far as the text does not include it.
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match &*self.cause {
            Cause::Command(CommandError::Malformed(_)) => None,
            Cause::Command(error) => error.source(),
            Cause::Config(error) => error.source(),
            Cause::Connection(error) => error.source(),
            Cause::Transport(error) | Cause::Io(_, error) | Cause::Thread(error) => error.source(),
            Cause::Tls { error, .. } => error.source(),
            #[cfg(feature = "websocket")]
            Cause::WebSocket(_) => None,
            Cause::Reset(_)
            | Cause::Goaway(_)
            | Cause::ClosedByPeer(_)
            | Cause::BodyTooLarge(_)
            | Cause::Content(..)
            | Cause::Late(..)
            | Cause::Status(..)
            | Cause::Redirect(_)
            | Cause::Text(..) => None,
        }
    }
}
