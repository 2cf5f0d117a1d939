//! Encoding and decoding of messages.

use bytes::{Bytes, BytesMut};

use crate::status::Status;

/// Encodes and decodes messages of type `T`.
///
/// Generated code uses [`Prost`]. A codec of your own takes a few lines:
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
    /// Appends an encoded message to the buffer.
    ///
    /// # Errors
    ///
    /// The message cannot be encoded.
    fn encode(&self, message: &T, buffer: &mut BytesMut) -> Result<(), Status>;

    /// Decodes a message. `octets` contains exactly one.
    ///
    /// # Errors
    ///
    /// The octets are not a message of this type: [`Code::Internal`](crate::Code::Internal) is the
    /// usual code.
    fn decode(&self, octets: Bytes) -> Result<T, Status>;
}

/// The codec of Protocol Buffers, by the crate [`prost`].
///
/// ```
/// use h2_sync::bytes::BytesMut;
/// use h2_sync_grpc::{Codec, Prost, Status};
///
/// // `u32` is the message `google.protobuf.UInt32Value`.
/// let mut octets = BytesMut::new();
/// Prost.encode(&7_u32, &mut octets)?;
/// let number: u32 = Prost.decode(octets.freeze())?;
/// assert_eq!(number, 7);
/// # Ok::<(), Status>(())
/// ```
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
