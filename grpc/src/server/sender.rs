//! The sending half of a call at the server.

use std::fmt;

use bytes::BytesMut;

use super::context::Context;
use super::receiver::{gone, late};
use super::reply::Reply;
use crate::codec::Codec;
use crate::compression::Compression;
use crate::framing::Writer;
use crate::status::Status;

/// The number of octets that [`Sender::feed`] buffers.
const BUFFERED: usize = 32 << 10;

type Encode<T> = dyn Fn(&Writer, &T, &mut BytesMut) -> Result<(), Status> + Send + Sync;

/// Sends the messages of a response.
///
/// Sending blocks while the client does not read (backpressure). When the method returns, the
/// status is sent after the messages.
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
    /// The compression of the server, used if the client accepts it.
    wanted: Option<Compression>,
    writer: Writer,
    encode: Box<Encode<T>>,
    /// Encoded messages that have not been passed to the response.
    buffer: BytesMut,
    /// Whether the header section has been sent.
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

    /// Sends a message, after those that were [buffered](Self::feed) before.
    ///
    /// # Errors
    ///
    /// The message is too large, the client no longer waits
    /// ([`Code::Cancelled`](crate::Code::Cancelled)), or the deadline has passed. The method can
    /// return the status to end the call. If the client cancels as soon as it has the message,
    /// this may fail although the message has arrived.
    pub fn send(&mut self, message: &T) -> Result<(), Status> {
        self.put(message)?;
        self.flush()
    }

    /// Buffers a message until 32 KiB are buffered, or until the next [`send`](Self::send) or
    /// [`flush`](Self::flush), or the end of the method. Cheaper than `send` for many small
    /// messages.
    ///
    /// ```
    /// use h2_sync_grpc::server::{Context, Sender};
    /// use h2_sync_grpc::Status;
    ///
    /// fn table(_: &Context, rows: &[u32], to: &mut Sender<'_, u32>) -> Result<(), Status> {
    ///     for row in rows {
    ///         to.feed(row)?;
    ///     }
    ///     to.flush()?; // Before a pause; the end of the method sends the rest as well.
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn feed(&mut self, message: &T) -> Result<(), Status> {
        self.put(message)?;
        if self.buffer.len() < BUFFERED {
            return Ok(());
        }
        self.flush()
    }

    /// Sends the buffered messages. Sends the metadata if nothing has been sent before.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn flush(&mut self) -> Result<(), Status> {
        self.start()?;
        self.hand_over()?;
        // Later messages are sent immediately.
        if !std::mem::replace(&mut self.is_flushed, true) {
            self.reply.flush().map_err(|error| gone(self.cx, error))?;
        }
        Ok(())
    }

    /// Sends buffered messages and the status after the method has returned.
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

    /// Chooses the compression and sets the header section accordingly.
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
