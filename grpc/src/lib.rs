#![forbid(unsafe_code)]
//! gRPC for programs that block: a call is a function call, a service is a trait with plain methods. No
//! async runtime.
//!
//! It stands on [`h2_sync`], whose client and server move the octets. The code of messages and services
//! is made by `h2-sync-grpc-build` in a build script, without `protoc`.
//!

mod code;
mod codec;
mod compression;
mod content_type;
mod framing;
mod metadata;
mod percent;
pub mod server;
mod status;
mod timeout;

pub use code::Code;
pub use codec::Codec;
#[cfg(feature = "prost")]
pub use codec::Prost;
pub use compression::Compression;
pub use metadata::{InvalidMetadata, Metadata, MetadataValue};
pub use status::Status;

/// Octets that a received message may have by default.
const MAX_MESSAGE: usize = 4 << 20;

#[cfg(feature = "prost")]
pub use {prost, prost_types};

/// Includes the code that `h2-sync-grpc-build` has made for a package in the build script.
///
/// ```ignore
/// mod pb {
///     h2_sync_grpc::include_proto!("helloworld");
/// }
/// ```
#[macro_export]
macro_rules! include_proto {
    ($package:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $package, ".rs"));
    };
}
