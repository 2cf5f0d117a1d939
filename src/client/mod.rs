//! A client: requests from any number of threads, over connections that are shared and kept, in HTTP/2
//! and HTTP/1.1.
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
//! # Which one?
//!
//! | you have | use |
//! | --- | --- |
//! | a URL | [`Client`]: connections by origin, retries, redirects, compression, proxies, timeouts |
//! | a stream that is connected to a server of HTTP/2 | [`Connection`]: `open` gives a half to write to and a half to read from |
//! | a program that wants events | [`Session`](crate::Session) |
//!
//! # Versions
//!
//! Over TLS the server chooses between HTTP/2 and HTTP/1.1 in the handshake (ALPN). `http://` URLs are
//! HTTP/1.1, as everywhere, or HTTP/2 from the first octet (RFC 9113, Section 3.3) with
//! [`prior_knowledge`](Config::prior_knowledge). [`Versions`] asks for one of the two alone.
//! [`Response::version`] tells which it was; requests, responses and bodies are the same in both.
//!
//! | | HTTP/2 | HTTP/1.1 |
//! | --- | --- | --- |
//! | requests at once on a connection | as many as the server takes | one, until the response has been read to its end |
//! | a response that is dropped before its end, a request that is cancelled or late | its stream is reset | the connection is closed |
//! | a body of unknown length | DATA up to END_STREAM | `chunked`, which servers of HTTP/1.0 do not know |
//! | a connection that has rested | is asked by PING | is looked at: closed, or with octets left over, it is not used |
//! | stream identifiers, pushes, extended CONNECT | yes | `None`, none, an error that says so |
//! | `http://` through an HTTP proxy | CONNECT | the URL in absolute form (RFC 9112, Section 3.2.2) |
//!
//! A response whose end cannot be told for sure fails, and no octet behind a response is ever taken for
//! another one: see [`http1`](crate::http1) for what is read leniently. A body that ends with the
//! connection is not complete where TLS was cut without close_notify.
//!
//! # Threads
//!
//! A connection has none of its own. The first thread that has to wait reads the socket, and hands
//! out what comes for others; when it has what it waited for, another goes on. A [`Client`] has one
//! thread that looks after connections that no request uses. It starts another one for the time that
//! connecting takes, and for a PING to a connection that may be dead.
//!
//! Requests over what the connections take stand in line at their origin, first come first served. The
//! first of them gets the first stream that is free on any connection, or the next connection that is
//! made. An attempt to connect belongs to the client: it goes on when the request that needed it has
//! given up, and the next request finds its connection. After an attempt that failed the next one
//! waits for 50 ms, and twice as long after each further one, up to a second.
//!
//! # Time
//!
//! Everything that waits is bounded by [`Config`]: connecting, the TLS handshake, the response, each
//! piece of a body, the whole. What one request needs otherwise is set on its [`RequestBuilder`].
//!
//! | time | runs from | to | exceeded, [`phase`](crate::Error::phase) is |
//! | --- | --- | --- | --- |
//! | [`timeout`](RequestBuilder::timeout) | `send` | the end of the body, over retries and redirects | the step that it ended |
//! | [`connect_timeout`](Config::connect_timeout) | the beginning of an attempt | TCP, or the tunnel of a proxy | `Lookup`, `Connect` |
//! | [`tls_timeout`](Config::tls_timeout) | the connection | the handshake | `Handshake` |
//! | the two above and `response_timeout` together | `send` | a connection with room | `Slot` |
//! | [`expect_timeout`](Config::expect_timeout) | the header section | the body, which is sent then | – |
//! | [`stall_timeout`](crate::Config::stall_timeout) | the last octet taken | the next one | `Request` |
//! | [`response_timeout`](RequestBuilder::response_timeout) | the end of the request | the final response; interim ones do not start it anew | `Response` |
//! | [`read_timeout`](RequestBuilder::read_timeout) | a read of the body | its octets | `Body` |
//!
//! When a time is over, the stream is reset with CANCEL, and other requests on the connection go on; a
//! connection of HTTP/1.1 is closed. If nothing has been heard of the server since the request was
//! sent, the client asks it by PING. Until the answer, new requests do not use that connection; after a
//! quarter of a second they have another one made.
//!
//! # Cancelling
//!
//! A [`CancelHandle`] ends a request from another thread, at each of these steps, and leaves the
//! connection to the others. So does dropping the [`Response`] for a body that is being read, and a
//! [`reset`](SendHalf::reset) of one half of [`Client::open`] for the thread that waits for the other.
//!
//! # What is sent twice, and what is not
//!
//! | the request | is sent again |
//! | --- | --- |
//! | had no connection: refused, or the name was not found | up to [`max_retries`](Config::max_retries) times, whatever the method |
//! | was refused with REFUSED_STREAM (RFC 9113, Section 8.7) | the same |
//! | was left out by a GOAWAY, or its connection ended before anything of the request was written | eight times as often |
//! | is GET, HEAD, OPTIONS or TRACE, and its connection ended before any octet of a response, after it had answered others (RFC 9110, Section 9.2.2) | once |
//! | is PUT or DELETE, or went over a new connection, and the same happened | once, with [`retry_idempotent`](Config::retry_idempotent) |
//!
//! Nothing else is sent twice. The body must be one that can be had again: octets, a regular file, one
//! [from a function](Body::from_fn), or a [reader](Body::from_reader) of which at most 256 KiB have
//! been read. A reader is not read before a connection has room for its request by the server's word.
//!
//! Before a connection is used, the client looks whether the server has closed it meanwhile. A server
//! that breaks the protocol on a new connection, or passes a limit, is told to the caller at once.
//!
//! # Requests
//!
//! [`Client::get`] and its relatives make a [`RequestBuilder`]. What is wrong with a part of it is told
//! by `send`. URLs are read as browsers read them ([`IntoUrl`]). Fields that every request is to have
//! are [`default_headers`](Config::default_headers).
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
//! # The way to the server
//!
//! By default names are looked up by the system, all addresses of a host are tried, and proxies are
//! those of the environment ([`Proxies`]). A [`Resolver`] pins addresses or looks names up, and a
//! [`ConnectHook`] makes the connection itself, to a Unix socket for instance. Whom to trust is set by
//! a [`tls::Connector`](crate::tls::Connector).
//!
//! # Errors
//!
//! A response of any status is a response; [`Response::error_for_status`] makes an error of 4xx and 5xx.
//! What an [`Error`](crate::Error) is about is asked for:
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
//! 301, 302, 303, 307 and 308 with a `location` are followed. A POST becomes a GET after 301, 302 and
//! 303. `authorization`, `cookie` and every value that is marked as
//! [sensitive](http::HeaderValue::set_sensitive) go to the origin that they were given for, and to no
//! other. A redirect that would need a body again that cannot be had twice is given back as the response.
//! [`on_redirect`](Config::on_redirect) decides about each one, and [`https_only`](Config::https_only)
//! keeps requests from leaving TLS.
//!
//! # Other protocols
//!
//! [`RequestBuilder::upgrade`] asks the server to go on in another protocol, and gives octets in both
//! directions; [`websocket::connect`](crate::websocket::connect) does so for WebSocket.
//!
//! # When the response is early
//!
//! A server may answer before it has read the whole request. With a status other than 2xx, no more of
//! the body is sent. With 2xx, reading the response goes on sending the request, on the same thread:
//! so a server that echoes never waits for a client that waits for it. When the response is complete,
//! what is left of the request is dropped, and with it a connection of HTTP/1.1.

mod any_connection;
mod body;
#[cfg(feature = "brotli")]
mod brotli;
mod call;
mod cancel;
mod coding;
mod config;
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
mod origin;
mod policy;
mod pool;
mod proxy;
mod push;
mod redirect;
mod reference;
mod request;
mod resolver;
mod response;
mod response_body;
mod response_half;
mod socks5;
mod source;
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
#[cfg(feature = "websocket")]
pub(crate) use upgrade::Upgrade;
pub use upgrade::{Tunnel, Upgraded};
pub use url::IntoUrl;
pub use versions::Versions;

pub use crate::halves::{RecvHalf, SendHalf, TrySendError};
