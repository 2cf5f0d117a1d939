//! The body of a response.

use std::io::{self, BufRead, BufReader, Read};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Uri};

use super::cancel::Cancellation;
use super::coding::{Coding, Decoded};
use super::incoming::Incoming;
use super::timeouts::Timeouts;
use super::upload::Upload;
use crate::error::{Error, Phase};
use crate::frame::StreamId;
use crate::h1::News;

/// The body of a response, for [`Read`] and [`BufRead`].
///
/// Errors of both wrap this crate's [`Error`]; `Error::from` unwraps it. A truncated body is
/// always reported as an error.
///
/// Dropping it before its end resets the stream with CANCEL and leaves the connection open. An
/// HTTP/1.1 connection is closed, unless the rest of a small body has been received already.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::client::Client;
/// use h2_sync::server::{Request, Response, Server};
///
/// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
/// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
/// let url = format!("http://{}/", server.local_addr().ok_or("no address")?);
///
/// let client = Client::new()?;
/// let mut body = client.get(url.as_str()).send()?.into_body();
/// println!("{} on stream {:?}", body.url(), body.stream_id());
/// body.set_read_timeout(Some(Duration::from_secs(10)));
/// let mut octets = 0;
/// while let Some(chunk) = body.next_chunk()? {
///     octets += chunk.len();
/// }
/// assert_eq!(octets, 5);
/// assert_eq!(body.trailers()?, None);
/// # drop((body, client));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct ResponseBody {
    kind: Kind,
    /// The URL of the response, for error texts.
    url: Uri,
    max_body: usize,
    /// The timeouts and the deadline, for error texts.
    times: Option<(Timeouts, Option<Instant>)>,
}

#[derive(Debug)]
enum Kind {
    Plain(Raw),
    Coded(Box<BufReader<Decoded<Raw>>>),
}

/// Octets of a decompressed body returned at once.
const INFLATED_PIECE: usize = 16 << 10;

/// The body as received; reading it also sends the rest of the request.
#[derive(Debug)]
pub(super) struct Raw {
    recv: Incoming,
    /// In a mutex to make responses `Sync`: the reader of a request body need not be.
    upload: Option<Mutex<Rest>>,
    cancellation: Cancellation,
}

/// The rest of a request whose response has arrived.
#[derive(Debug)]
pub(super) enum Rest {
    /// The server still reads the body, and the response depends on it.
    GoesOn(Box<Upload>),
    /// The server does not want the body. Kept because dropping it would reset the stream or close
    /// the connection.
    Stopped(#[allow(dead_code)] Box<Upload>),
}

impl ResponseBody {
    pub(super) fn new(raw: Raw, url: Uri, max_body: usize) -> Self {
        ResponseBody { kind: Kind::Plain(raw), url, max_body, times: None }
    }

    /// Sets the timeouts and deadline that errors name.
    pub(super) fn set_times(&mut self, timeouts: Timeouts, deadline: Option<Instant>) {
        self.times = Some((timeouts, deadline));
    }

    /// Returns the body with a content coding decoded.
    pub(super) fn decoding(self, coding: Coding, max_inflated: u64) -> Self {
        let kind = match self.kind {
            Kind::Plain(raw) => {
                let decoded = Decoded::new(raw, coding, max_inflated);
                Kind::Coded(Box::new(BufReader::with_capacity(INFLATED_PIECE, decoded)))
            }
            coded => coded,
        };
        ResponseBody { kind, ..self }
    }

    /// Returns the URL of the response, after all redirects.
    pub fn url(&self) -> &Uri {
        &self.url
    }

    /// Returns the identifier of the stream; `None` in HTTP/1.1.
    pub fn stream_id(&self) -> Option<StreamId> {
        self.raw().recv.stream_id()
    }

    /// Sets how long each read may take, initially the client's
    /// [`read_timeout`](super::Config::read_timeout).
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        if let Some((timeouts, _)) = &mut self.times {
            timeouts.read = timeout;
        }
        self.raw_mut().recv.set_read_timeout(timeout);
    }

    /// Sets the maximum octets that [`text`](Self::text) and [`bytes`](Self::bytes) return,
    /// initially the client's [`max_body`](super::Config::max_body).
    ///
    /// ```no_run
    /// use h2_sync::client::Client;
    ///
    /// let mut body = Client::new()?.get("https://example.com/").send()?.into_body();
    /// body.set_max_body(1 << 10);
    /// match body.text() {
    ///     Err(error) if error.is_body_too_large() => println!("more than 1 KiB"),
    ///     text => println!("{text:?}"),
    /// }
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn set_max_body(&mut self, octets: usize) {
        self.max_body = octets;
    }

