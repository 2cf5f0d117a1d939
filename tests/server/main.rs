//! The server through its public API.
//!
//! At the other end is a [`Client`](client::Client), which is a Session, or a [`Peer`](peer::Peer),
//! which handles frames itself. Waits are bounded, and no test depends on timing.

mod abuse;
mod accepted;
mod bodies;
mod both_ways;
mod builder;
mod cancelled;
mod caps;
mod client;
mod deadlines;
mod decoded;
mod draining;
mod ended;
mod failures;
mod feeding;
mod forms;
#[path = "../support/mod.rs"]
mod frames;
mod http1;
mod http1_ends;
// Other systems have no `epoll`.
#[cfg(any(target_os = "linux", target_os = "android"))]
mod idle;
mod listeners;
mod peer;
mod proxied;
mod pushes;
mod requests;
mod responses;
mod shutdown;
mod slow;
mod stats;
mod support;
mod taken_body;
#[cfg(target_os = "linux")]
#[path = "../support/thread_names.rs"]
mod thread_names;
mod threads;
mod transports;
mod turns;
mod upgrades;
