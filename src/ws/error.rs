//! Violations of the peer, and mistakes of the caller.

use std::borrow::Cow;
use std::fmt;

use super::code::CloseCode;

/// The reason why a connection has failed. It keeps failing with the same error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    code: CloseCode,
    detail: Cow<'static, str>,
}

/// The kind of an [`Error`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// A frame, or an answer to an offered extension, breaks a rule of the protocol.
    Protocol,
    /// Text is not UTF-8, or compressed data cannot be inflated.
    Data,
    /// A frame, a message or the number of frames exceeds a limit of [`Config`](super::Config).
    Limit,
    /// The peer did not answer a PING or a Close frame in time.
    Timeout,
    /// The peer ended the connection without a Close frame.
    Truncated,
}

impl Error {
    pub(super) fn protocol(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Protocol, CloseCode::PROTOCOL_ERROR, detail)
    }

    pub(super) fn data(detail: &'static str) -> Self {
        Error::new(ErrorKind::Data, CloseCode::INVALID_DATA, detail)
    }

    pub(super) fn too_big(detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Limit, CloseCode::TOO_BIG, detail)
    }

    pub(super) fn too_many() -> Self {
        let detail = "too many control frames and tiny fragments (frames_received)";
        Error::new(ErrorKind::Limit, CloseCode::POLICY, detail)
    }

    pub(super) fn timeout(code: CloseCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error::new(ErrorKind::Timeout, code, detail)
    }

    pub(super) fn truncated(detail: &'static str) -> Self {
        Error::new(ErrorKind::Truncated, CloseCode::ABNORMAL, detail)
    }

    fn new(kind: ErrorKind, code: CloseCode, detail: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, code, detail: detail.into() }
    }

    /// Returns the kind of failure.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The code of the Close frame that reports it. With [`CloseCode::ABNORMAL`] no Close frame is
    /// sent.
    pub fn close_code(&self) -> CloseCode {
        self.code
    }

    /// Describes the failure. The text quotes lengths and codes, never the content of messages. If a Close
    /// frame reports the failure, this is its reason, unless it exceeds 123 octets.
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

/// The reason why a call has sent nothing. The connection is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A Close frame has been sent or received, or the connection has failed.
    Closed,
    /// The send queue would exceed [`max_send_buffer`](super::Config::max_send_buffer), or 64
    /// PINGs.
    Full,
    /// The payload of a PING has more than 125 octets, or the reason of a Close frame more than
    /// 123.
    ControlTooLong {
        /// The length in octets.
        len: usize,
    },
    /// A close code that must not be sent (RFC 6455, Section 7.4), or a reason without a code.
    CloseCode(u16),
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Closed => write!(f, "the WebSocket is closed"),
            SendError::Full => write!(f, "the send queue is full (max_send_buffer)"),
            SendError::ControlTooLong { len } => {
                write!(f, "{len} octets do not fit into a control frame")
            }
            SendError::CloseCode(code) => write!(f, "close code {code} must not be sent"),
        }
    }
}

impl std::error::Error for SendError {}
