//! The response of a handler.

use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{HeaderMap, Method, StatusCode};

use super::context::Context;
use super::fields::Fields;
use super::head;
use super::pool::Scratch;
use crate::error::Error;
use crate::exchange::PIECE;
use crate::frame::StreamId;
use crate::h1::Then;
use crate::halves::{SendHalf, Versioned};
use crate::hpack::Headers;

/// A response, to which the body is written.
///
/// Set the status and fields first: they are sent with the first piece of the body, by
/// [`flush`](Write::flush), or when the handler returns. A small body is buffered until then, so
/// that `content-length` can be added and everything is sent in one write. A larger one is sent
/// while it is written, and writing blocks while the client's windows are exhausted.
///
/// When the handler returns `Ok`, the response is complete. A response to HEAD, or with status 204,
/// 205 or 304, has no body, whatever is written. A 2xx response to CONNECT begins a tunnel,
/// including 204 and 205. A `content-length` that such a response must not have (RFC 9110, Section
/// 8.6) is removed.
///
/// ```
/// use std::io::Write;
///
/// use h2_sync::server::{Request, Response};
///
/// fn handler(_: &mut Request, response: &mut Response) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
///     response.set_header("content-type", "text/plain")?;
///     write!(response, "hello")?;
///     Ok(())
/// }
/// ```
///
/// Status, fields and trailers:
///
/// ```
/// use h2_sync::http::{HeaderMap, HeaderValue};
/// use h2_sync::server::{Request, Response};
///
/// fn handler(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     response.set_status(201)?;
///     response.set_header("cache-control", "no-store")?;
///     response.append_header("set-cookie", "a=1")?;
///     response.append_header("set-cookie", "b=2")?;
///     let mut trailers = HeaderMap::new();
///     trailers.insert("x-checksum", HeaderValue::from(7));
///     response.set_trailers(trailers);
///     assert_eq!(response.status(), 201);
///     response.send("created")
/// }
///
/// let response = Request::builder().send_to(handler)?;
/// assert_eq!(response.headers().get_all("set-cookie").iter().count(), 2);
/// assert_eq!(response.trailers()["x-checksum"], "7");
/// # Ok::<(), h2_sync::Error>(())
/// ```
pub struct Response {
    /// `None` after a [`split`](Self::split).
    pub(super) send: Option<SendHalf>,
    /// `None` in HTTP/1.x.
    stream_id: Option<StreamId>,
    pub(super) context: Arc<Context>,
    pub(super) status: StatusCode,
    pub(super) fields: Fields,
    pub(super) trailers: Option<HeaderMap>,
    /// Whether the header section was queued.
    pub(super) is_started: bool,
    /// The response is complete: the request was [refused](Self::refuse).
    pub(super) is_refused: bool,
    /// The request's method.
    pub(super) method: Method,
    /// Octets written but not sent, since the response has no body.
    pub(super) unsent: u64,
    pub(super) scratch: Scratch,
}

impl Response {
    pub(super) fn new(
        context: Arc<Context>,
        send: SendHalf,
        method: Method,
        mut scratch: Scratch,
    ) -> Self {
        Response {
            fields: std::mem::take(&mut scratch.fields),
            scratch,
            stream_id: send.stream_id(),
            send: Some(send),
            context,
            status: StatusCode::OK,
            trailers: None,
            is_started: false,
            is_refused: false,
            method,
            unsent: 0,
        }
    }

    /// Returns the status; initially 200.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// Sets the status: a number of three digits, or a [`StatusCode`].
    ///
    /// # Errors
    ///
    /// If it is not the status of a final response (200 to 999), or the header section was sent.
    pub fn set_status<S>(&mut self, status: S) -> Result<(), Error>
    where
        StatusCode: TryFrom<S>,
    {
        self.check_not_started()?;
        let is_final = |status: StatusCode| !status.is_informational();
        self.status = head::status(status, "a final response", "200 to 999", is_final)?;
        Ok(())
    }

    /// Returns the header fields for modification, without those that the server adds.
    ///
    /// ```
    /// use h2_sync::http::header::{HeaderValue, VARY};
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn handler(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     response.headers_mut()?.insert(VARY, HeaderValue::from_static("accept"));
    ///     response.send("hello")
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If the header section was sent.
    pub fn headers_mut(&mut self) -> Result<&mut HeaderMap, Error> {
        self.check_not_started()?;
        Ok(self.fields.map_mut())
    }

    /// Sets a header field, replacing those of the same name.
    ///
    /// # Errors
    ///
    /// If the name or the value is invalid, or the header section was sent.
    pub fn set_header<N, V>(&mut self, name: N, value: V) -> Result<(), Error>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        let (name, value) = self.check_field(name, value)?;
        self.fields.set(name, value);
        Ok(())
    }

