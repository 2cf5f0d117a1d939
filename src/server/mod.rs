//! An HTTP server with blocking handlers.
//!
//! A handler is a function of a [`Request`] and a [`Response`]. It reads the body from one and
//! writes to the other, may block, and returns when the response is complete.
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
//! One port and one handler serve HTTP/2 and HTTP/1.x; [`Config::versions`] can disable either. In
//! cleartext, the first line of a connection decides (HTTP/2 begins with its preface, by prior
//! knowledge); over TLS, ALPN does. Handlers work with both; [`Request::version`] returns the
//! version. Features that HTTP/1.x lacks (stream identifiers, push, priorities) are `None`, `false`
//! or an error.
//!
//! An HTTP/1.x connection has one request at a time. Its thread reads the request, runs the handler
//! and writes the response; pipelined requests wait in its read buffer. The limits and timeouts are
//! the same as for HTTP/2, and [`Config::http1`] has those of the codec.
//!
//! # Threads
//!
//! Each HTTP/2 connection has one thread that *leads* it: it reads, runs the handlers of the
//! received requests one after the other, and writes all their responses at once. So quick handlers
//! need no thread switches. If a handler blocks, or computes for long, another thread takes over the
//! connection and its other requests after a few milliseconds. Handlers of one connection may therefore run
//! sequentially or concurrently, and must not rely on either.
//!
//! On Linux, a connection over TCP, TLS or a Unix socket gives its thread back after 200 ms without
//! input, in either version, and at once if more than two threads for each core wait like that. One
//! thread waits for all idle connections. It runs the handler of a request that arrives on one of them
//! itself, so that quick requests over many connections need no thread switches either. If the handler
//! blocks or computes for longer than a few milliseconds, another thread waits for the others meanwhile, and the next
//! requests get a thread each. Up to one such thread for each core waits, if there is much to do.
//!
//! The number of concurrent handlers is bounded for each connection and for the whole server: a
//! handler needs a *permit* to run. Further requests wait, and are refused with REFUSED_STREAM (503 in HTTP/1.x) after
//! [`queue_timeout`](Config::queue_timeout).
//!
//! # Backpressure
//!
//! Reading a body gives the client credit to send more; not reading it stops only that stream.
//! Writing waits for the client's windows and for the transport.
//!
//! # Readiness and the end
//!
//! Balancers ask for the health of a server. A handler answers with [`Request::is_server_ready`],
//! which turns false when a [drain](Handle::drain) begins, before anything else happens:
//!
//! ```
//! use h2_sync::server::{Request, Response};
//!
//! fn handler(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
//!     match request.path() {
//!         "/ready" if request.is_server_ready() => response.send("ready"),
//!         "/ready" => response.set_status(503),
//!         _ => response.send("hello"),
//!     }
//! }
//! ```
//!
//! When balancers have had time to notice, the drain becomes a [shutdown](Handle::shutdown), whose docs
//! list the steps. Requests that a client sends before it learns of the end are still answered.
//!
//! # Other protocols
//!
//! A request may ask to switch to another protocol: with `upgrade` in HTTP/1.1, with extended
//! CONNECT in HTTP/2. [`Response::upgrade`] accepts, and returns a byte stream in both directions.
//! [`websocket::accept`](crate::websocket::accept) does so for WebSocket. Such a tunnel may be
//! long-lived: of the server's timeouts only that of its reads applies, and
//! [`on_shutdown`](Request::on_shutdown) tells its handler to end.
//!
//! # Access log
//!
//! The target `h2_sync::access` of the [`log`] crate has one line for each request, at level `info`.
//! While the level is disabled, it costs one comparison for each request. With `env_logger`:
//! `RUST_LOG=h2_sync::access=info`. With [`tracing`](https://docs.rs/tracing), the crate
//! [`tracing-log`](https://docs.rs/tracing-log) turns the lines into events:
//!
//! ```ignore
//! tracing_log::LogTracer::init()?;
//! let filter = tracing_subscriber::EnvFilter::new("h2_sync::access=info");
//! tracing_subscriber::fmt().with_env_filter(filter).init();
//! ```
//!
//! A line:
//!
//! ```text
//! peer=192.0.2.1:50000 protocol=HTTP/2 method=GET authority=example.com path=/ status=200 received=0 sent=5 time=0.000041 end=answered
//! ```
//!
//! The fields are separated by single spaces and always come in this order; later versions may
//! append more. A missing value is `-`.
//!
//! | field | value |
//! | --- | --- |
//! | `peer` | IP address and port of the client, after the PROXY protocol |
//! | `protocol` | `HTTP/2`, `HTTP/1.1`, `HTTP/1.0`, or `HTTP/1.x` for a request that was not understood |
//! | `method`, `authority`, `path` | as received, the path without the query, which may contain secrets. Octets other than visible ASCII, `"` and `\` are written as `\x20`, so that a value cannot look like another field or line |
//! | `status` | the status that was sent |
//! | `received`, `sent` | octets of content that the handler has read and sent; in a tunnel, those after its opening |
//! | `time` | seconds from the header section of the request to the end |
//! | `end` | see below |
//!
//! | `end` | the request |
//! | --- | --- |
//! | `answered` | was answered, whatever the status |
//! | `failed`, `panicked` | its handler returned an error, or panicked |
//! | `timed_out` | a timeout of the server expired: that of the header section, of a read or write, or of the handler |
//! | `cancelled` | the client reset the stream, or the connection ended while the handler was reading or writing |
//! | `refused` | was refused: no permit was free in time, it was malformed or too large, or its handler returned the error of a form or JSON |
//! | `unfinished` | the halves of its response were dropped before the end |
//!
//! The line is written when the handler has returned and both halves of the exchange are dropped; for a
//! WebSocket, at its end. HTTP/2 requests that are reset by the protocol itself (malformed
//! ones, and those over the limit of concurrent streams), and those that the client resets before
//! their handler is called, have no line.
//!
//! # Failures
//!
//! | event | response to the client | result in the handler |
//! | --- | --- | --- |
//! | the handler returns an error or panics before the header section is sent | 500; 413 for a body over `max_body`, 408 for a read timeout, 415 or 400 for a form or JSON that cannot be read. The response has no body; the log has the reason, at `debug` if the client is at fault | |
//! | the same after the header section was sent | RST_STREAM(INTERNAL_ERROR) | |
//! | the client resets the stream or closes the connection | | the next read or write fails; [`Error::is_reset`](crate::Error::is_reset) |
//! | the handler does not read all of the body | the response; if the body does not end within 10 s (a tunnel: 1 s), or pauses for 1 s, RST_STREAM(NO_ERROR) | |
//! | no permit within `queue_timeout` | RST_STREAM(REFUSED_STREAM) | |
//!
//! In HTTP/1.x the end of the connection replaces RST_STREAM, and 503 replaces REFUSED_STREAM. A
//! request that is malformed or over a limit is answered with 400, 408, 413, 414, 431, 501 or 505,
//! and the connection ends, as it does after a panic. Up to 256 KiB of an unread body are
//! discarded; if there is more, the connection ends after the response.

