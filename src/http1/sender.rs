//! The sending direction of a connection: content and trailers, in both roles.

use http::HeaderMap;

use super::chunked::is_forbidden_trailer;
use super::send_error::SendError;
use super::write;

/// What may be sent next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sender {
    /// Nothing: a server has no request to answer, or a client waits for a response.
    Idle,
    /// The first line and header section of a message.
    Head,
    Body(Framing),
    /// The message is complete.
    Done,
    /// The connection carries another protocol.
    Tunnel,
}

/// How the end of the content is signalled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// No content, regardless of a `content-length`.
    Nothing,
    /// A content-length, of which this many octets are left.
    Length(u64),
    Chunked {
        /// Whether the peer accepts a trailer section.
        trailers: bool,
    },
    UntilClose,
}

impl Sender {
    /// Appends the framing before `len` octets of content, and returns the framing after them.
    pub(super) fn frame_data(
        &mut self,
        len: usize,
        out: &mut Vec<u8>,
    ) -> Result<&'static [u8], SendError> {
        let Sender::Body(framing) = self else { return Err(SendError::NoMessage) };
        match framing {
            _ if len == 0 => {}
            Framing::Nothing => return Err(SendError::NoContentAllowed),
            Framing::Length(left) => {
                let len = len as u64;
                let Some(rest) = left.checked_sub(len) else {
                    return Err(SendError::TooLong { left: *left, len });
                };
                *left = rest;
            }
            Framing::Chunked { .. } => {
                write::chunk_size(out, len);
                return Ok(b"\r\n");
            }
            Framing::UntilClose => {}
        }
        Ok(b"")
    }

    /// Ends the message.
    pub(super) fn finish(
        &mut self,
        trailers: Option<&HeaderMap>,
        out: &mut Vec<u8>,
    ) -> Result<(), SendError> {
        let Sender::Body(framing) = *self else { return Err(SendError::NoMessage) };
        match framing {
            Framing::Length(left) if left > 0 => return Err(SendError::TooShort { left }),
            Framing::Chunked { trailers: takes_trailers } => {
                let trailers = trailers.filter(|_| takes_trailers);
                let mut names = trailers.into_iter().flat_map(HeaderMap::keys);
                if let Some(name) = names.find(|name| is_forbidden_trailer(name)) {
                    return Err(SendError::ForbiddenTrailer(name.clone()));
                }
                out.extend_from_slice(b"0\r\n");
                trailers.into_iter().flatten().for_each(|(name, value)| {
                    write::field(out, name.as_str().as_bytes(), value.as_bytes());
                });
                out.extend_from_slice(b"\r\n");
            }
            Framing::Nothing | Framing::Length(_) | Framing::UntilClose => {}
        }
        *self = Sender::Done;
        Ok(())
    }
}
