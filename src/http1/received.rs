//! The next part of a message that is being received.

use http::HeaderMap;

/// The next part of a message's body, as returned by
/// [`ServerConnection::receive_body`](super::ServerConnection::receive_body) and
/// [`ClientConnection::receive_body`](super::ClientConnection::receive_body).
#[derive(Debug, Clone, PartialEq)]
pub enum Received {
    /// More octets are needed: read them and append them to the input.
    NeedMore,
    /// At most this many of the next octets are content; `u64::MAX` for content that continues
    /// until the peer closes. Take some of them, from the input with `take_content`, or from the
    /// source of the input and then call `consume`. Until then the result stays the same.
    Content(u64),
    /// The trailer section, after all content. It is never empty.
    Trailers(HeaderMap),
    /// The message is complete, or there is none. The result stays the same until the next message.
    End,
}
