//! One HTTP/2 connection, shared by any number of threads.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Request;
use http::header::{HOST, HeaderValue};

use super::fields::check;
use super::push::PushHandler;
use super::response_half::ResponseHalf;
use crate::error::Error;
use crate::exchange::{Callers, Conn, Snapshot};
use crate::halves::SendHalf;
use crate::hpack::Headers;
use crate::proto::{self, Role, Stats};
use crate::transport::Transport;

/// A connection to a server that sends requests from any number of threads.
///
/// Cloning returns another handle to the same connection. Dropping the last handle closes it
/// gracefully: streams whose halves still exist can be finished.
///
/// # Threads
///
/// It has no thread of its own, except while one writes to a blocked transport. A thread that waits
/// for its response reads the socket, if no other thread does, and delivers what arrives for other
/// threads. A caller that sends one request after another therefore causes no thread switches. The
/// connection is not read while no thread waits: a PING from the server is acknowledged late, and
/// its GOAWAY is noticed late. A program that keeps an idle connection should call
/// [`maintain`](Self::maintain) periodically; a [`Client`](super::Client) does so itself.
///
/// Nothing is written before the first request, which then shares a write with the preface and
/// SETTINGS.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use std::thread;
///
/// use h2_sync::client::Connection;
/// use h2_sync::server::{serve_connection, Config, Request, Response};
/// use h2_sync::transport::duplex;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (ours, theirs) = duplex(64 << 10);
/// let server = thread::spawn(move || {
///     serve_connection(theirs, Config::default(), |_: &mut Request, response: &mut Response| {
///         response.write_all(b"hello")
///     })
/// });
///
/// let connection = Connection::start(ours, h2_sync::Config::default())?;
/// let request = http::Request::get("http://example.com/").body(())?;
/// let mut response = connection.send(&request)?;
/// assert_eq!(response.response()?.status(), 200);
/// assert_eq!(std::io::read_to_string(response)?, "hello");
///
/// drop(connection);
/// server.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Connection {
    inner: Arc<Inner>,
}

struct Inner {
    conn: Arc<Conn>,
}

impl Connection {
    /// Starts HTTP/2 on a stream connected to a server.
    ///
    /// `config.keepalive_interval` takes effect only while threads wait or
    /// [`maintain`](Self::maintain) is called. Timeouts are exact if the transport supports read
    /// timeouts, as sockets do; otherwise the leader notices an expired one only when something
    /// arrives.
    ///
    /// # Errors
    ///
    /// A field of `config` is out of its range, or the transport cannot be split.
    pub fn start(stream: impl Transport, mut config: proto::Config) -> Result<Self, Error> {
        // Without a handler, pushed responses would never be read.
        config.enable_push = false;
        Connection::begin(stream, config)
    }

    /// Starts HTTP/2 with server push (RFC 9113, Section 8.4): the handler receives pushed
    /// responses, which [`start`](Self::start) disables. Sets `config.enable_push`;
    /// [`max_promised_streams`](proto::Config::max_promised_streams) limits how many are open at
    /// once.
    ///
    /// ```no_run
    /// use std::net::TcpStream;
    ///
    /// use h2_sync::client::{Connection, PushHandler};
    ///
    /// let print = PushHandler::new(|pushed| println!("{} is pushed", pushed.request.uri()));
    /// let stream = TcpStream::connect("127.0.0.1:8080")?;
    /// let connection = Connection::start_with_push(stream, h2_sync::Config::default(), &print)?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`start`](Self::start).
    pub fn start_with_push(
        stream: impl Transport,
        config: proto::Config,
        handler: &PushHandler,
    ) -> Result<Self, Error> {
        Connection::start_with_timed_push(stream, config, handler, None)
    }

    /// Starts HTTP/2 with server push and a timeout for each read of a pushed response.
    pub(super) fn start_with_timed_push(
        stream: impl Transport,
        mut config: proto::Config,
        handler: &PushHandler,
        timeout: Option<Duration>,
    ) -> Result<Self, Error> {
        config.enable_push = true;
        let connection = Connection::begin(stream, config)?;
        handler.install(&connection.inner.conn, timeout);
        Ok(connection)
    }

