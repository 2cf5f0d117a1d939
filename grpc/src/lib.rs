#![forbid(unsafe_code)]
// Published documentation shows the feature that each item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! gRPC for programs that block: a call is a function call, a service is a trait with plain
//! methods. No async runtime.
//!
//! Connections, TLS and threads are those of [`h2_sync`]. `h2-sync-grpc-build` generates the code
//! of messages and services in a build script, without `protoc`.
//!
//! # From a `.proto` file to a call
//!
//! **1.** A new program, `cargo new hello`, with this in its `Cargo.toml`:
//!
//! ```toml
//! [dependencies]
//! h2-sync = "0.1"
//! h2-sync-grpc = "0.1"
//!
//! [build-dependencies]
//! h2-sync-grpc-build = "0.1"
//! ```
//!
//! **2.** The service, in `proto/helloworld.proto`:
//!
//! ```proto
//! syntax = "proto3";
//! package helloworld;
//!
//! // Greets people.
//! service Greeter {
//!   // Greets someone by name.
//!   rpc SayHello (HelloRequest) returns (HelloReply);
//! }
//!
//! message HelloRequest { string name = 1; }
//! message HelloReply { string message = 1; }
//! ```
//!
//! **3.** The build script, `build.rs`, which generates code from it:
//!
//! ```ignore
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     h2_sync_grpc_build::compile(&["proto/helloworld.proto"], &["proto"])?;
//!     Ok(())
//! }
//! ```
//!
//! **4.** A server, in `src/main.rs`. The trait has a method for each `rpc`:
//!
//! ```ignore
//! use h2_sync::server::Server;
//! use h2_sync_grpc::server::{Context, Services};
//! use h2_sync_grpc::Status;
//!
//! mod pb {
//!     h2_sync_grpc::include_proto!("helloworld");
//! }
//!
//! struct Greeter;
//!
//! impl pb::Greeter for Greeter {
//!     fn say_hello(&self, _: &Context, request: pb::HelloRequest) -> Result<pb::HelloReply, Status> {
//!         Ok(pb::HelloReply { message: format!("Hello, {}!", request.name) })
//!     }
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let services = Services::new().service(pb::GreeterServer::new(Greeter));
//!     Server::bind("127.0.0.1:50051")?.serve(services.into_handler())?.wait();
//!     Ok(())
//! }
//! ```
//!
//! **5.** A client, in a program of its own or in `src/bin/client.rs`:
//!
//! ```ignore
//! use h2_sync_grpc::client::Channel;
//!
//! mod pb {
//!     h2_sync_grpc::include_proto!("helloworld");
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let greeter = pb::GreeterClient::new(&Channel::new("http://127.0.0.1:50051")?);
//!     let reply = greeter.say_hello(&pb::HelloRequest { name: "you".into() })?;
//!     println!("{}", reply.message().message);
//!     Ok(())
//! }
//! ```
//!
//! The repository has larger examples: `helloworld_server`, `helloworld_client`, `route_guide` (all four
//! kinds of call) and `web_and_grpc` (a web page on the same port).
//!
//! # Where to find what
//!
//! | for | see |
//! | --- | --- |
//! | a deadline, metadata, compression, retries for a call | [`CallOptions`](client::CallOptions) |
//! | TLS, several servers, keepalive, interceptors of a client | [`Channel::builder`](client::Channel::builder) |
//! | cancelling a call | [`client`], and [`CancelHandle`](client::CancelHandle) |
//! | the deadline, metadata and peer of a call at the server | [`Context`](server::Context) |
//! | limits, compression, interceptors of a server; other requests on its port | [`Services`](server::Services) |
//! | TLS of a server, a Unix socket, a graceful shutdown | [`h2_sync::server`] |
//! | failing a call, with details | [`Status`], [`Code`] |
//! | the health of services | [`health`] |
//! | reflection, for tools such as grpcurl | [`Services::with_reflection`](server::Services::with_reflection) |
//! | messages that are not Protocol Buffers | [`Codec`] |
//!
//! # Limits
//!
//! | limit | default | effect when exceeded |
//! | --- | --- | --- |
//! | octets of a received message, both compressed and decompressed | 4 MiB | [`Code::ResourceExhausted`], before memory is allocated |
//! | octets of a sent message | none | [`Code::ResourceExhausted`] |
//! | octets of received metadata: names and values, plus 32 for each field | 8 KiB ([`Services::max_metadata`](server::Services::max_metadata), [`CallOptions::max_metadata`](client::CallOptions::max_metadata)) | [`Code::ResourceExhausted`] |
//! | the limit of metadata that is announced to the peer | 64 KiB ([`max_header_list_size`](h2_sync::Config::max_header_list_size)) | 431 at a server, a reset stream at a client |
//! | calls at once on a connection | 128 ([`max_concurrent_streams`](h2_sync::Config::max_concurrent_streams)) | the client opens another connection, or waits |
//! | calls at once, each with a thread | 2,048 ([`max_handlers`](h2_sync::server::Config::max_handlers)) | they wait, and are refused after 5 s |
//! | time for which a client may read nothing of a response | 30 s ([`stall_timeout`](h2_sync::Config::stall_timeout)) | its stream is reset |
//!
//! gRPC for C++, Java and Python has the same default of 8 KiB, so peers may reject larger metadata. To
//! accept more than 64 KiB, raise both limits: most implementations fail a call over the announced limit
//! without sending it.

pub mod client;
mod code;
mod codec;
mod compression;
mod content_type;
#[cfg(feature = "prost")]
mod details;
mod framing;
#[cfg(feature = "prost")]
pub mod health;
mod metadata;
mod percent;
#[cfg(feature = "prost")]
mod reflection;
pub mod server;
mod status;
mod timeout;

pub use code::Code;
pub use codec::Codec;
#[cfg(feature = "prost")]
pub use codec::Prost;
pub use compression::Compression;
#[cfg(feature = "prost")]
pub use details::RpcStatus;
pub use metadata::{InvalidMetadata, Metadata, MetadataValue};
pub use status::Status;

/// The default limit of a received message, in octets.
const MAX_MESSAGE: usize = 4 << 20;

/// The default limit of received metadata, in octets of a field section: that of most implementations.
const MAX_METADATA: usize = 8 << 10;

#[cfg(feature = "prost")]
pub use {prost, prost_types};

/// Includes the code that `h2-sync-grpc-build` generated for a package in the build script.
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
