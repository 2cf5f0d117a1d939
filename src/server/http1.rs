//! An HTTP/1.x connection: its thread reads a request, runs the handler, and writes the response.
//!
//! ```text
//!   ┌▶ next_request ─▶ permit ─▶ handler ─▶ flush ─▶ both halves gone, rest of the body dropped ─┐
//!   └────────────────────────────── keep-alive ──────────────────────────────────────────────────┤
//!      a request that is refused or late: a response ────────────────────────────────▶ linger ◀─┘
//! ```
//!
//! Pipelined requests wait in the read buffer, and are answered in order. The thread waits for
//! halves that outlive the handler before it reads the next request.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HeaderName, TRANSFER_ENCODING};
use http::{HeaderValue, Method, Request as HttpRequest, StatusCode};

use super::access::{self, End, Entry};
use super::caller::Line;
use super::context::Context;
use super::ending::{self, IDLE_GRACE, SILENCE_MAX};
use super::engine::Engine;
use super::fields::Fields;
use super::gate::Gate;
use super::handler;
use super::head;
use super::lead::write_soon;
use super::left::LeftToPoller;
use super::overrun::{Overrun, Running};
use super::peer::Peer;
use super::permit::{self, Claimant, Permit};
use super::place::Place;
use super::poller::{IDLE_MIN, Stay};
use super::pool::Scratch;
use super::request::Request;
use super::request_head::RequestHead;
use super::response::Response;
use super::stats::add;
use super::writers::{SHARED_WRITE_MAX, Writable};
use crate::error::Error;
use crate::h1::{Codec, Limits, Link, Next, Pause, RecvHalf, SendHalf, Turn, Waits, closed};
use crate::http1::ServerConnection;
use crate::logging;
use crate::transport::Halves;
use crate::wire::Owner;

/// One connection of HTTP/1.x.
pub(super) struct Http1 {
    pub(super) me: Weak<Http1>,
    pub(super) number: u64,
    pub(super) engine: Arc<Engine>,
    pub(super) link: Arc<Link>,
    pub(super) context: Arc<Context>,
    pub(super) place: Arc<Place>,
    pub(super) gate: Arc<Gate>,
    /// Whether it is queued for a writer.
    waits_for_writer: AtomicBool,
    pub(super) overrun: Overrun,
    /// Whether the next response is the last one.
    pub(super) is_ending: AtomicBool,
    /// Whether it can be left to the poller.
    pub(super) can_be_watched: bool,
    /// Its wait, while it is left to the poller.
    pub(super) left: Mutex<LeftToPoller>,
}

impl Http1 {
    /// Registers a connection that was [admitted](Engine::admit) and whose first octets are
    /// `input`. The caller must make a thread [serve](Self::serve) it.
    ///
    /// # Errors
    ///
    /// If the server has ended.
    pub(super) fn register<R, W>(
        engine: &Arc<Engine>,
        halves: Halves<R, W>,
        input: Bytes,
        peer: Peer,
    ) -> Result<Arc<Self>, Error>
    where
        R: std::io::Read + Send + 'static,
        W: std::io::Write + Send + 'static,
    {
        let config = &engine.config;
        let codec = Codec::Server(ServerConnection::new(config.http1.clone()));
        let limits = Limits {
            stall_timeout: config.http2.stall_timeout,
            max_send_buffer: config.http2.max_stream_send_buffer,
        };
        let gate = Arc::<Gate>::default();
        let opens = Arc::clone(&gate);
        let can_be_watched = engine.can_leave_to_poller(&halves.closer);
        let make = |number| {
            Arc::new_cyclic(|conn: &Weak<Http1>| {
                let owner = Box::new(Http1Owner(conn.clone()));
                Http1 {
                    me: conn.clone(),
                    number,
                    engine: Arc::clone(engine),
                    link: Arc::new(Link::new(codec, halves, input, limits, owner)),
                    context: Context::new(config, &engine.readiness, peer),
                    place: Arc::new(Place::new(move || opens.open())),
                    gate,
                    waits_for_writer: AtomicBool::new(false),
                    overrun: Overrun::default(),
                    is_ending: AtomicBool::new(false),
                    can_be_watched,
                    left: Mutex::default(),
                }
            })
        };
        let (conn, is_closing) = engine.enlist(make)?;
        if is_closing {
            conn.announce_end();
        }
        ending::retire_later(engine, &conn);
        Ok(conn)
    }

    /// Serves the connection, until its end or while it is not idle.
    pub(super) fn serve(self: &Arc<Self>, scratch: &mut Scratch) {
        let config = &self.engine.config;
        // The first request must begin within the handshake timeout, with and without TLS.
        let first = if self.is_ending() { SILENCE_MAX } else { config.handshake_timeout };
        let waits = Waits { idle: Some(first), head: config.http2.header_timeout };
        self.serve_since(Instant::now(), waits, Stay::UntilIdle, scratch);
    }

