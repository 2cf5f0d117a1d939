//! The response of a call with one message.

use crate::metadata::Metadata;

/// A response message with its metadata.
///
/// ```
/// use h2_sync_grpc::client::Response;
///
/// fn number(response: Response<u32>) -> u32 {
///     println!("{} from {:?}", response.message(), response.headers().get("server-name"));
///     println!("{:?}", response.trailers().get("count"));
///     response.into_message()
/// }
/// ```
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
