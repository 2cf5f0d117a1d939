//! The messages of a client.

use std::fmt;
use std::time::Instant;

use bytes::BytesMut;
use h2_sync::client::SendHalf;

use super::inbound::Outcome;
use super::start::status_of;
use crate::code::Code;
use crate::codec::Codec;
use crate::framing::Writer;
use crate::status::Status;

/// The octets of messages that [`Sender::feed`] buffers.
const BUFFERED: usize = 32 << 10;

type Encode<T> = dyn Fn(&T, &mut BytesMut) -> Result<(), Status> + Send + Sync;

/// Sends the messages of a client's request.
///
/// Sending blocks while the server does not read (backpressure). Call [`finish`](Self::finish) at the end;
/// dropping the sender before that cancels the call.
///
/// A server may end a call before it has received all messages. Sending then fails with the status of the
/// call, which the [`Receiver`](super::Receiver) or [`Reply`](super::Reply) reports too. If the call has
/// ended with OK, it fails with [`FailedPrecondition`](crate::Code::FailedPrecondition).
///
/// ```
/// use h2_sync_grpc::client::Sender;
/// use h2_sync_grpc::Status;
///
/// fn upload(mut numbers: Sender<u32>, all: &[u32]) -> Result<(), Status> {
///     for number in all {
///         numbers.feed(number)?; // buffers small messages
///     }
///     numbers.flush()?;
///     if !numbers.is_closed() {
///         numbers.send(&0)?;
///     }
///     numbers.finish()
/// }
/// ```
pub struct Sender<T> {
    half: SendHalf,
    /// How the receiving half has seen the call end.
    outcome: Outcome,
    deadline: Option<Instant>,
    encode: Box<Encode<T>>,
    /// Messages that have not been handed to the stream.
    buffer: BytesMut,
}

impl<T> Sender<T> {
    pub(super) fn new(
        mut half: SendHalf,
        outcome: Outcome,
        deadline: Option<Instant>,
        writer: Writer,
        codec: impl Codec<T>,
    ) -> Self {
        half.set_deadline(deadline);
        half.stop_when_peer_ends();
        let encode =
            move |message: &T, buffer: &mut BytesMut| writer.write(&codec, message, buffer);
        Sender { half, outcome, deadline, encode: Box::new(encode), buffer: BytesMut::new() }
    }

    /// Sends a message, and those that were [fed](Self::feed) before.
    ///
    /// # Errors
    ///
    /// The message is too large, the call has ended, or its deadline has passed.
    pub fn send(&mut self, message: &T) -> Result<(), Status> {
        (self.encode)(message, &mut self.buffer)?;
        self.flush()
    }

    /// Buffers a message until 32 KiB are buffered, or until the next [`send`](Self::send),
    /// [`flush`](Self::flush) or [`finish`](Self::finish). Cheaper than `send` for many small messages.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn feed(&mut self, message: &T) -> Result<(), Status> {
        (self.encode)(message, &mut self.buffer)?;
        if self.buffer.len() < BUFFERED {
            return Ok(());
        }
        self.flush()
    }

    /// Sends the buffered messages.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn flush(&mut self) -> Result<(), Status> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        if let Some(status) = self.early_end() {
            return Err(status);
        }
        let octets = self.buffer.split().freeze();
        self.half.send(octets).map_err(|error| self.ended(error))
    }

    /// Sends the buffered messages, and ends the request.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn finish(mut self) -> Result<(), Status> {
        self.flush()?;
        self.half.finish().map_err(|error| self.ended(error))
    }

    /// Returns whether the call has ended, so that sending fails.
    pub fn is_closed(&self) -> bool {
        self.half.is_closed()
    }

    /// Returns the status of a message that could not be sent.
    fn ended(&self, error: h2_sync::Error) -> Status {
        match self.early_end() {
            Some(status) => status.with_cause(error),
            None => status_of(error, self.deadline),
        }
    }

    /// Returns the error of sending if the server has ended the call, which may still receive for a while.
    fn early_end(&self) -> Option<Status> {
        let unread = || Status::of_fields(&self.half.peer_ended_with()?);
        let outcome = self.outcome.get().cloned().or_else(unread)?;
        let what = "the server has ended the call with OK, and takes no more messages";
        Some(outcome.err().unwrap_or_else(|| Status::new(Code::FailedPrecondition, what)))
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("is_closed", &self.is_closed()).finish_non_exhaustive()
    }
}
