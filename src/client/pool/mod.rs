//! The connections of a client, by origin.
//!
//! A request that finds a stream free takes it. Otherwise it waits in line at its origin, first come
//! first served, for whichever comes first:
//!
//! ```text
//!   a stream is free on any connection ──▶ the first in line takes it
//!   a connection has been made ──────────▶ as many of them as it has streams for
//!   an attempt has failed ───────────────▶ another one after a pause that grows; or the error
//! ```
//!
//! A connection of HTTP/1.1 is one with room for a single request: until the response has been read to
//! its end, nothing is free on it. How many streams a connection of an origin has is remembered, so
//! that several are made at once where each takes one request.
//!
//! Attempts to connect belong to the pool: they go on when the request that needed them has gone.
//! So does the health of connections ([`health`]). Requests under way are never ended by the pool.
//!
//! | file | what it has |
//! | --- | --- |
//! | `health` | the states of a connection, and what may happen in each |
//! | `lane`, `member` | one origin: connections, attempts, and the line |
//! | `machine` | all origins. Pure, as those above: time is passed in, `actions` come out |
//! | `shell`, `state` | the lock, and the threads that wait, connect and ask |
//! | `keeper` | the thread that looks after connections that no request uses |
//!
//! The lock is never held across I/O. A connection's own lock may be taken under it, never the other
//! way round.

mod actions;
mod health;
mod keeper;
mod lane;
mod machine;
mod member;
mod shell;
mod state;

pub(super) use actions::{Limits, Place};
pub(super) use shell::{Lease, Pool};

#[cfg(test)]
mod tests;
