//! Messages, and the events of a connection.

use bytes::Bytes;

use super::close::Close;
use super::text::Text;

/// A message of text or binary data. A clone shares the octets.
///
/// ```
/// use h2_sync::ws::Message;
///
/// let text = Message::text("hello");
/// assert_eq!((text.as_text(), text.len(), text.is_empty()), (Some("hello"), 5, false));
/// assert_eq!(Message::from("hello"), text);
///
/// let binary = Message::binary(vec![1, 2, 3]);
/// assert_eq!((binary.as_text(), binary.as_bytes()), (None, &[1, 2, 3][..]));
/// assert_eq!(binary.into_bytes().len(), 3);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// A text message.
    Text(Text),
    /// A binary message.
    Binary(Bytes),
}

impl Message {
    /// Creates a text message.
    pub fn text(text: impl Into<Text>) -> Self {
        Message::Text(text.into())
    }

    /// Creates a binary message.
    pub fn binary(octets: impl Into<Bytes>) -> Self {
        Message::Binary(octets.into())
    }

    /// The text, or `None` for a binary message.
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Message::Text(text) => Some(text),
            Message::Binary(_) => None,
        }
    }

    /// The octets of either kind.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Message::Text(text) => text.as_bytes(),
            Message::Binary(octets) => octets,
        }
    }

    /// The octets of either kind, without a copy.
    pub fn into_bytes(self) -> Bytes {
        match self {
            Message::Text(text) => text.into_bytes(),
            Message::Binary(octets) => octets,
        }
    }

    /// Returns the number of octets.
    pub fn len(&self) -> usize {
        self.as_bytes().len()
    }

    /// Whether the length is 0.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl From<Text> for Message {
    fn from(text: Text) -> Self {
        Message::Text(text)
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Self {
        Message::Text(text.into())
    }
}

impl From<String> for Message {
    fn from(text: String) -> Self {
        Message::Text(text.into())
    }
}

impl From<Bytes> for Message {
    fn from(octets: Bytes) -> Self {
        Message::Binary(octets)
    }
}

impl From<Vec<u8>> for Message {
    fn from(octets: Vec<u8>) -> Self {
        Message::Binary(octets.into())
    }
}

impl From<&[u8]> for Message {
    fn from(octets: &[u8]) -> Self {
        Message::Binary(Bytes::copy_from_slice(octets))
    }
}

impl<const N: usize> From<&[u8; N]> for Message {
    fn from(octets: &[u8; N]) -> Self {
        Message::from(&octets[..])
    }
}

/// A message or a control frame from the peer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A complete message.
    Message(Message),
    /// A PING. Its answer is ready to transmit.
    Ping(Bytes),
    /// A PONG, solicited or not.
    Pong(Bytes),
    /// The peer's Close frame, the last event. If this end has sent none, the answer is ready to
    /// transmit.
    Close(Close),
}
