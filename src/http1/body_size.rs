//! How much content a message is going to have.

/// The size of the content of a message to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySize {
    /// This many octets: 0 for a message without content.
    Known(u64),
    /// As many as will come. A `content-length` among the fields makes it known; else the content is
    /// sent in chunks, or until the connection closes in a response to HTTP/1.0.
    Unknown,
}
