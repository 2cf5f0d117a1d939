//! A gRPC service with one method, whose messages are octets without a schema.

use bytes::{Bytes, BytesMut};
use h2_sync_grpc::server::{Call, Service};
use h2_sync_grpc::{Codec, Status};

/// The path of the method.
pub const TALK: &str = "/deploy.Echo/Talk";

/// Octets as they are.
#[derive(Debug, Clone, Copy)]
pub struct Raw;

impl Codec<Bytes> for Raw {
    fn encode(&self, message: &Bytes, buffer: &mut BytesMut) -> Result<(), Status> {
        buffer.extend_from_slice(message);
        Ok(())
    }

    fn decode(&self, octets: Bytes) -> Result<Bytes, Status> {
        Ok(octets)
    }
}

/// Sends each message of a stream back.
#[derive(Debug)]
pub struct Echo;

impl Service for Echo {
    fn name(&self) -> &'static str {
        "deploy.Echo"
    }

    fn call(&self, call: Call<'_>) -> Result<(), Status> {
        if call.method() != "Talk" {
            return call.unimplemented();
        }
        call.bidirectional(Raw, |_, receiver, sender| {
            while let Some(message) = receiver.receive()? {
                sender.send(&message)?;
            }
            Ok(())
        })
    }
}
