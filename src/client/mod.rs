//! An HTTP/2 and HTTP/1.1 client. Any number of threads send requests over a pool of shared
//! connections.
//!
//! ```no_run
//! use h2_sync::client::Client;
//!
//! let client = Client::new()?;
//! let response = client.get("https://example.com/").send()?;
//! println!("{} {}", response.status(), response.text()?);
//! # Ok::<(), h2_sync::Error>(())
//! ```
//!
//! # Choosing an API
//!
//! | you have | use |
//! | --- | --- |
//! | a URL | [`Client`]: a connection pool per origin, retries, redirects, decompression, proxies, timeouts |
//! | a stream connected to an HTTP/2 server | [`Connection`]: `open` returns one half to write the request and one to read the response |
//! | a program built on events | [`Session`](crate::Session) |
//!
//! # Versions
//!
//! Over TLS the server chooses between HTTP/2 and HTTP/1.1 in the handshake (ALPN). `http://` URLs
//! use HTTP/1.1, or HTTP/2 from the first octet (RFC 9113, Section 3.3) with
//! [`prior_knowledge`](Config::prior_knowledge). [`Versions`] restricts the client to one of the
//! two. [`Response::version`] returns the version used; requests, responses and bodies have the
//! same types in both.
//!
//! | | HTTP/2 | HTTP/1.1 |
//! | --- | --- | --- |
//! | concurrent requests on a connection | as many as the server allows | one, until the response has been read to its end |
//! | a response dropped before its end, a request cancelled or timed out | its stream is reset | the connection is closed |
//! | a body of unknown length | DATA up to END_STREAM | `chunked`, which HTTP/1.0 servers do not support |
//! | a connection that has been idle | is checked with a PING | is checked locally: not used if it is closed or has unread octets |
//! | stream identifiers, pushes, extended CONNECT | supported | `None`, no pushes, an error |
//! | `http://` through an HTTP proxy | CONNECT | the URL in absolute form (RFC 9112, Section 3.2.2) |
//!
//! A response whose end cannot be determined reliably fails, and octets that follow a response are
//! never taken for the next one. [`http1`](crate::http1) lists what the parser tolerates. A body
//! delimited by the end of the connection is incomplete if TLS ends without close_notify.
//!
//! # Threads
//!
//! A [`Connection`] has no thread of its own. The first thread that has to wait becomes the
//! *leader*: it reads the socket and delivers what arrives for other threads. When its own wait is
//! over, another waiting thread takes the lead. A [`Client`] has one thread, which maintains idle
//! connections. It starts one more for the duration of each connection attempt, and for each PING
//! that checks a possibly dead connection.
//!
//! Requests for which no connection has a free slot queue at their origin in FIFO order. The head
//! of the queue gets the first free stream on any connection, or the next new connection. A
//! connection attempt belongs to the client: it continues if the request that needed it gives up,
//! and the next request uses its connection. After a failed attempt the client waits 50 ms before
//! the next, and doubles the delay after each further failure, up to 1 s.
//!
//! # Timeouts
//!
//! [`Config`] bounds every wait: connecting, the TLS handshake, the response, each piece of a body,
//! and the whole request. A [`RequestBuilder`] overrides these for one request.
//!
//! | timeout | starts at | covers | [`phase`](crate::Error::phase) when exceeded |
//! | --- | --- | --- | --- |
//! | [`timeout`](RequestBuilder::timeout) | `send` | everything up to the end of the body, including retries and redirects | the step in progress |
//! | [`connect_timeout`](Config::connect_timeout) | the start of an attempt | name lookup, TCP and a proxy's tunnel | `Lookup`, `Connect` |
//! | [`tls_timeout`](Config::tls_timeout) | the established connection | the TLS handshake | `Handshake` |
//! | the two above plus `response_timeout` | `send` | waiting for a connection with a free slot | `Slot` |
//! | [`expect_timeout`](Config::expect_timeout) | the header section sent | waiting for 100 (Continue); the body is then sent anyway | – |
//! | [`stall_timeout`](crate::Config::stall_timeout) | the last octet the server took | the next octet | `Request` |
//! | [`response_timeout`](RequestBuilder::response_timeout) | the request sent | the final response; interim responses do not restart it | `Response` |
//! | [`read_timeout`](RequestBuilder::read_timeout) | each read of the body | the next octets | `Body` |
//!
//! With [`Client::open`] the caller sends the request and reads the body: `response_timeout` starts
//! when the [`SendHalf`] is finished, or with the header section of a CONNECT request, and `timeout`
//! only covers the wait for a connection. The other waits have the timeouts that the halves are given.
//!
//! On a timeout the stream is reset with CANCEL, and other requests on the connection continue; an
//! HTTP/1.1 connection is closed. If the client has received nothing from the server since it sent
//! the request, it checks the connection with a PING. New requests avoid that connection until the
//! PING is acknowledged, and after 250 ms the client opens another one for them.
//!
//! # Cancelling
//!
//! A [`CancelHandle`] cancels a request from another thread, at any of these steps; the
//! connection's other requests continue. Dropping the [`Response`] does the same for a body that is
//! being read, and [`reset`](SendHalf::reset) on one half of [`Client::open`] wakes the thread that
//! waits on the other.
//!
//! # Retries
//!
//! | the request | is retried |
//! | --- | --- |
//! | got no connection: refused, or the name was not found | up to [`max_retries`](Config::max_retries) times, with any method |
//! | was refused with REFUSED_STREAM (RFC 9113, Section 8.7) | the same |
//! | was excluded by a GOAWAY, or its connection ended before any of the request was written | up to 8 × `max_retries` times |
//! | is GET, HEAD, OPTIONS or TRACE, and its connection ended before any octet of a response, after it had served other requests (RFC 9110, Section 9.2.2) | once |
//! | is PUT or DELETE, or used a new connection, and the connection ended likewise | once, with [`retry_idempotent`](Config::retry_idempotent) |
//!
//! Nothing else is retried. The body must be replayable: octets, a regular file, one [from a
//! function](Body::from_fn), or a [reader](Body::from_reader) from which at most 256 KiB have been
//! read. A reader is not read until a connection has a free slot under the limit that the server
//! has announced.
//!
//! Before it uses a connection, the client checks whether the server has closed it. If the server
//! violates the protocol or exceeds a limit on a new connection, the request fails at once.
//!
//! # Requests
//!
//! [`Client::get`] and the other methods return a [`RequestBuilder`]. `send` reports an invalid
//! part of the request. URLs are parsed as browsers parse them ([`IntoUrl`]).
//! [`default_headers`](Config::default_headers) are added to every request.
//!
//! ```no_run
//! use h2_sync::client::{Client, Multipart};
//!
//! let client = Client::new()?;
//! let found = client.get("https://example.com/search").query("q", "threads & channels").send()?;
//! client.post("https://example.com/login").form([("user", "a"), ("password", "b")]).send()?;
//! let form = Multipart::new().octets("file", "a.txt", "text/plain", "hello");
//! client.post("https://example.com/upload").multipart(form).send()?.error_for_status()?;
//! # Ok::<(), h2_sync::Error>(())
//! ```
//!
//! # Connecting
//!
//! By default the system resolves names, every address of a host is tried, and proxies come from
//! the environment ([`Proxies`]). A [`Resolver`] pins addresses or replaces the lookup; a
//! [`ConnectHook`] replaces connecting, for instance to use a Unix socket. A
//! [`tls::Connector`](crate::tls::Connector) configures which certificates are trusted.
//!
//! # Errors
//!
//! A response of any status is returned as a response; [`Response::error_for_status`] turns 4xx and
//! 5xx into errors. An [`Error`](crate::Error) is classified by its methods:
//!
//! ```no_run
//! use h2_sync::client::Client;
//!
//! let client = Client::new()?;
//! match client.get("https://example.com/").send().and_then(|found| found.error_for_status()) {
//!     Ok(response) => println!("{}", response.text()?),
//!     Err(error) if error.status().is_some() => println!("the server says no: {error}"),
//!     Err(error) if error.is_connect() => println!("no connection, nothing was sent: {error}"),
//!     Err(error) if error.is_timeout() => println!("too late, while {:?}", error.phase()),
//!     Err(error) => return Err(error),
//! }
//! # Ok::<(), h2_sync::Error>(())
//! ```
//!
//! # Redirects
//!
//! Redirects with status 301, 302, 303, 307 or 308 and a `location` are followed. A POST becomes a
//! GET after 301, 302 and 303. `authorization`, `cookie` and every value marked as
//! [sensitive](http::HeaderValue::set_sensitive) are sent only to the origin they were set for. A
//! redirect that requires sending a body again which cannot be replayed is returned as the
//! response. [`on_redirect`](Config::on_redirect) decides about each redirect, and
//! [`https_only`](Config::https_only) rejects URLs without TLS.
//!
//! # Other protocols
//!
//! [`RequestBuilder::upgrade`] asks the server to switch to another protocol, and returns a byte
//! stream in both directions; [`websocket::connect`](crate::websocket::connect) does so for
//! WebSocket.
//!
//! # Early responses
//!
//! A server may answer before it has read the whole request. If the status is not 2xx, the client
//! stops sending the body. If it is 2xx, reading the response also sends the rest of the request,
//! on the same thread, so a client and an echo server do not deadlock. Once the response is
//! complete, the rest of the request is dropped; an HTTP/1.1 connection is then closed.