    /// Appends a header field, after those of the same name.
    ///
    /// # Errors
    ///
    /// Those of [`set_header`](Self::set_header).
    pub fn append_header<N, V>(&mut self, name: N, value: V) -> Result<(), Error>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        let (name, value) = self.check_field(name, value)?;
        self.fields.append(name, value);
        Ok(())
    }

    /// Sends an interim response before the final one, such as 103 with `link` fields.
    ///
    /// ```
    /// use h2_sync::http::header::{HeaderMap, HeaderValue, LINK};
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn page(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let hint = HeaderValue::from_static("</style.css>; rel=preload; as=style");
    ///     response.send_informational(103, &HeaderMap::from_iter([(LINK, hint)]))?;
    ///     // … the client fetches the style while the page is being made …
    ///     response.send("<h1>Hello</h1>")
    /// }
    /// # assert_eq!(Request::builder().send_to(page)?.informational()[0].status(), 103);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the status is not 100 or 102 to 199, a field is invalid, or the header section of the
    /// final response was sent.
    pub fn send_informational<S>(&mut self, status: S, headers: &HeaderMap) -> Result<(), Error>
    where
        StatusCode: TryFrom<S>,
    {
        self.check_not_started()?;
        // RFC 9110, Section 15.2.2: 101 is not an interim response. `upgrade` sends it.
        let is_interim = |status: StatusCode| {
            status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS
        };
        let range = "100, or 102 to 199";
        let status = head::status(status, "an interim response", range, is_interim)?;
        match self.send.as_mut().ok_or_else(taken_apart)?.versioned() {
            Versioned::Http2(send) => {
                let mut fields = Headers::new().with(":status", status.as_str());
                head::push(&mut fields, headers);
                send.put_interim(&fields)
            }
            Versioned::Http1(send) => send.put_interim(status, headers),
        }
    }

    /// Shuts the connection down gracefully: the client opens no more streams, and the connection
    /// ends when all responses are complete (RFC 9113, Section 6.8). Requests in flight are still
    /// answered. An HTTP/1.x connection ends after this response, which says `connection: close` if
    /// its header section was not sent.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn handler(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     // The next request comes over a new connection, which a balancer may send elsewhere.
    ///     response.close_connection()?;
    ///     response.send("bye")
    /// }
    /// # assert_eq!(Request::builder().send_to(handler)?.text(), "bye");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the response was split from the request.
    pub fn close_connection(&mut self) -> Result<(), Error> {
        match self.send.as_mut().ok_or_else(taken_apart)?.versioned() {
            Versioned::Http2(send) => send.conn().with(|state, now| state.core.shutdown(now)),
            Versioned::Http1(send) => send.link().close_after_response(),
        }
        Ok(())
    }

    /// Sets the trailers, which end the response. They may be set until the handler returns. An
    /// HTTP/1.1 client gets them only if it has sent `te: trailers`.
    pub fn set_trailers(&mut self, trailers: HeaderMap) {
        self.trailers = Some(trailers);
    }

    /// Sends octets without a copy, after everything that was written before.
    ///
    /// # Errors
    ///
    /// If the client has reset the stream, the connection has ended, or the client's windows were
    /// exhausted for too long.
    pub fn send(&mut self, data: impl Into<Bytes>) -> Result<(), Error> {
        let data = data.into();
        if !self.has_body() {
            self.unsent += data.len() as u64;
            return Ok(());
        }
        let is_small = data.len() < PIECE && !self.is_started;
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        if is_small && send.buffer().is_empty() {
            // Buffered like a write, since the handler may be about to return.
            send.buffer().extend_from_slice(&data);
            return Ok(());
        }
        self.put(Then::More)?;
        if let Some(send) = &mut self.send {
            send.put_and_flush(data)?;
        }
        Ok(())
    }

    /// Sets the time at which writes fail, even if the client accepts data steadily; `None`, the
    /// initial value, for no limit. The response cannot be continued after such a failure.
    ///
    /// ```
    /// use std::time::{Duration, Instant};
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn download(_: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     response.set_deadline(Some(Instant::now() + Duration::from_secs(300)));
    ///     response.send(vec![0; 100 << 20])
    /// }
    /// ```
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(send) = &mut self.send {
            send.set_deadline(deadline);
        }
    }

    fn check_not_started(&self) -> Result<(), Error> {
        if self.is_started || self.send.is_none() {
            return Err(Error::usage("the header section was already sent"));
        }
        Ok(())
    }

    fn check_field<N, V>(&self, name: N, value: V) -> Result<(HeaderName, HeaderValue), Error>
    where
        HeaderName: TryFrom<N>,
        HeaderValue: TryFrom<V>,
    {
        self.check_not_started()?;
        let name = HeaderName::try_from(name).ok();
        let name = name.ok_or_else(|| Error::usage("invalid name of a header field"))?;
        let value = HeaderValue::try_from(value)
            .map_err(|_| Error::usage(format!("invalid value of the header field \"{name}\"")))?;
        Ok((name, value))
    }
}

pub(super) fn taken_apart() -> Error {
    Error::usage("request and response were split")
}

impl Write for Response {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        if !self.has_body() {
            self.unsent += buf.len() as u64;
            return Ok(buf.len());
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        if !self.is_started && send.buffer().len() + buf.len() >= PIECE {
            self.put(Then::More)?;
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        send.write(buf)
    }

    /// Sends the fields and the buffered body. If there is nothing to send, it still fails if the
    /// client has reset the stream or the connection has ended. An HTTP/1.x client that has shut
    /// its direction may still read: see [`is_cancelled`](super::Request::is_cancelled).
    fn flush(&mut self) -> io::Result<()> {
        if !self.is_started || self.has_body() {
            self.put(Then::More)?;
        }
        let send = self.send.as_mut().ok_or_else(taken_apart)?;
        Ok(send.flush_and_check()?)
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("stream_id", &self.stream_id)
            .field("status", &self.status)
            .field("fields", &self.fields)
            .field("is_started", &self.is_started)
            .finish_non_exhaustive()
    }
}
