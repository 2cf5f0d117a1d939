//! The Session from outside: what `session` promises, each promise a test.
//!
//! Most tests have a Session at one end and at the other a [`Peer`](peer::Peer) that speaks frames
//! by hand. All waits are bounded, and no test depends on how long anything takes.

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
