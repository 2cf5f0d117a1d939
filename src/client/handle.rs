//! The client: requests by URL over a pool of connections.

use std::fmt;
use std::sync::Arc;

use http::{Method, Request};

use super::any_connection::AnyConnection;
use super::body::Body;
use super::config::Config;
use super::connection::Connection;
use super::engine::Engine;
use super::request::{RequestBuilder, set_url};
use super::response::Response;
use super::response_body::ResponseBody;
use super::response_half::ResponseHalf;
use super::stats::Stats;
use super::timeouts::Timeouts;
use super::url::IntoUrl;
use crate::error::Error;
use crate::halves::SendHalf;

/// A client that sends requests from any number of threads over a pool of connections.
///
/// Cheap to clone; clones share the connections. Dropping the last clone does not block: one of the
/// client's threads closes the connections, in HTTP/2 after a GOAWAY. Responses whose bodies are
/// being read can still be read to their end.
///
/// ```
/// use std::io::Write;
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
///
/// let server = Server::bind("127.0.0.1:0")?
///     .serve(|_: &mut Request, response: &mut Response| response.write_all(b"hello"))?;
/// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let response = client.get(&*url).timeout(Duration::from_secs(10)).send()?;
/// assert_eq!(response.status(), 200);
/// assert_eq!(response.text()?, "hello");
///
/// let again = client.get(&*url).send()?;
/// assert!(again.facts().is_reused());
/// # drop((again, client));
/// # server.shutdown(Duration::from_secs(10));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    engine: Arc<Engine>,
}

impl Client {
    /// Returns a client with the default [`Config`].
    ///
    /// # Errors
    ///
    /// None at present: a proxy variable with an invalid value fails the requests that would use
    /// it.
    pub fn new() -> Result<Self, Error> {
        Client::with_config(Config::default())
    }

    /// Returns a client with the given configuration.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::{Client, Config};
    ///
    /// let config = Config::default().with(|config| {
    ///     config.timeout = Some(Duration::from_secs(30));
    ///     config.https_only = true;
    /// });
    /// let client = Client::with_config(config)?;
    /// assert!(client.config().https_only);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// A field of `config` is out of its range.
    pub fn with_config(config: Config) -> Result<Self, Error> {
        Ok(Client { engine: Arc::new(Engine::new(config)?) })
    }

