//! A request to a handler without a server: for tests of handlers.

use std::fmt;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderMap, HeaderName, HeaderValue};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{Method, Uri, Version, request};

use super::config::Config;
use super::peer::Peer;
use super::request::Request;
use super::response::Response;
use super::single::serve_peer;
use super::test_client::TestClient;
use super::test_response::TestResponse;
use crate::error::{BoxError, Error};
use crate::transport::duplex;

/// How long a test waits for each part of a response, by default.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// The octets that the connection in memory buffers in each direction.
const CAPACITY: usize = 64 << 10;

/// A request for tests of handlers, which [`send_to`](Self::send_to) passes to one.
///
/// [`Request::builder`] creates it: `GET /` of HTTP/2, to `http://localhost`, without a body. The
/// exchange is that of a server and a client in this process, without a socket, so the handler
/// sees what it would see from a network, and the response is what a client would receive.
///
/// ```
/// use h2_sync::server::{Request, Response};
///
/// fn greet(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     match request.query_value("name") {
///         Some(name) => response.send(format!("hello, {name}")),
///         None => response.set_status(400),
///     }
/// }
///
/// let response = Request::builder().uri("/greet?name=Ada").send_to(greet)?;
/// assert_eq!((response.status().as_u16(), response.text()), (200, "hello, Ada"));
///
/// assert_eq!(Request::builder().uri("/greet").send_to(greet)?.status(), 400);
/// # Ok::<(), h2_sync::Error>(())
/// ```
///
/// A request with more parts:
///
/// ```
/// use std::io::Read;
/// use std::net::SocketAddr;
/// use std::time::Duration;
///
/// use h2_sync::http::Version;
/// use h2_sync::server::{Config, Request, Response};
///
/// fn store(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     let mut note = String::new();
///     request.read_to_string(&mut note)?;
///     response.send(format!("{note:?} by {:?}", request.peer_addr().map(|peer| peer.ip())))
/// }
///
/// let response = Request::builder()
///     .method("PUT")
///     .uri("/notes/1")
///     .version(Version::HTTP_11)
///     .header("content-type", "text/plain")
///     .body("buy milk")
///     .peer(SocketAddr::from(([192, 0, 2, 1], 50_000)))
///     .config(Config::default().with(|config| config.max_body = 1 << 10))
///     .read_timeout(Duration::from_secs(5))
///     .send_to(store)?;
/// assert_eq!(response.text(), "\"buy milk\" by Some(192.0.2.1)");
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[must_use = "a request does nothing before `send_to`"]
pub struct RequestBuilder {
    parts: Result<request::Parts, Error>,
    body: Bytes,
    trailers: HeaderMap,
    peer: Peer,
    config: Config,
    read_timeout: Duration,
}

impl Request {
    /// Begins a request for a test of a handler: `GET /` of HTTP/2, without a body.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// let handler = |request: &mut Request, response: &mut Response| {
    ///     response.send(format!("{} {}", request.method(), request.uri()))
    /// };
    /// let response = Request::builder().send_to(handler)?;
    /// assert_eq!(response.text(), "GET http://localhost/");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn builder() -> RequestBuilder {
        let (mut parts, ()) = http::Request::new(()).into_parts();
        parts.version = Version::HTTP_2;
        RequestBuilder {
            parts: Ok(parts),
            body: Bytes::new(),
            trailers: HeaderMap::new(),
            peer: Peer::unknown(),
            config: Config::default(),
            read_timeout: READ_TIMEOUT,
        }
    }
}

impl RequestBuilder {
    /// Sets the method. The initial value is GET. CONNECT, which needs a tunnel, cannot be sent.
    pub fn method<M>(self, method: M) -> Self
    where
        Method: TryFrom<M>,
    {
        self.with(|parts| {
            parts.method =
                Method::try_from(method).map_err(|_| Error::usage("invalid request method"))?;
            Ok(())
        })
    }

    /// Sets the target: path and query, such as `/items?page=2`, or a whole URL. The initial value
    /// is `/`.
    pub fn uri(self, uri: &str) -> Self {
        self.with(|parts| {
            let what = || Error::usage(format!("invalid URI {uri:?}"));
            parts.uri = uri.parse().map_err(|_| what())?;
            if parts.uri.path().is_empty() {
                return Err(what());
            }
            Ok(())
        })
    }

    /// Sets the version: HTTP/2, the initial value, or HTTP/1.1.
    pub fn version(self, version: Version) -> Self {
        self.with(|parts| {
            if ![Version::HTTP_2, Version::HTTP_11].contains(&version) {
                return Err(Error::usage(format!("a request cannot be sent in {version:?}")));
            }
            parts.version = version;
            Ok(())
        })
    }

