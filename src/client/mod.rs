//! A client: requests from any number of threads, over connections that are shared and kept.
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
//! | a stream that is connected to a server | [`Connection`]: `open` gives a half to write to and a half to read from |
//! | a program that wants events | [`Session`](crate::Session) |
//!
//! `http://` URLs mean HTTP/2 from the first octet (RFC 9113, Section 3.3); a server that speaks
//! HTTP/1.1 alone gives an error that says so. With `https://` the protocol is agreed on in the TLS
//! handshake, and a server that does not choose HTTP/2 gives an error as well.
//!
//! # Threads
//!
//! A connection has none of its own. The first thread that has to wait reads the socket, and hands
//! out what comes for others; when it has what it waited for, another goes on. A [`Client`] has one
//! thread, which looks after connections that nobody uses.
//!
//! # Time
//!
//! Everything that waits is bounded by [`Config`]: connecting, the TLS handshake, the response, each
//! piece of a body, the whole. When a time is over the stream is reset with CANCEL, and the
//! connection goes on; the next request makes sure by PING that it is alive.
//!
//! # What is sent twice, and what is not
//!
//! A request is sent again if the server says that it did not process it: REFUSED_STREAM, or a
//! GOAWAY that leaves it out (RFC 9113, Section 8.7). Nothing else is, unless
//! [`retry_idempotent`](Config::retry_idempotent) says so. And only if the body can be had twice,
//! which is so for octets, and not for a [reader](Body::from_reader).
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
//! # When the response is early
//!
//! A server may answer before it has read the whole request. With a status other than 2xx, no more of
//! the body is sent. With 2xx, reading the response goes on sending the request, on the same thread:
//! so a server that echoes never waits for a client that waits for it. When the response is complete,
//! what is left of the request is dropped.

mod body;
#[cfg(feature = "brotli")]
mod brotli;
mod call;
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
#[cfg(feature = "gzip")]
mod gzip;
mod handle;
mod hook;
mod http_connect;
mod keeper;
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
mod timed;
mod upload;
mod url;
#[cfg(feature = "zstd")]
mod zstd;

pub use body::Body;
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
pub use url::IntoUrl;

pub use crate::exchange::{RecvHalf, SendHalf, TrySendError};
