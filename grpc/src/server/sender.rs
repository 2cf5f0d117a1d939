//! The messages of a server.

use std::fmt;

use bytes::BytesMut;

use super::context::Context;
use super::receiver::{gone, late};
use super::reply::Reply;
use crate::codec::Codec;
use crate::compression::Compression;
use crate::framing::Writer;
use crate::status::Status;

/// Octets of messages that [`Sender::feed`] gathers.
const GATHERED: usize = 32 << 10;

type Encode<T> = dyn Fn(&Writer, &T, &mut BytesMut) -> Result<(), Status> + Send + Sync;

/// Where a method sends the messages of its response.
///
/// Sending waits while the client does not read: that is its backpressure. When the method returns,
/// the status goes out behind the messages.
///
/// ```
/// use h2_sync_grpc::server::{Context, Sender};
/// use h2_sync_grpc::Status;
///
/// fn count(_: &Context, to: u32, numbers: &mut Sender<'_, u32>) -> Result<(), Status> {
///     for number in 1..=to {
///         numbers.send(&number)?;
///     }
///     Ok(())
/// }
/// ```
pub struct Sender<'a, T> {
    cx: &'a Context,
    reply: Reply<'a>,
    /// What the server compresses by, where the client takes it.
    wanted: Option<Compression>,
    writer: Writer,
    encode: Box<Encode<T>>,
    /// Messages that have not been handed to the response.
    buffer: BytesMut,
    /// The header section has gone out.
    is_flushed: bool,
}

impl<'a, T> Sender<'a, T> {
    pub(super) fn new(
        cx: &'a Context,
        reply: Reply<'a>,
        wanted: Option<Compression>,
        max_message: usize,
        codec: impl Codec<T>,
    ) -> Self {
        let encode = move |writer: &Writer, message: &T, buffer: &mut BytesMut| {
            writer.write(&codec, message, buffer)
        };
        Sender {
            cx,
            reply,
            wanted,
            writer: Writer { compression: None, max_message },
            encode: Box::new(encode),
            buffer: BytesMut::new(),
            is_flushed: false,
        }
    }

    /// Sends a message, and those that were [fed](Self::feed) before.
    ///
    /// # Errors
    ///
    /// The message is too large, the client has gone
    /// ([`Code::Cancelled`](crate::Code::Cancelled)), or the deadline has passed. Returning the status
    /// ends the call with it.
    pub fn send(&mut self, message: &T) -> Result<(), Status> {
        self.put(message)?;
        self.flush()
    }

    /// Sends a message that may wait for others: until 32 KiB are there, the next
    /// [`send`](Self::send) or [`flush`](Self::flush), or the end of the method. Cheaper than `send`
    /// where many small messages are at hand.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn feed(&mut self, message: &T) -> Result<(), Status> {
        self.put(message)?;
        if self.buffer.len() < GATHERED {
            return Ok(());
        }
        self.flush()
    }

    /// Sends the messages that wait, and the metadata if nothing has been sent before.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn flush(&mut self) -> Result<(), Status> {
        self.start()?;
        self.hand_over()?;
        // What is sent later goes out at once.
        if !std::mem::replace(&mut self.is_flushed, true) {
            self.reply.flush().map_err(|error| gone(self.cx, error))?;
        }
        Ok(())
    }

    /// The method has returned: what waits goes out with the status.
    pub(super) fn finish(mut self, outcome: Result<(), Status>) -> Result<(), Status> {
        if outcome.is_ok() {
            self.start()?;
        }
        self.hand_over()?;
        outcome
    }

    fn put(&mut self, message: &T) -> Result<(), Status> {
        if self.cx.is_late() {
            return Err(late());
        }
        self.start()?;
        (self.encode)(&self.writer, message, &mut self.buffer)
    }

    /// Settles how messages are compressed, and the header section with it.
    fn start(&mut self) -> Result<(), Status> {
        if self.reply.is_started() {
            return Ok(());
        }
        self.writer.compression = Reply::compression(self.cx, self.wanted);
        let started = self.reply.start(self.cx, self.writer.compression);
        started.map_err(|error| gone(self.cx, error))
    }

    fn hand_over(&mut self) -> Result<(), Status> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        let octets = self.buffer.split().freeze();
        self.reply.send(octets).map_err(|error| gone(self.cx, error))
    }
}

impl<T> fmt::Debug for Sender<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("writer", &self.writer).finish_non_exhaustive()
    }
}
