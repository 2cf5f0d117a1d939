#![forbid(unsafe_code)]
// Published documentation shows the feature that each item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! Generates clients and servers for `h2-sync-grpc` from `.proto` files, in a build script.
//! `protoc` is not needed.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     h2_sync_grpc_build::compile(&["proto/helloworld.proto"], &["proto"])?;
//!     Ok(())
//! }
//! ```
//!
//! In the program, `h2_sync_grpc::include_proto!("helloworld")` includes the code of the package
//! `helloworld`:
//!
//! | in the file | in the program |
//! | --- | --- |
//! | `message HelloRequest` | `struct HelloRequest`, by [`prost`](prost_build) |
//! | `service Greeter` | `trait Greeter` to implement, `GreeterServer` to serve it, `GreeterClient` to call it |
//! | `rpc SayHello` | the method `say_hello` of the trait and of the client; `new` and `with` are `new_` and `with_` of a client |
//! | a name that a message or enum of the package already has | the same with `_` after it |
//! | a package or name that is a keyword, such as `type` | `r#type`, also in `include_proto!` |
//! | no package | the package `"_"` |
//! | comments | docs |
//!
//! # Several packages
//!
//! Generated code refers to other packages by modules with their names. A build script can generate
//! a file with all modules:
//!
//! ```no_run
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     h2_sync_grpc_build::Builder::new()
//!         .configure(|config| {
//!             config.include_file("protos.rs");
//!         })
//!         .compile(&["proto/shop/v1/shop.proto", "proto/shop/v1/cart.proto"], &["proto"])?;
//!     Ok(())
//! }
//! ```
//!
//! In the program, `include!(concat!(env!("OUT_DIR"), "/protos.rs"));` then defines the module
//! `shop::v1`.
//!
//! For settings, see [`Builder`].

mod builder;
mod comments;
mod descriptors;
mod error;
mod generator;
mod names;
mod paths;

use std::path::Path;

pub use builder::Builder;
pub use error::Error;

/// Generates clients and servers from `.proto` files, in a build script.
///
/// `includes` are the folders in which imports are looked up. Each of `protos` is the path of a file below one
/// of them, or its path relative to that folder, as in an import.
///
/// # Errors
///
/// A file cannot be read or is malformed, or the code cannot be written.
pub fn compile(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), Error> {
    Builder::new().compile(protos, includes)
}
