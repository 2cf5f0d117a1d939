//! A server: a handler for each request, as fast as one thread, as patient as many.
//!
//! A handler is a function of a [`Request`] and a [`Response`]. It reads the body from the one and
//! writes to the other, blocking as it likes, and returns when the response is complete.
//!
//! ```
//! use std::io::{self, Write};
//! use std::time::Duration;
//!
//! use h2_sync::server::{Request, Response, Server};
//!
//! fn handler(request: &mut Request, response: &mut Response) -> io::Result<()> {
//!     if request.path() == "/echo" {
//!         io::copy(request, response)?;
//!         return Ok(());
//!     }
//!     response.set_status(404)?;
//!     writeln!(response, "there is no {}", request.path())
//! }
//!
//! let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
//! println!("listening on {:?}", server.local_addr());
//! // In a program that only serves: server.wait();
//! server.shutdown(Duration::from_secs(10));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Versions
//!
//! One port and one handler serve HTTP/2 and HTTP/1.x; [`Config::versions`] switches either off. In
//! clear text the first line of a connection tells (HTTP/2 begins with its preface, by prior
//! knowledge); over TLS, ALPN does. A handler need not know: [`Request::version`] tells. What HTTP/1.x
//! has not (streams' identifiers, pushes, priorities) is `None`, `false` or an error that says so.
//!
//! A connection of HTTP/1.x has one request at a time. Its thread reads the request, runs the handler
//! and writes the response; pipelined requests wait in its read buffer. The limits and deadlines are
//! those of HTTP/2, and [`Config::http1`] has those of the codec.
//!
//! # Threads
//!
//! Each connection of HTTP/2 has one thread that *leads* it: it reads what has come, runs the handlers of the
//! requests in it one after the other, and writes all their answers at once. So quick handlers cost
//! no switch between threads. A handler may be slow all the same: after a few milliseconds another
//! thread goes on with the connection, and with its other requests. Handlers of one connection can
//! therefore run one after the other or at the same time, and must not wait for one another in a way
//! that takes the one for granted.
//!
//! How many handlers run at once is bounded for each connection and for the whole server. Over the
//! bound requests wait, and are refused with REFUSED_STREAM (503 in HTTP/1.x) after
//! [`queue_timeout`](Config::queue_timeout).
//!
//! # Backpressure
//!
//! Reading a body gives the client credit to send more; not reading it stops that client's stream
//! and nothing else. Writing waits for the client's windows and for the transport.
//!
//! # Other protocols
//!
//! A request may ask to go on in another protocol: by `upgrade` in HTTP/1.1, by extended CONNECT in HTTP/2.
//! [`Response::upgrade`] agrees, and gives the handler octets in both directions.
//! [`websocket::accept`](crate::websocket::accept) does so for WebSocket. Such a tunnel may last: no
//! timeout of the server's ends it but that of its own reads, and
//! [`on_shutdown`](Request::on_shutdown) tells its handler when the connection is to end.
//!
//! # When it goes wrong
//!
//! | what happens | what the client gets | what the handler sees |
//! | --- | --- | --- |
//! | the handler returns an error, or panics, before the header section has gone out | 500; 413 for a body over `max_body`, 408 for one that did not come in time | |
//! | the same after that | RST_STREAM(INTERNAL_ERROR) | |
//! | the client resets the stream, or goes away | | an error of its next read or write; [`Error::is_reset`](crate::Error::is_reset) |
//! | the handler does not read all of the body | the response, and RST_STREAM(NO_ERROR) behind it | |
//! | no handler is free for too long | RST_STREAM(REFUSED_STREAM) | |
//!
//! In HTTP/1.x the end of the connection stands for RST_STREAM, and 503 for REFUSED_STREAM. A request
//! that is malformed or over a limit is answered with 400, 408, 413, 414, 431, 501 or 505, and then the
//! connection ends. So it does after a panic. A body that the handler does not read is dropped up to
//! 256 KiB; with more left, the connection ends after the response.

mod accept;
mod bind;
mod caller;
mod clock;
mod config;
mod context;
mod ending;
mod engine;
mod farewell;
mod fields;
mod gate;
mod handle;
mod handler;
mod head;
mod http1;
mod lead;
mod listener;
mod live;
mod opening;
mod openings;
mod overrun;
mod peer;
mod permit;
mod permits;
mod place;
mod plain;
mod pool;
mod proxy;
mod put;
mod request;
mod request_head;
mod response;
mod running;
mod shortage;
mod single;
mod stats;
mod timeouts;
mod upgrade;
mod watch;
mod which;
mod writers;

pub use bind::Server;
pub use caller::Caller;
pub use config::{Config, Versions};
pub use farewell::ShutdownHook;
pub use handle::{Cut, Handle};
pub use peer::Peer;
pub use proxy::TrustedProxies;
pub use request::Request;
pub use response::Response;
pub use single::serve_connection;
pub use stats::Stats;

pub use crate::halves::{RecvHalf, SendHalf, TrySendError};

#[cfg(test)]
mod tests;
