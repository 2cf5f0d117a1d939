//! The response of a call with one message.

use crate::metadata::Metadata;

/// A message, and the metadata that came with it.
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

    /// The message.
    pub fn message(&self) -> &T {
        &self.message
    }

    /// The message alone.
    pub fn into_message(self) -> T {
        self.message
    }

    /// The metadata that came before the message.
    pub fn headers(&self) -> &Metadata {
        &self.headers
    }

    /// The metadata that came with the status.
    pub fn trailers(&self) -> &Metadata {
        &self.trailers
    }
}
