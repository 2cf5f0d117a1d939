//! Errors of the caller.

use std::fmt;

use http::header::HeaderName;

/// A call that is not allowed in the current state. Nothing was encoded, and the state is
/// unchanged.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SendError {
    /// A response without a request, or a second final response to one request.
    NoRequest,
    /// A request before the end of the current exchange, or on a connection that is closing.
    Busy,
    /// Content, trailers or an end when no message is being sent.
    NoMessage,
    /// Content in a message that cannot have any: a response to HEAD, a 204 or a 304.
    NoContentAllowed,
    /// More content than was announced.
    TooLong {
        /// The octets that were left of the announced content.
        left: u64,
        /// The octets that the caller tried to send.
        len: u64,
    },
    /// The end of a message before all announced content. The caller must send the rest or close
    /// the connection.
    TooShort {
        /// The octets of the announced content that are missing.
        left: u64,
    },
    /// A `content-length` field that is not a number or differs from the given size.
    ContentLength,
    /// A field that is not allowed in a trailer section (RFC 9110, Section 6.5.1).
    ForbiddenTrailer(HeaderName),
    /// A status that this call cannot send: an interim one as a final response, or a final one as
    /// an interim response.
    Status(u16),
    /// A 101 without `upgrade`, or to a request that is incomplete or asked for no upgrade.
    Upgrade,
    /// A request whose URI and fields name no host.
    NoHost,
    /// A `host` field that is invalid or differs from the host of an absolute request target.
    Host,
    /// A URI that is not a valid request target: CONNECT without a port, `*` with a method other
    /// than OPTIONS, or no scheme on a connection to a proxy.
    Target,
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use SendError::*;
        match self {
            NoRequest => write!(f, "no request is waiting for a response"),
            Busy => write!(f, "the previous exchange has not ended, or the connection is closing"),
            NoMessage => write!(f, "no message is being sent"),
            NoContentAllowed => write!(f, "a response to HEAD, a 204 or a 304 has no content"),
            TooLong { left, len } => {
                write!(f, "{len} octets of content, but only {left} are left of the content-length")
            }
            TooShort { left } => {
                write!(f, "the message ends {left} octets short of its content-length")
            }
            ContentLength => {
                write!(f, "content-length is not a number or differs from the size of the content")
            }
            ForbiddenTrailer(name) => {
                write!(f, "field {:?} is not allowed in a trailer section", name.as_str())
            }
            Status(status) => write!(f, "status {status} cannot be sent by this call"),
            Upgrade => write!(
                f,
                "101 needs an upgrade field, and a complete request that asked for an upgrade"
            ),
            NoHost => write!(f, "no host in the URI or a host field"),
            Host => write!(f, "the host field is invalid or differs from the request target"),
            Target => write!(f, "the URI is not a valid request target for this method"),
        }
    }
}

impl std::error::Error for SendError {}
