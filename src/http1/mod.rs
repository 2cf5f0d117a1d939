//! HTTP/1.1 without I/O: a codec for one connection, in both roles (RFC 9112).
//!
//! Octets go in, header sections and bodies come out, and vice versa. The codec has no threads,
//! sockets, channels or clock. It keeps the state of the connection: where each message ends, when
//! the next one may begin, and when the connection must close.
//!
//! ```text
//!                 the caller's input buffer               the caller's output buffer
//!  from the peer ─▶ receive_request / receive_response     send_response / send_request ─▶ peer
//!                   receive_body, take_content             send_interim, send_data, frame_data
//!                   end_of_input                           finish
//! ```
//!
//! | role | type |
//! | --- | --- |
//! | server | [`ServerConnection`] |
//! | client | [`ClientConnection`] |
//!
//! # Contract
//!
//! - **The caller owns the buffers.** The codec removes what it has consumed from the front of the
//!   input, and leaves octets of later messages there. After an upgrade or CONNECT, the rest of the
//!   input belongs to the tunnel.
//! - **The caller drives receiving.** `receive_request`, `receive_response` and `receive_body`
//!   return what comes next, or that more octets are needed. At the end of the input,
//!   `end_of_input` tells whether the connection may end there. No result depends on how the octets
//!   were split.
//! - **Content is not buffered.** [`Received::Content`] tells how many of the next octets are
//!   content. `take_content` takes them from the input without a copy. If the input is empty, the
//!   caller may read as many directly from the transport into the application's buffer, and account
//!   for them with `consume`.
//! - **Output must be written** whole and in order. Content may bypass the codec: `frame_data`
//!   returns the framing before and after it.
//! - **An error of the caller** is a [`SendError`] of that call only: nothing has been appended. If
//!   a message [ends short](SendError::TooShort) of its length, the caller must close the
//!   connection.
//! - **An error of the peer** is an [`Error`], with the status to answer it with. A connection that
//!   has failed keeps failing, and ends after the answer. Octets after the error are not read.
//! - **The caller keeps time.** On a timeout, a server calls `stop_receiving` and sends 408; a
//!   client drops the connection.
//!
//! # States
//!
//! ```text
//! server:            receive_request            send_response             finish
//!            Idle ───────────────────▶ Asked ────────────────▶ Answering ─────────▶ Answered
//!             ▲     body by receive_body, as long as it is not at its end              │
//!             ├────────────────────────────────────────────────────────────────────────┤ keep-alive,
//!             │                                                                        │ body at its end
//!             └── Tunnel ◀── 101, or 2xx to CONNECT             else, or an error ─▶ Closed
//!
//! client:            send_request               finish
//!            Idle ───────────────────▶ Sending ────────▶ Sent      the response comes meanwhile or
//!             ▲                                           │        after: receive_response for each
//!             └───────────────────────────────────────────┤        interim one and the final one,
//!                            keep-alive, body at its end  │        then receive_body
//!                                                         └─▶ Closed, or Tunnel
//! ```
//!
//! A response may be sent before the body of the request has been read. The next request then waits
//! until the body has been read to its end. With `stop_receiving` the caller abandons the rest
//! instead, and the connection closes.
//!
//! # Strict and lenient
//!
//! A server refuses ambiguous requests, since an intermediary could interpret them differently (RFC
//! 9112, Section 11.2): two lengths, a length beside `transfer-encoding`, a coding other than
//! `chunked` once and last, numbers that are not plain digits, bare CR or LF, folded lines, a blank
//! before a colon, no or several `host`, a `host` that contradicts the target, control characters,
//! and forbidden trailers. It accepts one empty line before a request (Section 2.2).
//!
//! A client accepts what browsers accept, where that is safe: folded lines, blanks before a colon
//! and around a chunk size, bare LF in a header section, repeated equal lengths, and a length
//! beside `chunked`, after which the connection is not reused. It refuses lengths that disagree,
//! unknown codings, and octets without a request.
//!
//! # Example
//!
//! A client and a server, joined by hand:
//!
//! ```
//! use bytes::BytesMut;
//! use h2_sync::http1::{BodySize, ClientConnection, Config, Received, ServerConnection};
//! use http::{HeaderMap, Method, StatusCode, Uri};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut client = ClientConnection::new(Config::default());
//! let mut server = ServerConnection::new(Config::default());
//! let fields = HeaderMap::new();
//!
//! let (mut wire, uri) = (Vec::new(), Uri::from_static("http://example.com/echo"));
//! client.send_request(&Method::POST, &uri, &fields, BodySize::Unknown, &mut wire)?;
//! client.send_data(b"hello", &mut wire)?;
//! client.finish(None, &mut wire)?;
//!
//! let mut input = BytesMut::from(&wire[..]);
//! let request = server.receive_request(&mut input)?.expect("all of the head is there");
//! assert_eq!(request.uri(), "/echo");
//! let mut body = Vec::new();
//! while let Received::Content(_) = server.receive_body(&mut input)? {
//!     body.extend_from_slice(&server.take_content(&mut input));
//! }
//!
//! let (mut wire, size) = (Vec::new(), BodySize::Known(body.len() as u64));
//! server.send_response(StatusCode::OK, &fields, size, &mut wire)?;
//! server.send_data(&body, &mut wire)?;
//! server.finish(None, &mut wire)?;
//! assert_eq!(wire, b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello");
//!
//! let mut input = BytesMut::from(&wire[..]);
//! let response = client.receive_response(&mut input)?.expect("all of the head is there");
//! assert_eq!(response.status(), StatusCode::OK);
//! assert_eq!(client.receive_body(&mut input)?, Received::Content(5));
//! assert_eq!(client.take_content(&mut input), "hello");
//! assert_eq!(client.receive_body(&mut input)?, Received::End);
//! assert!(client.is_idle() && server.is_idle());
//! # Ok(())
//! # }
//! ```
//!
//! # Inside
//!
//! | file | content |
//! | --- | --- |
//! | `server`, `server_send`; `client`, `client_send` | the two roles, receiving and sending |
//! | `receiver`, `chunked`, `received`, `scan` | the receiving direction: where messages end |
//! | `head`, `facts`, `target`, `host`, `explain` | header sections: fields, targets, errors |
//! | `sender`, `body_size`, `write` | the sending direction: framing and encoding |
//! | `config`, `error`, `send_error` | limits; errors of the peer; errors of the caller |

mod body_size;
mod chunked;
mod client;
mod client_send;
mod config;
mod error;
mod explain;
mod facts;
mod head;
mod host;
mod received;
mod receiver;
mod scan;
mod send_error;
mod sender;
mod server;
mod server_send;
mod target;
mod write;

pub use body_size::BodySize;
pub use client::ClientConnection;
pub use config::Config;
pub use error::{Error, ErrorKind};
pub use received::Received;
pub use send_error::SendError;
pub use server::ServerConnection;
pub(crate) use target::encoded_target;
