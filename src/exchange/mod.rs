//! One connection whose threads lead in turns, and the two halves of a stream that blocking code
//! reads from and writes to. The server and the client are built on it.
//!
//! There is no reader thread and no writer thread here. *Leading* a connection is being the one
//! thread that may read its transport, and any thread that would have to wait anyway may lead:
//!
//! ```text
//!   a thread wants something of its stream (octets, room, a response)
//!
//!     ┌▶ is it there? ── yes ─▶ go on
//!     │      │ no
//!     │      ├─ something to write, and nobody writes ─▶ write it ────────────────────┐
//!     │      ├─ I lead, or nobody does ─▶ read once, hand out what came, wake others ─┤
//!     │      └─ somebody else leads ─▶ park until woken ──────────────────────────────┤
//!     └───────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! So a sequential caller pays for no thread switch at all: it writes its request, reads its
//! response, and nobody else is involved.
//!
//! # Turns
//!
//! There are two turns, and each is a thing that a thread takes out of the shared state and puts
//! back: the reader (with its buffer) and the writer (with its buffer). Neither is held under the
//! lock while it is used. Who finds the writer gone need not wait for it: whoever has it looks for
//! more before putting it back.
//!
//! On the server there is always one thread that leads, and another can take the lead over while
//! that one is busy; see [`server`](crate::server). A handler that leads and waits reads for itself,
//! but for a second at most: then it parks, since a thread that reads cannot be woken. On the client
//! the lead is free while nobody waits, and there is no clock that would notice a leader who is stuck in
//! a write: so a write that the transport does not take is left to a thread of its own, and its caller
//! goes on reading.
//!
//! # What must hold
//!
//! - The lock is never held across I/O, and never while the application's code runs.
//! - Who puts something into the core flushes it, or knows that the leader is about to.
//! - While the lead is free and threads are parked, one of them has been woken to take it.
//! - After the end of the connection every waiting thread is woken, and whatever is asked of a
//!   stream gives the reason of the end.

mod bulk;
mod cancelled;
mod conn;
mod ending;
mod events;
mod flush;
mod inbox;
mod lead;
mod look;
mod progress;
mod recv;
mod rest;
mod send;
mod tend;
mod try_send;
mod turn;

pub(crate) use conn::{Arrival, Conn, Guard, Hooks, State};
pub(crate) use ending::Tick;
pub(crate) use inbox::{Half, Inbox};
pub(crate) use look::Snapshot;
pub(crate) use progress::Progress;
pub use recv::RecvHalf;
pub use send::SendHalf;
pub(crate) use send::{Then, PIECE};
pub use try_send::TrySendError;
pub(crate) use turn::Lead;

#[cfg(test)]
mod tests;
