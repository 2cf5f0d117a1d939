//! The size of a message's content, as its sender knows it.

/// The size of the content of a message to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySize {
    /// Exactly this many octets: 0 for a message without content.
    Known(u64),
    /// Unknown in advance. A `content-length` among the fields makes it known. Otherwise the
    /// content is sent in chunks or, in a response to HTTP/1.0, ends when the connection closes.
    Unknown,
}
