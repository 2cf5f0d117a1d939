#![forbid(unsafe_code)]
// Published documentation shows the feature that each item needs.
#![cfg_attr(docsrs, feature(doc_cfg))]
//! HTTP/2 (RFC 9113, RFC 7541), HTTP/1.1 (RFC 9112) and WebSocket (RFC 6455) for programs that block:
//! threads and channels, no async runtime.
//!
//! # A server
//!
//! ```no_run
//! use std::io::{self, Write};
//!
//! use h2_sync::server::{Request, Response, Server};
//!
//! fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
//!     writeln!(response, "Hello! You have asked for {}.", request.path())
//! }
//!
//! fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     Server::bind("127.0.0.1:8080")?.serve(handler)?.wait();
//!     Ok(())
//! }
//! ```
//!
//! # A client
//!
//! ```no_run
//! use h2_sync::client::Client;
//!
//! fn main() -> Result<(), h2_sync::Error> {
//!     let client = Client::new()?;
//!     let response = client.get("https://example.com/").send()?;
//!     println!("{} {}", response.status(), response.text()?);
//!     Ok(())
//! }
//! ```
//!
//! # Choosing a layer
//!
//! There is one protocol core with several layers above and below it, from high to low:
//!
//! | to | use | content |
//! | --- | --- | --- |
//! | answer requests | [`server`] | a handler for each request in HTTP/2 or HTTP/1.x, over TCP, TLS or any transport |
//! | send requests | [`client`] | requests from any number of threads, over shared connections |
//! | exchange messages | [`websocket`] | WebSockets in a handler or at a URL, over HTTP/1.1 and HTTP/2 |
//! | control a connection, at either end | [`session`] | two channels: actions in, events out |
//! | do the I/O yourself: event loops, simulations, tests | [`proto`] | HTTP/2 as a state machine without I/O, threads or clock |
//! | the same for HTTP/1.1 | [`http1`] | a codec for both roles |
//! | the same for WebSocket | [`ws`] | messages and frames, for both roles |
//! | handle frames or field blocks alone: dissectors, proxies, fuzzers | [`frame`], [`hpack`] | pure functions over octets |
//!
//! A connection runs on a [`transport`]: a TCP or Unix socket, TLS over one of these, a pair of
//! pipes, an in-memory duplex, or anything else that reads and writes.
//!
//! The [`guide`] has a page for each task, from the first server to a course about HTTP/2, and a
//! cookbook. gRPC is in two crates beside this one: `h2-sync-grpc` and `h2-sync-grpc-build`.
//!
//! # A connection as two channels
//!
//! Both ends of a connection, on loopback. The example `hello_session` is a commented version.
//!
//! ```
//! use std::net::{TcpListener, TcpStream};
//! use std::thread;
//!
//! use h2_sync::{headers, new_connection, Act, Evt};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let listener = TcpListener::bind("127.0.0.1:0")?;
//! let address = listener.local_addr()?;
//! let server = thread::spawn(move || -> Result<(), h2_sync::Error> {
//!     let session = new_connection(listener.accept()?.0, false, false)?;
//!     while let Ok(evt) = session.take_evt() {
//!         if let Evt::RecvHeaders { stream_identifier, .. } = evt {
//!             let headers = headers!(":status" => "200");
//!             session.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream: false })?;
//!             let data = "hello".into();
//!             session.put_act(Act::SendData { stream_identifier, data, is_end_stream: true })?;
//!         }
//!     }
//!     Ok(())
//! });
//!
//! let session = new_connection(TcpStream::connect(address)?, true, false)?;
//! let request = headers!(
//!     ":method" => "GET",
//!     ":scheme" => "http",
//!     ":authority" => address.to_string(),
//!     ":path" => "/",
//! );
//! session.open(&request, true)?;
//!
//! let mut body = Vec::new();
//! loop {
//!     match session.take_evt()? {
//!         Evt::RecvHeaders { headers, .. } => assert_eq!(headers.status(), Some(200)),
//!         Evt::RecvData { data, is_end_stream, .. } => {
//!             body.extend_from_slice(&data);
//!             if is_end_stream {
//!                 break;
//!             }
//!         }
//!         Evt::Closed { reason } => panic!("closed: {reason:?}"),
//!         _ => {} // settings and others, which the Session has already handled
//!     }
//! }
//! assert_eq!(body, b"hello");
//!
//! session.close();
//! server.join().unwrap()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Modules
//!
//! | module | content | start with |
//! | --- | --- | --- |
//! | [`guide`] | a page for each task | [`guide::first_steps`] |
//! | [`server`] | a handler for each request | [`Server`](server::Server), [`Request`](server::Request), [`Response`](server::Response) |
//! | [`client`] | requests over pooled connections | [`Client`](client::Client), [`Connection`](client::Connection) |
//! | [`websocket`] | WebSockets, at both ends | [`accept`](websocket::accept), [`connect`](websocket::connect), [`WebSocket`](websocket::WebSocket) |
//! | [`session`] | a connection as two channels | [`new_connection`], [`Session`], [`Act`], [`Evt`] |
//! | [`transport`] | the streams under a connection | [`Transport`](transport::Transport), [`duplex`](transport::duplex), [`Shared`](transport::Shared) |
//! | [`tls`] | TLS with ALPN, over any transport | [`Acceptor`](tls::Acceptor), [`Connector`](tls::Connector) |
//! | [`upgrade`] | HTTP/2 without TLS: detection, and the upgrade from HTTP/1.1 | [`Session::accept_h2c`], [`detect`](upgrade::detect), [`request_upgrade`](upgrade::request_upgrade) |
//! | [`convert`] | [`Headers`] to and from the types of the `http` crate | [`Protocol`](convert::Protocol) |
//! | [`error`](mod@error) | errors, sorted by fault | [`Error`], [`ErrorKind`], [`Phase`] |
//! | [`proto`] | the connection without I/O | [`Connection`](proto::Connection), [`Config`] |
//! | [`http1`] | a connection of HTTP/1.1 without I/O | [`ServerConnection`](http1::ServerConnection), [`ClientConnection`](http1::ClientConnection) |
//! | [`ws`] | a WebSocket connection without I/O | [`Connection`](ws::Connection), [`Message`](ws::Message) |
//! | [`frame`] | all frame types, to bytes and back | [`Frame`](frame::Frame), [`StreamId`], [`ErrorCode`] |
//! | [`hpack`] | field sections, to field blocks and back | [`Headers`], [`headers!`], [`Encoder`](hpack::Encoder), [`Decoder`](hpack::Decoder) |
//!
//! # Themes
//!
//! **Terms.** The names are those of the RFCs: *stream*, *field section*, *field block*, END_STREAM.
//! A command to a Session is an *action* ([`Act`]), and it reports *events* ([`Evt`]). One name is
//! longer than in the RFC: `stream_identifier`, which [`proto`] and [`frame`] call `stream_id`.
//!
//! **Errors are sorted by fault.** [`Error::kind`] tells whether the call was invalid, a buffer was
//! full, the peer broke a rule or exceeded a limit, a timeout expired, or the transport failed. An
//! invalid call fails alone and changes nothing. A stream that ends early is an event,
//! [`Evt::Reset`]. The end of a connection is the last event, [`Evt::Closed`], with the [`Reason`].
//!
//! **Waits are bounded.** [`Session::put_act`] never waits: if the send buffer is full, it returns the
//! action. [`Session::take_evt`] waits, and always returns: the peer, a timeout or
//! [`Session::close`] ends it. Every timeout is a field of [`Config`].
//!
//! **Memory is bounded.** A peer can make one connection hold, in terms of [`Config`],
//!
//! ```text
//!   max_concurrent_streams × initial_window_size   received and not yet taken
//! + window_budget                                  the same, in windows that have grown
//! + 2 × max_send_buffer                            queued for sending: DATA, and field sections
//! + max_concurrent_streams × 64 KiB                queued for sending, guaranteed to each stream
//! + header_table_size + encoder_table_cap          HPACK
//! + a few times max_header_list_size               the field section that is being received
//! ```
//!
//! The first two lines dominate. By default they are 128 × 256 KiB and 16 MiB at a server, and 1 MiB
//! for each stream and 64 MiB at a client. They are reached only if the application takes no events.
//! Each event also holds its field section or data until you drop it.
//!
//! **Everything can be shared by threads.** The methods of clients and Sessions take `&self`, so share
//! them by reference. A [`Session`] has two threads of its own, one that reads and one that writes, and they
//! never wait for the application. Connections of the [`server`] and the [`client`] are read by the
//! threads that serve or wait. On Linux, all idle connections of a server wait on one thread; on other
//! systems, each blocks one.
//!
//! **Bodies are shared, not copied.** Data is [`bytes::Bytes`], and [`Headers`] cost a reference
//! count to clone.
//!
//! **Every frame can be logged.** The target `h2_sync::frames` of the [`log`] crate has one line for
//! each frame, at level `trace`; values of sensitive fields are masked. With `env_logger`:
//! `RUST_LOG=h2_sync::frames=trace`. The target `h2_sync::access` has at `info` one line for each
//! request of a server ([format](server#access-log)). The target `h2_sync` has at `debug` why a stream was reset or
//! a connection ended, and at `error` the failures of handlers, with method, path, peer and stream.
//! The logger is called without a lock: it may use the connection that a line is about, but not wait
//! for it. A program that uses `tracing` calls `tracing_log::LogTracer::init()` at its start, from the
//! crate [`tracing-log`](https://docs.rs/tracing-log), and gets these lines as events.
//!
//! # Should I use this crate?
//!
//! Yes, if your program has threads and blocking I/O and will keep them, if it needs control over
//! HTTP/2 (windows, priorities, PING, GOAWAY), or if it needs the protocol without I/O.
//!
//! Other crates fit better
//!
//! - if your program is async: [`h2`](https://docs.rs/h2) and [`hyper`](https://docs.rs/hyper);
//! - if the client needs a cache: [`reqwest`](https://docs.rs/reqwest) with a middleware;
//! - if HTTP/1.1 is enough and a small build matters: [`ureq`](https://docs.rs/ureq);
//! - if a server has tens of thousands of handlers that wait at the same time: each costs a thread. On
//!   Linux, connections without a waiting handler cost none; a [`Session`] always has two.

mod budget;
pub mod client;
pub mod convert;
pub mod error;
mod exchange;
pub mod frame;
#[cfg(any(doc, doctest))]
pub mod guide;
mod h1;
mod halves;
mod histogram;
pub mod hpack;
pub mod http1;
mod kernel_thread;
mod logging;
mod meter;
pub mod proto;
pub mod server;
pub mod session;
#[cfg(feature = "tls")]
pub mod tls;
pub mod transport;
pub mod upgrade;
#[cfg(feature = "websocket")]
pub mod websocket;
mod wire;
#[cfg(feature = "websocket")]
pub mod ws;

pub use error::{BoxError, Error, ErrorKind, Phase, Result};
pub use frame::{ErrorCode, StreamId};
pub use histogram::Histogram;
pub use hpack::Headers;
pub use proto::{Config, HeadersKind, Role};
pub use session::{Act, Evt, PutError, Reason, Session, new_connection};

// Their types are part of the API.
pub use bytes;
pub use http;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