mod any_connection;
mod body;
#[cfg(feature = "brotli")]
mod brotli;
mod call;
mod cancel;
mod coding;
mod config;
mod config_debug;
mod connect;
mod connection;
#[cfg(feature = "cookies")]
mod cookies;
mod credentials;
mod dial;
mod engine;
mod facts;
mod fields;
mod final_head;
#[cfg(feature = "gzip")]
mod gzip;
mod handle;
mod head;
mod hook;
mod http1;
mod http_connect;
mod incoming;
mod multipart;
mod no_proxy;
mod opening;
mod origin;
mod policy;
mod pool;
mod proxy;
mod push;
mod redirect;
mod reference;
mod request;
mod request_body;
mod resolver;
mod response;
mod response_body;
mod response_half;
mod response_timer;
mod socks5;
mod source;
mod stats;
mod timed;
mod timeouts;
mod upgrade;
mod upload;
mod url;
mod versions;
#[cfg(feature = "zstd")]
mod zstd;

pub use body::Body;
pub use cancel::CancelHandle;
pub use config::Config;
pub use connection::Connection;
#[cfg(feature = "cookies")]
pub use cookies::CookieJar;
pub use facts::Facts;
pub use handle::Client;
pub use hook::{ConnectHook, ConnectTo};
pub use multipart::Multipart;
pub use no_proxy::NoProxy;
pub use policy::{Redirect, RedirectAction, RedirectPolicy};
pub use proxy::{Proxies, Proxy};
pub use push::{PushHandler, Pushed};
pub use request::RequestBuilder;
pub use resolver::Resolver;
pub use response::Response;
pub use response_body::ResponseBody;
pub use response_half::ResponseHalf;
pub use stats::Stats;
#[cfg(feature = "websocket")]
pub(crate) use upgrade::Upgrade;
pub use upgrade::{Tunnel, Upgraded};
pub use url::IntoUrl;
pub use versions::Versions;

pub use crate::halves::{RecvHalf, SendHalf, TrySendError};
