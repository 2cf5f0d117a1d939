//! The request that a handler receives.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{Extensions, HeaderMap, Method, Uri, Version};

use super::access::Entry;
use super::caller::{Caller, Line};
use super::context::Context;
use super::farewell::ShutdownHook;
use super::incoming::Incoming;
use super::request_head::RequestHead;
use crate::frame::StreamId;
use crate::halves::RecvHalf;
use crate::hpack::Headers;
use crate::proto::Priority;

/// A request, which includes its body.
///
/// The handler is called when the header section has arrived; the body may still be in flight.
/// [`Read`](std::io::Read) returns its octets as they arrive. `read_to_end` and `read_to_string`
/// are bounded by [`max_body`](super::Config::max_body). Over it they fail with an error that is
/// answered with 413 if the handler returns it.
///
/// A client that sent `Expect: 100-continue` gets `100 Continue` when the body is first read, if
/// none of it has arrived by then.
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
///
/// What a request consists of, beside its method, path and body:
///
/// ```
/// use h2_sync::server::{Request, Response};
///
/// fn describe(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
///     let target = (request.scheme(), request.authority(), request.query());
///     let sender = (request.peer_addr(), request.listener_name(), request.tls().is_some());
///     let wire = (request.version(), request.stream_id(), request.priority());
///     println!("{} {target:?} {sender:?} {wire:?}", request.uri());
///     for (name, value) in request.headers() {
///         println!("{name}: {value:?}");
///     }
///     let agent = request.field("user-agent").unwrap_or("no name").to_owned();
///     let body = if request.has_body() { "a body" } else { "no body" };
///     response.send(format!("{agent}, {body}"))
/// }
///
/// let response = Request::builder().header("user-agent", "test").send_to(describe)?;
/// assert_eq!(response.text(), "test, no body");
/// # Ok::<(), h2_sync::Error>(())
/// ```
pub struct Request {
    head: RequestHead,
    extensions: Extensions,
    pub(super) body: Incoming,
    pub(super) line: Line,
    pub(super) context: Arc<Context>,
    pub(super) max_body: usize,
}

impl Request {
    /// Without a `body`, the request ends with its header section.
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

    /// Returns the version of the request: HTTP/2, HTTP/1.1 or HTTP/1.0. Features that the version
    /// lacks return `None`, `false` or an error.
    pub fn version(&self) -> Version {
        self.head.version()
    }

    /// Returns the method.
    pub fn method(&self) -> &Method {
        self.head.method()
    }

    /// Returns the target: scheme, authority, path and query. In HTTP/1.x, scheme and authority are
    /// those of `host` and the connection. For CONNECT, only the authority. Characters that a URI
    /// cannot have, such as `<`, are percent-encoded.
    pub fn uri(&self) -> &Uri {
        self.head.uri()
    }

    /// Returns the path without the query, percent-encoded as received; see also
    /// [`decoded_path`](Self::decoded_path). Empty for CONNECT.
    ///
    /// In HTTP/1.x, if a target has characters that a URI cannot have, such as `<`, all of them are
    /// percent-encoded.
    pub fn path(&self) -> &str {
        let target = self.head.path_and_query().unwrap_or_default();
        target.split_once('?').map_or(target, |(path, _)| path)
    }

    /// Returns the query, without the `?`.
    pub fn query(&self) -> Option<&str> {
        self.head.path_and_query()?.split_once('?').map(|(_, query)| query)
    }

    /// Returns the host and port of the target: `:authority`, or else `host`.
    pub fn authority(&self) -> Option<&str> {
        self.head.authority()
    }

    /// Returns `http` or `https`, as sent by the client; in HTTP/1.x usually that of the
    /// connection.
    pub fn scheme(&self) -> Option<&str> {
        self.head.scheme()
    }

    /// Returns the header fields, without pseudo-header fields. In HTTP/2 they are converted to
    /// this form on the first call; [`field`](Self::field) needs no conversion.
    pub fn headers(&self) -> &HeaderMap {
        self.head.headers()
    }

