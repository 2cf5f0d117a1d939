//! A connection whose threads take turns as leader, and the two halves of a stream for blocking
//! code. The server and the client are built on it.
//!
//! This is the *leader/followers* pattern. There is no reader thread and no writer thread: the
//! *leader* is the one thread that may read from the transport, and any thread that has to wait may
//! lead:
//!
//! ```text
//!   a thread waits for its stream (octets, room, a response)
//!
//!     ┌▶ is it there? ── yes ─▶ go on
//!     │      │ no
//!     │      ├─ something to write, and no thread writes ─▶ write it ─────────────────┐
//!     │      ├─ I lead, or no thread does ─▶ read once, deliver what came, wake others ┤
//!     │      └─ another thread leads ─▶ park until woken ─────────────────────────────┤
//!     └───────────────────────────────────────────────────────────────────────────────┘
//! ```
//!
//! So a sequential caller needs no thread switch: it writes its request and reads its response
//! itself. Reading, writing and ending are implemented in the [`wire`](crate::wire); this module
//! decides which thread does them, and which threads are woken.
//!
//! # Which thread runs a handler
//!
//! On the server, one thread leads at any time. It runs the handlers of the requests it has read,
//! one after the other, without hand-overs, and writes all their responses together. A handler runs
//! on another thread of the pool
//!
//! - if the leader was stuck in an earlier handler (blocked, or computing): another thread has taken
//!   the lead, and the waiting requests with it;
//! - if handlers of its connection were slow recently: each request gets a thread for a while;
//! - if it had to wait for a permit: the thread of a finished handler passes its permit on.
//!
//! While there is no input, a server's connection is left to a poller. The thread that polls leads
//! when it finds some.
//!
//! A leading handler that waits for its own stream reads for at most a second. Then it parks, since
//! a blocked read cannot be woken. If requests arrive in the meantime, it passes the lead to
//! another thread.
//!
//! A client's callers lead while they wait. If none waits, no thread leads.
//!
//! # Which thread writes
//!
//! The reader and the writer are taken out of the shared state while they are used. A thread that
//! finds the writer taken need not wait: the writing thread checks for more data before it returns
//! the writer. A turn to write is bounded (see [`flush`]): the rest goes to a thread that only
//! writes, from the server's pool or, at a client, a new one.
//!
//! If other streams are open, a client's caller yields once between queueing its request and writing.
//! Callers that were woken by the same read then queue theirs too, and one write sends them all.
//!
//! # What must hold
//!
//! - The lock is never held across I/O, or while code of the application runs.
//! - A thread that puts data into the core flushes it, or knows that the leader is about to.
//! - If no thread leads and threads are parked, one of them has been woken to lead.
//! - After the end of the connection every waiting thread is woken, and every operation on a stream
//!   fails with the reason for the end.

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
mod maintenance;
mod progress;
mod put;
mod recv;
mod send;
mod snapshot;
mod tick;
mod try_send;
mod wait;
mod wake_batching;

pub(crate) use callers::Callers;
pub(crate) use conn::{Arrival, Conn, Guard, State};
pub(crate) use inbox::{Half, Inbox};
pub(crate) use leader::Leader;
pub(crate) use progress::Progress;
pub(crate) use recv::RecvHalf;
pub(crate) use send::{PIECE, SendHalf, Then};
pub(crate) use snapshot::Snapshot;
pub(crate) use tick::Tick;
pub use try_send::TrySendError;

#[cfg(test)]
mod tests;
