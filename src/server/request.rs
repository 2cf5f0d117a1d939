//! What a handler is asked.

use std::fmt;
use std::io::{self, BufRead, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Extensions, HeaderMap, Method, Uri, Version};

use super::caller::{Caller, Line};
use super::context::Context;
use super::farewell::ShutdownHook;
use super::request_head::RequestHead;
use crate::error::Error;
use crate::exchange;
use crate::frame::StreamId;
use crate::h1;
use crate::halves::RecvHalf;
use crate::hpack::Headers;
use crate::proto::Priority;

/// A request, whose body is read from it.
///
/// The handler is called when the header section has arrived; the body may still be on its way.
/// [`Read`] gives its octets as they come. `read_to_end` and `read_to_string` are bounded by
/// [`max_body`](super::Config::max_body); over it they fail with an error that is answered with 413
/// where the handler returns it.
///
/// A client that sent `Expect: 100-continue` gets its `100 Continue` when the body is first read, if
/// none of it has come by then.
///
/// ```
/// use std::io::Read;
///
/// use h2_sync::server::{Request, Response};
///
/// fn handler(request: &mut Request, response: &mut Response) -> std::io::Result<()> {
///     println!("{} {}", request.method(), request.path());
///     let mut text = String::new();
///     request.read_to_string(&mut text)?;
///     Ok(())
/// }
/// ```
pub struct Request {
    head: RequestHead,
    extensions: Extensions,
    body: Incoming,
    line: Line,
    context: Arc<Context>,
    max_body: usize,
}

impl Request {
    /// Without a `body` it ends with its header section.
    pub(super) fn new(
        context: Arc<Context>,
        line: Line,
        body: Option<RecvHalf>,
        head: RequestHead,
    ) -> Self {
        Request {
            head,
            extensions: Extensions::new(),
            body: body.map_or(Incoming::Nothing, Incoming::Octets),
            line,
            max_body: context.config.max_body,
            context,
        }
    }

    /// The version of HTTP that the request is in: HTTP/2, HTTP/1.1 or HTTP/1.0. A handler need not
    /// know; what a version cannot do says so where it is asked for.
    pub fn version(&self) -> Version {
        self.head.version()
    }

    /// The method.
    pub fn method(&self) -> &Method {
        self.head.method()
    }

    /// The target: scheme, authority, path and query, also in HTTP/1.x, where they come from `host` and
    /// the connection. For CONNECT the authority alone.
    pub fn uri(&self) -> &Uri {
        self.head.uri()
    }

    /// The path, without the query. Percent-encoded, as it came. Empty for CONNECT.
    pub fn path(&self) -> &str {
        let target = self.head.path_and_query().unwrap_or_default();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// What stands behind the `?`, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.head.path_and_query()?.split_once('?').map(|(_, query)| query)
    }

    /// Host and port that the client wants to reach: `:authority`, or else `host`.
    pub fn authority(&self) -> Option<&str> {
        self.head.authority()
    }

    /// `http` or `https`, as the client says; in HTTP/1.x mostly by whether the connection has TLS.
    pub fn scheme(&self) -> Option<&str> {
        self.head.scheme()
    }

    /// The header fields, without pseudo-header fields. In HTTP/2 they are put into this form when it is
    /// first asked for; [`field`](Self::field) needs no such form.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// The first value of a field by its name in lower case, if it is text.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// All fields in the order in which they came, pseudo-header fields first. A request in HTTP/1.x
    /// is put into this form when it is first asked for, without the fields that speak of its
    /// connection.
    pub fn fields(&self) -> &Headers {
        self.head.fields()
    }

    /// The `:protocol` of an extended CONNECT (RFC 8441).
    pub fn protocol(&self) -> Option<&str> {
        match &self.head {
            RequestHead::Http2 { fields, .. } => fields.get(":protocol"),
            RequestHead::Http1(_) => None,
        }
    }

    /// What the client said about the order of responses (RFC 9218), in the request.
    pub fn priority(&self) -> Priority {
        let lines = match &self.head {
            RequestHead::Http2 { fields, .. } => Priority::from_lines(fields.get_all("priority")),
            RequestHead::Http1(_) => {
                let values = self.headers().get_all("priority").into_iter();
                Priority::from_lines(values.map(|value| value.as_bytes()))
            }
        };
        lines.unwrap_or_default()
    }

    /// The identifier of the stream. `None` in HTTP/1.x, which has no streams.
    pub fn stream_id(&self) -> Option<StreamId> {
        match self.line {
            Line::Stream(_, id) => Some(id),
            Line::Http1(_) => None,
        }
    }

