//! The half of a request's stream that the response comes on.

use std::io::{self, BufRead, Read};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::cancel::{CancelHandle, Cancellation};
use super::incoming::{Incoming, ResponseHead};
use crate::error::Error;
use crate::frame::StreamId;
use crate::hpack::Headers;

/// The response to one request: interim responses, the final one, the body, trailers.
///
/// [`Read`] and [`BufRead`] give the body; the header section need not have been asked for before.
///
/// Dropping it before the end of the body resets the stream with CANCEL; what has come and was not
/// read is given back to the connection. A connection of HTTP/1.1 is closed.
#[derive(Debug)]
pub struct ResponseHalf {
    recv: Incoming,
    /// The final response's head, once it has been waited for.
    head: Option<ResponseHead>,
    cancellation: Cancellation,
}

impl ResponseHalf {
    pub(super) fn new(recv: impl Into<Incoming>) -> Self {
        ResponseHalf { recv: recv.into(), head: None, cancellation: Cancellation::default() }
    }

    /// The same, where `cancellation` may end it.
    pub(super) fn cancelled_by(self, cancellation: Cancellation) -> Self {
        ResponseHalf { cancellation, ..self }
    }

    /// The same, where the [`CancelHandle`] among the extensions of the request may end it.
    pub(super) fn cancelled_with(self, request: &Request<()>) -> Result<Self, Error> {
        let Some(handle) = request.extensions().get::<CancelHandle>() else { return Ok(self) };
        let cancellation = Cancellation::by(Some(handle.clone()));
        self.may_be_ended_by(&cancellation)?;
        Ok(self.cancelled_by(cancellation))
    }

    /// From now on, cancelling the request resets the stream, or ends the connection of HTTP/1.1.
    pub(super) fn may_be_ended_by(&self, cancellation: &Cancellation) -> Result<(), Error> {
        self.recv.may_be_ended_by(cancellation)
    }

    /// Another thread may reset the stream while this half is waited for.
    pub(super) fn make_interruptible(&self) {
        self.recv.make_interruptible();
    }

    /// The stream's identifier; `None` in HTTP/1.1.
    pub fn stream_id(&self) -> Option<StreamId> {
        self.recv.stream_id()
    }

    /// Sets how long each wait may take: for a response, for the next octets of the body. `None`, as
    /// at first, is for ever, or until the connection ends.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        self.recv.set_read_timeout(timeout);
    }

    /// Sets when it is too late, however steadily the response comes.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.recv.set_deadline(deadline);
    }

    /// Waits for the next interim (1xx) response; `None` when the final one has come.
    ///
    /// # Errors
    ///
    /// The stream was reset, the connection has ended, or nothing came in time.
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

    /// Waits for the final response, and gives its status and header fields. Interim responses that
    /// have not been asked for are passed over. It may be called again.
    ///
    /// # Errors
    ///
    /// The stream was reset ([`Error::is_reset`]; [`Error::is_retry_safe`] if the server did not
    /// process the request), the connection has ended, or nothing came in time.
    pub fn response(&mut self) -> Result<Response<()>, Error> {
        to_http(self.final_head()?)
    }

    /// The same as the fields came, with the pseudo-header field `:status`.
    ///
    /// # Errors
    ///
    /// Those of [`response`](Self::response).
    pub fn fields(&mut self) -> Result<Headers, Error> {
        self.final_head().map(ResponseHead::into_fields)
    }

    /// Waits for the next piece of the body, without copying it; `None` at its end.
    ///
    /// # Errors
    ///
    /// Those of [`response`](Self::response).
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.come_to_body()?;
        self.recv.next_chunk()
    }

    /// The trailers, once the whole body has come; what has not been read of it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`response`](Self::response).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.come_to_body()?;
        self.recv.trailers()
    }

    /// In HTTP/1.1 the body comes behind the head, whether or not the caller asks for that.
    fn come_to_body(&mut self) -> Result<(), Error> {
        self.cancellation.check()?;
        if self.recv.is_http1() {
            while self.next()?.is_some() {}
        }
        Ok(())
    }

    /// The final response's head.
    pub(super) fn final_head(&mut self) -> Result<ResponseHead, Error> {
        loop {
            if let Some(head) = &self.head {
                return Ok(head.clone());
            }
            self.next()?;
        }
    }

    /// The next interim response; `None` when the final one is there.
    pub(super) fn next(&mut self) -> Result<Option<ResponseHead>, Error> {
        if self.head.is_some() {
            return Ok(None);
        }
        self.cancellation.check()?;
        let (head, is_interim) = self.recv.next_response()?;
        if is_interim {
            return Ok(Some(head));
        }
        self.head = Some(head);
        Ok(None)
    }

    /// Whether anything of a response has come, be it a part.
    pub(super) fn is_answered(&self) -> bool {
        self.head.is_some() || self.recv.is_answered()
    }

    pub(super) fn into_recv(self) -> Incoming {
        self.recv
    }
}

fn to_http(head: ResponseHead) -> Result<Response<()>, Error> {
    head.into_parts().map(|parts| Response::from_parts(parts, ()))
}

impl Read for ResponseHalf {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.come_to_body()?;
        if buf.is_empty() {
            return Ok(0);
        }
        let octets = self.recv.fill_buf()?;
        let n = octets.len().min(buf.len());
        buf[..n].copy_from_slice(&octets[..n]);
        self.recv.consume(n);
        Ok(n)
    }
}

impl BufRead for ResponseHalf {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.come_to_body()?;
        self.recv.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.recv.consume(n);
    }
}
