//! What one connection holds, counted by the allocator: the formula in the documentation of
//! [`Config`](h2_sync::proto::Config) against peers that try to go over it.
//!
//! Each test has the process for itself while it measures.

mod counted;
mod events;
// Other systems have no `epoll`.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod idle;
mod peak;
mod peer;
