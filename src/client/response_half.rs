//! The half of a request's stream that receives the response.

use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Uri};

use super::cancel::{CancelHandle, Cancellation};
use super::incoming::{Incoming, ResponseHead};
use super::response_timer::ResponseTimer;
use crate::error::{Error, Phase};
use crate::frame::StreamId;
use crate::hpack::Headers;

/// The response to one request: interim responses, the final response, its body and trailers.
///
/// [`Read`] and [`BufRead`] read the body, even if the header section has not been requested.
///
/// Dropping it before the end of the body resets the stream with CANCEL and returns the
/// flow-control credit of unread data to the connection. An HTTP/1.1 connection is closed.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use h2_sync::client::ResponseHalf;
/// use h2_sync::Error;
///
/// fn receive(mut response: ResponseHalf) -> Result<Vec<u8>, Error> {
///     response.set_read_timeout(Some(Duration::from_secs(10)));
///     response.set_deadline(Some(Instant::now() + Duration::from_secs(60)));
///     println!("{} on stream {:?}", response.response()?.status(), response.stream_id());
///     let mut body = Vec::new();
///     while let Some(octets) = response.next_chunk()? {
///         body.extend_from_slice(&octets);
///     }
///     println!("trailers: {:?}", response.trailers()?);
///     Ok(body)
/// }
/// ```
#[derive(Debug)]
pub struct ResponseHalf {
    recv: Incoming,
    /// The head of the final response, once it has arrived.
    head: Option<ResponseHead>,
    cancellation: Cancellation,
    deadline: Option<Instant>,
    /// Limits the wait for the final response, if the caller sends the request.
    timer: Option<ResponseTimer>,
    /// The URL of a request of `Client::open`, for errors.
    url: Option<Uri>,
}

impl ResponseHalf {
    pub(super) fn new(recv: impl Into<Incoming>) -> Self {
        ResponseHalf {
            recv: recv.into(),
            head: None,
            cancellation: Cancellation::default(),
            deadline: None,
            timer: None,
            url: None,
        }
    }

    /// Limits how long the final response may take.
    pub(super) fn limit_by(&mut self, timer: ResponseTimer) {
        self.timer = Some(timer);
    }

    /// Adds the URL of the request, and the phase, to errors.
    pub(super) fn of_url(self, url: Uri) -> Self {
        ResponseHalf { url: Some(url), ..self }
    }

    /// Lets `cancellation` end it.
    pub(super) fn cancelled_by(self, cancellation: Cancellation) -> Self {
        ResponseHalf { cancellation, ..self }
    }

    /// Lets the [`CancelHandle`] among the request's extensions end it.
    pub(super) fn cancelled_with(self, request: &Request<()>) -> Result<Self, Error> {
        let Some(handle) = request.extensions().get::<CancelHandle>() else { return Ok(self) };
        let cancellation = Cancellation::by(Some(handle.clone()));
        self.may_be_ended_by(&cancellation)?;
        Ok(self.cancelled_by(cancellation))
    }

    /// From now on, cancelling the request resets the stream, or closes the HTTP/1.1 connection.
    pub(super) fn may_be_ended_by(&self, cancellation: &Cancellation) -> Result<(), Error> {
        self.recv.may_be_ended_by(cancellation)
    }

    /// Lets another thread reset the stream while this half waits.
    pub(super) fn make_interruptible(&self) {
        self.recv.make_interruptible();
    }

    /// Returns the stream's identifier; `None` in HTTP/1.1.
    pub fn stream_id(&self) -> Option<StreamId> {
        self.recv.stream_id()
    }