mod accept;
mod access;
mod bind;
mod builder;
mod caller;
mod clock;
mod config;
mod context;
mod decoded;
mod ending;
mod engine;
mod farewell;
mod fields;
mod gate;
mod handle;
mod handler;
mod head;
mod http1;
mod http1_ending;
mod http1_idle;
mod idle;
mod incoming;
#[cfg(unix)]
mod inherited;
mod lead;
mod left;
mod listener;
mod live;
mod machine;
mod multipart;
mod opening;
mod openings;
mod overrun;
mod parts;
mod peer;
mod permit;
mod permits;
mod place;
mod plain;
mod poller;
mod polling;
mod pool;
#[cfg(unix)]
mod predecessor;
mod proxy;
mod push;
mod put;
mod ranges;
mod readiness;
mod reply;
mod request;
mod request_body;
mod request_head;
mod response;
mod response_end;
mod running;
mod served;
mod shortage;
mod single;
mod socket;
mod split;
mod stats;
#[cfg(all(unix, feature = "handover"))]
mod successor;
mod suspect;
mod test_client;
mod test_response;
mod timeouts;
mod upgrade;
mod waker;
mod watch;
mod which;
mod writers;

pub use bind::Server;
pub use builder::RequestBuilder;
pub use caller::Caller;
pub use config::{Config, Versions};
pub use farewell::ShutdownHook;
pub use handle::{Aborted, Handle};
pub use listener::Listener;
pub use multipart::{Multipart, Part};
pub use peer::Peer;
pub use proxy::TrustedProxies;
pub use request::Request;
pub use response::Response;
pub use single::serve_connection;
pub use stats::{Http1Stats, Http2Stats, Stats};
pub use test_response::TestResponse;

pub use crate::halves::{RecvHalf, SendHalf, TrySendError};

#[cfg(test)]
mod tests;
