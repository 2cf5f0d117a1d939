//! A request under construction.

use std::fmt;
use std::time::Duration;

use form_urlencoded::Serializer;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue, PROXY_AUTHORIZATION};
use http::{Method, Request, Uri, request};

use super::body::Body;
use super::cancel::CancelHandle;
use super::credentials::{basic, masked};
use super::engine::Engine;
use super::fields::Asterisk;
use super::response::Response;
use super::response_half::ResponseHalf;
use super::timeouts::Timeouts;
use super::url::{IntoUrl, Url};
use crate::error::Error;
use crate::halves::SendHalf;

/// A request under construction, sent by [`send`](Self::send).
///
/// `send` reports an invalid part of the request.
///
/// ```no_run
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
///
/// let client = Client::new()?;
/// let response = client
///     .post("http://127.0.0.1:8080/items")
///     .query("page", 2)
///     .header("content-type", "text/plain")
///     .timeout(Duration::from_secs(5))
///     .body("a new one")
///     .send()?;
/// println!("{} {}", response.status(), response.text()?);
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[must_use = "a request does nothing before `send`"]
pub struct RequestBuilder<'a> {
    pub(super) engine: &'a Engine,
    pub(super) parts: Result<request::Parts, Error>,
    pub(super) body: Body,
    pub(super) timeouts: Timeouts,
}

impl<'a> RequestBuilder<'a> {
    pub(super) fn new(engine: &'a Engine, method: Method, url: impl IntoUrl) -> Self {
        let (mut parts, ()) = Request::new(()).into_parts();
        parts.method = method;
        let parts = set_url(&mut parts, &url.text()).map(|()| parts);
        let timeouts = Timeouts::of(&engine.config);
        RequestBuilder { engine, parts, body: Body::empty(), timeouts }
    }

    /// Returns the request's URL.
    ///
    /// [`query`](Self::query) has an example.
    ///
    /// # Errors
    ///
    /// The URL or another part of the request is invalid.
    pub fn url(&self) -> Result<&Uri, Error> {
        self.parts.as_ref().map(|parts| &parts.uri).map_err(Error::clone)
    }

