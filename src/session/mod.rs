//! A whole HTTP/2 connection as two channels: actions go in, events come out.
//!
//! ```text
//!                     ┌──────────────── Session ────────────────┐
//!   put_act(Act) ────▶│ core ──▶ writer thread ──────────▶ bytes │──▶
//!                     │  ▲                                       │     peer
//!   take_evt() ◀──────│ channel ◀── core ◀── reader thread ◀──── │◀──
//!                     └─────────────────────────────────────────┘
//! ```
//!
//! [`new_connection`] starts a reader thread and a writer thread around a
//! [`Transport`](crate::transport::Transport): a TCP stream, a Unix socket, any pair of a reader
//! and a writer. From then on the connection is alive: it exchanges settings, answers PINGs, keeps
//! the windows, and tells what the peer does as [`Evt`]s. You take them with
//! [`take_evt`](Session::take_evt) and answer with [`put_act`](Session::put_act), from as many
//! threads as you like.
//!
//! # A request and its answer
//!
//! ```
//! use h2_sync::session::{new_connection, Act, Evt};
//! use h2_sync::{headers, transport};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, far) = transport::duplex(64 * 1024);
//! let client = new_connection(near, true, false)?;
//! let server = new_connection(far, false, false)?;
//!
//! let request = headers!(
//!     ":method" => "GET", ":scheme" => "http", ":authority" => "example.com", ":path" => "/",
//! );
//! let stream_identifier = client.next_free_stream_identifier()?;
//! client.put_act(Act::SendHeaders { stream_identifier, headers: request, is_end_stream: true })?;
//!
//! // The server's side; in earnest, in another thread or another process.
//! loop {
//!     if let Evt::RecvHeaders { stream_identifier, headers, .. } = server.take_evt()? {
//!         assert_eq!(headers.path(), Some("/"));
//!         let headers = headers!(":status" => "200");
//!         server.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream: false })?;
//!         let data = "hello".into();
//!         server.put_act(Act::SendData { stream_identifier, data, is_end_stream: true })?;
//!         break;
//!     }
//! }
//!
//! let mut body = Vec::new();
//! loop {
//!     match client.take_evt()? {
//!         Evt::RecvHeaders { headers, .. } => assert_eq!(headers.status(), Some(200)),
//!         Evt::RecvData { data, is_end_stream, .. } => {
//!             body.extend_from_slice(&data);
//!             if is_end_stream {
//!                 break;
//!             }
//!         }
//!         Evt::Closed { reason } => panic!("closed: {reason:?}"),
//!         _ => {} // settings and the like
//!     }
//! }
//! assert_eq!(body, b"hello");
//! client.close();
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - `put_act` never blocks. What waits to be sent is bounded; over the bound it gives the action
//!   back, and [`put_act_timeout`](Session::put_act_timeout) waits for room.
//! - The reader thread never waits for the application. Data that nobody takes is bounded by the
//!   receive windows, and its credit goes back when the application takes it.
//! - The last event is [`Evt::Closed`] with the reason, exactly once; after it `take_evt` says
//!   that the channel is disconnected. No `take_evt` hangs on a connection that is over.
//! - Identifiers may be reserved and used by many threads at once. HEADERS go out in the order of
//!   the identifiers: one that was reserved and not used holds the later ones back for 50 ms.

mod act;
mod connect;
mod driver;
mod evt;
mod handle;
mod outbox;
mod shared;
mod side;
mod threads;
mod upgrade;

pub use act::{Act, PutError};
pub use connect::new_connection;
/// The channel that events come out of, and what taking one may say instead of an event.
pub use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, TryRecvError};
pub use evt::{Evt, Reason};
pub use handle::Session;
pub use shared::CLOSE_TIMEOUT;

#[cfg(test)]
mod tests;
