//! One connection whose threads lead in turns, and the two halves of a stream that blocking code
//! reads from and writes to. The server and the client are built on it.
//!
//! This is the *leader/followers* pattern. There is no reader thread and no writer thread: the
//! *leader* is the one thread that may read the transport, and any thread that would have to wait
//! anyway may lead:
//!
//! ```text
//!   a thread wants something of its stream (octets, room, a response)
//!
//!     ┌▶ is it there? ── yes ─▶ go on
//!     │      │ no
//!     │      ├─ something to write, and no thread writes ─▶ write it ─────────────────┐
//!     │      ├─ I lead, or no thread does ─▶ read once, deliver what came, wake others ┤
//!     │      └─ another thread leads ─▶ park until woken ─────────────────────────────┤
//!     └───────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! So a sequential caller pays for no thread switch at all: it writes its request and reads its
//! response itself. Reading, writing and ending are those of the [`wire`](crate::wire); this module
//! decides which thread does them, and which threads are woken.
//!
//! # On which thread a handler runs
//!
//! On the server one thread always leads, and runs the handlers of what it has read, one after the
//! other: no hand-over, and one write for all their answers. A handler runs on another thread of the
//! pool
//!
//! - if the leader was in an earlier handler at two ticks of the clock: another thread has taken the
//!   lead, and the requests that still wait with it;
//! - if handlers of its connection have just been slow: each request gets a thread for a while;
//! - if it had to wait for a permit: the thread whose handler has ended passes it on.
//!
//! A handler that leads and waits for its own stream reads for itself, for a second at most: then it
//! parks, since a thread that reads cannot be woken. If requests come meanwhile, it gives the lead to
//! another thread.
//!
//! A client's callers lead while they wait. The lead is free while none does.
//!
//! # Who writes
//!
//! The reader and the writer are taken out of the shared state while they are used. A thread that
//! finds the writer gone need not wait for it: the thread that has it looks for more before putting it
//! back. A turn to write is bounded (see [`flush`]): what is left goes to a thread that does nothing
//! else, from the server's pool or, at a client, started for it.
//!
//! A client's caller that has put a request yields once before it writes, where other streams are open:
//! callers that one read has woken put theirs, and one write has them all.
//!
//! # What must hold
//!
//! - The lock is never held across I/O, and never while the application's code runs.
//! - A thread that puts something into the core flushes it, or knows that the leader is about to.
//! - While the lead is free and threads are parked, one of them has been woken to take it.
//! - After the end of the connection every waiting thread is woken, and whatever is asked of a
//!   stream gives the reason of the end.

mod callers;
mod cancel;
mod cancelled;
mod conn;
mod events;
mod flush;
mod inbox;
mod lead;
mod leader;
mod lending;
mod look;
mod maintenance;
mod progress;
mod recv;
mod send;
mod tick;
mod try_send;
mod wait;
mod wake_batching;

pub(crate) use callers::Callers;
pub(crate) use conn::{Arrival, Conn, Guard, State};
pub(crate) use inbox::{Half, Inbox};
pub(crate) use leader::Leader;
pub(crate) use look::Snapshot;
pub(crate) use progress::Progress;
pub(crate) use recv::RecvHalf;
pub(crate) use send::{SendHalf, Then, PIECE};
pub(crate) use tick::Tick;
pub use try_send::TrySendError;

#[cfg(test)]
mod tests;
