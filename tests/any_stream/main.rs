//! HTTP/2 over anything that reads and writes: 16 MiB each way at once on one stream, every octet
//! compared, and then the end, which leaves no thread and no descriptor behind.
//!
//! Each test runs in a process of its own, where all threads and descriptors are known
//! ([`alone`]).

mod alone;
mod exchange;
mod processes;
mod sockets;
#[cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]
mod taking_turns;
