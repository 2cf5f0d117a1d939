//! TLS: handshakes and their failures, records under load, and the end of a stream.
//!
//! Both sides are ours, or one of them is rustls driven by the test. Certificates are generated,
//! waits are bounded, and nothing depends on timing.
#![cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]

mod alpn;
mod certificates;
mod child;
mod ending;
mod handshake;
mod not_in_time;
mod paused;
mod pressure;
mod refusal;
mod reload;
mod resumption;
mod sessions;
mod support;
#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../support/bounded.rs"]
mod waits;
