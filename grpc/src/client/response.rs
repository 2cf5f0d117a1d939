//! The response of a call with one message.

use crate::metadata::Metadata;

/// A response message with its metadata.
#[derive(Debug, Clone, Default)]
pub struct Response<T> {
    message: T,
    headers: Metadata,
    trailers: Metadata,
}

impl<T> Response<T> {
    pub(super) fn new(message: T, headers: Metadata, trailers: Metadata) -> Self {
        Response { message, headers, trailers }
    }

    /// Returns the message.
    pub fn message(&self) -> &T {
        &self.message
    }

    /// Returns the message by value, without the metadata.
    pub fn into_message(self) -> T {
        self.message
    }

    /// Returns the metadata that arrived before the message.
    pub fn headers(&self) -> &Metadata {
        &self.headers
    }

    /// Returns the metadata that arrived with the status.
    pub fn trailers(&self) -> &Metadata {
        &self.trailers
    }
}
