//! The body of a request: read by its handler, or taken to be read elsewhere.

use std::io::{self, BufRead, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderMap;

use super::caller::Line;
use super::incoming::Incoming;
use super::request::Request;
use crate::error::Error;
use crate::exchange;
use crate::h1;
use crate::halves::RecvHalf;

impl Request {
    /// Returns whether the request has a body that is still to be read. A body may turn out to be
    /// empty, if the client has not announced its length.
    pub fn has_body(&self) -> bool {
        match &self.body {
            Incoming::Octets(body) => body.http1().is_none_or(|body| !body.is_at_end()),
            Incoming::Nothing | Incoming::Taken => false,
        }
    }

    /// Sets how long a read of the body waits for the next octets. The initial value is the
    /// server's [`read_timeout`](super::Config::read_timeout).
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        if let Some(body) = self.octets() {
            body.set_read_timeout(timeout);
        }
    }

    /// Sets the time at which reads of the body fail, even if it arrives steadily. The initial
    /// value follows from the server's [`body_timeout`](super::Config::body_timeout).
    ///
    /// With [`set_read_timeout`](Self::set_read_timeout) and [`set_max_body`](Self::set_max_body),
    /// a handler has its own limits:
    ///
    /// ```
    /// use std::io::Read;
    /// use std::time::{Duration, Instant};
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn upload(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     request.set_max_body(100 << 20);
    ///     request.set_read_timeout(Some(Duration::from_secs(10)));
    ///     request.set_deadline(Some(Instant::now() + Duration::from_secs(300)));
    ///     let mut file = Vec::new();
    ///     request.read_to_end(&mut file)?;
    ///     response.send(format!("{} octets", file.len()))
    /// }
    /// ```
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(body) = self.octets() {
            body.set_deadline(deadline);
        }
    }

    /// Sets the most octets that `read_to_end` and `read_to_string` accept. The initial value is
    /// the server's [`max_body`](super::Config::max_body).
    pub fn set_max_body(&mut self, octets: usize) {
        self.max_body = octets;
    }

    /// Waits for the next piece of the body, without a copy; returns `None` at its end.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn count(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let mut octets = 0;
    ///     while let Some(chunk) = request.next_chunk()? {
    ///         octets += chunk.len();
    ///     }
    ///     response.send(format!("{octets} octets"))
    /// }
    ///
    /// let request = Request::builder().method("POST").body("hello");
    /// assert_eq!(request.send_to(count)?.text(), "5 octets");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the stream was reset, the connection has ended, or a timeout expired.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.octets().map_or(Ok(None), RecvHalf::next_chunk)
    }

    /// Waits for the end of the body and returns the trailers. The unread part of the body is
    /// dropped.
    ///
    /// ```
    /// use std::io;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn store(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     io::copy(request, &mut io::sink())?;
    ///     match request.trailers()? {
    ///         Some(trailers) if trailers.contains_key("x-checksum") => response.set_status(204),
    ///         _ => response.set_status(400),
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.octets().map_or(Ok(None), RecvHalf::trailers)
    }

    /// Takes the body, to be read by another thread while the handler writes the response, or to
    /// be passed on. Returns `None` if it was taken before. A request without a body returns a half
    /// that is at its end.
    ///
    /// The half has the timeouts of the request. It may outlive the handler: the response is
    /// complete when the handler returns, and the body can be read on. What the half does not read
    /// is declined when it is dropped, as where a handler [leaves](super#failures) a
    /// body unread. In HTTP/1.x the connection serves the next request only when the half was
    /// dropped.
    ///
    /// Reads fail if the client resets the stream or closes the connection, if the handler fails
    /// after a part of the response was sent, or after
    /// [`read_timeout`](super::Config::read_timeout). The first read sends `100 Continue` to a
    /// client that waits for it, unless the response has begun.
    ///
    /// The request itself then has no body: its reads return the end, and neither
    /// [`split`](super::Response::split) nor [`upgrade`](super::Response::upgrade) is possible.
    ///
    /// ```
    /// use std::io::{copy, sink};
    /// use std::thread;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// // Answers at once, and stores the upload after that.
    /// fn store(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     if let Some(mut body) = request.take_body() {
    ///         thread::spawn(move || match copy(&mut body, &mut sink()) {
    ///             Ok(octets) => println!("stored {octets} octets"),
    ///             Err(error) => println!("the upload broke off: {error}"),
    ///         });
    ///     }
    ///     response.set_status(202)
    /// }
    ///
    /// let request = Request::builder().method("POST").body(vec![0; 100_000]);
    /// assert_eq!(request.send_to(store)?.status(), 202);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn take_body(&mut self) -> Option<RecvHalf> {
        let mut body = self.take_octets()?;
        body.stand_alone();
        Some(body)
    }

    /// Takes the body, which its receiver may make independent of the handler.
    pub(super) fn take_octets(&mut self) -> Option<RecvHalf> {
        match std::mem::replace(&mut self.body, Incoming::Taken) {
            Incoming::Octets(body) => Some(body),
            Incoming::Nothing => {
                let timeout = self.context.config.read_timeout;
                Some(match &self.line {
                    Line::Stream(conn, id) => {
                        let mut body = exchange::RecvHalf::new(Arc::clone(conn), *id, timeout);
                        body.has_nothing();
                        body.into()
                    }
                    Line::Http1(link) => h1::RecvHalf::new(Arc::clone(link), timeout).into(),
                })
            }
            Incoming::Taken => None,
        }
    }

    /// Returns whether the body has been read to its end, or is absent. For HTTP/1.x.
    pub(super) fn is_read(&self) -> bool {
        match &self.body {
            Incoming::Octets(body) => body.http1().is_none_or(h1::RecvHalf::is_at_end),
            Incoming::Nothing | Incoming::Taken => true,
        }
    }

    /// Takes the octets after an HTTP/1.1 request whose connection has become a tunnel.
    pub(super) fn take_tunnel(&mut self) -> Option<RecvHalf> {
        self.body = Incoming::Nothing;
        self.take_octets()
    }

    pub(super) fn octets(&mut self) -> Option<&mut RecvHalf> {
        match &mut self.body {
            Incoming::Octets(body) => Some(body),
            Incoming::Nothing | Incoming::Taken => None,
        }
    }

    /// Fails if the body was taken.
    pub(super) fn check_not_taken(&self) -> Result<(), Error> {
        match self.body {
            Incoming::Taken => Err(Error::usage("the body of the request has been taken")),
            Incoming::Nothing | Incoming::Octets(_) => Ok(()),
        }
    }
}

impl Read for Request {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.octets().map_or(Ok(0), |body| body.read(buf))
    }

    fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize> {
        let mut total = 0;
        while let Some(chunk) = self.next_chunk()? {
            total += chunk.len();
            if total > self.max_body {
                return Err(Error::body_too_large(self.max_body).into());
            }
            buf.extend_from_slice(&chunk);
        }
        Ok(total)
    }

    fn read_to_string(&mut self, buf: &mut String) -> io::Result<usize> {
        let mut octets = Vec::new();
        self.read_to_end(&mut octets)?;
        let text = String::from_utf8(octets)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))?;
        buf.push_str(&text);
        Ok(text.len())
    }
}

impl BufRead for Request {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.octets().map_or(Ok(&[]), BufRead::fill_buf)
    }

    fn consume(&mut self, n: usize) {
        if let Some(body) = self.octets() {
            body.consume(n);
        }
    }
}