    /// Waits for the next piece; `None` at the end. Does not copy, unless the body is decompressed.
    ///
    /// # Errors
    ///
    /// The body ended early, or a timeout passed.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        let chunk = match &mut self.kind {
            Kind::Plain(raw) => raw.next_chunk(),
            Kind::Coded(decoded) => {
                let piece = decoded.fill_buf().map(Bytes::copy_from_slice);
                decoded.consume(piece.as_ref().map_or(0, Bytes::len));
                piece.map(|piece| (!piece.is_empty()).then_some(piece)).map_err(Error::from)
            }
        };
        chunk.map_err(|error| self.told(error))
    }

    /// Reads the whole body.
    ///
    /// # Errors
    ///
    /// The body ended early, or is larger than `max_body` ([`Error::is_body_too_large`]).
    pub fn bytes(mut self) -> Result<Vec<u8>, Error> {
        let mut octets = Vec::new();
        let limit = self.max_body;
        self.by_ref().take((limit as u64).saturating_add(1)).read_to_end(&mut octets)?;
        if octets.len() > limit {
            return Err(self.told(Error::body_too_large(limit)));
        }
        Ok(octets)
    }

    /// Reads the whole body as UTF-8 text. Invalid sequences are replaced by U+FFFD.
    ///
    /// # Errors
    ///
    /// Those of [`bytes`](Self::bytes).
    pub fn text(self) -> Result<String, Error> {
        let octets = self.bytes()?;
        Ok(String::from_utf8(octets)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
    }

    /// Reads to the end of the body, discarding unread data, and returns the trailers.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.raw_mut().trailers().map_err(|error| self.told(error))
    }

    /// Adds the phase, URL and timeout to an error.
    fn told(&self, error: Error) -> Error {
        let error = match self.times {
            Some((timeouts, deadline)) => {
                timeouts.tell(error, deadline, ("read_timeout", timeouts.read))
            }
            None => error,
        };
        error.in_phase(Phase::Body).with_url(&self.url)
    }

    fn raw(&self) -> &Raw {
        match &self.kind {
            Kind::Plain(raw) => raw,
            Kind::Coded(decoded) => decoded.get_ref().get_ref(),
        }
    }

    fn raw_mut(&mut self) -> &mut Raw {
        match &mut self.kind {
            Kind::Plain(raw) => raw,
            Kind::Coded(decoded) => decoded.get_mut().get_mut(),
        }
    }
}

impl Read for ResponseBody {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let read = match &mut self.kind {
            Kind::Plain(raw) => raw.read(buf),
            Kind::Coded(decoded) => decoded.read(buf),
        };
        read.map_err(|error| self.told(error.into()).into())
    }
}

impl BufRead for ResponseBody {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        let filled = match &mut self.kind {
            Kind::Plain(raw) => raw.fill_buf().map(drop),
            Kind::Coded(decoded) => decoded.fill_buf().map(drop),
        };
        if let Err(error) = filled {
            return Err(self.told(error.into()).into());
        }
        // The octets are there, or this is the end: neither call waits.
        match &mut self.kind {
            Kind::Plain(raw) => raw.fill_buf(),
            Kind::Coded(decoded) => decoded.fill_buf(),
        }
    }

    fn consume(&mut self, n: usize) {
        match &mut self.kind {
            Kind::Plain(raw) => raw.consume(n),
            Kind::Coded(decoded) => decoded.consume(n),
        }
    }
}

impl Raw {
    pub(super) fn new(recv: Incoming, upload: Option<Rest>) -> Self {
        let cancellation = Cancellation::default();
        Raw { recv, upload: upload.map(Mutex::new), cancellation }
    }

    /// Lets `cancellation` end it.
    pub(super) fn cancelled_by(self, cancellation: Cancellation) -> Self {
        Raw { cancellation, ..self }
    }

    fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        while self.next_chunk()?.is_some() {}
        self.recv.trailers()
    }

    fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.cancellation.check()?;
        if !self.recv.has_buffered() {
            self.send_meanwhile()?;
        }
        let chunk = self.recv.next_chunk()?;
        if chunk.is_none() {
            // The response is complete, so the rest of the request is not needed.
            self.upload = None;
        }
        Ok(chunk)
    }

    /// Sends more of the request until more of the response can be read.
    fn send_meanwhile(&mut self) -> Result<(), Error> {
        let Some(upload) = &mut self.upload else { return Ok(()) };
        let upload = upload.get_mut().unwrap_or_else(PoisonError::into_inner);
        let Rest::GoesOn(upload) = upload else { return Ok(()) };
        if !upload.run(News::Body)? {
            self.upload = None;
        }
        Ok(())
    }
}

impl Read for Raw {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if buf.is_empty() {
            return Ok(0);
        }
        let octets = self.fill_buf()?;
        let n = octets.len().min(buf.len());
        buf[..n].copy_from_slice(&octets[..n]);
        self.consume(n);
        Ok(n)
    }
}

impl BufRead for Raw {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.cancellation.check()?;
        if !self.recv.has_buffered() {
            self.send_meanwhile()?;
            if self.recv.fill_buf()?.is_empty() {
                self.upload = None;
            }
        }
        self.recv.fill_buf()
    }

    fn consume(&mut self, n: usize) {
        self.recv.consume(n);
    }
}
