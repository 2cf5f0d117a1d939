//! An HTTP/2 connection as two channels: actions in, events out.
//!
//! ```text
//!                     ┌──────────────── Session ────────────────┐
//!   put_act(Act) ────▶│ core ──▶ writer thread ──────────▶ bytes │──▶
//!                     │  ▲                                       │     peer
//!   take_evt() ◀──────│ channel ◀── core ◀── reader thread ◀──── │◀──
//!                     └─────────────────────────────────────────┘
//! ```
//!
//! [`new_connection`] starts a reader thread and a writer thread on a
//! [`Transport`](crate::transport::Transport): a TCP stream, a Unix socket, or any pair of a reader
//! and a writer. The connection then works by itself: it exchanges settings, answers PINGs,
//! maintains the flow-control windows, and reports what the peer sends as [`Evt`]s. Any number of
//! threads may take events with [`take_evt`](Session::take_evt) and put actions with
//! [`put_act`](Session::put_act).
//!
//! # A request and its response
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
//! // The server's side, normally in another thread or process.
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
//! # Guarantees
//!
//! - `put_act` never blocks. The send buffer is bounded; when it is full, the action is returned,
//!   and [`put_act_timeout`](Session::put_act_timeout) waits for room.
//! - [`write_acts`](Session::write_acts) and [`take_evts`](Session::take_evts) handle batches: the thread
//!   that takes events writes as well, so a batch costs one thread switch instead of two.
//! - The reader thread never waits for the application. Unread data is bounded by the receive
//!   windows, and credit is returned to the peer when the application takes the data.
//! - The last event is [`Evt::Closed`] with the reason, exactly once; after it, `take_evt` returns
//!   an error. `take_evt` never hangs on a closed connection.
//! - Any number of threads may reserve and use identifiers. HEADERS are sent in the order of the
//!   identifiers; a reserved one that is not used delays the later ones by 50 ms.

mod act;
mod connect;
mod driver;
mod evt;
mod handle;
mod outbox;
mod shared;
mod side;
mod take;
mod threads;
mod upgrade;
mod write_here;

pub use act::{Act, PutError};
pub use connect::new_connection;
/// The receiver of events, and its errors.
pub use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, TryRecvError};
pub use evt::{Evt, Reason};
pub use handle::Session;
pub use shared::CLOSE_TIMEOUT;

#[cfg(test)]
mod tests;