    /// Serves the connection, which waits for a request since then, and leaves it to the poller when
    /// it is idle.
    pub(super) fn serve_since(
        self: &Arc<Self>,
        mut since: Instant,
        mut waits: Waits,
        mut stay: Stay,
        scratch: &mut Scratch,
    ) {
        let mut ends = Ends { conn: self, is_left: false };
        // Whether this thread reads, and does not only look for what has been read.
        let mut reads = true;
        loop {
            let goes_on = match self.next_request(&waits, since, stay, reads) {
                Err(pause) => {
                    ends.is_left = pause == Pause::Idle && self.leave_to_poller(since, &waits)
                        || stay == Stay::Once && self.serve_elsewhere(since, &waits);
                    if ends.is_left {
                        return;
                    }
                    // There is no other thread.
                    (stay, reads) = (Stay::UntilIdle, true);
                    continue;
                }
                Ok(Next::Request(request)) => self.answer(request, scratch),
                Ok(Next::Refused(error)) => {
                    logging::debug!("a request in HTTP/1.x is refused: {error}");
                    let status = error.status().unwrap_or(StatusCode::BAD_REQUEST);
                    access::without_head(&self.context, status, End::Refused);
                    self.refuse(status, error.detail());
                    false
                }
                Ok(Next::Late) => {
                    let status = StatusCode::REQUEST_TIMEOUT;
                    access::without_head(&self.context, status, End::TimedOut);
                    self.refuse(status, "the request did not come in time");
                    false
                }
                Ok(Next::Ended) => false,
            };
            if !goes_on {
                break;
            }
            // A response that had begun before the shutdown did not announce the end: the client may
            // send another request.
            waits.idle = match self.is_ending() {
                true => Some(IDLE_GRACE),
                false => self.engine.config.http2.idle_timeout,
            };
            since = Instant::now();
            reads = stay == Stay::UntilIdle && !self.engine.poller.is_preferred();
            scratch.shrink();
        }
        ends.is_left = stay == Stay::Once && self.link.must_linger() && self.linger_elsewhere();
        if !ends.is_left {
            self.link.linger();
        }
    }

    fn next_request(
        &self,
        waits: &Waits,
        since: Instant,
        stay: Stay,
        reads: bool,
    ) -> Result<Next, Pause> {
        if !self.can_be_watched {
            return self.link.next_request_since(waits, since, Turn::Whole);
        }
        let time = if reads { IDLE_MIN } else { Duration::ZERO };
        let turn = match stay {
            Stay::UntilIdle => Turn::Idle(time),
            Stay::Once => Turn::Once(time),
        };
        let _reads = reads.then(|| self.engine.poller.reads());
        self.link.next_request_since(waits, since, turn)
    }

    /// Answers a request. Returns whether another request may follow.
    fn answer(self: &Arc<Self>, request: HttpRequest<()>, scratch: &mut Scratch) -> bool {
        let entry = access::of_http1(&request, &self.context);
        let (permit, since) = self.wait_for_permit();
        if self.link.is_cut() {
            if let Some(entry) = entry {
                entry.set_end(End::Cancelled);
            }
            return false;
        }
        let Some(permit) = permit else {
            logging::debug!("a request in HTTP/1.x is refused: no handler became free in time");
            add(&self.engine.counters.requests_refused);
            let status = StatusCode::SERVICE_UNAVAILABLE;
            if let Some(entry) = entry {
                entry.set_status(status);
                entry.set_end(End::Refused);
            }
            self.refuse(status, "no handler became free in time");
            return false;
        };
        let waited = since.map_or(Duration::ZERO, |since| since.elapsed());
        self.engine.counters.queue_time.record(waited);
        let running = Running::begin(self);
        // Panics of the handler are caught where it is called. This catches those of dropping what
        // it has left behind.
        let run = AssertUnwindSafe(|| permit.run(|| self.run(request, entry, scratch)));
        if catch_unwind(run).is_err() {
            logging::error!(
                "a request in HTTP/1.x: a value that the handler left behind panicked when dropped"
            );
        }
        drop(running);
        drop(permit);
        self.link.flush_for_others();
        self.link.end_exchange()
    }

    /// Returns a permit, unless none became free in time, and when the wait for it began.
    fn wait_for_permit(self: &Arc<Self>) -> (Option<Permit<Http1>>, Option<Instant>) {
        if let Some(permit) = Permit::acquire(self) {
            return (Some(permit), None);
        }
        let since = Instant::now();
        (self.queue_for_permit(), Some(since))
    }