    /// Sends a request without a body.
    ///
    /// It does not wait for the server: at the server's limit of concurrent streams the request is
    /// queued, and its response waits. A blocked transport delays it by up to 1 s.
    ///
    /// # Errors
    ///
    /// The request is invalid, the connection has ended or is going away, or too much is queued
    /// ([`Error::is_full`]). All but the first are [`Error::is_retry_safe`].
    pub fn send(&self, request: &Request<()>) -> Result<ResponseHalf, Error> {
        let response = self.send_fields(&fields(request)?)?;
        response.cancelled_with(request)
    }

    /// Sends the header section of a request and returns a [`SendHalf`] to write its body to and a
    /// [`ResponseHalf`]. Two threads may use them.
    ///
    /// Dropping the `SendHalf` before [`finish`](SendHalf::finish), or the [`ResponseHalf`] before
    /// its end, resets the stream with CANCEL.
    ///
    /// ```
    /// use h2_sync::client::Connection;
    /// use h2_sync::http::Request;
    ///
    /// fn upload(connection: &Connection, pieces: Vec<Vec<u8>>) -> Result<u16, h2_sync::BoxError> {
    ///     let request = Request::post("https://example.com/log").body(())?;
    ///     let (mut send, mut response) = connection.open(&request)?;
    ///     for piece in pieces {
    ///         send.send(piece)?;
    ///     }
    ///     send.finish()?;
    ///     Ok(response.response()?.status().as_u16())
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn open(&self, request: &Request<()>) -> Result<(SendHalf, ResponseHalf), Error> {
        let (send, response) = self.open_fields(&fields(request)?)?;
        Ok((send.into(), response.cancelled_with(request)?))
    }

