//! What is wrong with what the peer sends, and how a server answers it.

use std::borrow::Cow;
use std::fmt;

use http::StatusCode;

/// Why a message of the peer is not taken. The connection cannot be used for another message.
///
/// A connection that has failed keeps failing with the same error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    status: Option<StatusCode>,
    detail: Cow<'static, str>,
}

/// What sort of failure an [`Error`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The message breaks a rule of the protocol.
    Malformed,
    /// The message asks for a version or a transfer coding that is not implemented.
    Unsupported,
    /// The message is over a limit of [`Config`](super::Config).
    Limit,
    /// The peer ended the connection within a message.
    Truncated,
    /// The server ended the connection before the first octet of its response.
    Unanswered,
}

impl Error {
    /// 400, for a message that breaks a rule.
    pub(super) fn malformed(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Malformed, StatusCode::BAD_REQUEST, detail)
    }

    pub(super) fn unsupported(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Unsupported, status, detail)
    }

    pub(super) fn limit(status: StatusCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Limit, status, detail)
    }

    /// 400, as the client may still read after it has ended its own direction.
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

    /// The same failure of a response, which has no answer.
    pub(super) fn of_response(self) -> Self {
        Error { status: None, ..self }
    }

    /// What sort of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The status that a server answers with: 400, 413, 414, 431, 501 or 505. `None` at a client.
    pub fn status(&self) -> Option<StatusCode> {
        self.status
    }

    /// What is wrong, in words that may be sent to the peer. It quotes field names and lengths, and no
    /// other values.
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
