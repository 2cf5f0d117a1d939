//! One core and one transport, shared by the two threads of a Session and by its callers.
//!
//! The server and the client share a core in another way and with a lock of their own; see
//! `exchange`.
//!
//! ```text
//!   reader ──▶ read_step:  read (unlocked) ─▶ lock, receive, unlock ─▶ the driver delivers events
//!
//!   writer ──▶ next_write: lock ─▶ deadlines ─▶ something to write? ─── yes ─▶ take it, unlock
//!                 ▲                                     │ no
//!                 │                                     └─ park until there is, or a deadline
//!                 └─────────── write_step: one write (unlocked) ◀─────┘
//!
//!   others ──▶ with, with_room: lock, command, unlock ─▶ wake the writer where it has work
//! ```
//!
//! The lock is never held across I/O, and nothing is delivered to the application under it. The
//! Session decides which threads take the steps.
//!
//! # Who wakes whom
//!
//! A thread changes the core under the lock, and looks before it unlocks whom that concerns:
//!
//! - the writer, if it is parked and there is something to send, the connection is over, or a
//!   deadline has come up before the one that it waits for. Being parked is a field under the
//!   lock, and whoever wakes the writer clears it, so no wake-up is lost and none is paid twice;
//! - threads that wait for room or for the end, if the connection is over, or events have come up:
//!   a stream that made room or ended always makes one.
//!
//! # How it ends
//!
//! ```text
//!   the core is closed ─▶ the writer wakes ─▶ say_goodbye:  GOAWAY is written     (LAST_WORDS)
//!                                                           our direction is shut
//!                                                           the reader drains     (LINGER)
//!                                                           the transport is cut
//! ```
//!
//! A write that fails does not close the core: what the peer said before it went away (an early
//! response, a GOAWAY) may still lie in the transport, so the reader has [`LINGER`](flush::LINGER)
//! to find the end by itself. Only if it finds none is the failed write the reason of the end.

mod buffer;
mod end;
mod flush;
mod goodbye;
mod read;
mod shared;

pub(crate) use buffer::ReadBuffer;
pub(crate) use end::{End, Side};
pub(crate) use flush::{Next, WriteBuffer, LINGER};
pub(crate) use goodbye::{GOODBYE, LAST_WORDS};
pub(crate) use read::{cuts_short, ReadStep};
pub(crate) use shared::Link;

#[cfg(test)]
mod tests;
