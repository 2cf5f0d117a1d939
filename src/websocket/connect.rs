//! The client's end of an opening handshake.

use std::fmt;
use std::io::Read;
use std::time::{Duration, Instant};

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::{Method, Version};

use super::answer::{SHOWN_MAX, add_fields, check, key_field, refused};
use super::config::Config;
use super::request::WEBSOCKET;
use super::socket::WebSocket;
use crate::client::{CancelHandle, Client, RequestBuilder, Response, Tunnel, Upgrade, Upgraded};
use crate::error::Error;
use crate::ws::{self, Compression, Role};

/// How long the body of a refusal is read, to quote it in the error.
const SHOWN_TIMEOUT: Duration = Duration::from_secs(1);

/// Opens a WebSocket with the defaults of [`Config`]. To change them, use [`Builder`].
///
/// The URL begins with `ws://` or `wss://`; `http://` and `https://` mean the same. The proxies, TLS
/// configuration, cookies and default fields of the client apply as to its other requests.
///
/// If the server announces extended CONNECT (RFC 8441), the WebSocket shares an HTTP/2 connection with other
/// requests. Otherwise it has its own HTTP/1.1 connection: see
/// [`RequestBuilder::upgrade`](crate::client::RequestBuilder::upgrade). It may outlive the client.
///
/// ```
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
/// use h2_sync::{websocket, Error};
///
/// fn echo(request: &mut Request, response: &mut Response) -> Result<(), Error> {
///     let mut socket = websocket::accept(request, response, &websocket::Config::default())?;
///     while let Some(message) = socket.read()? {
///         socket.send(message)?;
///     }
///     Ok(())
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = Server::bind("127.0.0.1:0")?.serve(echo)?;
/// let url = format!("ws://{}/echo", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let mut socket = websocket::connect(&client, url)?;
/// socket.send("hello")?;
/// assert_eq!(socket.read()?, Some("hello".into()));
/// # drop((socket, client));
/// # server.shutdown(std::time::Duration::from_secs(10));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// - The request is invalid.
/// - No connection could be established ([`Error::is_connect`]).
/// - The server answered with another status, including redirects ([`Error::status`]). The text quotes the
///   beginning of the body.
/// - The server selected a sub-protocol or an extension that was not offered.
/// - A timeout expired ([`Error::is_timeout`]).
pub fn connect(client: &Client, url: impl AsRef<str>) -> Result<WebSocket, Error> {
    Builder::new(client, url).connect()
}

/// A builder for a WebSocket, which [`connect`](Self::connect) opens.
///
/// `connect` also reports invalid parts, such as a malformed URL or field.
///
/// ```no_run
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
/// use h2_sync::websocket::{Builder, Compression};
///
/// let client = Client::new()?;
/// let socket = Builder::new(&client, "wss://example.com/chat")
///     .header("authorization", "Bearer 7e57")
///     .protocols(["chat.v2", "chat.v1"])
///     .compression(Compression::default())
///     .connect_timeout(Duration::from_secs(5))
///     .response_timeout(Duration::from_secs(5))
///     .read_timeout(Duration::from_secs(60))
///     .connect()?;
/// println!("{:?}", socket.handshake().protocol());
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[must_use = "a WebSocket is not opened before `connect`"]
pub struct Builder<'a> {
    request: RequestBuilder<'a>,
    config: Config,
}

impl<'a> Builder<'a> {
    /// Returns a builder for a WebSocket at this URL.
    pub fn new(client: &'a Client, url: impl AsRef<str>) -> Self {
        let url = url.as_ref();
        let scheme = |name: &str| {
            let rest = url.get(name.len()..)?;
            url.get(..name.len())?.eq_ignore_ascii_case(name).then_some(rest)
        };
        let url = match (scheme("ws://"), scheme("wss://")) {
            (Some(rest), _) => format!("http://{rest}"),
            (_, Some(rest)) => format!("https://{rest}"),
            (None, None) => url.to_owned(),
        };
        Builder { request: client.request(Method::GET, url), config: Config::default() }
    }

