#![forbid(unsafe_code)]
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
//! # Which door?
//!
//! There is one protocol core, and there are several doors to it, from high to low:
//!
//! | you want | take | what it is |
//! | --- | --- | --- |
//! | to answer requests | [`server`] | a handler for each request in HTTP/2 or HTTP/1.x, over TCP, TLS or any transport |
//! | to send requests | [`client`] | requests from any number of threads, over connections that they share |
//! | to exchange messages both ways | [`websocket`] | WebSockets in a handler or at a URL, over HTTP/1.1 and HTTP/2 |
//! | to see and steer a connection, at either end | [`session`] | two channels: actions go in, events come out |
//! | a connection with I/O of your own: an event loop, a simulation, a test | [`proto`] | a state machine without I/O, threads or clock |
//! | the same for HTTP/1.1 | [`http1`] | a codec without I/O, for both roles |
//! | the same for WebSocket | [`ws`] | messages and frames without I/O, for both roles |
//! | frames or field blocks alone: a dissector, a proxy, a fuzzer | [`frame`], [`hpack`] | pure functions over bytes |
//!
//! A connection runs on a [`transport`]: a TCP or Unix socket, TLS over one of these, a pair of
//! pipes, an in-memory duplex, or anything else that reads and writes.
//!
//! gRPC is in two crates beside this one: `h2-sync-grpc` and `h2-sync-grpc-build`.
//!
//! # A connection as two channels
//!
//! Both ends of a connection, on loopback. `cargo run --example hello_session` is the same with comments
//! on what happens.
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
//!         _ => {} // settings and the like, which the Session has dealt with already
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
//! | module | what it has | begin with |
//! | --- | --- | --- |
//! | [`server`] | a handler for each request | [`Server`](server::Server), [`Request`](server::Request), [`Response`](server::Response) |
//! | [`client`] | requests over pooled connections | [`Client`](client::Client), [`Connection`](client::Connection) |
//! | [`websocket`] | WebSockets, at both ends | [`accept`](websocket::accept), [`connect`](websocket::connect), [`WebSocket`](websocket::WebSocket) |
//! | [`session`] | a connection as two channels | [`new_connection`], [`Session`], [`Act`], [`Evt`] |
//! | [`transport`] | what a connection runs on | [`Transport`](transport::Transport), [`duplex`](transport::duplex), [`Shared`](transport::Shared) |
//! | [`tls`] | TLS with ALPN, over any transport | [`Acceptor`](tls::Acceptor), [`Connector`](tls::Connector) |
//! | [`upgrade`] | HTTP/2 without TLS: who speaks what, and the upgrade from HTTP/1.1 | [`Session::accept_h2c`], [`detect`](upgrade::detect), [`request_upgrade`](upgrade::request_upgrade) |
//! | [`convert`] | [`Headers`] to and from the types of the `http` crate | [`Protocol`](convert::Protocol) |
//! | [`error`](mod@error) | what went wrong, and whose fault it was | [`Error`], [`ErrorKind`], [`Phase`] |
//! | [`proto`] | the connection without I/O | [`Connection`](proto::Connection), [`Config`] |
//! | [`http1`] | a connection of HTTP/1.1 without I/O | [`ServerConnection`](http1::ServerConnection), [`ClientConnection`](http1::ClientConnection) |
//! | [`ws`] | a WebSocket connection without I/O | [`Connection`](ws::Connection), [`Message`](ws::Message) |
//! | [`frame`] | all frame types, to bytes and back | [`Frame`](frame::Frame), [`StreamId`], [`ErrorCode`] |
//! | [`hpack`] | field sections, to field blocks and back | [`Headers`], [`headers!`], [`Encoder`](hpack::Encoder), [`Decoder`](hpack::Decoder) |
//!
//! # Themes
//!
//! **Words.** Things of the RFC have the names of the RFC: *stream*, *field section*, *field block*,
//! END_STREAM. What you ask of a Session is an *action* ([`Act`]), what it tells is an *event*
//! ([`Evt`]). One name is longer than in the RFC: `stream_identifier` is what [`proto`] and
//! [`frame`] call `stream_id`.
//!
//! **Errors are sorted by fault.** [`Error::kind`] says whether the caller asked for something that
//! cannot be, there was no room, the peer broke a rule or went over a limit, took too long, or the
//! transport failed. A mistake of the caller's fails that one call and changes nothing. A stream
//! that ends before its time is an event, [`Evt::Reset`]. A connection that ends is the last
//! event, [`Evt::Closed`], with the [`Reason`].
//!
//! **Waits are bounded.** [`Session::put_act`] never waits; over the bound of what may wait to be
//! sent, it gives the action back. [`Session::take_evt`] waits, and always returns: the peer, a
//! deadline or [`Session::close`] ends it. Every deadline is a field of [`Config`].
//!
//! **Memory is bounded.** What a peer can make one connection hold is, with the names of
//! [`Config`],
//!
//! ```text
//!   max_concurrent_streams × initial_window_size   received and not yet taken
//! + window_budget                                  the same, where windows have grown
//! + 2 × max_send_buffer                            waiting to be sent: DATA, and field sections
//! + max_concurrent_streams × 64 KiB                room that each stream has in any case
//! + header_table_size + encoder_table_cap          HPACK
//! + a few times max_header_list_size               the field section that is coming in
//! ```
//!
//! The first two lines dominate (128 × 256 KiB and 16 MiB by default at a server; 1 MiB for each
//! stream and 64 MiB at a client), and are reached only where no events are taken. Each event also holds the field section or data in it, until you drop it.
//!
//! **Threads are welcome.** Clients and Sessions are shared by reference; all their methods take
//! `&self`. A [`Session`] has two threads of its own, one that reads and one that writes, and they
//! never wait for the application. Connections of the [`server`] and the [`client`] are read by the
//! threads that serve or wait; an idle connection of the server blocks one thread.
//!
//! **Bodies are shared, not copied.** Data is [`bytes::Bytes`], and [`Headers`] cost a reference
//! count to clone.
//!
//! **Every frame can be seen.** The target `h2_sync::frames` of the [`log`] crate has one line for
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
//! It may be right for you if your program has threads and blocking I/O and is to stay that way, if
//! you want to see and steer what HTTP/2 does (windows, priorities, PING, GOAWAY), or if you need
//! the protocol without any I/O.
//!
//! Take something else, for now,
//!
//! - if your program is async: [`h2`](https://docs.rs/h2) and [`hyper`](https://docs.rs/hyper) are
//!   made for that;
//! - if the client has to keep a cache, or HTTP/1.1 is all that you need and a small build matters: see
//!   [`ureq`](https://docs.rs/ureq) (HTTP/1.1, blocking) or [`reqwest`](https://docs.rs/reqwest);
//! - if you need a great number of connections: an idle one costs a thread at a server, and two in
//!   a [`Session`].
//!
//! The examples and `ARCHITECTURE.md`, in the repository, go on from here.

mod budget;
pub mod client;
pub mod convert;
pub mod error;
mod exchange;
pub mod frame;
mod h1;
mod halves;
mod histogram;
pub mod hpack;
pub mod http1;
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
pub use session::{new_connection, Act, Evt, PutError, Reason, Session};

// Their types are part of the API.
pub use bytes;
pub use http;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