    /// Starts a GET request.
    pub fn get(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::GET, url)
    }

    /// Starts a HEAD request.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let response = client.head("https://example.com/large").send()?;
    /// println!("{:?} octets", response.header("content-length"));
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn head(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::HEAD, url)
    }

    /// Starts a POST request.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let response = client.post("https://example.com/items").body("a new one").send()?;
    /// println!("{:?}", response.header("location"));
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn post(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::POST, url)
    }

    /// Starts a PUT request.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let file = std::fs::File::open("photo.jpg")?;
    /// client.put("https://example.com/photo.jpg").body(file).send()?.error_for_status()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn put(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::PUT, url)
    }

    /// Starts a DELETE request.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// client.delete("https://example.com/items/7").send()?.error_for_status()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn delete(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::DELETE, url)
    }

    /// Starts a PATCH request (RFC 5789).
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = client.patch("https://example.com/items/7").header("if-match", "\"1\"");
    /// let changed = request.header("content-type", "application/merge-patch+json").body(r#"{"a": 2}"#);
    /// changed.send()?.error_for_status()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn patch(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::PATCH, url)
    }

    /// Starts an OPTIONS request. A URL without a path, not even `/`, asks about the server as a
    /// whole (`*`; RFC 9110, Section 9.3.7).
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// // The methods that this resource supports; then a check that the server responds at all.
    /// let allowed = client.options("https://example.com/items").send()?;
    /// println!("{:?}", allowed.header("allow"));
    /// client.options("https://example.com").send()?.error_for_status()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn options(&self, url: impl IntoUrl) -> RequestBuilder<'_> {
        self.request(Method::OPTIONS, url)
    }

    /// Starts a request with any method. `url` must be absolute: `http://…` or `https://…`.
    /// [`Versions`](super::Versions) says which version each of them uses.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    /// use http::Method;
    ///
    /// let client = Client::new()?;
    /// let propfind = Method::from_bytes(b"PROPFIND").unwrap();
    /// let listing = client.request(propfind, "https://example.com/dav/").header("depth", "1");
    /// println!("{}", listing.send()?.text()?);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn request(&self, method: Method, url: impl IntoUrl) -> RequestBuilder<'_> {
        RequestBuilder::new(&self.engine, method, url)
    }

    /// Sends an [`http::Request`]. The response has [`Facts`](super::Facts) among its extensions.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let request = http::Request::get("https://example.com/").body(()).unwrap();
    /// let response = Client::new()?.run(request)?;
    /// println!("{} {}", response.status(), response.into_body().text()?);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`RequestBuilder::send`].
    pub fn run<B: Into<Body>>(
        &self,
        request: Request<B>,
    ) -> Result<http::Response<ResponseBody>, Error> {
        let (mut parts, body) = request.into_parts();
        let url = parts.uri.to_string();
        set_url(&mut parts, &url)?;
        let timeouts = Timeouts::of(&self.engine.config);
        self.engine.execute(parts, body.into(), timeouts).map(Response::into_http)
    }

    /// Sends the header section of a request and returns the two halves of its stream: one to write
    /// the body and trailers, one to read the response. Two threads may use them.
    ///
    /// The connection comes from the pool, through a proxy and with TLS as for other requests, and
    /// `user-agent` is added in the same way. The request is not retried once its header section
    /// has been sent; redirects are not followed and bodies are not decompressed.
    ///
    /// [`Config::timeout`] bounds the wait for a connection, and [`Config::response_timeout`] the
    /// wait for the response, from the end of the request. The halves have timeouts of their own for
    /// all other waits: see [`SendHalf::set_write_timeout`], [`ResponseHalf::set_read_timeout`] and
    /// their deadlines.
    ///
    /// A CONNECT request opens a tunnel through an HTTP/2 proxy: the URL is the proxy's, and the
    /// field `host` names the target (RFC 9113, Section 8.5).
    ///
    /// Dropping the [`SendHalf`] before [`finish`](SendHalf::finish) or
    /// [`send_trailers`](SendHalf::send_trailers), or the [`ResponseHalf`] before its end, resets
    /// the stream with CANCEL, and closes an HTTP/1.1 connection. Over HTTP/1.1 the body uses
    /// `chunked` unless the request sets `content-length`; GET, HEAD and TRACE have a body only if
    /// they set it.
    ///
    /// ```
    /// use std::io::{self, Write};
    ///
    /// use h2_sync::client::Client;
    /// use h2_sync::server::{Request, Response, Server};
    ///
    /// let server = Server::bind("127.0.0.1:0")?
    ///     .serve(|request: &mut Request, response: &mut Response| {
    ///         io::copy(request, response).map(drop)
    ///     })?;
    /// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
    ///
    /// let client = Client::new()?;
    /// let (mut send, mut response) = client.open(http::Request::post(url).body(())?)?;
    /// send.write_all(b"hello")?;
    /// send.finish()?;
    /// assert_eq!(response.response()?.status(), 200);
    /// assert_eq!(io::read_to_string(response)?, "hello");
    /// # drop(client);
    /// # server.shutdown(std::time::Duration::from_secs(10));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The request is invalid, or connecting failed.
    pub fn open(&self, request: Request<()>) -> Result<(SendHalf, ResponseHalf), Error> {
        let (mut parts, ()) = request.into_parts();
        let url = parts.uri.to_string();
        set_url(&mut parts, &url)?;
        self.engine.open(parts, Timeouts::of(&self.engine.config))
    }

    /// Returns the client's configuration.
    pub fn config(&self) -> &Config {
        &self.engine.config
    }

    /// Returns statistics since the start: connections, waiting times, retries.
    ///
    /// [`Stats`] has an example.
    pub fn stats(&self) -> Stats {
        self.engine.pool.stats()
    }

    /// Returns the open HTTP/2 connections to all origins.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// for connection in client.connections() {
    ///     println!("{} requests under way", connection.open_streams());
    /// }
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn connections(&self) -> Vec<Connection> {
        self.engine.pool.connections().iter().filter_map(AnyConnection::http2).cloned().collect()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
