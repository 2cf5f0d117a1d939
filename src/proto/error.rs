//! The core's errors, sorted by whose fault they are.
//!
//! - [`ConnectionError`]: the connection has ended. GOAWAY has been queued before it is returned,
//!   and a failed connection keeps failing with the same error.
//! - [`CommandError`]: the caller asked for something that cannot be. That call alone fails.
//! - [`Malformed`]: what is wrong with a field section (RFC 9113, Section 8).
//!
//! A *stream* error of the peer's is no error of any call: the stream is reset with the code that
//! the RFC asks for, and [`Event::Reset`](super::Event::Reset) tells.

use std::borrow::Cow;
use std::fmt;

use crate::frame::{self, ErrorCode, StreamId};
use crate::hpack::DecodeError;

/// Whose fault the end of a connection was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// The peer broke a rule of the protocol.
    Peer,
    /// The peer went over one of our limits.
    Limit,
    /// The peer did not answer, or did not go on, in time.
    Timeout,
    /// Something failed on our side.
    Internal,
}

/// What a connection error says of a server that answers in HTTP/1.x.
pub(crate) const PEER_SPEAKS_HTTP1: &str = "the peer speaks HTTP/1, not HTTP/2";

/// Why a connection has failed: a connection error (RFC 9113, Section 5.4.1).
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

    /// The peer did not go on in time; for [`Connection::abort`](super::Connection::abort).
    pub fn timeout(code: ErrorCode, detail: impl Into<Cow<'static, str>>) -> Self {
        ConnectionError { code, fault: Fault::Timeout, detail: detail.into() }
    }

    /// Something on our side has failed; for [`Connection::abort`](super::Connection::abort).
    pub fn internal(detail: impl Into<Cow<'static, str>>) -> Self {
        ConnectionError {
            code: ErrorCode::InternalError,
            fault: Fault::Internal,
            detail: detail.into(),
        }
    }

    /// The code that GOAWAY carries.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Whose fault it was.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// What happened, in words; GOAWAY carries them as its debug data.
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for ConnectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let who = match self.fault {
            Fault::Peer => "the peer broke the protocol",
            Fault::Limit => "the peer went over a limit",
            Fault::Timeout => "the peer took too long",
            Fault::Internal => "internal failure",
        };
        write!(f, "{who}: {} ({})", self.detail, self.code)
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

/// What the caller asked for and cannot have. Nothing has been sent and nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CommandError {
    /// The connection has ended.
    Closed,
    /// GOAWAY has been sent or received: no new streams.
    GoingAway,
    /// There is no such stream: never opened, or long gone.
    UnknownStream(StreamId),
    /// The stream has ended, by END_STREAM of both sides or by RST_STREAM.
    StreamClosed(StreamId),
    /// END_STREAM has been sent on the stream already.
    SendClosed(StreamId),
    /// The identifier is one of this side's, and was never reserved.
    NotReserved(StreamId),
    /// The identifier was reserved and not used in time, while a higher one waited to be used.
    GivenUp(StreamId),
    /// All 2^30 identifiers of this side have been used: open a new connection.
    IdsExhausted,
    /// DATA before HEADERS, or an interim response on a promised stream before the final one.
    HeadersNotSent(StreamId),
    /// The field section is not valid.
    Malformed(Malformed),
    /// The field section is larger than the peer's `SETTINGS_MAX_HEADER_LIST_SIZE`.
    SectionTooLarge {
        /// Octets, counted as RFC 9113, Section 6.5.2 says.
        size: usize,
        /// What the peer takes.
        limit: usize,
    },
    /// Trailers have to end the stream (RFC 9113, Section 8.1).
    TrailersWithoutEnd(StreamId),
    /// As many interim (1xx) responses as
    /// [`max_informational`](super::Config::max_informational) have been sent on the stream.
    TooManyInformational(StreamId),
    /// A tunnel that CONNECT has opened carries DATA alone (RFC 9113, Section 8.5).
    TrailersInTunnel(StreamId),
    /// A 204, 205 or 304, a response to HEAD or an interim response has no body.
    NoBodyAllowed(StreamId),
    /// DATA does not add up to the `content-length` that was sent.
    ContentLength(StreamId),
    /// No room for more octets; they can be sent again after
    /// [`Event::SendRoom`](super::Event::SendRoom).
    Full {
        /// The stream that has no room for DATA, or stream 0 where a field section found none.
        stream_id: StreamId,
    },
    /// The peer does not take pushed streams, or this side is a client.
    PushDisabled,
    /// Only a client may do that.
    ClientOnly,
    /// Only a server may do that.
    ServerOnly,
    /// An upgrade comes before everything else on a connection.
    AlreadyStarted,
    /// A setting out of its range, or one that this side must not send.
    InvalidSetting(Cow<'static, str>),
    /// Octets were released that were never received.
    ReleasedTooMuch(StreamId),
    /// Too many PINGs or SETTINGS of ours are unanswered.
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
            HeadersNotSent(id) => write!(f, "stream {id}: HEADERS have to be sent first"),
            Malformed(what) => write!(f, "malformed field section: {what}"),
            SectionTooLarge { size, limit } => {
                write!(f, "field section of {size} octets: the peer takes {limit}")?;
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
                write!(f, "too many field sections wait to be sent on the connection")
            }
            Full { stream_id } => {
                write!(f, "too many octets wait to be sent on stream {stream_id}")
            }
            PushDisabled => write!(f, "the peer does not take pushed streams"),
            ClientOnly => write!(f, "only a client may do that"),
            ServerOnly => write!(f, "only a server may do that"),
            AlreadyStarted => write!(f, "the connection has started: it is too late to upgrade"),
            InvalidSetting(what) => write!(f, "invalid setting: {what}"),
            ReleasedTooMuch(id) => {
                write!(f, "stream {id}: more octets released than were received")
            }
            TooManyUnanswered => write!(f, "too many PING or SETTINGS frames wait for an answer"),
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

/// A GOAWAY of the peer's in an error's text: `GOAWAY with ENHANCE_YOUR_CALM, "too many pings"`.
pub(crate) struct GoawayText<'a>(pub(crate) ErrorCode, pub(crate) &'a [u8]);

