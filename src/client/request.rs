//! A request that is being put together.

use std::time::Duration;

use http::header::{
    HeaderMap, HeaderName, HeaderValue, AUTHORIZATION, EXPECT, PROXY_AUTHORIZATION,
};
use http::{request, Method, Request, Uri};

use super::base64;
use super::body::Body;
use super::engine::Engine;
use super::response::Response;
use crate::error::Error;

/// A request that is being put together, for [`send`](Self::send).
///
/// What is wrong with a part of it is told by `send`.
///
/// ```no_run
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
///
/// let client = Client::new()?;
/// let response = client
///     .post("http://127.0.0.1:8080/items")
///     .header("content-type", "text/plain")
///     .timeout(Duration::from_secs(5))
///     .body("a new one")
///     .send()?;
/// println!("{} {}", response.status(), response.text()?);
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug)]
#[must_use = "a request does nothing before `send`"]
pub struct RequestBuilder<'a> {
    engine: &'a Engine,
    parts: Result<request::Parts, Error>,
    body: Body,
    timeout: Option<Duration>,
}

impl<'a> RequestBuilder<'a> {
    pub(super) fn new<U>(engine: &'a Engine, method: Method, url: U) -> Self
    where
        Uri: TryFrom<U>,
    {
        let url = Uri::try_from(url).map_err(|_| Error::usage("not a URL"));
        let parts = url.map(|url| {
            let (mut parts, ()) = Request::new(()).into_parts();
            parts.method = method;
            parts.uri = url;
            parts
        });
        RequestBuilder { engine, parts, body: Body::empty(), timeout: None }
    }

    /// Adds a header field.
    pub fn header<N, V>(mut self, name: N, value: V) -> Self
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        let name = HeaderName::try_from(name).map_err(|_| "not the name of a header field");
        let value = HeaderValue::try_from(value).map_err(|_| "not the value of a header field");
        match (name, value, &mut self.parts) {
            (_, _, Err(_)) => {}
            (Ok(name), Ok(mut value), Ok(parts)) => {
                if name == AUTHORIZATION || name == PROXY_AUTHORIZATION {
                    // It is not shown by `Debug` then.
                    value.set_sensitive(true);
                }
                parts.headers.append(name, value);
            }
            (Err(what), ..) | (_, Err(what), _) => self.parts = Err(Error::usage(what)),
        }
        self
    }

    /// Adds header fields. Those of a name that is there already are replaced.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        if let Ok(parts) = &mut self.parts {
            parts.headers.extend(headers);
        }
        self
    }

    /// Adds `authorization` with user and password (RFC 7617). It is kept out of compression tables,
    /// and is not sent on to another origin.
    pub fn basic_auth(self, user: &str, password: &str) -> Self {
        self.authorization(&base64::basic(user, password))
    }

    /// Adds `authorization` with a token (RFC 6750), likewise.
    pub fn bearer_auth(self, token: &str) -> Self {
        self.authorization(&format!("Bearer {token}"))
    }

    /// Sets how long all of it may take, from connecting to the end of the response's body, instead
    /// of the client's [`timeout`](super::Config::timeout).
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets a body of JSON, and `content-type` with it.
    #[cfg(feature = "json")]
    pub fn json<T: serde::Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(octets) => self.header("content-type", "application/json").body(octets),
            Err(error) => {
                self.parts = Err(Error::usage(format!("not to be put as JSON: {error}")));
                self
            }
        }
    }

    /// Has the server look at the header section before the body is sent (RFC 9110, Section 10.1.1).
    pub fn expect_continue(mut self) -> Self {
        if let Ok(parts) = &mut self.parts {
            parts.headers.insert(EXPECT, HeaderValue::from_static("100-continue"));
        }
        self
    }

    /// Sends it, and waits until the header section of the response is there.
    ///
    /// # Errors
    ///
    /// The request is not valid; no connection came about; the stream was reset, the connection ended
    /// or something took too long before the response was there; there were too many redirects.
    pub fn send(self) -> Result<Response, Error> {
        self.engine.execute(self.parts?, self.body, self.timeout)
    }

    fn authorization(mut self, value: &str) -> Self {
        match (HeaderValue::from_str(value), &mut self.parts) {
            (Ok(mut value), Ok(parts)) => {
                value.set_sensitive(true);
                parts.headers.insert(AUTHORIZATION, value);
            }
            (Err(_), Ok(_)) => self.parts = Err(Error::usage("credentials that are not text")),
            (_, Err(_)) => {}
        }
        self
    }
}
