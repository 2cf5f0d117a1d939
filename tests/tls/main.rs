//! TLS: handshakes and how they fail, what records do under load, and how a stream ends.
//!
//! Both ends are ours, or one of them is rustls driven by hand. Certificates are made on the spot,
//! waits are bounded, and nothing depends on how long it takes.
#![cfg(any(feature = "tls-ring", feature = "tls-aws-lc-rs"))]

mod alpn;
mod certificates;
mod child;
mod ending;
mod handshake;
mod not_in_time;
mod pressure;
mod refusal;
mod resumption;
mod sessions;
mod support;
#[allow(dead_code, reason = "these tests use a part of it")]
#[path = "../support/bounded.rs"]
mod waits;
