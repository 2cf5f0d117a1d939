//! The messages of a server.

use std::fmt;

use bytes::Bytes;

use super::inbound::Inbound;
use super::response::Response;
use crate::codec::Codec;
use crate::metadata::Metadata;
use crate::status::Status;

/// Decodes the messages of a response.
pub(super) type Decode<T> = Box<dyn Fn(Bytes) -> Result<T, Status> + Send + Sync>;

/// The messages that a server sends: an iterator, which waits for each.
///
/// It ends after the last message of a call that succeeded, and after an error, which is the status of
/// the call. Not reading is backpressure: the server can send as much as the window of the stream has
/// room for. Dropping it before the end cancels the call.
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

    /// Waits for the next message; `None` after the last one.
    ///
    /// # Errors
    ///
    /// The status of the call, if it failed. There is nothing more then.
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

    /// The metadata before the messages. Waits until it is there.
    ///
    /// # Errors
    ///
    /// The call failed before it came.
    pub fn headers(&mut self) -> Result<&Metadata, Status> {
        self.inbound.headers()
    }

    /// The metadata with the status of a call that succeeded; empty before the end. That of a call that
    /// failed is [`Status::metadata`].
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

/// The response of a client streaming call, to be waited for. Dropping it cancels the call.
pub struct Reply<T> {
    inbound: Inbound,
    decode: Decode<T>,
}

impl<T> Reply<T> {
    pub(super) fn new(inbound: Inbound, codec: impl Codec<T>) -> Self {
        Reply { inbound, decode: Box::new(move |octets| codec.decode(octets)) }
    }

    /// Waits for the message and the status. Before that the [`Sender`](super::Sender) has to
    /// [finish](super::Sender::finish), unless the server ends the call earlier.
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