    /// Sets how long each wait for a response, or for more of the body, may take. With `None`, the
    /// default, a wait for the body lasts until the connection ends. The wait for the response also
    /// ends by the client's [`response_timeout`](super::Config::response_timeout), which counts from
    /// the end of the request; a [`Connection`](super::Connection) has no such timeout.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.recv.set_read_timeout(timeout);
    }

    /// Sets the time after which every wait fails.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.deadline = deadline;
        self.recv.set_deadline(deadline);
    }

    /// Waits for the next interim (1xx) response; `None` once the final response has arrived.
    ///
    /// # Errors
    ///
    /// The stream was reset, the connection ended, or a timeout passed.
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let client = Client::new()?;
    /// let request = http::Request::get("https://example.com/").body(()).unwrap();
    /// let (mut send, mut response) = client.open(request)?;
    /// send.finish()?;
    /// while let Some(hints) = response.informational()? {
    ///     println!("{} {:?}", hints.status(), hints.headers().get("link"));
    /// }
    /// println!("{}", response.response()?.status());
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn informational(&mut self) -> Result<Option<Response<()>>, Error> {
        match self.next()? {
            Some(interim) => to_http(interim).map(Some),
            None => Ok(None),
        }
    }

    /// Waits for the final response and returns its status and header fields, skipping interim
    /// responses. It may be called again.
    ///
    /// # Errors
    ///
    /// The stream was reset ([`Error::is_reset`]; [`Error::is_retry_safe`] if the server did not
    /// process the request), the connection ended, or a timeout passed.
    pub fn response(&mut self) -> Result<Response<()>, Error> {
        to_http(self.final_head()?)
    }

    /// Like [`response`](Self::response), but returns the fields as received, including the
    /// pseudo-header field `:status`.
    ///
    /// ```
    /// use h2_sync::client::ResponseHalf;
    ///
    /// fn log(response: &mut ResponseHalf) -> Result<(), h2_sync::Error> {
    ///     for field in response.fields()?.iter() {
    ///         println!("{field:?}");
    ///     }
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`response`](Self::response).
    pub fn fields(&mut self) -> Result<Headers, Error> {
        self.final_head().map(ResponseHead::into_fields)
    }

    /// Waits for the next piece of the body and returns it without copying; `None` at its end.
    ///
    /// # Errors
    ///
    /// Those of [`response`](Self::response).
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.come_to_body()?;
        self.recv.next_chunk().map_err(|error| in_body(error, self.url.as_ref()))
    }

    /// Reads to the end of the body, discarding unread data, and returns the trailers.
    ///
    /// # Errors
    ///
    /// Those of [`response`](Self::response).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.come_to_body()?;
        self.recv.trailers().map_err(|error| in_body(error, self.url.as_ref()))
    }

    /// Waits for the final head: in HTTP/1.1 the body follows it in the same stream of octets, and
    /// it may have a timeout of its own.
    fn come_to_body(&mut self) -> Result<(), Error> {
        self.cancellation.check().map_err(|error| in_body(error, self.url.as_ref()))?;
        if self.recv.is_http1() || self.timer.is_some() {
            while self.next()?.is_some() {}
        }
        Ok(())
    }

    /// Waits for the head of the final response.
    pub(super) fn final_head(&mut self) -> Result<ResponseHead, Error> {
        loop {
            if let Some(head) = &self.head {
                return Ok(head.clone());
            }
            self.next()?;
        }
    }

    /// Returns the next interim response; `None` once the final response has arrived.
    pub(super) fn next(&mut self) -> Result<Option<ResponseHead>, Error> {
        if self.head.is_some() {
            return Ok(None);
        }
        let next = self.cancellation.check().and_then(|()| self.next_head());
        let in_response = |error: Error| error.of_request(Phase::Response, self.url.as_ref());
        let (head, is_interim) = next.map_err(in_response)?;
        if is_interim {
            return Ok(Some(head));
        }
        self.head = Some(head);
        self.timer = None;
        Ok(None)
    }

    fn next_head(&mut self) -> Result<(ResponseHead, bool), Error> {
        let ResponseHalf { recv, deadline, timer, .. } = self;
        let Some(timer) = timer else { return recv.next_response() };
        let head = timer.run(recv.until(), |until| {
            recv.set_deadline(until);
            recv.next_response()
        });
        recv.set_deadline(*deadline);
        head
    }

    /// Whether any octets of a response have arrived.
    pub(super) fn is_answered(&self) -> bool {
        self.head.is_some() || self.recv.is_answered()
    }

    pub(super) fn into_recv(self) -> Incoming {
        self.recv
    }
}

fn in_body(error: Error, url: Option<&Uri>) -> Error {
    error.of_request(Phase::Body, url)
}

fn to_http(head: ResponseHead) -> Result<Response<()>, Error> {
    head.into_parts().map(|parts| Response::from_parts(parts, ()))
}

impl Read for ResponseHalf {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let octets = self.fill_buf()?;
        let n = octets.len().min(buf.len());
        buf[..n].copy_from_slice(&octets[..n]);
        self.recv.consume(n);
        Ok(n)
    }
}

impl BufRead for ResponseHalf {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.come_to_body()?;
        let url = self.url.as_ref();
        self.recv.fill_buf().map_err(|error| in_body(Error::from(error), url).into())
    }

    fn consume(&mut self, n: usize) {
        self.recv.consume(n);
    }
}
