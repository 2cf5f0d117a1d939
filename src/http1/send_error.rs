//! Mistakes of the caller.

use std::fmt;

use http::header::HeaderName;

/// What the caller asked for and cannot have. Nothing has been encoded and nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A response before a request, or a second final response to one request.
    NoRequest,
    /// A request while the exchange before it has not ended, or on a connection that is to close.
    Busy,
    /// Content, trailers or an end where no message is being sent.
    NoMessage,
    /// Content in a message that has none: a response to HEAD, a 204 or a 304.
    NoContentAllowed,
    /// More content than announced.
    TooLong {
        /// Octets of the announced content that were left.
        left: u64,
        /// Octets that were to be sent.
        len: u64,
    },
    /// The end of a message before all announced content. The message cannot be completed by
    /// closing it: the connection has to be closed.
    TooShort {
        /// Octets of the announced content that are missing.
        left: u64,
    },
    /// A `content-length` field that is not a number or differs from the size that was given.
    ContentLength,
    /// A field that must not be in a trailer section (RFC 9110, Section 6.5.1).
    ForbiddenTrailer(HeaderName),
    /// A status that cannot be sent by this call: an interim one as a final response, or a final one
    /// as an interim response.
    Status(u16),
    /// A 101 to a request that did not ask for an upgrade, is not complete, or without `upgrade`.
    Upgrade,
    /// A request without a host: neither in its URI nor in a `host` field.
    NoHost,
    /// A `host` field that is not valid, or names another host than an absolute request target.
    Host,
    /// A URI that has no form as a request target: CONNECT without a port, `*` with another method
    /// than OPTIONS, or no scheme where a proxy needs one.
    Target,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SendError::*;
        match self {
            NoRequest => write!(f, "there is no request that waits for a response"),
            Busy => write!(f, "the exchange before has not ended, or the connection is to close"),
            NoMessage => write!(f, "no message is being sent"),
            NoContentAllowed => write!(f, "a response to HEAD, a 204 or a 304 has no content"),
            TooLong { left, len } => {
                write!(f, "{len} octets of content where content-length leaves room for {left}")
            }
            TooShort { left } => {
                write!(f, "the message ends {left} octets short of its content-length")
            }
            ContentLength => {
                write!(f, "content-length is not a number or differs from the size of the content")
            }
            ForbiddenTrailer(name) => write!(f, "{:?} must not be a trailer", name.as_str()),
            Status(status) => write!(f, "status {status} cannot be sent by this call"),
            Upgrade => write!(f, "101 needs a complete request with upgrade, and names what it is"),
            NoHost => write!(f, "the request names no host: neither its URI nor a host field"),
            Host => write!(f, "the host field is not valid, or differs from the request target"),
            Target => write!(f, "the URI cannot be a request target of this method"),
        }
    }
}

impl std::error::Error for SendError {}
