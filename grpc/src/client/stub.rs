//! The part of a client that generated code calls.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::channel::Channel;
use super::inbound::Inbound;
use super::options::CallOptions;
use super::receiver::{Receiver, Reply};
use super::response::Response;
use super::sender::Sender;
use super::start::{Failure, Start};
use crate::codec::Codec;
use crate::framing::Writer;
use crate::status::Status;

/// Calls of all four kinds over a channel, by the path of a method. Generated clients contain a
/// stub.
///
/// It can be used without generated code, given a codec:
///
/// ```no_run
/// use h2_sync_grpc::client::{Channel, Stub};
/// use h2_sync_grpc::{Prost, Status};
///
/// fn check(channel: &Channel) -> Result<(), Status> {
///     // `Empty` of Protocol Buffers is `()` in prost.
///     Stub::new(channel).unary::<_, (), ()>(Prost, "/package.Service/Ping", &())?;
///     Ok(())
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Stub {
    channel: Channel,
    options: Arc<CallOptions>,
}

impl Stub {
    /// Creates a stub that uses this channel and its options.
    pub fn new(channel: &Channel) -> Self {
        Stub { channel: channel.clone(), options: channel.shared_options() }
    }

    /// Returns a stub with these options instead of those of the channel.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync_grpc::client::{CallOptions, Channel, Stub};
    ///
    /// let stub = Stub::new(&Channel::new("http://127.0.0.1:50051")?);
    /// let quick = stub.with(CallOptions::new().timeout(Duration::from_millis(100)));
    /// # Ok::<(), h2_sync_grpc::Status>(())
    /// ```
    #[must_use]
    pub fn with(&self, options: CallOptions) -> Self {
        Stub { channel: self.channel.clone(), options: Arc::new(options) }
    }

    /// Calls a method that takes one message and returns one.
    ///
    /// # Errors
    ///
    /// How the call failed.
    pub fn unary<C, Q, R>(&self, codec: C, path: &str, request: &Q) -> Result<Response<R>, Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let start = Start::new(&self.channel, &self.options, path)?;
        let body = self.body(codec, request)?;
        let octets = start.run(|call| {
            let response = call.body(body.clone()).send();
            let response = response.map_err(|error| start.failed(error))?;
            let mut inbound = Inbound::of_response(response, self.options.limits, start.deadline);
            let has_begun = inbound.outcome().is_none();
            match inbound.only() {
                Ok(octets) => Ok((octets, inbound.take_metadata())),
                Err(status) => Err(Failure { status, has_begun }),
            }
        });
        let (octets, (headers, trailers)) = octets?;
        Ok(Response::new(codec.decode(octets)?, headers, trailers))
    }

    /// Calls a method that takes one message and returns any number of messages.
    ///
    /// ```
    /// use h2_sync_grpc::client::Stub;
    /// use h2_sync_grpc::{Prost, Status};
    ///
    /// fn count(stub: &Stub) -> Result<(), Status> {
    ///     for number in stub.server_streaming::<_, u32, u32>(Prost, "/demo.Numbers/Count", &3)? {
    ///         println!("{}", number?);
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// How the call failed before its response began.
    pub fn server_streaming<C, Q, R>(
        &self,
        codec: C,
        path: &str,
        request: &Q,
    ) -> Result<Receiver<R>, Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let start = Start::new(&self.channel, &self.options, path)?;
        let body = self.body(codec, request)?;
        let inbound = start.run(|call| {
            let response = call.body(body.clone()).send();
            let response = response.map_err(|error| start.failed(error))?;
            let inbound = Inbound::of_response(response, self.options.limits, start.deadline);
            match inbound.outcome() {
                Some(Err(status)) => Err(Failure { status: status.clone(), has_begun: false }),
                _ => Ok(inbound),
            }
        });
        Ok(Receiver::new(inbound?, codec))
    }

    /// Calls a method that takes any number of messages and returns one.
    ///
    /// ```
    /// use h2_sync_grpc::client::Stub;
    /// use h2_sync_grpc::{Prost, Status};
    ///
    /// fn sum(stub: &Stub) -> Result<u32, Status> {
    ///     let path = "/demo.Numbers/Sum";
    ///     let (mut numbers, sum) = stub.client_streaming::<_, u32, u32>(Prost, path)?;
    ///     for number in 1..=3 {
    ///         numbers.send(&number)?;
    ///     }
    ///     numbers.finish()?;
    ///     Ok(sum.wait()?.into_message())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// No connection came about.
    pub fn client_streaming<C, Q, R>(
        &self,
        codec: C,
        path: &str,
    ) -> Result<(Sender<Q>, Reply<R>), Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let (sender, inbound) = self.open(codec, path)?;
        Ok((sender, Reply::new(inbound, codec)))
    }

    /// Calls a method that takes and returns any number of messages.
    ///
    /// ```
    /// use h2_sync_grpc::client::Stub;
    /// use h2_sync_grpc::{Prost, Status};
    ///
    /// fn echo(stub: &Stub) -> Result<(), Status> {
    ///     let path = "/demo.Numbers/Echo";
    ///     let (mut to, mut from) = stub.bidirectional::<_, u32, u32>(Prost, path)?;
    ///     for number in 1..=3 {
    ///         to.send(&number)?;
    ///         println!("{:?}", from.receive()?);
    ///     }
    ///     to.finish()?;
    ///     assert_eq!(from.receive()?, None);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// No connection came about.
    pub fn bidirectional<C, Q, R>(
        &self,
        codec: C,
        path: &str,
    ) -> Result<(Sender<Q>, Receiver<R>), Status>
    where
        C: Codec<Q> + Codec<R>,
    {
        let (sender, inbound) = self.open(codec, path)?;
        Ok((sender, Receiver::new(inbound, codec)))
    }

    fn open<Q>(&self, codec: impl Codec<Q>, path: &str) -> Result<(Sender<Q>, Inbound), Status> {
        let start = Start::new(&self.channel, &self.options, path)?;
        let halves = start.run(|call| call.open().map_err(|error| start.failed(error)));
        let (send, mut response) = halves?;
        response.set_deadline(start.deadline);
        let inbound = Inbound::of_half(response, self.options.limits, start.deadline);
        let outcome = inbound.shared_outcome();
        Ok((Sender::new(send, outcome, start.deadline, self.writer(), codec), inbound))
    }

    /// The body of a request with one message.
    fn body<Q>(&self, codec: impl Codec<Q>, request: &Q) -> Result<Bytes, Status> {
        let mut buffer = BytesMut::new();
        self.writer().write(&codec, request, &mut buffer)?;
        Ok(buffer.freeze())
    }

    fn writer(&self) -> Writer {
        Writer { compression: self.options.compression, max_message: self.options.max_request }
    }
}
