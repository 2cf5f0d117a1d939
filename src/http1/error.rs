//! Errors in what the peer sends, and the status a server answers them with.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

/// The reason why a message of the peer is refused. The connection cannot be used for further
/// messages.
///
/// A connection that has failed returns the same error from every later call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    status: Option<StatusCode>,
    detail: Cow<'static, str>,
}

/// The category of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message violates the protocol.
    Malformed,
    /// The message uses a version or a transfer coding that is not implemented.
    Unsupported,
    /// The message exceeds a limit of [`Config`](super::Config).
    Limit,
    /// The peer closed the connection within a message.
    Truncated,
    /// The server closed the connection before the first octet of its response.
    Unanswered,
}

impl Error {
    /// A protocol violation, answered with 400.
    pub(super) fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Malformed, StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unsupported(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Unsupported, status, detail)
    }

    pub(super) fn limit(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Limit, status, detail)
    }

    /// An incomplete request, answered with 400: the client may still read after it has shut its
    /// own direction.
    pub(super) fn truncated(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Truncated, StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unanswered() -> Self {
        let detail = "the server closed the connection before it answered".into();
        Error { kind: ErrorKind::Unanswered, status: None, detail }
    }

    fn new(kind: ErrorKind, status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, status: Some(status), detail: detail.into() }
    }

    /// The same error for a response, which has no status to answer with.
    pub(super) fn of_response(self) -> Self {
        Error { status: None, ..self }
    }

    /// Returns the category of the error.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Returns the status that a server answers with: 400, 413, 414, 431, 501 or 505. `None` at a
    /// client.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// Returns a description that may be sent to the peer. It quotes field names and lengths, but
    /// no other field values.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {}
