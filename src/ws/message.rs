//! Messages, and what else comes from the peer.

use bytes::Bytes;

use super::close::Close;
use super::text::Text;

/// A message: text, or octets. A clone is a reference count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// Text in UTF-8.
    Text(Text),
    /// Octets.
    Binary(Bytes),
}

impl Message {
    /// A message of text.
    pub fn text(text: impl Into<Text>) -> Self {
        Message::Text(text.into())
    }

    /// A message of octets.
    pub fn binary(octets: impl Into<Bytes>) -> Self {
        Message::Binary(octets.into())
    }

    /// The text, where it is one.
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

    /// Whether it has no octets.
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
    /// A whole message.
    Message(Message),
    /// A PING. Its answer is there to transmit.
    Ping(Bytes),
    /// A PONG, which answers a PING or nothing.
    Pong(Bytes),
    /// The peer's Close frame, the last event. If it came first, its answer is there to transmit.
    Close(Close),
}
