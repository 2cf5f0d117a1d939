//! What comes next of a message that is being received.

use http::HeaderMap;

/// What comes next of the body of a message: the answer of
/// [`ServerConnection::receive_body`](super::ServerConnection::receive_body) and
/// [`ClientConnection::receive_body`](super::ClientConnection::receive_body).
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// The input does not tell: read more octets, behind those that are there.
    NeedMore,
    /// The next octets, this many at most, are content; `u64::MAX` where the content goes on until
    /// the peer closes. Take some of them, out of the input with `take_content`, or from wherever the
    /// input comes from and account for them with `consume`. Until then the answer stays the same.
    Content(u64),
    /// The trailer section, behind all content. It is never empty.
    Trailers(HeaderMap),
    /// There is no more of the message, or no message. The answer stays the same until the next one.
    End,
}
