//! The core's errors, by cause.
//!
//! - [`ConnectionError`]: the connection has ended. GOAWAY is queued before it is returned, and
//!   every later call fails with the same error.
//! - [`CommandError`]: the caller's request is not possible. Only that call fails.
//! - [`Malformed`]: what is wrong with a field section (RFC 9113, Section 8).
//!
//! A *stream* error of the peer is not an error of any call: the stream is reset with the code that
//! the RFC prescribes, and reported as [`Event::Reset`](super::Event::Reset).

use std::borrow::Cow;
use std::fmt;

use crate::frame::{self, ErrorCode, StreamId};
use crate::hpack::DecodeError;

/// The cause of a connection error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The peer violated the protocol.
    Peer,
    /// The peer exceeded a limit.
    Limit,
    /// The peer did not respond or continue in time.
    Timeout,
    /// Something failed on our side.
    Internal,
}

/// The text of a connection error when the server responds with HTTP/1.x.
pub(crate) const PEER_SPEAKS_HTTP1: &str = "the peer speaks HTTP/1, not HTTP/2";

/// A connection error (RFC 9113, Section 5.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionError {
    code: ErrorCode,
    fault: Fault,
    detail: Cow<'static, str>,
}

impl ConnectionError {
    pub(crate) fn peer(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        ConnectionError { code, fault: Fault::Peer, detail: detail.into() }
    }

    pub(crate) fn limit(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        ConnectionError { code, fault: Fault::Limit, detail: detail.into() }
    }

    /// Returns the error of a peer that did not continue in time, for
    /// [`Connection::abort`](super::Connection::abort).
    pub fn timeout(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        ConnectionError { code, fault: Fault::Timeout, detail: detail.into() }
    }

    /// Returns an internal error, for [`Connection::abort`](super::Connection::abort).
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Self {
        ConnectionError {
            code: ErrorCode::InternalError,
            fault: Fault::Internal,
            detail: detail.into(),
        }
    }

    /// Returns the code sent in GOAWAY.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the cause.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// Returns a description, which GOAWAY carries as debug data.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fault = match self.fault {
            Fault::Peer => "the peer violated the protocol",
            Fault::Limit => "the peer exceeded a limit",
            Fault::Timeout => "the peer took too long",
            Fault::Internal => "internal failure",
        };
        write!(f, "{fault}: {} ({})", self.detail, self.code)
    }
}

impl std::error::Error for ConnectionError {}

impl From<frame::Error> for ConnectionError {
    fn from(error: frame::Error) -> Self {
        ConnectionError::peer(error.code, format!("{} ({})", error.reason(), error.head()))
    }
}

impl From<DecodeError> for ConnectionError {
    fn from(error: DecodeError) -> Self {
        if error.is_limit() {
            ConnectionError::limit(ErrorCode::EnhanceYourCalm, error.to_string())
        } else {
            // RFC 9113, Section 4.3: a decoding error is a connection error COMPRESSION_ERROR.
            ConnectionError::peer(ErrorCode::CompressionError, error.to_string())
        }
    }
}

