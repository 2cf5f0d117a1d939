#![forbid(unsafe_code)]
//! Makes clients and servers for `h2-sync-grpc` out of `.proto` files, in a build script. No `protoc` is
//! needed.
//!
//! ```no_run
//! // build.rs
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     h2_sync_grpc_build::compile(&["proto/helloworld.proto"], &["proto"])?;
//!     Ok(())
//! }
//! ```
//!
//! In the program, `h2_sync_grpc::include_proto!("helloworld")` has what was made for the package
//! `helloworld`:
//!
//! | in the file | in the program |
//! | --- | --- |
//! | `message HelloRequest` | `struct HelloRequest`, by [`prost`](prost_build) |
//! | `service Greeter` | `trait Greeter` to implement, `GreeterServer` to serve it, `GreeterClient` to call it |
//! | `rpc SayHello` | the method `say_hello` of the trait and of the client; `new` and `with` are `new_` and `with_` of a client |
//! | comments | docs |
//!
//! [`Builder`] has settings.

mod builder;
mod comments;
mod error;
mod generator;

use std::path::Path;

pub use builder::Builder;
pub use error::Error;

/// Makes clients and servers out of `.proto` files, for a build script. `includes` are the folders in
/// which files and their imports are looked up.
///
/// # Errors
///
/// A file cannot be read or is malformed, or the code cannot be written.
pub fn compile(protos: &[impl AsRef<Path>], includes: &[impl AsRef<Path>]) -> Result<(), Error> {
    Builder::new().compile(protos, includes)
}
