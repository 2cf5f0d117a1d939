//! A call on its way to a method.

use std::fmt;

use bytes::BytesMut;
use h2_sync::server::Request;

use super::context::Context;
use super::receiver::{gone, Receiver};
use super::reply::Reply;
use super::sender::Sender;
use crate::codec::Codec;
use crate::compression::Compression;
use crate::framing::{Reader, Writer};
use crate::status::Status;

/// A call, for a [`Service`](super::Service) to hand to the method of its name. Generated code does
/// that.
pub struct Call<'a> {
    pub(super) cx: &'a Context,
    pub(super) request: &'a mut Request,
    pub(super) reply: Reply<'a>,
    pub(super) limits: Limits,
}

/// What the messages of a call are bounded by, and compressed by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    pub(super) max_request: usize,
    pub(super) max_reply: usize,
    pub(super) compression: Option<Compression>,
}

impl Call<'_> {
    /// The name of the method, without its service.
    pub fn method(&self) -> &str {
        self.cx.path().rsplit('/').next().unwrap_or_default()
    }

    /// Calls a method that takes a message and gives one.
    ///
    /// # Errors
    ///
    /// How the call failed: the method says so, or the request has not exactly one message.
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

    /// Calls a method that takes a message and sends any number of them.
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

    /// Calls a method that takes any number of messages and gives one.
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
        // The client may pause for as long as it likes.
        self.request.set_read_timeout(None);
        let reply = method(self.cx, &mut Receiver::new(self.cx, self.request, reader, codec))?;
        self.reply_with(codec, &reply)
    }

    /// Calls a method that takes any number of messages and sends any number of them.
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

    /// There is no method of this name.
    ///
    /// # Errors
    ///
    /// [`Code::Unimplemented`](crate::Code::Unimplemented), always.
    pub fn unimplemented(self) -> Result<(), Status> {
        Err(Status::unimplemented(format!("there is no method {}", self.cx.path())))
    }

    fn reader(&self) -> Result<Reader, Status> {
        let compression = Compression::of_name(self.cx.field("grpc-encoding"));
        let compression = compression.map_err(|name| {
            Status::unimplemented(format!(
                "messages are compressed by {name:?}, which is not known"
            ))
        })?;
        Ok(Reader::new(compression, self.limits.max_request))
    }

    /// The one message of the request.
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

    /// The one message of the response.
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