    /// Adds a parameter to the query of the URL, with the encoding of HTML forms: a space becomes
    /// `+`.
    ///
    /// ```
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = client.get("https://example.com/?a=b").query("name", "R&D").query("page", 2);
    /// assert_eq!(request.url()?, "https://example.com/?a=b&name=R%26D&page=2");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn query(self, name: &str, value: impl fmt::Display) -> Self {
        self.query_pairs([(name, value)])
    }

    /// Adds parameters to the query of the URL, like [`query`](Self::query).
    ///
    /// ```
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = client.get("https://example.com/").query_pairs([("from", 10), ("to", 20)]);
    /// assert_eq!(request.url()?, "https://example.com/?from=10&to=20");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn query_pairs<N: AsRef<str>, V: fmt::Display>(
        self,
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let more = urlencoded(pairs);
        self.with(|parts| {
            if more.is_empty() {
                return Ok(());
            }
            let and = if parts.uri.query().is_none_or(str::is_empty) { "" } else { "&" };
            let front = parts.uri.to_string();
            let front = front.trim_end_matches('?');
            let mark = if parts.uri.query().is_none_or(str::is_empty) { "?" } else { "" };
            parts.uri = Url::parse(&format!("{front}{mark}{and}{more}"))?.uri;
            Ok(())
        })
    }

    /// Adds a header field.
    ///
    /// `host` replaces the URL's authority in the request; the connection still goes to the
    /// authority in the URL. Connection-specific fields, such as `connection`, cannot be sent.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = client.get("http://127.0.0.1:8080/").header("host", "example.com");
    /// let response = request.header("accept", "text/html").send()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn header<N, V>(self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
        N: fmt::Debug + Clone,
    {
        self.with(|parts| {
            let invalid =
                |what: &str| Error::usage(format!("invalid {what} header field {name:?}"));
            let field = HeaderName::try_from(name.clone()).map_err(|_| invalid("name of the"))?;
            let value = HeaderValue::try_from(value);
            let mut value = value.map_err(|_| invalid("value of the"))?;
            if field == AUTHORIZATION || field == PROXY_AUTHORIZATION {
                // Marks it for `Debug` to hide and for HPACK to keep out of its dynamic table.
                value.set_sensitive(true);
            }
            parts.headers.append(field, value);
            Ok(())
        })
    }

    /// Adds header fields. They replace existing fields of the same name.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    /// use http::{HeaderMap, HeaderValue};
    ///
    /// let client = Client::new()?;
    /// let mut headers = HeaderMap::new();
    /// headers.insert("accept-language", HeaderValue::from_static("de, en;q=0.5"));
    /// client.get("https://example.com/").headers(headers).send()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn headers(self, headers: HeaderMap) -> Self {
        self.with(|parts| {
            if parts.headers.is_empty() {
                parts.headers = headers;
            } else {
                parts.headers.extend(headers);
            }
            Ok(())
        })
    }

    /// Sets `authorization` with user and password (RFC 7617). The value is never stored in HPACK's
    /// dynamic table, and is not sent to another origin.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let response = client.get("https://example.com/").basic_auth("user", "secret").send()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        self.with(|parts| match user.contains(':') {
            // RFC 7617, Section 2: the first colon ends the user.
            true => Err(Error::usage(format!("the user {user:?} contains a ':'"))),
            false => authorize(parts, &basic(user, password)),
        })
    }

    /// Sets `authorization` with a token (RFC 6750), protected like
    /// [`basic_auth`](Self::basic_auth).
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let token = std::env::var("TOKEN").unwrap_or_default();
    /// client.get("https://example.com/private").bearer_auth(&token).send()?.error_for_status()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn bearer_auth(self, token: &str) -> Self {
        self.with(|parts| authorize(parts, &format!("Bearer {token}")))
    }

    /// Sets how long the request may take altogether, from connecting to the end of the response's
    /// body, including redirects and retries. Overrides the client's
    /// [`timeout`](super::Config::timeout); `None` disables it.
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// // A report that takes minutes to begin and at most an hour to arrive.
    /// let request = client
    ///     .get("https://example.com/report")
    ///     .timeout(Duration::from_secs(3600))
    ///     .response_timeout(Duration::from_secs(600))
    ///     .read_timeout(Duration::from_secs(30));
    /// println!("{}", request.send()?.text()?);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.whole = timeout.into();
        self
    }

    /// Sets how long the response may take to begin once the request has been sent. Overrides the
    /// client's [`response_timeout`](super::Config::response_timeout); `None` disables it.
    ///
    /// It also extends how long the request waits for a connection: by this time, beyond what
    /// connecting may take.
    pub fn response_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.response = timeout.into();
        self
    }

    /// Sets how long each piece of the response's body may take. Overrides the client's
    /// [`read_timeout`](super::Config::read_timeout); `None` disables it.
    pub fn read_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.timeouts.read = timeout.into();
        self
    }

    /// Returns a handle that cancels the request from any thread: the one last passed to
    /// [`cancel_with`](Self::cancel_with), or a new one.
    ///
    /// ```no_run
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let mut request = client.get("https://example.com/slow");
    /// let handle = request.cancel_handle();
    /// thread::spawn(move || {
    ///     thread::sleep(Duration::from_secs(1));
    ///     handle.cancel();
    /// });
    /// println!("{:?}", request.send());
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn cancel_handle(&mut self) -> CancelHandle {
        match &mut self.parts {
            Ok(parts) => parts.extensions.get_or_insert_default::<CancelHandle>().clone(),
            // The request is invalid and will not be sent.
            Err(_) => CancelHandle::new(),
        }
    }

    /// Makes this handle cancel the request. One handle may serve several requests.
    ///
    /// ```no_run
    /// use h2_sync::client::{CancelHandle, Client};
    ///
    /// let client = Client::new()?;
    /// let handle = CancelHandle::new();
    /// let response = client.get("https://example.com/large").cancel_with(&handle).send()?;
    /// // Another thread can now cancel reading the body.
    /// println!("{}", response.text()?);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn cancel_with(self, handle: &CancelHandle) -> Self {
        self.with(|parts| {
            parts.extensions.insert(handle.clone());
            Ok(())
        })
    }

    /// Sends the request, and waits for the header section of the response.
    ///
    /// # Errors
    ///
    /// The request is invalid; connecting failed ([`Error::is_connect`]); the stream was reset, the
    /// connection ended, a timeout passed or the request was cancelled before the response arrived
    /// ([`Error::phase`]); there were too many redirects ([`Error::is_redirect`]). A response of
    /// any status is not an error.
    pub fn send(self) -> Result<Response, Error> {
        self.engine.execute(self.parts?, self.body, self.timeouts)
    }

    /// Sends the header section alone and returns the two halves of its stream, as
    /// [`Client::open`](super::Client::open) does. A body set before is not sent.
    ///
    /// [`timeout`](Self::timeout) bounds the wait for a connection, and
    /// [`response_timeout`](Self::response_timeout) the wait for the response, from the end of the
    /// request; the halves have deadlines of their own. A [`cancel_handle`](Self::cancel_handle)
    /// cancels the exchange at any step.
    ///
    /// # Errors
    ///
    /// Those of [`Client::open`](super::Client::open).
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = client.post("https://example.com/chat").timeout(Duration::from_secs(5));
    /// let (mut send, mut response) = request.open()?;
    /// send.send("hello")?;
    /// send.finish()?;
    /// println!("{}", response.response()?.status());
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn open(self) -> Result<(SendHalf, ResponseHalf), Error> {
        self.engine.open(self.parts?, self.timeouts)
    }

    /// Changes the request. Keeps the first error.
    pub(super) fn with(
        mut self,
        change: impl FnOnce(&mut request::Parts) -> Result<(), Error>,
    ) -> Self {
        if let Ok(parts) = &mut self.parts {
            if let Err(error) = change(parts) {
                self.parts = Err(error.with_url(&parts.uri));
            }
        }
        self
    }
}