    /// Sets limits, deadlines, sub-protocols and compression.
    ///
    /// ```
    /// use h2_sync::client::Client;
    /// use h2_sync::websocket::{Builder, Config};
    ///
    /// let client = Client::new()?;
    /// let config = Config::default().with(|config| config.max_message = 64 << 10);
    /// let builder = Builder::new(&client, "wss://example.com/feed").config(config);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn config(self, config: Config) -> Self {
        Builder { config, ..self }
    }

    /// Adds a header field to the request.
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
        N: fmt::Debug + Clone,
    {
        self.with(|request| request.header(name, value))
    }

    /// Adds header fields, replacing existing ones of the same names.
    ///
    /// ```
    /// use h2_sync::client::Client;
    /// use h2_sync::http::header::{HeaderMap, HeaderValue, ORIGIN};
    /// use h2_sync::websocket::Builder;
    ///
    /// let client = Client::new()?;
    /// let origin = HeaderValue::from_static("https://example.com");
    /// let headers = HeaderMap::from_iter([(ORIGIN, origin)]);
    /// let builder = Builder::new(&client, "wss://example.com/feed").headers(headers);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|request| request.headers(headers))
    }

    /// Changes the request with the methods of [`RequestBuilder`], for example to add credentials or a query.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    /// use h2_sync::websocket::Builder;
    ///
    /// let client = Client::new()?;
    /// let builder = Builder::new(&client, "wss://example.com/feed");
    /// let socket = builder.with(|request| request.bearer_auth("7e57").query("since", 7)).connect()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn with(self, change: impl FnOnce(RequestBuilder<'a>) -> RequestBuilder<'a>) -> Self {
        Builder { request: change(self.request), ..self }
    }

    /// Sets the sub-protocols to offer, the preferred one first.
    pub fn protocols<P: Into<String>>(mut self, protocols: impl IntoIterator<Item = P>) -> Self {
        self.config.protocols = protocols.into_iter().map(Into::into).collect();
        self
    }

    /// Offers compression.
    pub fn compression(mut self, compression: impl Into<Option<Compression>>) -> Self {
        self.config.compression = compression.into();
        self
    }

    /// Sets the timeout for connecting or waiting for a connection, instead of the client's
    /// [`connect_timeout`](crate::client::Config::connect_timeout). It does not include the TLS handshake.
    pub fn connect_timeout(self, timeout: Duration) -> Self {
        self.with(|request| request.connect_timeout(timeout))
    }

    /// Sets the timeout of the response, instead of the client's
    /// [`response_timeout`](crate::client::Config::response_timeout). `None` for no limit.
    pub fn response_timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.with(|request| request.response_timeout(timeout))
    }

    /// Sets the timeout of the whole opening handshake, instead of the client's
    /// [`timeout`](crate::client::Config::timeout). `None` for no limit.
    ///
    /// Here with a [`write_timeout`](Self::write_timeout) for the messages:
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::Client;
    /// use h2_sync::websocket::Builder;
    ///
    /// let client = Client::new()?;
    /// let builder = Builder::new(&client, "wss://example.com/feed")
    ///     .timeout(Duration::from_secs(10))
    ///     .write_timeout(Duration::from_secs(30));
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn timeout(self, timeout: impl Into<Option<Duration>>) -> Self {
        self.with(|request| request.timeout(timeout))
    }

    /// Sets [`Config::read_timeout`].
    pub fn read_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.config.read_timeout = timeout.into();
        self
    }

    /// Sets [`Config::write_timeout`].
    pub fn write_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.config.write_timeout = timeout.into();
        self
    }

    /// Sets a handle that cancels the opening handshake from another thread.
    ///
    /// ```
    /// use h2_sync::client::{CancelHandle, Client};
    /// use h2_sync::websocket::Builder;
    ///
    /// let client = Client::new()?;
    /// let handle = CancelHandle::new();
    /// handle.cancel(); // usually by another thread, while `connect` waits
    /// let builder = Builder::new(&client, "ws://127.0.0.1:1/").cancel_with(&handle);
    /// assert!(builder.connect().unwrap_err().is_cancelled());
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn cancel_with(self, handle: &CancelHandle) -> Self {
        self.with(|request| request.cancel_with(handle))
    }

    /// Opens the WebSocket.
    ///
    /// # Errors
    ///
    /// Those of [`connect`](super::connect).
    pub fn connect(self) -> Result<WebSocket, Error> {
        let Builder { request, config } = self;
        config.validate()?;
        let key = ws::new_key();
        let mut headers = request.headers_so_far()?.clone();
        add_fields(&mut headers, &config)?;
        let http1 = HeaderMap::from_iter([key_field(&key)?]);
        // A reader checks its deadlines every few seconds, and so notices a reset by a sender.
        let upgrade = Upgrade { protocol: WEBSOCKET, http1, is_interruptible: false };
        let tunnel = match request.headers(headers).upgrade_with(&upgrade)? {
            Upgraded::Switched(tunnel) => *tunnel,
            Upgraded::Refused(response) => return Err(shown(*response)),
        };
        let Tunnel { response, recv, send } = tunnel;
        let key = (response.version() != Version::HTTP_2).then_some(&*key);
        let handshake = check(response, key, &config)?;
        Ok(WebSocket::start(recv, send, Role::Client, &config, handshake))
    }
}

/// Returns the error for a response that does not open a WebSocket.
fn shown(mut response: Response) -> Error {
    let until = Instant::now() + SHOWN_TIMEOUT;
    let mut body = Vec::new();
    let mut piece = [0; SHOWN_MAX];
    while body.len() < SHOWN_MAX {
        let left = until.saturating_duration_since(Instant::now());
        response.set_read_timeout(Some(left.max(Duration::from_millis(1))));
        match response.read(&mut piece[body.len()..]) {
            Ok(n) if n > 0 && !left.is_zero() => body.extend_from_slice(&piece[body.len()..][..n]),
            _ => break,
        }
    }
    let url = response.url().clone();
    refused(&response.into_http().into_parts().0, &body).with_url(&url)
}

impl fmt::Debug for Builder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("request", &self.request)
            .field("config", &self.config)
            .finish()
    }
}
