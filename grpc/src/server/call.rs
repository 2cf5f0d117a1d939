//! One call at the server, before its method runs.

use std::fmt;

use bytes::BytesMut;
use h2_sync::server::Request;

use super::context::Context;
use super::receiver::{Receiver, gone};
use super::reply::Reply;
use super::sender::Sender;
use crate::codec::Codec;
use crate::compression::Compression;
use crate::framing::{Reader, Writer};
use crate::status::Status;

/// A call that a [`Service`](super::Service) passes to one of its methods. Generated code does
/// this.
///
/// [`Service`](super::Service) has an example with each kind of method.
pub struct Call<'a> {
    pub(super) cx: &'a Context,
    pub(super) request: &'a mut Request,
    pub(super) reply: Reply<'a>,
    pub(super) limits: Limits,
}

/// The size limits and the compression of messages.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_request: usize,
    pub(super) max_metadata: usize,
    pub(super) max_reply: usize,
    pub(super) compression: Option<Compression>,
}

impl Call<'_> {
    /// Returns the name of the method, without its service.
    pub fn method(&self) -> &str {
        self.cx.path().rsplit('/').next().unwrap_or_default()
    }

    /// Runs a method that takes one message and returns one.
    ///
    /// # Errors
    ///
    /// The status that the method returned, or the request does not have exactly one message.
    pub fn unary<C, Q, R>(
        mut self,
        codec: C,
        method: impl FnOnce(&Context, Q) -> Result<R, Status>,
    ) -> Result<(), Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let request = self.only_message(codec)?;
        let reply = method(self.cx, request)?;
        self.reply_with(codec, &reply)
    }

    /// Runs a method that takes one message and sends any number of messages.
    ///
    /// # Errors
    ///
    /// Those of [`unary`](Self::unary).
    pub fn server_streaming<C, Q, R>(
        mut self,
        codec: C,
        method: impl FnOnce(&Context, Q, &mut Sender<'_, R>) -> Result<(), Status>,
    ) -> Result<(), Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let request = self.only_message(codec)?;
        let Call { cx, reply, limits, .. } = self;
        let mut sender = Sender::new(cx, reply, limits.compression, limits.max_reply, codec);
        let outcome = method(cx, request, &mut sender);
        sender.finish(outcome)
    }

    /// Runs a method that takes any number of messages and returns one.
    ///
    /// # Errors
    ///
    /// Those of [`unary`](Self::unary).
    pub fn client_streaming<C, Q, R>(
        mut self,
        codec: C,
        method: impl FnOnce(&Context, &mut Receiver<'_, Q>) -> Result<R, Status>,
    ) -> Result<(), Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let reader = self.reader()?;
        // The client may pause between messages for any time.
        self.request.set_read_timeout(None);
        let reply = method(self.cx, &mut Receiver::new(self.cx, self.request, reader, codec))?;
        self.reply_with(codec, &reply)
    }

    /// Runs a method that takes any number of messages and sends any number of messages.
    ///
    /// # Errors
    ///
    /// Those of [`unary`](Self::unary).
    pub fn bidirectional<C, Q, R>(
        self,
        codec: C,
        method: impl FnOnce(&Context, &mut Receiver<'_, Q>, &mut Sender<'_, R>) -> Result<(), Status>,
    ) -> Result<(), Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let reader = self.reader()?;
        let Call { cx, request, reply, limits } = self;
        request.set_read_timeout(None);
        let mut receiver = Receiver::new(cx, request, reader, codec);
        let mut sender = Sender::new(cx, reply, limits.compression, limits.max_reply, codec);
        let outcome = method(cx, &mut receiver, &mut sender);
        sender.finish(outcome)
    }

    /// Fails a call to a method that does not exist.
    ///
    /// # Errors
    ///
    /// [`Code::Unimplemented`](crate::Code::Unimplemented), always.
    pub fn unimplemented(self) -> Result<(), Status> {
        Err(Status::unimplemented(format!("unknown method {}", self.cx.path())))
    }

    fn reader(&self) -> Result<Reader, Status> {
        let compression = Compression::of_name(self.cx.field("grpc-encoding"));
        let compression = compression
            .map_err(|name| Status::unimplemented(format!("unsupported grpc-encoding {name:?}")))?;
        Ok(Reader::new(compression, self.limits.max_request))
    }

    /// Returns the single message of the request.
    fn only_message<Q>(&mut self, codec: impl Codec<Q>) -> Result<Q, Status> {
        let mut reader = self.reader()?;
        let mut only = None;
        loop {
            while let Some(octets) = reader.next()? {
                if only.replace(octets).is_some() {
                    return Err(Status::unimplemented("the request has more than one message"));
                }
            }
            match self.request.next_chunk().map_err(|error| gone(self.cx, error))? {
                Some(piece) => reader.push(piece),
                None => break,
            }
        }
        reader.finish()?;
        codec.decode(only.ok_or_else(|| Status::unimplemented("the request has no message"))?)
    }

    /// Sends the single message of the response.
    fn reply_with<R>(&mut self, codec: impl Codec<R>, message: &R) -> Result<(), Status> {
        let compression = Reply::compression(self.cx, self.limits.compression);
        let writer = Writer { compression, max_message: self.limits.max_reply };
        let mut buffer = BytesMut::new();
        writer.write(&codec, message, &mut buffer)?;
        let reply = &mut self.reply;
        let started = reply.start(self.cx, compression);
        started.and_then(|()| reply.send(buffer.freeze())).map_err(|error| gone(self.cx, error))
    }
}

impl fmt::Debug for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("cx", &self.cx).finish_non_exhaustive()
    }
}
