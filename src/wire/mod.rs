//! One connection on one transport: the core behind its lock, the two halves, and the end.
//!
//! ```text
//!   read_once:      take the reader, unlock ─▶ read ─▶ lock ─▶ receive ─▶ deliver
//!   write_once:     transmit ─▶ take the writer, unlock ─▶ write ─▶ lock
//!   run_deadlines:  what is due by now; when to come back
//!   end:            what the end of the connection needs next
//! ```
//!
//! These four are the only places that handle a transport's errors, a stalled write, a timeout of a
//! read, and the shutdown. A [`Driver`] decides which threads call them, and which threads are woken:
//! `session` has a thread that reads and one that writes; in an `exchange`, threads that wait anyway
//! do both in turns. What a driver needs threads for it asks of its [`Owner`].
//!
//! # The lock
//!
//! One mutex protects the core, the driver's own state and the end. It is never held across I/O. No
//! code of the application's runs under it: neither the transport nor a handler. Threads to be woken
//! are noted under the lock and woken after it has been given back, or they would run into it.
//!
//! # How it ends
//!
//! ```text
//!   the core is closed ─▶ final flush: GOAWAY is written   (FINAL_FLUSH_TIMEOUT)
//!                         our direction is shut
//!                         the reader drains                (DRAIN_TIMEOUT)
//!                         the transport is cut, both halves are dropped
//! ```
//!
//! Closing a socket with octets unread would have the system send a TCP RST, which can destroy the
//! GOAWAY before the peer reads it; hence the draining.
//!
//! A write that fails does not close the core: what the peer said before it went away (an early
//! response, a GOAWAY, a TLS alert) may still lie in the transport. The reader has [`DRAIN_TIMEOUT`]
//! to find it, and that time once more if no read has returned; then the failed write is the reason of
//! the end.

mod end;
mod ending;
mod owner;
mod read;
mod read_buffer;
pub(crate) mod read_timeout;
mod state;
mod write;
mod write_buffer;

pub(crate) use ending::{End, EndStep, DRAIN_TIMEOUT, FINAL_FLUSH_TIMEOUT};
pub(crate) use owner::Owner;
pub(crate) use read::{Read, Readable};
pub(crate) use read_buffer::ReadBuffer;
pub(crate) use read_timeout::ReadTimeout;
pub(crate) use state::{AfterUnlock, Driver, Guard, State, Wire};
pub(crate) use write::{What, Wrote};
#[cfg(test)]
pub(crate) use write_buffer::WriteBuffer;

#[cfg(test)]
mod tests;
