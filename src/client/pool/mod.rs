//! The connection pool of a client, by origin.
//!
//! A request takes a free slot if there is one. Otherwise it queues at its origin, in FIFO order,
//! for the first of these events:
//!
//! ```text
//!   a slot is free on any connection ─────▶ the head of the queue takes it
//!   a connection is established ──────────▶ it takes as many requests as it has streams for
//!   an attempt fails ─────────────────────▶ another one after a growing delay; or the error
//! ```
//!
//! An HTTP/1.1 connection has a single slot, which is occupied until the response has been read to
//! its end. The pool remembers the capacity of an origin's connections, and opens several at once
//! if each carries only one request.
//!
//! Connection attempts belong to the pool and continue when the request that needed them is gone.
//! The pool also tracks the health of connections ([`health`]). It never ends an open request.
//!
//! | file | content |
//! | --- | --- |
//! | `health` | the states of a connection and their transitions |
//! | `lane`, `member`, `upkeep` | one origin: connections, attempts and the queue |
//! | `machine` | all origins. Pure, like the above: time is passed in, `actions` are returned |
//! | `counters` | what the statistics count |
//! | `shell`, `state` | the lock, and the threads that wait, connect and check |
//! | `keeper` | the maintenance thread for idle connections |
//!
//! The lock is never held during I/O. A connection's lock may be taken while it is held, never the
//! reverse.

mod actions;
mod counters;
mod health;
mod keeper;
mod lane;
mod machine;
mod member;
mod shell;
mod state;
mod upkeep;

pub(super) use actions::{Limits, Place};
pub(super) use counters::add;
pub(super) use shell::{Lease, Pool};

#[cfg(test)]
mod tests;
