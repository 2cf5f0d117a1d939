//! How messages become octets and back.

use bytes::{Bytes, BytesMut};

use crate::status::Status;

/// Turns messages of type `T` into octets and back.
///
/// [`Prost`] is the one of generated code. Another one takes three lines:
///
/// ```
/// use bytes::{Bytes, BytesMut};
/// use h2_sync_grpc::{Codec, Status};
///
/// /// Text in UTF-8.
/// #[derive(Clone, Copy)]
/// struct Utf8;
///
/// impl Codec<String> for Utf8 {
///     fn encode(&self, message: &String, buffer: &mut BytesMut) -> Result<(), Status> {
///         buffer.extend_from_slice(message.as_bytes());
///         Ok(())
///     }
///
///     fn decode(&self, octets: Bytes) -> Result<String, Status> {
///         String::from_utf8(octets.into()).map_err(|_| Status::internal("a message is not UTF-8"))
///     }
/// }
/// ```
pub trait Codec<T>: Copy + Send + Sync + 'static {
    /// Writes a message behind what is in the buffer.
    ///
    /// # Errors
    ///
    /// The message has no form on the wire.
    fn encode(&self, message: &T, buffer: &mut BytesMut) -> Result<(), Status>;

    /// Reads a message out of all of its octets.
    ///
    /// # Errors
    ///
    /// The octets are no message of this type: mostly [`Code::Internal`](crate::Code::Internal).
    fn decode(&self, octets: Bytes) -> Result<T, Status>;
}

/// Protocol Buffers, by the crate [`prost`].
#[cfg(feature = "prost")]
#[derive(Debug, Clone, Copy, Default)]
pub struct Prost;

#[cfg(feature = "prost")]
impl<T: prost::Message + Default> Codec<T> for Prost {
    fn encode(&self, message: &T, buffer: &mut BytesMut) -> Result<(), Status> {
        let encoded = message.encode(buffer);
        encoded.map_err(|error| Status::internal(format!("a message cannot be encoded: {error}")))
    }

    fn decode(&self, octets: Bytes) -> Result<T, Status> {
        let decoded = T::decode(octets);
        decoded.map_err(|error| Status::internal(format!("a message cannot be decoded: {error}")))
    }
}
