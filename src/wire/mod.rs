//! One connection on one transport: the core behind its lock, the two halves, and the end.
//!
//! ```text
//!   read_once:      take the reader, unlock ─▶ read ─▶ lock ─▶ receive ─▶ deliver
//!   write_once:     transmit ─▶ take the writer, unlock ─▶ write ─▶ lock
//!   run_deadlines:  what is due by now; when to come back
//!   end:            what the end of the connection needs next
//! ```
//!
//! Only these four functions handle errors of the transport, stalled writes, read timeouts and the
//! shutdown. A [`Driver`] decides which threads call them, and which threads are woken. A `session`
//! has one thread that reads and one that writes; in an `exchange`, waiting threads do both in
//! turns. When a driver needs a thread, it asks its [`Owner`].
//!
//! # The lock
//!
//! One mutex protects the core, the driver's state and the state of the end. It is never held
//! across I/O, nor while code of the application runs: neither the transport nor a handler. Threads
//! to be woken are collected under the lock and unparked after its release, since they would block
//! on it otherwise.
//!
//! # The end of a connection
//!
//! ```text
//!   the core is closed ─▶ final flush: GOAWAY is written   (FINAL_FLUSH_TIMEOUT)
//!                         our direction is shut
//!                         the reader drains                (DRAIN_TIMEOUT, LINGER_TIMEOUT)
//!                         the transport is cut, both halves are dropped
//! ```
//!
//! If a socket is closed with unread octets, the system sends a TCP RST, which can destroy the
//! GOAWAY, and the last responses, before the peer reads them. Draining prevents that. A server that
//! has answered all requests drains while its client still reads.
//!
//! A failed write does not close the core: the reason (an early response, a GOAWAY, a TLS alert)
//! may still be in the transport. The reader has [`DRAIN_TIMEOUT`] to find it, and the same time
//! once more if no read has returned. After that, the failed write is the reason for the end.

mod blocks;
mod end;
mod ending;
mod frame_buffer;
mod ledger;
mod owner;
mod read;
mod read_buffer;
pub(crate) mod read_timeout;
mod state;
mod write;
mod write_buffer;

pub(crate) use ending::{DRAIN_TIMEOUT, End, EndStep, FINAL_FLUSH_TIMEOUT};
pub(crate) use ledger::{Held, Ledger};
pub(crate) use owner::{Owner, spawn};
pub(crate) use read::{Read, Readable};
pub(crate) use read_buffer::ReadBuffer;
pub(crate) use read_timeout::ReadTimeout;
pub(crate) use state::{AfterUnlock, Driver, Guard, State, Wire};
pub(crate) use write::{What, Wrote};
#[cfg(test)]
pub(crate) use write_buffer::WriteBuffer;

#[cfg(test)]
mod tests;
