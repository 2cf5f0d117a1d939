//! The error of a malformed frame.

use std::fmt;

use super::error_code::ErrorCode;
use super::head::Head;
use super::stream_id::StreamId;

/// An error in a frame that the peer sent.
///
/// [`scope`](Self::scope) tells whether to answer with GOAWAY or RST_STREAM, and
/// [`code`](Self::code) gives the error code for it. `Display` prints the reason and the frame
/// header.
///
/// # Example
///
/// ```
/// use bytes::BytesMut;
/// use h2_sync::frame::{ErrorCode, Frame, Scope, DEFAULT_MAX_FRAME_SIZE};
///
/// // A PING of one octet.
/// let mut input = BytesMut::from(&[0, 0, 1, 0x06, 0, 0, 0, 0, 0, 0xff][..]);
/// let error = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE).unwrap_err();
/// assert_eq!(error.scope, Scope::Connection);
/// assert_eq!(error.code, ErrorCode::FrameSizeError);
/// assert_eq!(
///     error.to_string(),
///     "connection error FRAME_SIZE_ERROR: PING is not 8 octets long (PING length=1)"
/// );
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// Whether the connection or only the stream ends.
    pub scope: Scope,
    /// The error code for the GOAWAY or RST_STREAM.
    pub code: ErrorCode,
    head: Head,
    reason: &'static str,
}

/// Whether an error ends the connection or one stream (RFC 9113, Section 5.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scope {
    /// The whole connection ends. The error is answered with GOAWAY, and nothing more may be
    /// decoded.
    Connection,
    /// Only this stream ends. The error is answered with RST_STREAM, and the connection continues:
    /// the frame has been removed from the input.
    Stream(StreamId),
}

impl Error {
    /// An error that ends the connection.
    pub(super) fn connection(head: &Head, code: ErrorCode, reason: &'static str) -> Self {
        Self { scope: Scope::Connection, code, head: *head, reason }
    }

    /// An error that ends the stream of the frame.
    pub(super) fn stream(head: &Head, code: ErrorCode, reason: &'static str) -> Self {
        debug_assert!(!head.stream_id.is_connection(), "stream 0 cannot be reset");
        Self { scope: Scope::Stream(head.stream_id), code, head: *head, reason }
    }

    /// Returns the header of the frame, as received.
    pub fn head(&self) -> &Head {
        &self.head
    }

    /// Returns a description of the error, for logs and for the debug data of a GOAWAY.
    pub fn reason(&self) -> &'static str {
        self.reason
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { scope, code, head, reason } = self;
        write!(f, "{scope} error {code}: {reason} ({head})")
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection => f.write_str("connection"),
            Self::Stream(id) => write!(f, "stream {id}"),
        }
    }
}
