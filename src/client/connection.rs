//! One connection, shared by any number of threads.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::BytesMut;
use http::header::{HeaderValue, HOST};
use http::Request;

use super::fields::check;
use super::push::PushHandler;
use super::response_half::ResponseHalf;
use crate::error::Error;
use crate::exchange::{self, Callers, Conn, RecvHalf, Snapshot, State};
use crate::frame::StreamId;
use crate::halves::SendHalf;
use crate::hpack::Headers;
use crate::proto::{self, Role, Stats};
use crate::transport::Transport;

/// A connection to a server, for requests from any number of threads.
///
/// Cloning gives another handle to the same connection. When the last handle is dropped, the
/// connection goes away gracefully: streams whose halves are still there can be finished.
///
/// # Threads
///
/// It has none, but for one that writes while the transport takes nothing. A thread that waits for its response reads the socket, if no other thread does, and
/// hands out what comes for the others as well. So a caller that sends one request after the other
/// pays for no switch between threads. On the other hand, nobody reads while nobody waits: a PING of
/// the server's is answered late, and its GOAWAY is seen late. A program that keeps a connection
/// without using it calls [`maintain`](Self::maintain) now and then; a [`Client`](super::Client) does that by
/// itself.
///
/// Nothing is written before the first request, so that it goes out together with the preface and
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
    /// Begins to speak HTTP/2 on a stream that is connected to a server.
    ///
    /// `config.keepalive_interval` is of use only while threads wait or
    /// [`maintain`](Self::maintain) is called. Times after which waiting is over are kept exactly where the
    /// transport's reads can be given a time, as those of sockets can; otherwise a thread that reads
    /// notices when something comes.
    ///
    /// # Errors
    ///
    /// A value of `config` makes no sense, or the transport cannot be prepared.
    pub fn start(stream: impl Transport, mut config: proto::Config) -> Result<Self, Error> {
        // Without a handler, nobody would take what is promised.
        config.enable_push = false;
        Connection::begin(stream, config)
    }

    /// The same with the server's promises taken (RFC 9113, Section 8.4), by the handler; otherwise
    /// they are refused. `config.enable_push` is set, and
    /// [`max_promised_streams`](proto::Config::max_promised_streams) bounds how many there are at once.
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

    /// The same with a time for which each read of what is promised may wait.
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
    /// It does not wait for the server: over its limit of concurrent streams the request waits by
    /// itself, and the response with it. A transport that takes nothing holds it up for a moment.
    ///
    /// # Errors
    ///
    /// The request is not valid, the connection has ended or is going away, or too much waits to be
    /// sent ([`Error::is_full`]). All but the first are [`Error::is_retry_safe`].
    pub fn send(&self, request: &Request<()>) -> Result<ResponseHalf, Error> {
        let response = self.send_fields(&fields(request)?)?;
        response.cancelled_with(request)
    }

    /// Sends the header section of a request, whose body is written to the [`SendHalf`]. The halves
    /// may be used by two threads.
    ///
    /// Dropping the `SendHalf` before [`finish`](SendHalf::finish), or the [`ResponseHalf`] before
    /// its end, resets the stream with CANCEL.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn open(&self, request: &Request<()>) -> Result<(SendHalf, ResponseHalf), Error> {
        let (send, response) = self.open_fields(&fields(request)?)?;
        response.make_interruptible();
        let conn = &self.inner.conn;
        conn.flush_with_others(conn.lock(), Instant::now().checked_add(FLUSH));
        Ok((send.into(), response.cancelled_with(request)?))
    }

    /// Sends a PING and waits for its answer, at most so long. Gives the time of the round trip.
    ///
    /// # Errors
    ///
    /// No answer came in time, the connection has ended, or sixteen PINGs are unanswered.
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
        // What cannot be counted is a time that nobody waits for.
        let deadline = now.checked_add(timeout).unwrap_or(now + Duration::from_secs(86_400));
        self.inner.conn.ping(deadline)
    }

    /// Looks after a connection that nobody waits on: reads what has come, answers it, and runs the
    /// deadlines. Once a second is often enough.
    ///
    /// Never waits on a socket. On a transport that cannot tell
    /// [whether it is readable](crate::transport::Closer::is_readable) it reads for a millisecond,
    /// if its reads can be given a time.
    pub fn maintain(&self) {
        self.inner.conn.maintain();
    }

    /// Begins a graceful end: GOAWAY, no new requests, and those that are open are finished.
    pub fn shutdown(&self) {
        self.inner.conn.go_away();
    }

    /// Ends the connection at once. What is open fails with [`Error::is_closed`].
    pub fn close(&self) {
        self.inner.conn.end();
    }

    /// Whether the connection has ended, as far as anybody has noticed; see [`maintain`](Self::maintain).
    pub fn is_closed(&self) -> bool {
        self.inner.conn.lock().has_ended()
    }

    /// Whether requests can still be sent: it has not ended, nobody has said GOAWAY, and not all
    /// identifiers of streams are used up.
    pub fn can_open(&self) -> bool {
        self.inner.conn.lock().core.can_open()
    }

    /// How many more requests the server takes at once now.
    pub fn free_streams(&self) -> usize {
        self.inner.conn.lock().core.free_streams()
    }

    /// Requests under way: their responses have not come whole, or a large one has not been read to its end.
    pub fn open_streams(&self) -> usize {
        self.inner.conn.lock().streams.len()
    }

    /// Figures from the start to now.
    pub fn stats(&self) -> Stats {
        self.inner.conn.lock().core.stats()
    }

    fn send_fields(&self, fields: &Headers) -> Result<ResponseHalf, Error> {
        let id = self.put(|state, now| state.open(fields, true, now))?;
        Ok(self.response(id))
    }

    /// Does not flush.
    fn open_fields(&self, fields: &Headers) -> Result<(exchange::SendHalf, ResponseHalf), Error> {
        let id = self.inner.conn.with(|state, now| state.open(fields, false, now))?;
        Ok(self.halves(id))
    }

    /// Sends the header section of a request if the server has room for it now. Does not flush.
    pub(super) fn open_if_room(
        &self,
        fields: &Headers,
    ) -> Result<Option<(exchange::SendHalf, ResponseHalf)>, Error> {
        let id = self.inner.conn.with(|state, now| state.open_if_room(fields, false, now))?;
        Ok(id.map(|id| self.halves(id)))
    }

    /// The same for a request without a body. Flushes.
    pub(super) fn send_if_room(&self, fields: &Headers) -> Result<Option<ResponseHalf>, Error> {
        let id = self.put(|state, now| state.open_if_room(fields, true, now))?;
        Ok(id.map(|id| self.response(id)))
    }

    fn response(&self, id: StreamId) -> ResponseHalf {
        ResponseHalf::new(RecvHalf::new(Arc::clone(&self.inner.conn), id, None))
    }

    fn halves(&self, id: StreamId) -> (exchange::SendHalf, ResponseHalf) {
        let conn = &self.inner.conn;
        let send = exchange::SendHalf::new(Arc::clone(conn), id, BytesMut::new());
        (send, self.response(id))
    }

    /// Waits until it is known whether the server takes extended CONNECT (RFC 8441).
    pub(super) fn takes_extended_connect(&self, deadline: Option<Instant>) -> Result<bool, Error> {
        self.inner.conn.takes_extended_connect(deadline)
    }

    /// When something last came from the server.
    pub(super) fn heard(&self) -> Instant {
        self.inner.conn.heard()
    }

    /// How the connection stands, for the pool.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.inner.conn.snapshot()
    }

    /// Sets what is told when a stream has ended, the server's limit has changed, or the connection
    /// takes no more requests.
    pub(super) fn set_observer(&self, observer: impl Fn() + Send + Sync + 'static) {
        self.inner.conn.set_observer(Arc::new(observer));
    }

    fn begin(stream: impl Transport, mut config: proto::Config) -> Result<Self, Error> {
        // What is promised keeps its place until the handler has dropped it.
        config.hold_slots = true;
        let core = proto::Connection::new_boxed(Role::Client, config, Instant::now())?;
        let conn = Conn::new(core, stream.split()?, Callers::of);
        Ok(Connection { inner: Arc::new(Inner { conn }) })
    }

    /// Puts a request by `open`, and writes it.
    fn put<T>(
        &self,
        open: impl FnOnce(&mut State, Instant) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let conn = &self.inner.conn;
        let (mut state, now) = (conn.lock(), Instant::now());
        let opened = open(&mut state, now);
        state.deliver(now);
        let opened = opened?;
        // A thread that waits writes what could not be written in this time.
        conn.flush_with_others(state, now.checked_add(FLUSH));
        Ok(opened)
    }
}

/// How long sending a request waits for a transport that takes nothing.
const FLUSH: Duration = Duration::from_secs(1);

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