/// A command that is not possible. Nothing has been sent or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The connection has ended.
    Closed,
    /// GOAWAY has been sent or received, so no new streams can be opened.
    GoingAway,
    /// The stream was never opened, or ended long ago.
    UnknownStream(StreamId),
    /// The stream has ended, with END_STREAM in both directions or RST_STREAM.
    StreamClosed(StreamId),
    /// END_STREAM has already been sent on the stream.
    SendClosed(StreamId),
    /// The identifier belongs to this side and was not reserved.
    NotReserved(StreamId),
    /// The identifier was reserved, but not used before a higher one timed out waiting for it.
    GivenUp(StreamId),
    /// All 2^30 identifiers of this side are used; a new connection is needed.
    IdsExhausted,
    /// DATA before HEADERS, or an interim response on a promised stream before the final one.
    HeadersNotSent(StreamId),
    /// The field section is invalid.
    Malformed(Malformed),
    /// The field section is larger than the peer's `SETTINGS_MAX_HEADER_LIST_SIZE`.
    SectionTooLarge {
        /// Octets, counted as in RFC 9113, Section 6.5.2.
        size: usize,
        /// The peer's limit.
        limit: usize,
    },
    /// Trailers without END_STREAM (RFC 9113, Section 8.1).
    TrailersWithoutEnd(StreamId),
    /// The maximum of interim (1xx) responses
    /// ([`max_informational`](super::Config::max_informational)) have been sent on the stream.
    TooManyInformational(StreamId),
    /// Trailers in a CONNECT tunnel, which carries only DATA (RFC 9113, Section 8.5).
    TrailersInTunnel(StreamId),
    /// A body on a response that must not have one: 204, 205, 304, a response to HEAD, or an
    /// interim response.
    NoBodyAllowed(StreamId),
    /// DATA contradicts the `content-length` that was sent.
    ContentLength(StreamId),
    /// The send buffer is full; retry after [`Event::SendRoom`](super::Event::SendRoom).
    Full {
        /// The stream whose buffer is full, or stream 0 if that of field sections is.
        stream_id: StreamId,
    },
    /// The peer does not accept pushed streams, or this side is a client.
    PushDisabled,
    /// The command is only for clients.
    ClientOnly,
    /// The command is only for servers.
    ServerOnly,
    /// An upgrade must come before everything else on a connection.
    AlreadyStarted,
    /// A setting is out of range, or not allowed for this role.
    InvalidSetting(Cow<'static, str>),
    /// More octets were released than received.
    ReleasedTooMuch(StreamId),
    /// Too many PINGs or SETTINGS are unacknowledged.
    TooManyUnanswered,
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use CommandError::*;
        match self {
            Closed => write!(f, "the connection is closed"),
            GoingAway => write!(f, "the connection is going away: no new streams"),
            UnknownStream(id) => write!(f, "stream {id} does not exist"),
            StreamClosed(id) => write!(f, "stream {id} is closed"),
            SendClosed(id) => write!(f, "stream {id}: END_STREAM has been sent already"),
            NotReserved(id) => write!(f, "stream {id} was not reserved on this side"),
            GivenUp(id) => {
                write!(f, "stream {id} was reserved, not used in time, and given up")
            }
            IdsExhausted => write!(f, "all stream identifiers are used: open a new connection"),
            HeadersNotSent(id) => write!(f, "stream {id}: HEADERS must be sent first"),
            Malformed(what) => write!(f, "malformed field section: {what}"),
            SectionTooLarge { size, limit } => {
                write!(f, "field section of {size} octets: the peer accepts {limit}")?;
                f.write_str(" (SETTINGS_MAX_HEADER_LIST_SIZE)")
            }
            TrailersWithoutEnd(id) => write!(f, "stream {id}: trailers must end the stream"),
            TooManyInformational(id) => {
                write!(f, "stream {id}: too many interim responses (max_informational)")
            }
            TrailersInTunnel(id) => write!(f, "stream {id}: a tunnel has no trailers"),
            NoBodyAllowed(id) => write!(f, "stream {id}: this response must not have a body"),
            ContentLength(id) => {
                write!(f, "stream {id}: the body does not match the content-length sent")
            }
            Full { stream_id } if stream_id.is_connection() => {
                write!(f, "too many field sections are queued on the connection")
            }
            Full { stream_id } => {
                write!(f, "too many octets are queued on stream {stream_id}")
            }
            PushDisabled => write!(f, "the peer does not accept pushed streams"),
            ClientOnly => write!(f, "this call is for clients only"),
            ServerOnly => write!(f, "this call is for servers only"),
            AlreadyStarted => write!(f, "the connection has started: it is too late to upgrade"),
            InvalidSetting(what) => write!(f, "invalid setting: {what}"),
            ReleasedTooMuch(id) => {
                write!(f, "stream {id}: more octets released than were received")
            }
            TooManyUnanswered => write!(f, "too many PING or SETTINGS frames are unacknowledged"),
        }
    }
}

