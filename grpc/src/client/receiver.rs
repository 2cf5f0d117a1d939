//! The receiving half of a call at the client.

use std::fmt;

use bytes::Bytes;

use super::inbound::Inbound;
use super::response::Response;
use crate::codec::Codec;
use crate::metadata::Metadata;
use crate::status::Status;

/// Decodes the messages of a response.
pub(super) type Decode<T> = Box<dyn Fn(Bytes) -> Result<T, Status> + Send + Sync>;

/// An iterator over the messages that a server sends. It blocks until the next message arrives.
///
/// It ends after the last message of a successful call, and after an error, which is the status of
/// the call. While the application does not read, the server can send only as much as the receive
/// window of the stream allows. Dropping the receiver before the end cancels the call.
///
/// ```
/// use h2_sync_grpc::client::Receiver;
/// use h2_sync_grpc::Status;
///
/// fn sum(mut numbers: Receiver<u32>) -> Result<u32, Status> {
///     println!("{:?}", numbers.headers()?.get("server-name"));
///     let mut sum = 0;
///     while let Some(number) = numbers.receive()? {
///         sum += number;
///     }
///     println!("{:?}", numbers.trailers().get("count"));
///     Ok(sum)
/// }
/// ```
pub struct Receiver<T> {
    inbound: Inbound,
    decode: Decode<T>,
    is_over: bool,
}

impl<T> Receiver<T> {
    pub(super) fn new(inbound: Inbound, codec: impl Codec<T>) -> Self {
        let decode = Box::new(move |octets| codec.decode(octets));
        Receiver { inbound, decode, is_over: false }
    }

    /// Waits for the next message. `None` after the last one.
    ///
    /// # Errors
    ///
    /// The status of the call, if it failed. Later calls return `None`.
    pub fn receive(&mut self) -> Result<Option<T>, Status> {
        if self.is_over {
            return Ok(None);
        }
        let received = self.inbound.next().and_then(|octets| octets.map(&self.decode).transpose());
        if let Err(status) = &received {
            self.inbound.fail(status);
        }
        self.is_over = !matches!(received, Ok(Some(_)));
        received
    }

    /// Waits for the metadata before the messages, and returns it.
    ///
    /// # Errors
    ///
    /// The call failed before the metadata arrived.
    pub fn headers(&mut self) -> Result<&Metadata, Status> {
        self.inbound.headers()
    }

    /// Returns the metadata that arrived with the status of a successful call; empty before the
    /// end. For a failed call, see [`Status::metadata`].
    pub fn trailers(&self) -> &Metadata {
        self.inbound.trailers()
    }
}

impl<T> Iterator for Receiver<T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receive().transpose()
    }
}

/// The pending response of a client streaming call. Dropping it cancels the call.
///
/// [`Stub::client_streaming`](super::Stub::client_streaming) has an example.
pub struct Reply<T> {
    inbound: Inbound,
    decode: Decode<T>,
}

impl<T> Reply<T> {
    pub(super) fn new(inbound: Inbound, codec: impl Codec<T>) -> Self {
        Reply { inbound, decode: Box::new(move |octets| codec.decode(octets)) }
    }

    /// Waits for the message and the status. [Finish](super::Sender::finish) the
    /// [`Sender`](super::Sender) first, unless the server ends the call earlier.
    ///
    /// # Errors
    ///
    /// The status of the call, if it failed.
    pub fn wait(mut self) -> Result<Response<T>, Status> {
        let message = (self.decode)(self.inbound.only()?)?;
        let (headers, trailers) = self.inbound.take_metadata();
        Ok(Response::new(message, headers, trailers))
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}
