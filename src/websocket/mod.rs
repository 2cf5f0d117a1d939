//! WebSocket clients and servers (RFC 6455) for programs that block, over HTTP/1.1 and HTTP/2 (RFC 8441),
//! with compression (RFC 7692).
//!
//! A server and a client:
//!
//! ```
//! use h2_sync::client::Client;
//! use h2_sync::server::{Config, Request, Response, Server};
//! use h2_sync::{websocket, Error};
//!
//! fn handler(request: &mut Request, response: &mut Response) -> Result<(), Error> {
//!     if request.path() != "/shout" {
//!         return response.send("an ordinary response");
//!     }
//!     let mut socket = websocket::accept(request, response, &websocket::Config::default())?;
//!     while let Some(message) = socket.read()? {
//!         socket.send(message.as_text().unwrap_or_default().to_uppercase())?;
//!     }
//!     Ok(())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let mut config = Config::default();
//! // Extended CONNECT is announced: clients may open WebSockets on HTTP/2.
//! config.websockets = true;
//! let server = Server::bind("127.0.0.1:0")?.config(config).serve(handler)?;
//!
//! let client = Client::new()?;
//! let url = format!("ws://{}/shout", server.local_addr().ok_or("no address")?);
//! let mut socket = websocket::connect(&client, url)?;
//! socket.send("hello")?;
//! assert_eq!(socket.read()?, Some("HELLO".into()));
//! socket.close(websocket::CloseCode::NORMAL, "that is all")?;
//! # drop((socket, client));
//! # server.shutdown(std::time::Duration::from_secs(10));
//! # Ok(())
//! # }
//! ```
//!
//! # Which call to use
//!
//! | to | call |
//! | --- | --- |
//! | open a WebSocket in a handler, beside ordinary routes | [`accept`] |
//! | serve a page and a WebSocket at the same path | [`Request::asks_to_upgrade`](crate::server::Request::asks_to_upgrade), with `"websocket"` |
//! | open one at a URL, `ws://` or `wss://` | [`connect`] |
//! | … with fields, sub-protocols, compression, timeouts | [`Builder`] |
//! | open one on an existing byte stream | [`client_over`], [`server_over`] |
//! | wait for a message, or for the end | [`WebSocket::read`], or iterate |
//! | wait for a limited time | [`WebSocket::read_within`], [`Config::read_timeout`] |
//! | send text or octets | [`WebSocket::send`] |
//! | send without waiting for the peer | [`Sender::try_send`] |
//! | ask whether the peer is there | [`WebSocket::ping`], or [`Config::ping_interval`] |
//! | close, and get the peer's code and reason | [`WebSocket::close`], [`WebSocket::closed`] |
//! | read and send on several threads | [`WebSocket::split`], [`WebSocket::sender`] |
//! | get the negotiated sub-protocol and compression | [`WebSocket::handshake`] |
//!
//! # Sub-protocols and compression
//!
//! Both are negotiated in the opening handshake, and used only if both ends support them. Otherwise
//! messages are sent uncompressed, without a sub-protocol.
//!
//! ```
//! use h2_sync::server::{Request, Response};
//! use h2_sync::websocket::{self, Compression, Config};
//! use h2_sync::Error;
//!
//! fn chat(request: &mut Request, response: &mut Response) -> Result<(), Error> {
//!     let mut config = Config::default();
//!     config.protocols = vec!["chat.v2".to_owned(), "chat.v1".to_owned()];
//!     config.compression = Some(Compression::default());
//!     let mut socket = websocket::accept(request, response, &config)?;
//!     println!("{:?} {:?}", socket.handshake().protocol(), socket.handshake().deflate());
//!     while let Some(message) = socket.read()? {
//!         socket.send(message)?;
//!     }
//!     Ok(())
//! }
//! ```
//!
//! Compression pays off for text and JSON of some size, not for images. It costs memory: see
//! [`Compression`]. [`Config::max_message`] bounds the size of a message, also during decompression.
//!
//! # Threads
//!
//! One thread reads; any number may send, each with a [`Sender`] of its own. PINGs and Close frames of the
//! peer are answered, and deadlines kept, while a thread reads. A handler that gives its WebSocket to
//! another thread may return.
//!
//! ```
//! use std::thread;
//!
//! use h2_sync::websocket::WebSocket;
//! use h2_sync::Error;
//!
//! fn talk(socket: WebSocket) -> Result<(), Error> {
//!     let (reader, sender) = socket.split();
//!     thread::spawn(move || {
//!         for line in std::io::stdin().lines().map_while(Result::ok) {
//!             sender.send(line)?;
//!         }
//!         sender.close(1000, "")
//!     });
//!     for message in reader {
//!         println!("{:?}", message?);
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A handler that waits for its peer lends its permit to other requests, up to
//! [`max_waiting_handlers`](crate::server::Config::max_waiting_handlers) of them. A WebSocket costs its
//! thread, and a stream of HTTP/2 or a connection of HTTP/1.1, for as long as it lasts.
//!
//! # Origins
//!
//! A browser lets any page connect to any server, with the cookies of that server. So [`accept`] refuses
//! pages of foreign origins, unless [`Config::origins`] allows them. Programs that are not browsers
//! send no `origin`, and are accepted.
//!
//! # How it ends
//!
//! - The peer closes: [`WebSocket::read`] returns `None`, and [`WebSocket::closed`] the code and reason.
//! - This end closes: [`WebSocket::close`] waits for the peer's answer, for `close_timeout` at most.
//! - The server shuts down, or the connection reaches its `max_age`: the WebSocket is closed with 1001.
//! - The WebSocket is dropped: it is closed with 1001, without waiting for the peer.
//! - The peer violates the protocol, exceeds a limit or disappears: `read` fails, and
//!   [`Error::close_code`](crate::Error::close_code) returns the code that was sent to the peer.
//!
//! # Over HTTP/2
//!
//! Extended CONNECT (RFC 8441) opens a WebSocket on one stream of a shared connection. A server announces it
//! if [`websockets`](crate::server::Config::websockets) is set. A client waits for the server's SETTINGS, and
//! uses HTTP/1.1 if they do not announce it. END_STREAM corresponds to the end of the transport, and
//! RST_STREAM to its failure. Refusals are responses, never RST_STREAM, after which browsers avoid HTTP/2.
//!
//! # Coming from HTTP.jl
//!
//! | HTTP.jl | here |
//! | --- | --- |
//! | `WebSockets.open(url)` | [`connect`] |
//! | `open(f, url; headers, subprotocols)` | [`Builder::header`], [`Builder::protocols`] |
//! | `proxy` | [`Proxies`](crate::client::Proxies) of the client; a proxy opens a tunnel |
//! | `open(io; target, host)` | [`client_over`]; the caller keeps its stream |
//! | `connect_timeout`, `response_header_timeout` | [`Builder::connect_timeout`], [`Builder::response_timeout`] |
//! | `request_timeout` | [`Builder::timeout`] |
//! | `read_idle_timeout`, `write_idle_timeout` | [`Builder::read_timeout`], [`Builder::write_timeout`] |
//! | `compress = true` | [`Config::compression`] |
//! | `maxframesize` | [`Config::max_frame`], and [`Config::max_message`] for what is inflated |
//! | `WebSockets.listen!(f, host, port)` | a [`Server`](crate::server::Server) whose handler calls [`accept`] |
//! | `WebSockets.server_addr` | [`Handle::local_addr`](crate::server::Handle::local_addr) |
//! | `WebSockets.upgrade` | [`accept`], beside other routes |
//! | `WebSockets.send`, `receive` | [`WebSocket::send`], [`WebSocket::read`] |
//! | `for msg in ws` | `for message in socket` |
//! | `ping` | [`WebSocket::ping`] |
//! | `close(ws, CloseFrameBody(…))` | [`WebSocket::close`] |
//! | `forceclose(server)` | [`Handle::shutdown`](crate::server::Handle::shutdown) with a time of zero |
//!
//! # Inside
//!
//! | file | content |
//! | --- | --- |
//! | `accept`, `request`; `connect`, `answer`; `over` | the opening handshake: server, client, on any transport |
//! | `config`, `origins`, `handshake` | the settings, and the result of the negotiation |
//! | `socket` over `reader` and `sender` | the types that a caller uses |
//! | `shared`, `outlet` | the state that its threads share, and the half that is written to |

mod accept;
mod answer;
mod config;
mod connect;
mod handshake;
mod origins;
mod outlet;
mod over;
mod reader;
mod request;
mod sender;
mod shared;
mod socket;

pub use accept::accept;
pub use config::Config;
pub use connect::{Builder, connect};
pub use handshake::Handshake;
pub use origins::Origins;
pub use over::{client_over, server_over};
pub use reader::Reader;
pub use sender::{Sender, TrySendError};
pub use socket::WebSocket;

pub use crate::ws::{Budget, Close, CloseCode, Compression, DeflateParams, Message, Text};

#[cfg(test)]
mod tests;