impl fmt::Display for GoawayText<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Octets of the debug data that are repeated.
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

/// What is wrong with a field section (RFC 9113, Sections 8.1 to 8.5).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// A field name with an octet that is not allowed, upper case included (Section 8.2.1).
    Name(String),
    /// The value of this field has CR, LF, NUL, another control character, or white space at an
    /// end (Section 8.2.1).
    Value(String),
    /// A pseudo-header field after a regular field (Section 8.3).
    PseudoAfterRegular(String),
    /// A pseudo-header field that is unknown or has no place in this kind of message.
    UnexpectedPseudo(String),
    /// The same pseudo-header field twice.
    DuplicatePseudo(&'static str),
    /// A pseudo-header field that this kind of message needs.
    MissingPseudo(&'static str),
    /// A pseudo-header field whose value is not valid.
    InvalidPseudo(&'static str),
    /// A field that only makes sense on one connection of HTTP/1.1 (Section 8.2.2).
    ConnectionSpecific(&'static str),
    /// `te` with anything but `trailers` (Section 8.2.2).
    Te,
    /// `host` that is there twice, not valid, or differs from `:authority` (Section 8.3.1).
    Host,
    /// `content-length` that is not a number, or is there twice with different values.
    ContentLength,
    /// `:status` 101, which HTTP/2 does not have (Section 8.6).
    SwitchingProtocols,
    /// An interim (1xx) response that ends the stream (Section 8.1).
    InformationalEnd,
    /// A promised request that is not safe and cacheable, or has a body (Section 8.4).
    UnsafePush,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use Malformed::*;
        match self {
            Name(name) => write!(f, "field name {name:?} has an octet that is not allowed"),
            Value(name) => write!(f, "the value of {name:?} has an octet that is not allowed"),
            PseudoAfterRegular(name) => write!(f, "{name:?} stands after a regular field"),
            UnexpectedPseudo(name) => write!(f, "{name:?} has no place in this message"),
            DuplicatePseudo(name) => write!(f, "{name:?} is there twice"),
            MissingPseudo(name) => write!(f, "{name:?} is missing"),
            InvalidPseudo(name) => write!(f, "the value of {name:?} is not valid"),
            ConnectionSpecific(name) => write!(f, "{name:?} is not allowed in HTTP/2"),
            Te => write!(f, "\"te\" may only say \"trailers\""),
            Host => write!(f, "\"host\" is there twice, is not valid, or differs from :authority"),
            ContentLength => write!(f, "\"content-length\" is not a number, or has two values"),
            SwitchingProtocols => write!(f, ":status 101 does not exist in HTTP/2"),
            InformationalEnd => write!(f, "an interim response cannot end the stream"),
            UnsafePush => write!(f, "a promised request must be safe and have no body"),
        }
    }
}

impl std::error::Error for Malformed {}
