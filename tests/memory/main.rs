//! What one connection holds, counted by the allocator: the formula in the documentation of
//! [`Config`](h2_sync::proto::Config) against peers that try to go over it.
//!
//! Each test has the process for itself while it measures.

// Other systems have no `epoll`.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "../support/bounded.rs"]
#[allow(dead_code, reason = "this test uses a part of it")]
mod bounded;
mod counted;
mod events;
// Other systems have no `epoll`.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod idle;
mod peak;
mod peer;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "../support/thread_names.rs"]
mod thread_names;
