//! An HTTP/1.1 connection over one transport, for threads that block: the codec of [`http1`](crate::http1)
//! behind a lock, the two halves of the transport, and the two halves of the current exchange.
//!
//! ```text
//!                  ┌ server: next_request ─▶ RecvHalf + SendHalf ─▶ end_exchange ─▶ … ─▶ linger
//!   Link::new ─▶ Link
//!                  └ client: open ─▶ RecvHalf (next_response, body) + SendHalf ─▶ maintain ─▶ open …
//! ```
//!
//! # Calls
//!
//! | call | role | effect |
//! | --- | --- | --- |
//! | [`Link::new`] | both | takes a [`Codec`], halves of a transport, [`Limits`] and an [`Owner`](crate::wire::Owner) |
//! | [`Link::next_request`] | server | waits for the head of the next request |
//! | [`Link::end_exchange`] | server | waits until both halves are gone, drops the rest of the body; says whether a request may follow |
//! | [`Link::answer`] | server | a response of the server's own, to a request that is refused |
//! | [`Link::linger`] | server | ends the connection so that the last response can be read |
//! | [`Link::open`] | client | queues the head of a request, and returns the halves of its exchange |
//! | [`RecvHalf::next_response`] | client | waits for the next response, interim or final |
//! | [`SendHalf::write_until`] | client | writes a body until part of the response arrives |
//! | [`Link::maintain`], [`Link::standing`] | client | whether the connection is idle and alive, without unexpected octets |
//! | [`RecvHalf`], [`SendHalf`] | both | body and trailers in each direction, with the methods of an HTTP/2 exchange |
//! | [`Link::flush`] | both | writes the queued octets |
//! | [`Link::announce_close`] | server | makes the next response the last one |
//! | [`Link::close_idle`] | server | ends a connection that waits for a request |
//! | [`Link::cut`] | both | ends the connection now, from any thread |
//!
//! The `put_*` methods queue octets, and write only when the queue has grown large. So a head, the
//! first piece of a body and its end go out in one write. The caller flushes.
//!
//! # Threads
//!
//! One mutex protects the codec and the queued octets. It is never held across I/O. A thread takes
//! the reader or the writer out of the shared state while it uses it; another thread that needs it
//! waits until it is back. So two threads can use the two halves of an exchange, and a third can
//! ask whether the peer has closed.
//!
//! # How it ends
//!
//! A failed transport, a timeout in the middle of a message, and a message that is abandoned
//! halfway end the connection. The first reason is kept, and both halves fail with it. After a
//! failed write the connection can still be read: an early response may have arrived.

mod cancelled;
mod client;
mod codec;
mod link;
mod read;
mod recv;
mod send;
mod server;
mod write;

pub(crate) use client::{News, Standing};
pub(crate) use codec::Codec;
pub(crate) use link::{Limits, Link, closed};
pub(crate) use recv::RecvHalf;
pub(crate) use send::{SendHalf, Then};
pub(crate) use server::{Next, Pause, Turn, Waits};

#[cfg(test)]
mod tests;
