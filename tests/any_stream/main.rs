//! HTTP/2 over any stream: 16 MiB in each direction on one stream, with every octet compared. At
//! the end, no thread or descriptor may be left.
//!
//! Each test runs in a separate process, whose threads and descriptors can be counted ([`alone`]).

mod alone;
mod exchange;
mod processes;
mod sockets;
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
mod taking_turns;
