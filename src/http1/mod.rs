//! HTTP/1.1 without I/O: a codec with the state of one connection, for both roles (RFC 9112).
//!
//! Octets go in, heads and bodies come out, and the other way round. There are no threads, sockets,
//! channels or clock in it. It knows where each message ends, when the next one may begin, and when
//! the connection has to close.
//!
//! ```text
//!                 the caller's input buffer               the caller's output buffer
//!  from the peer ─▶ receive_request / receive_response     send_response / send_request ─▶ to the peer
//!                   receive_body, take_content             send_interim, send_data, frame_data
//!                   end_of_input                           finish
//! ```
//!
//! | you are | take |
//! | --- | --- |
//! | a server | [`ServerConnection`] |
//! | a client | [`ClientConnection`] |
//!
//! # Contract
//!
//! - **The buffers are the caller's.** What has been taken is gone from the front of the input; what
//!   belongs to a later message stays there. After an upgrade or CONNECT, what is left in the input
//!   belongs to the tunnel.
//! - **Receiving is asked for.** `receive_request`, `receive_response` and `receive_body` say what comes
//!   next, or that more octets are needed. Where there are no more, `end_of_input` says whether this is
//!   a place to end. No result depends on how the octets were cut.
//! - **Content is not buffered.** [`Received::Content`] says how many of the next octets are content.
//!   `take_content` takes them out of the input without a copy. Where the input is empty, the caller
//!   may read that many straight from the transport into a buffer of the application's, and account
//!   for them with `consume`.
//! - **What has been appended to the output must be written**, whole and in order. Content may be
//!   written around the codec: `frame_data` returns what stands before and behind it.
//! - **A mistake of the caller's** is a [`SendError`] of that call alone: nothing has been appended. It
//!   is the caller's own mistake to let a message [end short](SendError::TooShort) of its length: then
//!   the connection has to be closed.
//! - **What the peer does wrong** is an [`Error`], with the status to answer it with. A connection that
//!   has failed keeps failing, and ends after the answer. Octets behind the error are never looked at.
//! - **Time is the caller's.** For a timeout there is `stop_receiving` at the server, then 408; at the
//!   client the connection is dropped.
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
//! until it has been read to its end; or the caller gives up the rest with `stop_receiving`, and the
//! connection closes.
//!
//! # Strict and lenient
//!
//! A server refuses a request in doubt, since another party in front may read it otherwise (RFC 9112,
//! Section 11.2): two lengths, a length beside `transfer-encoding`, a coding other than `chunked` once
//! and last, numbers that are not plain digits, bare CR or LF, folded lines, a blank before a colon,
//! no or several `host`, a `host` against the target, controls in lines, forbidden trailers. It passes
//! over one empty line before a request, which Section 2.2 asks for.
//!
//! A client takes what browsers take where that is safe: folded lines, blanks before a colon and around
//! a chunk size, bare LF in a head, a length that is repeated, and a length beside `chunked`, after
//! which the connection is not used again. It refuses lengths that disagree, codings that it does not
//! know, and octets that answer no request.
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
//! | file | what it has |
//! | --- | --- |
//! | `server`, `server_send`; `client`, `client_send` | the two roles: what is received, what is sent |
//! | `receiver`, `chunked`, `received`, `scan` | the receiving direction: where messages end |
//! | `head`, `facts`, `target`, `host`, `explain` | heads: fields and what they say, the request target, what is wrong |
//! | `sender`, `body_size`, `write` | the sending direction: framing, heads and chunk lines |
//! | `config`, `error`, `send_error` | limits; what the peer does wrong; mistakes of the caller |

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
