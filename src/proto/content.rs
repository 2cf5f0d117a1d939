//! The content of a message: how many octets of DATA may follow its header section, and whether
//! trailers may (RFC 9110, Sections 6.4 and 8.6; RFC 9113, Sections 8.1.1 and 8.5).
//!
//! Both roles apply these rules in both directions.

use std::fmt;

use super::error::CommandError;
use super::headers::{RequestFacts, RequestKind, ResponseFacts};
use crate::frame::StreamId;

/// What may follow in one direction of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// Any number of octets, optionally followed by trailers.
    Unknown,
    /// Exactly this many octets, the remainder of `content-length`.
    Left(u64),
    /// No octets: the response to HEAD, or a status that forbids content.
    Forbidden,
    /// Octets of a tunnel, without trailers.
    Tunnel,
}

impl Content {
    /// Returns the content of a request.
    pub(crate) fn of_request(request: &RequestFacts) -> Self {
        match request.content_length {
            // RFC 9110, Section 9.3.6: octets after CONNECT are not content.
            Some(length) if request.kind != RequestKind::Connect => Content::Left(length),
            _ => Content::Unknown,
        }
    }

    /// Returns the content of a final response to `request`.
    pub(crate) fn of_response(request: RequestKind, response: &ResponseFacts) -> Self {
        if is_tunnel(request == RequestKind::Connect, response.status) {
            Content::Tunnel
        } else if request == RequestKind::Head || forbids_content(response.status) {
            Content::Forbidden
        } else {
            response.content_length.map_or(Content::Unknown, Content::Left)
        }
    }

    /// Returns what may follow a DATA frame of `len` octets.
    ///
    /// # Errors
    ///
    /// The octets are not allowed, or END_STREAM comes too early.
    pub(crate) fn after_data(self, len: usize, end_stream: bool) -> Result<Self, ContentError> {
        match self {
            Content::Unknown | Content::Tunnel => Ok(self),
            Content::Forbidden if len == 0 => Ok(self),
            Content::Forbidden => Err(ContentError::Forbidden),
            Content::Left(left) => match left.checked_sub(len as u64) {
                None => Err(ContentError::TooLong { left, len }),
                Some(rest) if end_stream && rest > 0 => Err(ContentError::TooShort { left: rest }),
                Some(rest) => Ok(Content::Left(rest)),
            },
        }
    }

    /// Checks that the message's HEADERS may carry END_STREAM.
    pub(crate) fn check_end(self) -> Result<(), ContentError> {
        self.after_data(0, true).map(drop)
    }

    /// Checks that trailers, which end the stream, are allowed.
    pub(crate) fn check_trailers(self) -> Result<(), ContentError> {
        match self {
            // RFC 9113, Section 8.5: only DATA.
            Content::Tunnel => Err(ContentError::TunnelTrailers),
            _ => self.check_end(),
        }
    }
}

/// Whether this status turns a CONNECT into a tunnel: any 2xx, including 204 (RFC 9110, Section
/// 9.3.6), also for extended CONNECT (RFC 8441, Section 5).
pub(crate) fn is_tunnel(is_connect: bool, status: u16) -> bool {
    is_connect && (200..300).contains(&status)
}

/// Whether a final response with this status never has content (RFC 9110, Sections 6.4.1 and
/// 15.3.6).
pub(crate) fn forbids_content(status: u16) -> bool {
    matches!(status, 204 | 205 | 304)
}

/// Whether a response must not have its `content-length` (RFC 9110, Section 8.6). On a 205 only 0
/// is allowed.
pub(super) fn forbids_length(request: RequestKind, response: &ResponseFacts) -> bool {
    let Some(length) = response.content_length else { return false };
    match response.status {
        100..=199 | 204 => true,
        status if is_tunnel(request == RequestKind::Connect, status) => true,
        205 => length > 0,
        _ => false,
    }
}

/// A message whose content contradicts its header section.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentError {
    Forbidden,
    TooLong { left: u64, len: usize },
    TooShort { left: u64 },
    TunnelTrailers,
}

impl ContentError {
    /// Returns the error for a caller that sends such a message.
    pub(super) fn on(self, id: StreamId) -> CommandError {
        match self {
            ContentError::Forbidden => CommandError::NoBodyAllowed(id),
            ContentError::TooLong { .. } | ContentError::TooShort { .. } => {
                CommandError::ContentLength(id)
            }
            ContentError::TunnelTrailers => CommandError::TrailersInTunnel(id),
        }
    }
}

impl fmt::Display for ContentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ContentError::Forbidden => f.write_str("content in a response that must not have any"),
            ContentError::TooLong { left, len } => {
                write!(f, "DATA of {len} octets where content-length leaves {left}")
            }
            ContentError::TooShort { left } => {
                write!(f, "the message ends {left} octets before its content-length")
            }
            ContentError::TunnelTrailers => f.write_str("HEADERS in a tunnel"),
        }
    }
}