    /// Returns the first value of a field by its lower-case name, if it is text. For `cookie`, which
    /// clients may split (RFC 9113, Section 8.2.3), it returns all parts, joined.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.field(name)
    }

    /// Returns all fields in the order received, pseudo-header fields first. An HTTP/1.x request is
    /// converted to this form on the first call, without connection-specific fields.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn dump(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     response.send(format!("{:?}", request.fields().get(":path")))
    /// }
    ///
    /// let response = Request::builder().uri("/a").send_to(dump)?;
    /// assert_eq!(response.text(), "Some(\"/a\")");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn fields(&self) -> &Headers {
        self.head.fields()
    }

    /// Returns the `:protocol` of an extended CONNECT (RFC 8441).
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn tunnel(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     match request.protocol() {
    ///         None => response.send("an ordinary request"),
    ///         Some("websocket") => response.set_status(403),
    ///         Some(_) => response.set_status(501),
    ///     }
    /// }
    /// # assert_eq!(Request::builder().send_to(tunnel)?.status(), 200);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn protocol(&self) -> Option<&str> {
        match &self.head {
            RequestHead::Http2 { fields, .. } => fields.get(":protocol"),
            RequestHead::Http1(_) => None,
        }
    }

    /// Returns the priority in the request (RFC 9218).
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

    /// Returns the stream identifier. `None` in HTTP/1.x, which has no streams.
    pub fn stream_id(&self) -> Option<StreamId> {
        match self.line {
            Line::Stream(_, id) => Some(id),
            Line::Http1(_) => None,
        }
    }

    /// Returns the address of the client, if it is an IP address.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.context.peer.address
    }

    /// Returns the [name](super::Listener::named) of the listener that has accepted the connection.
    pub fn listener_name(&self) -> Option<&str> {
        self.context.peer.listener.as_deref()
    }

    /// Returns whether the server wants new requests, as [`Handle::is_ready`] does. See the
    /// [module](super) for an example.
    ///
    /// [`Handle::is_ready`]: super::Handle::is_ready
    pub fn is_server_ready(&self) -> bool {
        self.context.readiness.get()
    }

    /// Returns the parameters of the TLS connection, if there is one.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&crate::tls::Facts> {
        self.context.peer.tls.as_ref()
    }

    /// Returns the extensions, for data of layers around the handler.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// fn with_user(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let Some(name) = request.field("x-user").map(str::to_owned) else {
    ///         return response.set_status(401);
    ///     };
    ///     request.extensions_mut().insert(User(name));
    ///     handler(request, response)
    /// }
    ///
    /// fn handler(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let User(name) = request.extensions().get().cloned().expect("with_user has set it");
    ///     response.send(format!("hello, {name}"))
    /// }
    ///
    /// let request = Request::builder().header("x-user", "Ada");
    /// assert_eq!(request.send_to(with_user)?.text(), "hello, Ada");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    /// Returns the extensions for modification.
    pub fn extensions_mut(&mut self) -> &mut Extensions {
        &mut self.extensions
    }

    /// Returns whether the client has reset the stream or its connection has ended. Costs an
    /// uncontended lock, so a handler may call it in each step of a long task.
    ///
    /// In HTTP/1.x a client cancels by closing. Checking that costs a system call, which looks
    /// beyond up to 64 KiB of input.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn render(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     for line in 0..1_000_000 {
    ///         if request.is_cancelled() {
    ///             return Ok(());
    ///         }
    ///         // … render the line …
    ///     }
    ///     response.send("done")
    /// }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.line.is_cancelled()
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true, for at most `timeout`, and returns
    /// whether it is.
    ///
    /// Parts of the body that arrive in the meantime are kept, within the stream's window.
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
    ///         // … check for news …
    ///     }
    ///     response.write_all(b"nothing new")
    /// }
    /// ```
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.line.wait_cancelled(timeout)
    }

    /// Returns the client, for other threads or for use while the body is read.
    pub fn caller(&self) -> Caller {
        Caller::new(&self.line, &self.context)
    }

    /// Calls `act` once when the server shuts down or the connection reaches its
    /// [`max_age`](super::Config::max_age), unless the hook is dropped first. It lets handlers with
    /// endless responses stop. It runs on one of the server's threads, or at once if the shutdown
    /// has started.
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
    ///
    /// ```
    /// use h2_sync::server::{Request, Response};
    ///
    /// fn handler(request: &mut Request, response: &mut Response) -> Result<(), h2_sync::Error> {
    ///     let request: h2_sync::http::Request<()> = request.to_http();
    ///     response.send(request.uri().path().to_owned())
    /// }
    ///
    /// assert_eq!(Request::builder().uri("/a?b").send_to(handler)?.text(), "/a");
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn to_http(&self) -> http::Request<()> {
        let mut request = http::Request::new(());
        *request.method_mut() = self.method().clone();
        *request.uri_mut() = self.uri().clone();
        *request.version_mut() = self.version();
        *request.headers_mut() = self.headers().clone();
        *request.extensions_mut() = self.head.extensions().cloned().unwrap_or_default();
        request
    }

    /// Has the content counted for the access log.
    pub(super) fn set_meter(&mut self, entry: &Option<Arc<Entry>>) {
        if let (Some(entry), Some(body)) = (entry, self.octets()) {
            body.set_meter(Some(Arc::clone(entry) as _));
        }
    }

    /// Returns the map of the fields, to reuse its memory for the next HTTP/1.x request.
    pub(super) fn into_headers(self) -> Option<HeaderMap> {
        self.head.into_headers()
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
