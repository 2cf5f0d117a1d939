//! The response to a request.

use std::io::{self, BufRead, Read};
use std::time::Duration;

use http::{HeaderMap, StatusCode, Uri, Version};

use super::facts::Facts;
use super::final_head::FinalHead;
use super::response_body::ResponseBody;
use crate::error::Error;
#[cfg(feature = "json")]
use crate::error::ErrorKind;

/// A response: status, header fields, and the body, which is read from it as it arrives.
///
/// A response with any status is returned as such, 404 and 500 included;
/// [`error_for_status`](Self::error_for_status) turns those into errors.
///
/// Dropping it before the end of the body resets the stream with CANCEL and leaves the connection
/// open. An HTTP/1.1 connection is closed, unless the rest of a small body has been received
/// already.
///
/// ```
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
///
/// let handler = |_: &mut Request, response: &mut Response| {
///     response.set_header("content-type", "text/plain")?;
///     response.send("hello")
/// };
/// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
/// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let mut response = client.get(url.as_str()).send()?;
/// println!("{:?} {} from {}", response.version(), response.status(), response.url());
/// assert_eq!(response.header("content-type"), Some("text/plain"));
/// assert_eq!(response.headers()["content-length"], "5");
/// response.set_read_timeout(Some(std::time::Duration::from_secs(10)));
/// assert_eq!(response.bytes()?, b"hello");
/// # drop(client);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Response {
    head: FinalHead,
    body: ResponseBody,
    facts: Facts,
}

impl Response {
    pub(super) fn new(head: FinalHead, body: ResponseBody, facts: Facts) -> Self {
        Response { head, body, facts }
    }

    /// Returns the status code.
    pub fn status(&self) -> StatusCode {
        self.head.status()
    }

    /// Returns the header fields.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// Returns the first value of a header field, if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers().get(name)?.to_str().ok()
    }

    /// Returns the version of HTTP: 2, 1.1 or 1.0.
    pub fn version(&self) -> Version {
        self.head.parts().version
    }

    /// Returns the URL of the response, after all redirects.
    pub fn url(&self) -> &Uri {
        self.body.url()
    }

    /// Returns details of the exchange: timings, retries, redirects.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }

    /// Returns the response itself, or an error if its status is 4xx or 5xx.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let text = client.get("https://example.com/").send()?.error_for_status()?.text()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// An error with the status ([`Error::status`]) and the URL in its text, of kind
    /// [`ErrorKind::Peer`].
    ///
    /// [`ErrorKind::Peer`]: crate::ErrorKind::Peer
    pub fn error_for_status(self) -> Result<Self, Error> {
        let status = self.status();
        if status.is_client_error() || status.is_server_error() {
            return Err(Error::status_code(status).with_url(self.url()));
        }
        Ok(self)
    }

    /// Sets how long each read of the body may take.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.body.set_read_timeout(timeout);
    }

    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// The body ended early, or is larger than [`max_body`](super::Config::max_body)
    /// ([`Error::is_body_too_large`]).
    pub fn bytes(self) -> Result<Vec<u8>, Error> {
        self.body.bytes()
    }

    /// Reads the whole body as UTF-8 text. Invalid sequences are replaced by U+FFFD.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let page = Client::new()?.get("https://example.com/").send()?.text()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes).
    pub fn text(self) -> Result<String, Error> {
        self.body.text()
    }

    /// Reads the whole body as JSON.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    /// use serde_json::Value;
    ///
    /// let items: Vec<Value> = Client::new()?.get("https://example.com/items").send()?.json()?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes), and JSON that does not deserialize into `T`.
    #[cfg(feature = "json")]
    pub fn json<T: serde::de::DeserializeOwned>(self) -> Result<T, Error> {
        let octets = self.body.bytes()?;
        serde_json::from_slice(&octets).map_err(|error| {
            Error::text(ErrorKind::Peer, format!("the body is not the expected JSON: {error}"))
        })
    }

    /// Reads to the end of the body, discarding unread data, and returns the trailers.
    ///
    /// # Errors
    ///
    /// Those of reading the body.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = client.get("https://example.com/report").header("te", "trailers");
    /// let mut response = request.send()?;
    /// std::io::copy(&mut response, &mut std::io::stdout())?;
    /// if let Some(trailers) = response.trailers()? {
    ///     println!("{:?}", trailers.get("checksum"));
    /// }
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.body.trailers()
    }

    /// Returns the body alone.
    ///
    /// ```no_run
    /// use std::io::{BufRead, BufReader};
    ///
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let body = client.get("https://example.com/lines").send()?.into_body();
    /// for line in BufReader::new(body).lines() {
    ///     println!("{}", line?);
    /// }
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn into_body(self) -> ResponseBody {
        self.body
    }

    /// Converts it to a response of the `http` crate, with [`Facts`] among its extensions.
    ///
    /// ```
    /// use h2_sync::client::{Facts, Response};
    ///
    /// fn log(response: Response) {
    ///     let response = response.into_http();
    ///     let facts: Option<&Facts> = response.extensions().get();
    ///     println!("{} {facts:?}", response.status());
    /// }
    /// ```
    pub fn into_http(self) -> http::Response<ResponseBody> {
        let mut response = http::Response::from_parts(self.head.into_parts(), self.body);
        response.extensions_mut().insert(self.facts);
        response
    }
}

impl Read for Response {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.body.read(buf)
    }
}

impl BufRead for Response {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.body.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.body.consume(n);
    }
}