    /// Appends a header field.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
        N: fmt::Debug + Clone,
    {
        self.with(|parts| {
            let invalid = || Error::usage(format!("invalid header field {name:?}"));
            let field = HeaderName::try_from(name.clone()).map_err(|_| invalid())?;
            let value = HeaderValue::try_from(value).map_err(|_| invalid())?;
            parts.headers.append(field, value);
            Ok(())
        })
    }

    /// Sets the body. `content-length` is not added: set it with [`header`](Self::header) if the
    /// handler asks for it.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the trailers, after the body.
    ///
    /// ```
    /// use h2_sync::http::{HeaderMap, HeaderValue};
    /// use h2_sync::server::{Request, Response};
    ///
    /// let handler = |request: &mut Request, response: &mut Response| {
    ///     let trailers = request.trailers()?.unwrap_or_default();
    ///     response.set_status(if trailers.contains_key("x-checksum") { 200 } else { 400 })
    /// };
    /// let mut trailers = HeaderMap::new();
    /// trailers.insert("x-checksum", HeaderValue::from_static("352441c2"));
    /// let request = Request::builder().method("POST").body("abc").trailers(trailers);
    /// assert_eq!(request.send_to(handler)?.status(), 200);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn trailers(mut self, trailers: HeaderMap) -> Self {
        self.trailers = trailers;
        self
    }

    /// Sets the client's address and the facts of its TLS connection. Initially unknown.
    pub fn peer(mut self, peer: impl Into<Peer>) -> Self {
        self.peer = peer.into();
        self
    }

    /// Sets the server's configuration, for its limits and timeouts. Initially the default.
    pub fn config(mut self, config: Config) -> Self {
        self.config = config;
        self
    }

    /// Sets how long the test waits for each part of the response; 60 s by default.
    pub fn read_timeout(mut self, timeout: Duration) -> Self {
        self.read_timeout = timeout;
        self
    }

    /// Calls the handler with the request, and returns the response at its end.
    ///
    /// The handler runs on a thread of a server, as [`serve`](super::Server::serve) would call it.
    /// If it returns an error or panics before a part of the response was sent, the response is
    /// that of a server: 500, or 413, 408, 415 or 400.
    ///
    /// The connection ends with the response, and with it a body that is still being read.
    ///
    /// # Errors
    ///
    /// If a part of the request is invalid; if the response breaks off, because the handler failed
    /// after a part of it was sent; or if no part of it comes within the
    /// [`read_timeout`](Self::read_timeout).
    pub fn send_to<H, E>(self, handler: H) -> Result<TestResponse, Error>
    where
        H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        let RequestBuilder { parts, body, trailers, peer, config, read_timeout } = self;
        let mut parts = parts?;
        complete(&mut parts)?;
        config.validate()?;
        let (ours, theirs) = duplex(CAPACITY);
        let serve = move || serve_peer(theirs, peer, config, handler);
        let server = thread::Builder::new().name("h2-sync-test".to_owned()).spawn(serve);
        let server = server.map_err(Error::thread)?;
        let has_body = !body.is_empty() || !trailers.is_empty();
        let mut client = TestClient::open(ours, &parts, has_body)?;
        client.set_read_timeout(read_timeout);
        let response = client.exchange(body, &trailers);
        if response.is_ok() {
            // The handler is dropped then, with all that it holds.
            server.join().map_err(|_| Error::usage("the thread of the server has panicked"))??;
        }
        response
    }

    /// Changes the request. Keeps the first error.
    fn with(mut self, change: impl FnOnce(&mut request::Parts) -> Result<(), Error>) -> Self {
        if let Ok(parts) = &mut self.parts {
            if let Err(error) = change(parts) {
                self.parts = Err(error);
            }
        }
        self
    }
}

/// Completes the target with scheme and authority.
fn complete(parts: &mut request::Parts) -> Result<(), Error> {
    if parts.method == Method::CONNECT {
        return Err(Error::usage(
            "the test of a handler does not support CONNECT, which needs a tunnel",
        ));
    }
    let host = parts.headers.remove(HOST);
    let host = host.map(|host| Authority::try_from(host.as_bytes())).transpose();
    let host = host.map_err(|_| Error::usage("invalid header field \"host\""))?;
    let mut uri = std::mem::take(&mut parts.uri).into_parts();
    uri.scheme.get_or_insert(Scheme::HTTP);
    let authority = host.or(uri.authority).unwrap_or(Authority::from_static("localhost"));
    uri.authority = Some(authority);
    uri.path_and_query.get_or_insert(PathAndQuery::from_static("/"));
    parts.uri = Uri::from_parts(uri).map_err(|error| Error::usage(error.to_string()))?;
    Ok(())
}

impl fmt::Debug for RequestBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestBuilder").field("parts", &self.parts).finish_non_exhaustive()
    }
}