    fn queue_for_permit(self: &Arc<Self>) -> Option<Permit<Http1>> {
        self.gate.arm();
        if let Some(permit) = Permit::acquire(self) {
            // A permit that arrived at the same time passes to the next connection.
            if self.gate.disarm() {
                drop(Permit::granted(self));
            }
            return Some(permit);
        }
        if self.gate.wait(self.engine.config.queue_timeout) {
            return Some(Permit::granted(self));
        }
        self.engine.permits.forget(&self.place);
        None
    }

    fn run(
        self: &Arc<Self>,
        request: HttpRequest<()>,
        entry: Option<Arc<Entry>>,
        scratch: &mut Scratch,
    ) {
        let (config, context) = (&self.engine.config, &self.context);
        let is_connect = *request.method() == Method::CONNECT;
        let has = |name: HeaderName| request.headers().contains_key(name);
        let body = (is_connect || has(TRANSFER_ENCODING) || has(CONTENT_LENGTH)).then(|| {
            let mut body = RecvHalf::new(Arc::clone(&self.link), config.read_timeout);
            if let Some(timeout) = config.body_timeout {
                body.set_deadline(Instant::now().checked_add(timeout));
            }
            if is_connect {
                body.may_tunnel();
            }
            body.into()
        });
        let send = SendHalf::new(Arc::clone(&self.link), std::mem::take(&mut scratch.body));
        let memory = std::mem::take(scratch);
        let method = request.method().clone();
        let mut response = Response::new(Arc::clone(context), send.into(), method, memory);
        response.set_meter(&entry);
        let head = RequestHead::of_http1(request, self.scheme());
        let line = Line::Http1(Arc::clone(&self.link));
        let mut request = Request::new(Arc::clone(context), line, body, head);
        request.set_meter(&entry);
        handler::call(&self.engine, self.number, &mut request, &mut response, entry.as_deref());
        *scratch = response.into_scratch();
        if let Some(fields) = request.into_headers() {
            self.link.recycle(fields);
        }
    }

    fn scheme(&self) -> &'static str {
        #[cfg(feature = "tls")]
        if self.context.peer.tls.is_some() {
            return "https";
        }
        "http"
    }

    fn is_ending(&self) -> bool {
        self.is_ending.load(Ordering::SeqCst)
    }

    /// Sends a response of the server's own, after which the connection ends.
    fn refuse(&self, status: StatusCode, text: &str) {
        let mut fields = Fields::default();
        fields.set(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
        let fields = head::http1_fields(&mut fields, &self.engine.config, Instant::now());
        self.link.answer(status, fields, &format!("{text}\n"));
    }
}

/// Ends and unregisters the connection, also after a panic of our own, unless it was left to the
/// poller.
pub(super) struct Ends<'a> {
    pub(super) conn: &'a Http1,
    pub(super) is_left: bool,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if !self.is_left {
            self.conn.link.cut(closed());
            self.conn.engine.unregister(self.conn.number, &self.conn.place);
        }
    }
}

impl Claimant for Http1 {
    fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    fn place(&self) -> &Arc<Place> {
        &self.place
    }
}

impl Writable for Http1 {
    fn waits_for_writer(&self) -> &AtomicBool {
        &self.waits_for_writer
    }

    fn write_a_turn(&self) {
        let until = Instant::now() + SHARED_WRITE_MAX;
        if self.link.flush_until(until) {
            return;
        }
        // The client does not accept data, so writing needs a separate thread.
        let link = Arc::clone(&self.link);
        if self.engine.pool.run(move |_| link.flush_for_others()).is_err() {
            logging::debug!("no thread to write a response in HTTP/1.x");
        }
    }
}

/// The owner of a connection, with the pool and the clock of its server.
struct Http1Owner(Weak<Http1>);

impl Owner for Http1Owner {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        self.find_writer_soon()
    }

    fn find_writer_soon(&self) -> bool {
        self.0.upgrade().is_some_and(|conn| write_soon(&conn.engine, &conn))
    }

    fn has_clock(&self) -> bool {
        true
    }

    fn call_at(&self, at: Instant, _: &mut Vec<Thread>) {
        let Some(conn) = self.0.upgrade() else { return };
        conn.engine.clock.call(at, &self.0, |conn, now| {
            if conn.link.tick(now) {
                conn.cut_elsewhere(Error::timeout("the client sent nothing in time"));
            }
        });
    }

    fn has_handlers(&self) -> bool {
        true
    }

    fn lend_permit(&self) -> Option<Box<dyn Any>> {
        permit::lend(&self.0.upgrade()?.engine)
    }
}