/// Hides credentials.
impl fmt::Debug for RequestBuilder<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RequestBuilder");
        match &self.parts {
            Ok(parts) => shown
                .field("method", &parts.method)
                .field("url", &parts.uri)
                .field("headers", &masked(&parts.headers)),
            Err(error) => shown.field("error", error),
        };
        shown.field("body", &self.body).field("timeouts", &self.timeouts).finish_non_exhaustive()
    }
}

/// Sets the URL. A user and password in it become `authorization`.
pub(super) fn set_url(parts: &mut request::Parts, text: &str) -> Result<(), Error> {
    let url = Url::parse(text)?;
    parts.uri = url.uri;
    if !url.has_path {
        parts.extensions.insert(Asterisk);
    }
    match url.user {
        Some((user, password)) if !parts.headers.contains_key(AUTHORIZATION) => {
            authorize(parts, &basic(&user, &password))
        }
        _ => Ok(()),
    }
}

fn authorize(parts: &mut request::Parts, value: &str) -> Result<(), Error> {
    let value = HeaderValue::from_str(value);
    let mut value = value.map_err(|_| Error::usage("the credentials are not printable text"))?;
    value.set_sensitive(true);
    parts.headers.insert(AUTHORIZATION, value);
    Ok(())
}

pub(super) fn urlencoded<N: AsRef<str>, V: fmt::Display>(
    pairs: impl IntoIterator<Item = (N, V)>,
) -> String {
    let mut text = Serializer::new(String::new());
    for (name, value) in pairs {
        text.append_pair(name.as_ref(), &value.to_string());
    }
    text.finish()
}