    /// Sends a PING, waits up to `timeout` for the acknowledgment, and returns the round-trip time.
    ///
    /// # Errors
    ///
    /// The acknowledgment did not arrive in time, the connection ended, or sixteen PINGs are
    /// outstanding.
    ///
    /// ```no_run
    /// use std::net::TcpStream;
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::Connection;
    ///
    /// let stream = TcpStream::connect("127.0.0.1:8080")?;
    /// let connection = Connection::start(stream, h2_sync::Config::default())?;
    /// println!("{:?}", connection.ping(Duration::from_secs(5))?);
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn ping(&self, timeout: Duration) -> Result<Duration, Error> {
        let now = Instant::now();
        // A day, where the deadline overflows.
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400));
        self.inner.conn.ping(deadline)
    }

    /// Maintains a connection that no thread waits on: reads what has arrived, replies to it, and
    /// checks the deadlines. Once a second is enough.
    ///
    /// Does not block on a socket. On a transport that cannot tell [whether it is
    /// readable](crate::transport::Closer::is_readable) it reads with a timeout of 1 ms, if the
    /// transport supports read timeouts.
    ///
    /// A thread that keeps a connection ready for requests:
    ///
    /// ```
    /// use std::thread;
    /// use std::time::Duration;
    ///
    /// use h2_sync::client::Connection;
    ///
    /// fn keep(connection: &Connection) {
    ///     while !connection.is_closed() {
    ///         connection.maintain();
    ///         thread::sleep(Duration::from_secs(1));
    ///     }
    /// }
    /// ```
    pub fn maintain(&self) {
        self.inner.conn.maintain();
    }

    /// Starts a graceful shutdown: sends GOAWAY, accepts no new requests, and finishes open ones.
    ///
    /// ```
    /// use std::thread;
    /// use std::time::{Duration, Instant};
    ///
    /// use h2_sync::client::Connection;
    ///
    /// /// Gives requests under way ten seconds.
    /// fn end(connection: &Connection) {
    ///     connection.shutdown();
    ///     let deadline = Instant::now() + Duration::from_secs(10);
    ///     while connection.open_streams() > 0 && Instant::now() < deadline {
    ///         thread::sleep(Duration::from_millis(50));
    ///     }
    ///     connection.close();
    /// }
    /// ```
    pub fn shutdown(&self) {
        self.inner.conn.go_away();
    }

    /// Closes the connection at once. Open requests fail with [`Error::is_closed`].
    pub fn close(&self) {
        self.inner.conn.end();
    }

    /// Returns whether the connection is known to have ended; see [`maintain`](Self::maintain).
    pub fn is_closed(&self) -> bool {
        self.inner.conn.lock().has_ended()
    }

    /// Returns whether new requests can be sent: the connection is open, neither side has sent GOAWAY, and
    /// stream identifiers are left.
    pub fn can_open(&self) -> bool {
        self.inner.conn.lock().core.can_open()
    }

    /// Returns how many more concurrent requests the server allows now.
    ///
    /// ```
    /// use h2_sync::client::Connection;
    ///
    /// /// Returns the connection that can take the most requests.
    /// fn least_busy(connections: &[Connection]) -> Option<&Connection> {
    ///     let open = connections.iter().filter(|connection| connection.can_open());
    ///     open.max_by_key(|connection| connection.free_streams())
    /// }
    /// ```
    pub fn free_streams(&self) -> usize {
        self.inner.conn.lock().core.free_streams()
    }

    /// Returns the number of requests in progress: those whose response has not arrived whole, or is large
    /// and has not been read to its end.
    pub fn open_streams(&self) -> usize {
        self.inner.conn.lock().streams.len()
    }

    /// Returns statistics since the start.
    ///
    /// ```
    /// use h2_sync::client::Connection;
    ///
    /// fn report(connection: &Connection) {
    ///     let stats = connection.stats();
    ///     println!("{} resets received, {} sent", stats.resets_received, stats.resets_sent);
    /// }
    /// ```
    pub fn stats(&self) -> Stats {
        self.inner.conn.lock().core.stats()
    }

    /// Waits for the server's SETTINGS and returns whether it supports extended CONNECT (RFC 8441).
    pub(super) fn takes_extended_connect(&self, deadline: Option<Instant>) -> Result<bool, Error> {
        self.inner.conn.takes_extended_connect(deadline)
    }

    /// Returns when the last octets arrived from the server.
    pub(super) fn heard(&self) -> Instant {
        self.inner.conn.heard()
    }

    /// Returns the connection's state for the pool.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.inner.conn.snapshot()
    }

    /// Sets the function called when a stream has ended, the server's limit has changed, or the
    /// connection takes no more requests.
    pub(super) fn set_observer(&self, observer: impl Fn() + Send + Sync + 'static) {
        self.inner.conn.set_observer(Arc::new(observer));
    }

    /// Returns the connection that all handles share.
    pub(super) fn conn(&self) -> &Arc<Conn> {
        &self.inner.conn
    }

    fn begin(stream: impl Transport, mut config: proto::Config) -> Result<Self, Error> {
        // A pushed stream keeps its slot until the handler has dropped it.
        config.hold_slots = true;
        let core = proto::Connection::new_boxed(Role::Client, config, Instant::now())?;
        let conn = Conn::new(core, stream.split()?, Callers::of);
        Ok(Connection { inner: Arc::new(Inner { conn }) })
    }
}

fn fields(request: &Request<()>) -> Result<Headers, Error> {
    check(request.headers())?;
    let mut head = Request::new(());
    *head.method_mut() = request.method().clone();
    *head.uri_mut() = request.uri().clone();
    *head.headers_mut() = request.headers().clone();
    *head.extensions_mut() = request.extensions().clone();
    let host = request.headers().get(HOST).map(HeaderValue::as_bytes);
    let fields = Headers::from(&head.into_parts().0);
    if host.is_some_and(|host| Some(host) != fields.get_bytes(":authority")) {
        return Err(Error::usage("the field \"host\" is not the authority of the URI"));
    }
    Ok(fields)
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.conn.go_away();
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.inner.conn.lock();
        f.debug_struct("Connection")
            .field("has_ended", &state.has_ended())
            .field("open_streams", &state.streams.len())
            .finish_non_exhaustive()
    }
}
