//! Tests of the Session through its public API: one test for each guarantee of `session`.
//!
//! Most tests have a Session on one side, and on the other a [`Peer`](peer::Peer) that sends
//! scripted frames. All waits are bounded, and no test depends on timing.

mod closing;
mod crowd;
mod ending;
#[path = "../support/mod.rs"]
mod frames;
mod order;
mod peer;
mod support;
mod unread;
mod volume;
mod waiting;
