//! One connection of HTTP/1.1 on one transport, for threads that block: the codec of [`http1`] behind
//! a lock, the two halves of the transport, and the two halves of the exchange under way.
//!
//! ```text
//!                  ┌ server: next_request ─▶ RecvHalf + SendHalf ─▶ end_exchange ─▶ … ─▶ part
//!   Link::new ─▶ Link
//!                  └ client: open ─▶ RecvHalf (next_response, body) + SendHalf ─▶ look ─▶ open …
//! ```
//!
//! # What is called
//!
//! | call | who | what it does |
//! | --- | --- | --- |
//! | [`Link::new`] | both | takes a [`Codec`], halves of a transport, [`Limits`] and an [`Owner`](crate::wire::Owner) |
//! | [`Link::next_request`] | server | waits for the head of the next request |
//! | [`Link::end_exchange`] | server | waits until both halves are gone, drops the rest of the body; says whether a request may follow |
//! | [`Link::answer`] | server | a response of the server's own, to a request that is refused |
//! | [`Link::part`] | server | ends the connection so that the last response can be read |
//! | [`Link::open`] | client | puts the head of a request, and gives out the halves of its exchange |
//! | [`RecvHalf::next_response`] | client | waits for the next response, interim or final |
//! | [`SendHalf::write_until`] | client | writes a body until something comes of the response |
//! | [`Link::look`], [`Link::standing`] | client | whether the connection is idle, alive and has no octet left over |
//! | [`RecvHalf`], [`SendHalf`] | both | body and trailers in each direction, with the methods of those of an exchange in HTTP/2 |
//! | [`Link::flush`] | both | writes what has been put |
//! | [`Link::shut_down`] | both | no exchange after the one under way; an idle connection ends at once |
//! | [`Link::cut`] | both | ends it now, from any thread |
//!
//! Putting (`put_*`) appends to the octets that are to be written, and writes only where they have
//! become many: so a head, the first piece of a body and its end go out in one write. The caller
//! flushes.
//!
//! # Threads
//!
//! One mutex protects the codec and the octets to be written. It is never held across I/O. The reader
//! and the writer are taken out of the shared state while they are used; a thread that needs one of
//! them and finds it gone waits until it is put back. So the two halves of an exchange can be used by
//! two threads, and a third may ask whether the peer has gone.
//!
//! # How it ends
//!
//! A transport that fails, a peer that is late with what it has begun, and a message that is given up
//! in the middle end the connection: the first reason is kept, and both halves fail with it. What has
//! failed in writing can still be read from: an early response may lie in the transport.

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
pub(crate) use link::{closed, Limits, Link};
pub(crate) use recv::RecvHalf;
pub(crate) use send::{SendHalf, Then};
pub(crate) use server::{Next, Waits};

#[cfg(test)]
mod tests;
