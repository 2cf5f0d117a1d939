//! Compression of messages.

use bytes::{Bytes, BytesMut};

use crate::status::Status;

/// A compression of messages.
///
/// ```
/// use h2_sync_grpc::client::CallOptions;
/// use h2_sync_grpc::server::Services;
/// use h2_sync_grpc::Compression;
///
/// let requests = CallOptions::new().compression(Compression::Gzip);
/// let replies = Services::new().compression(Compression::Gzip);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// gzip (RFC 1952).
    #[cfg(feature = "gzip")]
    Gzip,
}

/// The field `grpc-accept-encoding`: the encodings that this side can inflate.
#[cfg(feature = "gzip")]
pub(crate) const ACCEPTED: &str = "identity,gzip";
#[cfg(not(feature = "gzip"))]
pub(crate) const ACCEPTED: &str = "identity";

impl Compression {
    /// Returns the name in `grpc-encoding`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "gzip")]
            Compression::Gzip => "gzip",
        }
    }

    /// Parses the field `grpc-encoding`. `Ok(None)` means no compression.
    ///
    /// # Errors
    ///
    /// The name of an encoding that this side does not support.
    pub(crate) fn of_name(name: Option<&[u8]>) -> Result<Option<Self>, String> {
        match name {
            None | Some(b"identity" | b"") => Ok(None),
            #[cfg(feature = "gzip")]
            Some(b"gzip") => Ok(Some(Compression::Gzip)),
            Some(other) => Err(String::from_utf8_lossy(other).into_owned()),
        }
    }

    /// Returns whether a field `grpc-accept-encoding` lists this compression.
    pub(crate) fn is_accepted(self, accepted: &str) -> bool {
        accepted.split(',').any(|name| name.trim() == self.name())
    }

    /// Appends the compressed message to `into`.
    #[cfg_attr(not(feature = "gzip"), allow(unused_variables, clippy::ptr_arg))]
    pub(crate) fn deflate(self, message: &[u8], into: &mut BytesMut) -> Result<(), Status> {
        match self {
            #[cfg(feature = "gzip")]
            Compression::Gzip => {
                use std::io::Write;

                use bytes::BufMut;
                let mut encoder =
                    flate2::write::GzEncoder::new(into.writer(), flate2::Compression::fast());
                let done = encoder.write_all(message).and_then(|()| encoder.finish().map(drop));
                done.map_err(|error| Status::internal(format!("gzip failed: {error}")))
            }
        }
    }

    /// Inflates a message to at most `limit` octets. No more than that is held in memory.
    #[cfg_attr(not(feature = "gzip"), allow(unused_variables))]
    pub(crate) fn inflate(self, message: &[u8], limit: usize) -> Result<Bytes, Status> {
        match self {
            #[cfg(feature = "gzip")]
            Compression::Gzip => {
                use std::io::Read;
                let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
                let mut inflated = Vec::new();
                let decoder = flate2::read::MultiGzDecoder::new(message);
                decoder.take(most).read_to_end(&mut inflated).map_err(|error| {
                    Status::internal(format!("a compressed message is not valid gzip: {error}"))
                })?;
                if inflated.len() > limit {
                    return Err(Status::resource_exhausted(format!(
                        "a message inflates to more than {limit} octets (max_message)"
                    )));
                }
                Ok(inflated.into())
            }
        }
    }
}

#[cfg(all(test, feature = "gzip"))]
mod tests {
    use super::*;
    use crate::code::Code;

    fn gzip(octets: &[u8]) -> BytesMut {
        let mut compressed = BytesMut::new();
        Compression::Gzip.deflate(octets, &mut compressed).unwrap();
        compressed
    }

    #[test]
    fn compressed_message_is_inflated_to_itself() {
        for message in [&b""[..], b"hello", &[7; 100_000]] {
            assert_eq!(Compression::Gzip.inflate(&gzip(message), 100_000).unwrap(), message);
        }
    }

    #[test]
    fn message_over_the_limit_is_refused() {
        let bomb = gzip(&vec![0; 10 << 20]);
        assert!(bomb.len() < 1 << 20);
        let status = Compression::Gzip.inflate(&bomb, 1 << 20).unwrap_err();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(Compression::Gzip.inflate(&gzip(&[1; 10]), 10).is_ok());
        assert!(Compression::Gzip.inflate(&gzip(&[1; 10]), 9).is_err());
    }

    #[test]
    fn invalid_gzip_is_refused() {
        let mut cut = gzip(b"hello");
        cut.truncate(cut.len() - 1);
        for octets in [&b""[..], b"hello", &cut] {
            let status = Compression::Gzip.inflate(octets, 100).unwrap_err();
            assert_eq!(status.code(), Code::Internal);
        }
    }

    #[test]
    fn names_are_those_of_the_specification() {
        assert_eq!(Compression::of_name(None), Ok(None));
        assert_eq!(Compression::of_name(Some(b"identity")), Ok(None));
        assert_eq!(Compression::of_name(Some(b"gzip")), Ok(Some(Compression::Gzip)));
        assert_eq!(Compression::of_name(Some(b"snappy")), Err("snappy".to_owned()));
        assert!(Compression::Gzip.is_accepted("identity, deflate, gzip"));
        assert!(!Compression::Gzip.is_accepted("identity,gzip2"));
    }
}