impl std::error::Error for CommandError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            CommandError::Malformed(what) => Some(what),
            _ => None,
        }
    }
}

impl From<Malformed> for CommandError {
    fn from(what: Malformed) -> Self {
        CommandError::Malformed(what)
    }
}

/// The peer's GOAWAY in an error text: `GOAWAY with ENHANCE_YOUR_CALM, "too many pings"`.
pub(crate) struct GoawayText<'a>(pub(crate) ErrorCode, pub(crate) &'a [u8]);

impl fmt::Display for GoawayText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Maximum octets of debug data shown.
        const SHOWN: usize = 256;
        let GoawayText(code, debug_data) = self;
        write!(f, "GOAWAY with {code}")?;
        if debug_data.is_empty() {
            return Ok(());
        }
        let shown = &debug_data[..debug_data.len().min(SHOWN)];
        write!(f, ", {:?}", String::from_utf8_lossy(shown))
    }
}

/// A defect of a field section (RFC 9113, Sections 8.1 to 8.5).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// A field name contains an invalid octet, such as an upper-case letter (Section 8.2.1).
    Name(String),
    /// The value of this field contains CR, LF, NUL or another control character, or has leading or
    /// trailing whitespace (Section 8.2.1).
    Value(String),
    /// A pseudo-header field follows a regular field (Section 8.3).
    PseudoAfterRegular(String),
    /// A pseudo-header field is unknown or not allowed in this kind of message.
    UnexpectedPseudo(String),
    /// A pseudo-header field is duplicated.
    DuplicatePseudo(&'static str),
    /// A required pseudo-header field is missing.
    MissingPseudo(&'static str),
    /// The value of a pseudo-header field is invalid.
    InvalidPseudo(&'static str),
    /// A connection-specific field of HTTP/1.1 (Section 8.2.2).
    ConnectionSpecific(&'static str),
    /// `te` has a value other than `trailers` (Section 8.2.2).
    Te,
    /// `host` is duplicated, invalid, or differs from `:authority` (Section 8.3.1).
    Host,
    /// `content-length` is not a number, or has different values.
    ContentLength,
    /// `:status` is 101, which HTTP/2 does not support (Section 8.6).
    SwitchingProtocols,
    /// An interim (1xx) response has END_STREAM (Section 8.1).
    InformationalEnd,
    /// A promised request is not safe and cacheable, or has a body (Section 8.4).
    UnsafePush,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Malformed::*;
        match self {
            Name(name) => write!(f, "field name {name:?} has an octet that is not allowed"),
            Value(name) => write!(f, "the value of {name:?} has an octet that is not allowed"),
            PseudoAfterRegular(name) => write!(f, "{name:?} follows a regular field"),
            UnexpectedPseudo(name) => write!(f, "{name:?} is not allowed in this message"),
            DuplicatePseudo(name) => write!(f, "{name:?} occurs twice"),
            MissingPseudo(name) => write!(f, "{name:?} is missing"),
            InvalidPseudo(name) => write!(f, "the value of {name:?} is not valid"),
            ConnectionSpecific(name) => write!(f, "{name:?} is not allowed in HTTP/2"),
            Te => write!(f, "\"te\" has a value other than \"trailers\""),
            Host => write!(f, "\"host\" occurs twice, is invalid, or differs from :authority"),
            ContentLength => write!(f, "\"content-length\" is not a number, or has two values"),
            SwitchingProtocols => write!(f, ":status 101 does not exist in HTTP/2"),
            InformationalEnd => write!(f, "an interim response cannot end the stream"),
            UnsafePush => write!(f, "a promised request must be safe and have no body"),
        }
    }
}

impl std::error::Error for Malformed {}