    /// The address that the connection comes from, where it is one of IP.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.context.peer.address
    }

    /// What was agreed on in the TLS handshake, where there was one.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&crate::tls::Facts> {
        self.context.peer.tls.as_ref()
    }

    /// Room for what layers around the handler have to tell one another.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// The same, to put something in.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// How long a read of the body waits for the next octets; the server's
    /// [`read_timeout`](super::Config::read_timeout) at first.
    pub fn set_read_timeout(&mut self, timeout: Option<Duration>) {
        if let Some(body) = self.octets() {
            body.set_read_timeout(timeout);
        }
    }

    /// When it is too late for any more of the body, however steadily it comes; after the server's
    /// [`body_timeout`](super::Config::body_timeout) at first.
    pub fn set_deadline(&mut self, deadline: Option<Instant>) {
        if let Some(body) = self.octets() {
            body.set_deadline(deadline);
        }
    }

    /// What `read_to_end` and `read_to_string` take at most, octets; the server's
    /// [`max_body`](super::Config::max_body) at first.
    pub fn set_max_body(&mut self, octets: usize) {
        self.max_body = octets;
    }

    /// Whether the client has reset the stream, or its connection has ended. Costs an uncontended
    /// lock: a handler may ask before each step of a long task.
    ///
    /// In HTTP/1.x a client cancels by closing. It costs a system call to look for that, behind up to
    /// 64 KiB of what else the client has sent.
    ///
    /// ```
    /// use std::io::{self, Write};
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn long_poll(request: &mut Request, response: &mut Response) -> io::Result<()> {
    ///     for _ in 0..30 {
    ///         if request.wait_cancelled(Duration::from_secs(1)) {
    ///             return Ok(());
    ///         }
    ///         // … look whether there is something to tell …
    ///     }
    ///     response.write_all(b"nothing new")
    /// }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.line.is_cancelled()
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and returns
    /// whether it is.
    ///
    /// What arrives of the body meanwhile waits to be read, within the stream's window.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.line.wait_cancelled(timeout)
    }

    /// The client, for questions of other threads, and of a handler that reads the body meanwhile.
    pub fn caller(&self) -> Caller {
        Caller::new(&self.line, &self.context)
    }

    /// The next piece of the body, without a copy; `None` at its end.
    ///
    /// # Errors
    ///
    /// The stream was reset, the connection has ended, or nothing came in time.
    pub fn next_chunk(&mut self) -> Result<Option<Bytes>, Error> {
        self.octets().map_or(Ok(None), RecvHalf::next_chunk)
    }

    /// The trailers behind the body, once it has come; what has not been read of it is dropped.
    ///
    /// # Errors
    ///
    /// Those of [`next_chunk`](Self::next_chunk).
    pub fn trailers(&mut self) -> Result<Option<HeaderMap>, Error> {
        self.octets().map_or(Ok(None), RecvHalf::trailers)
    }

    /// Has `act` called once when the server shuts down or the connection reaches its
    /// [`max_age`](super::Config::max_age), unless the hook is dropped before: for a handler whose
    /// response has no end of its own. It runs on a thread of the server's, or at once where the
    /// shutdown has begun.
    ///
    /// ```
    /// use std::io::{self, Write};
    /// use std::sync::mpsc;
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn ticks(request: &mut Request, response: &mut Response) -> io::Result<()> {
    ///     let (stop, stopped) = mpsc::channel();
    ///     let _hook = request.on_shutdown(move || drop(stop.send(())));
    ///     while stopped.recv_timeout(Duration::from_secs(1)).is_err() {
    ///         response.write_all(b"tick\n")?;
    ///         response.flush()?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn on_shutdown(&self, act: impl FnOnce() + Send + 'static) -> ShutdownHook {
        self.context.farewells.add(Box::new(act))
    }

    /// The request in the types of the `http` crate.
    pub fn to_http(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        *request.method_mut() = self.method().clone();
        *request.uri_mut() = self.uri().clone();
        *request.version_mut() = self.version();
        *request.headers_mut() = self.headers().clone();
        *request.extensions_mut() = self.head.extensions().cloned().unwrap_or_default();
        request
    }

    /// The body, to be read on its own; the request has none then. `None` the next time.
    pub(super) fn take_body(&mut self) -> Option<RecvHalf> {
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

    /// Whether the body has been read to its end, or there is none. In HTTP/1.x.
    pub(super) fn is_read(&self) -> bool {
        match &self.body {
            Incoming::Octets(body) => body.http1().is_none_or(h1::RecvHalf::is_at_end),
            Incoming::Nothing | Incoming::Taken => true,
        }
    }

    /// What comes behind the request in HTTP/1.1, now that the connection is a tunnel.
    pub(super) fn take_tunnel(&mut self) -> Option<RecvHalf> {
        if !matches!(self.body, Incoming::Taken) {
            self.body = Incoming::Nothing;
        }
        self.take_body()
    }

    fn octets(&mut self) -> Option<&mut RecvHalf> {
        match &mut self.body {
            Incoming::Octets(body) => Some(body),
            Incoming::Nothing | Incoming::Taken => None,
        }
    }

    /// The memory of the fields, for the next request in HTTP/1.x.
    pub(super) fn into_headers(self) -> Option<HeaderMap> {
        self.head.into_headers()
    }
}

/// What the client sends behind the header section.
enum Incoming {
    /// Most requests end with that.
    Nothing,
    Octets(RecvHalf),
    /// Somebody else has it.
    Taken,
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

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("stream_id", &self.stream_id())
            .field("head", &self.head)
            .finish_non_exhaustive()
    }
}
