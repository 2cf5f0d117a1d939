//! The receiving half of a call at the server.

use std::fmt;

use bytes::Bytes;
use h2_sync::server::Request;

use super::context::Context;
use crate::codec::Codec;
use crate::framing::Reader;
use crate::status::Status;

/// An iterator over the messages that a client sends. It blocks until the next message arrives.
///
/// It ends after the client's last message, and after an error. While the method does not read, the
/// client can send only as much as the receive window of its stream allows.
///
/// ```
/// use h2_sync_grpc::server::{Context, Receiver};
/// use h2_sync_grpc::Status;
///
/// fn sum(_: &Context, numbers: &mut Receiver<'_, i64>) -> Result<i64, Status> {
///     let mut sum = 0;
///     for number in numbers {
///         sum += number?;
///     }
///     Ok(sum)
/// }
/// ```
pub struct Receiver<'a, T> {
    cx: &'a Context,
    request: &'a mut Request,
    reader: Reader,
    decode: Box<dyn Fn(Bytes) -> Result<T, Status> + Send + Sync>,
    is_over: bool,
}

impl<'a, T> Receiver<'a, T> {
    pub(super) fn new(
        cx: &'a Context,
        request: &'a mut Request,
        reader: Reader,
        codec: impl Codec<T>,
    ) -> Self {
        let decode = Box::new(move |octets| codec.decode(octets));
        Receiver { cx, request, reader, decode, is_over: false }
    }

    /// Waits for the next message. `None` after the last one.
    ///
    /// ```
    /// use h2_sync_grpc::server::{Context, Receiver};
    /// use h2_sync_grpc::Status;
    ///
    /// fn first(_: &Context, numbers: &mut Receiver<'_, i64>) -> Result<i64, Status> {
    ///     numbers.receive()?.ok_or_else(|| Status::invalid_argument("there is no number"))
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// The client has cancelled the call or disconnected
    /// ([`Code::Cancelled`](crate::Code::Cancelled)), the deadline has passed, or a message is
    /// malformed. Later calls return `None`.
    pub fn receive(&mut self) -> Result<Option<T>, Status> {
        if self.is_over {
            return Ok(None);
        }
        let received = self.next_octets().and_then(|octets| octets.map(&self.decode).transpose());
        self.is_over = !matches!(received, Ok(Some(_)));
        received
    }

    fn next_octets(&mut self) -> Result<Option<Bytes>, Status> {
        loop {
            if let Some(message) = self.reader.next()? {
                return Ok(Some(message));
            }
            match self.request.next_chunk().map_err(|error| gone(self.cx, error))? {
                Some(piece) => self.reader.push(piece),
                None => return self.reader.finish().map(|()| None),
            }
        }
    }
}

/// Returns the status of a call whose stream failed at the server.
pub(super) fn gone(cx: &Context, error: h2_sync::Error) -> Status {
    use h2_sync::ErrorKind as Kind;
    if cx.is_late() {
        return late().with_cause(error);
    }
    match error.kind() {
        Kind::Reset | Kind::Closed | Kind::Transport => {
            Status::cancelled(format!("the client no longer waits: {error}")).with_cause(error)
        }
        _ => Status::from(error),
    }
}

/// Returns the status of a call whose deadline has passed.
pub(super) fn late() -> Status {
    Status::deadline_exceeded("the deadline has passed")
}

impl<T> Iterator for Receiver<'_, T> {
    type Item = Result<T, Status>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receive().transpose()
    }
}

impl<T> fmt::Debug for Receiver<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}
