//! WebSockets through the public API: this crate's client and server in either version, in clear text and
//! over TLS, and peers that speak frames by hand.
//!
//! Each test runs by [`bounded`](memory::bounded) or [`measured`](memory::measured): those that measure
//! memory run alone, as the allocator counts what the whole process has.
#![cfg(feature = "websocket")]

mod accepting;
mod by_hand;
mod connecting;
mod hostile;
// Not all of it is used here.
#[allow(dead_code)]
#[path = "../hostile/memory.rs"]
mod memory;
mod over;
mod refusals;
mod shutdown;
mod sites;
#[path = "../support/mod.rs"]
mod support;
mod timeouts;
