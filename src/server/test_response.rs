//! The response to a request of a test.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};

/// The response of a handler to a [`RequestBuilder`](super::RequestBuilder), as a client receives
/// it: with the fields that the server adds.
///
/// ```
/// use h2_sync::server::{Request, Response};
///
/// fn page(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     response.set_header("content-type", "text/html")?;
///     response.send("<h1>Hello</h1>")
/// }
///
/// let response = Request::builder().send_to(page)?;
/// assert_eq!(response.header("content-type"), Some("text/html"));
/// assert_eq!(response.header("content-length"), Some("14"));
/// assert_eq!(response.body(), "<h1>Hello</h1>".as_bytes());
/// # Ok::<(), h2_sync::Error>(())
/// ```
///
/// All parts that a client receives:
///
/// ```
/// use h2_sync::http::{HeaderMap, HeaderValue};
/// use h2_sync::server::{Request, Response};
///
/// fn handler(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     response.send_informational(103, &HeaderMap::new())?;
///     let mut trailers = HeaderMap::new();
///     trailers.insert("x-checksum", HeaderValue::from_static("352441c2"));
///     response.set_trailers(trailers);
///     response.send("abc")
/// }
///
/// let response = Request::builder().send_to(handler)?;
/// assert_eq!(response.informational()[0].status(), 103);
/// assert_eq!((response.status().as_u16(), response.text()), (200, "abc"));
/// assert!(response.headers().contains_key("date"));
/// assert!(response.trailers().contains_key("x-checksum"));
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct TestResponse {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) trailers: HeaderMap,
    pub(super) informational: Vec<http::Response<()>>,
}

impl TestResponse {
    /// Returns the status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Returns the first value of a header field, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.headers.get(name)?.as_bytes()).ok()
    }

    /// Returns the header fields.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the whole body.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Returns the body as text.
    ///
    /// # Panics
    ///
    /// If it is not UTF-8.
    #[track_caller]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text in UTF-8")
    }

    /// Returns the trailers; empty if there were none.
    pub fn trailers(&self) -> &HeaderMap {
        &self.trailers
    }

    /// Returns the interim responses in their order, such as 103.
    pub fn informational(&self) -> &[http::Response<()>] {
        &self.informational
    }
}
