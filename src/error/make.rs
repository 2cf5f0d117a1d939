//! The constructors of errors, which the crate uses.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

use super::{Cause, Error, ErrorKind};
use crate::frame::ErrorCode;

impl Error {
    pub(super) fn new(cause: Cause) -> Self {
        Error { cause: Arc::new(cause), context: None }
    }

    /// The system reported `error` during the operation `what`.
    pub(crate) fn io(what: impl Into<Cow<'static, str>>, error: io::Error) -> Self {
        match error.downcast::<Error>() {
            Ok(ours) => ours,
            Err(error) => Error::new(Cause::Io(what.into(), error)),
        }
    }

    /// The response has a status that the caller treats as an error.
    pub(crate) fn status_code(status: StatusCode) -> Self {
        Error::new(Cause::Status(status, None))
    }

    /// A WebSocket that does not come about, with the status that says so.
    #[cfg(feature = "websocket")]
    pub(crate) fn refused(status: StatusCode, what: String) -> Self {
        Error::new(Cause::Status(status, Some(what)))
    }

    /// A redirect that is not followed.
    pub(crate) fn redirect(what: impl Into<String>) -> Self {
        Error::new(Cause::Redirect(what.into()))
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
        Error::new(Cause::Tls { kind, error: Box::new(error), is_http1_only: false })
    }

    /// TLS was established, but the peer has not chosen HTTP/2.
    #[cfg(feature = "tls")]
    pub(crate) fn not_http2(error: impl std::error::Error + Send + Sync + 'static) -> Self {
        let error = Box::new(error);
        Error::new(Cause::Tls { kind: ErrorKind::Tls, error, is_http1_only: true })
    }

    /// The HTTP/1.1 part of a connection failed before HTTP/2.
    pub(crate) fn upgrade(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(kind, what.into()))
    }

    /// An error with a custom text.
    pub(crate) fn text(kind: ErrorKind, what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(kind, what.into()))
    }

    /// A timeout; `what` did not happen within the time that [`by_setting`](Self::by_setting) adds.
    pub(crate) fn late(what: &'static str) -> Self {
        Error::new(Cause::Late(what, None))
    }

    /// Adds the setting that defines the timeout, and its duration.
    #[must_use]
    pub(crate) fn by_setting(mut self, setting: &'static str, time: Duration) -> Self {
        if let Cause::Late(what, None) = *self.cause {
            self.cause = Arc::new(Cause::Late(what, Some((setting, time))));
        }
        self
    }

    /// A timeout without a setting.
    pub(crate) fn timeout(what: &'static str) -> Self {
        Error::new(Cause::Text(ErrorKind::Timeout, what.into()))
    }

    /// The caller has cancelled its request.
    pub(crate) fn cancelled() -> Self {
        Error::new(Cause::Text(ErrorKind::Cancelled, "the request was cancelled".into()))
    }

    /// An invalid call.
    pub(crate) fn usage(what: impl Into<Cow<'static, str>>) -> Self {
        Error::new(Cause::Text(ErrorKind::Caller, what.into()))
    }

    /// The body is larger than the limit for reading it into memory.
    pub(crate) fn body_too_large(limit: usize) -> Self {
        Error::new(Cause::BodyTooLarge(limit))
    }

    /// The peer has sent GOAWAY and accepts no more requests on the connection.
    pub(crate) fn goaway(goaway: (ErrorCode, Bytes)) -> Self {
        Error::new(Cause::Goaway(goaway))
    }

    /// The peer has closed the connection, possibly after a GOAWAY.
    pub(crate) fn closed_by_peer(goaway: Option<(ErrorCode, Bytes)>) -> Self {
        Error::new(Cause::ClosedByPeer(goaway))
    }
}
