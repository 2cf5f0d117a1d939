//! Shared code of the tests with scripted frames: a peer, its messages, and bounded waits.
//!
//! Include it with `#[path = "../support/mod.rs"] mod support;`.

// Each test program uses only a part of it.
#![allow(dead_code, unused_imports)]

mod bounded;
mod expect;
mod flood;
pub(crate) mod http1;
mod messages;
pub(crate) mod numbers;
mod peer;
mod seen;
pub(crate) mod smuggling;
pub(crate) mod table;
pub(crate) mod wire;

pub(crate) use bounded::{LONG, bounded, eventually};
pub(crate) use flood::Flood;
pub(crate) use messages::{get, post, request};
pub(crate) use peer::{Peer, is_gone, listener};
