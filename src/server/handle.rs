//! The handle of a running server.

use std::fmt;
#[cfg(all(unix, feature = "handover"))]
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};

use super::accept::{self, Door};
use super::ending::{SILENCE_MAX, idle_grace};
use super::engine::Engine;
use super::handler;
use super::opening::{self, Admission, Entrance};
use super::peer::Peer;
use super::pool::Scratch;
use super::stats::Stats;
use super::waker::Waker;
use crate::error::{Error, ErrorKind};
use crate::logging;
use crate::transport::Transport;

/// The time for writing GOAWAY on connections that are aborted.
const FINAL_FLUSH_MAX: Duration = Duration::from_secs(2);

/// How long to wait for the accept thread. It blocks for longer only if another process has made a
/// shared socket blocking.
const ACCEPT_END_MAX: Duration = Duration::from_secs(2);

/// The length of one round of an unlimited wait.
const LONG: Duration = Duration::from_secs(3600);

/// A running server.
///
/// All methods take `&self`: share it in an `Arc` to stop the server from another thread than the
/// waiting one. Dropping it calls [`shutdown`](Self::shutdown) with a timeout of zero.
///
/// ```
/// use std::sync::Arc;
/// use std::thread;
/// use std::time::Duration;
///
/// use h2_sync::server::{Request, Response, Server};
///
/// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
/// let server = Arc::new(Server::bind("127.0.0.1:0")?.serve(handler)?);
/// println!("listening on {:?}", server.local_addr());
///
/// let stopper = Arc::clone(&server);
/// thread::spawn(move || {
///     // … wait for a signal …
///     stopper.shutdown(Duration::from_secs(10))
/// });
/// server.wait();
/// println!("{} requests", server.stats().requests);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "dropping it shuts the server down"]
pub struct Handle {
    pub(super) engine: Arc<Engine>,
    local_addrs: Vec<SocketAddr>,
    waker: Waker,
    /// Of the accept thread, which closes the sockets at its end.
    #[cfg_attr(not(feature = "handover"), allow(dead_code))]
    doors: Weak<[Door]>,
    /// Disconnected when the accept thread has ended.
    accept_ended: Receiver<()>,
    accept_thread: Mutex<Option<JoinHandle<()>>>,
    /// What was aborted so far.
    aborted: Mutex<Aborted>,
}

/// The connections and requests that a [shutdown](Handle::shutdown) has aborted.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::server::{Aborted, Request, Response, Server};
///
/// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
/// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
/// let aborted = server.shutdown(Duration::from_secs(10));
/// assert_eq!(aborted, Aborted::default(), "{} requests were aborted", aborted.requests);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Aborted {
    /// Connections that had not ended at the timeout.
    pub connections: usize,
    /// Requests on them without a complete response.
    pub requests: usize,
}

impl Handle {
    /// Starts the thread that accepts connections.
    pub(super) fn start(engine: &Arc<Engine>, doors: Arc<[Door]>) -> Result<Self, Error> {
        let local_addrs = doors.iter().filter_map(|door| door.socket.local_addr()).collect();
        let weak = Arc::downgrade(&doors);
        let waker = Waker::new()?;
        let (ends, accept_ended) = bounded(0);
        let builder =
            thread::Builder::new().name("h2-sync-accept".to_owned()).stack_size(128 << 10);
        let accept = {
            let (engine, waker) = (Arc::clone(engine), waker.clone());
            move || {
                accept::accept_all(&engine, &doors, &waker);
                drop(doors);
                drop::<Sender<()>>(ends);
            }
        };
        let thread = builder.spawn(accept).map_err(Error::thread)?;
        Ok(Handle {
            engine: Arc::clone(engine),
            local_addrs,
            waker,
            doors: weak,
            accept_ended,
            accept_thread: Mutex::new(Some(thread)),
            aborted: Mutex::default(),
        })
    }

    /// Returns the address of the first listener that has an IP address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addrs.first().copied()
    }

    /// Returns the addresses of all listeners that have IP addresses, in the order of the
    /// listeners.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.local_addrs
    }

    /// Returns statistics since the start.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Serves a connection that the application has accepted, along with those of the listener:
    /// with the same handler, limits, statistics and shutdown. Returns when a thread of the server
    /// has taken it over.
    ///
    /// The transport must carry HTTP/2 or HTTP/1.x: the application handles TLS and PROXY headers.
    /// `peer` is reported to requests; it is a `SocketAddr` or [`Peer::unknown`].
    ///
    /// If the server has [`max_connections`](super::Config::max_connections), this waits until one
    /// ends or the server is shut down.
    ///
    /// # Errors
    ///
    /// If the server is shutting down ([`ErrorKind::Closed`]), the stream cannot be split, or there
    /// is no thread for it. The stream is dropped.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::net::{TcpListener, TcpStream};
    ///
    /// use h2_sync::server::{Request, Response, Server};
    ///
    /// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    /// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
    ///
    /// let mine = TcpListener::bind("127.0.0.1:0")?;
    /// # let client = TcpStream::connect(mine.local_addr()?)?;
    /// let (stream, address) = mine.accept()?;
    /// server.serve(stream, address)?;
    /// assert_eq!(server.stats().connections, 1);
    /// # drop(client);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn serve<T: Transport>(&self, stream: T, peer: impl Into<Peer>) -> Result<(), Error> {
        let closed = || Error::text(ErrorKind::Closed, "the server is being shut down");
        let admission = Admission::wait(&self.engine).ok_or_else(closed)?;
        let (halves, peer) = (stream.split()?, peer.into());
        let serve = move |scratch: &mut Scratch| {
            opening::serve(admission, halves, peer, &Entrance::default(), scratch);
        };
        let no_thread =
            || Error::text(ErrorKind::Internal, "no thread could be started for the connection");
        self.engine.pool.run(serve).map_err(|_| no_thread())
    }

    /// Waits until another thread has shut the server down.
    pub fn wait(&self) {
        while !self.engine.pause(LONG) {}
        while !self.engine.drained(Instant::now() + LONG, None) {}
    }

    /// Returns whether the server wants new requests: from its start until a
    /// [`drain`](Self::drain) or [`shutdown`](Self::shutdown) begins, unless the application has
    /// [set](Self::set_ready) it. Handlers have [`Request::is_server_ready`], to answer the health
    /// checks of balancers.
    ///
    /// [`Request::is_server_ready`]: super::Request::is_server_ready
    pub fn is_ready(&self) -> bool {
        self.engine.readiness.get()
    }

    /// Sets whether the server is [ready](Self::is_ready), for example `false` until a cache is
    /// filled. This only informs; requests that arrive are served. Once a drain or shutdown has
    /// begun, the server is not ready whatever was set.
    ///
    /// ```
    /// use h2_sync::server::{Request, Response, Server};
    ///
    /// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    /// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
    /// server.set_ready(false);
    /// // … fill the cache …
    /// server.set_ready(true);
    /// assert!(server.is_ready());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn set_ready(&self, is_ready: bool) {
        self.engine.readiness.set(is_ready);
    }

    /// Takes the server out of service without losing a request: it is no longer
    /// [ready](Self::is_ready), but serves for the time of `notice` as before, so that health
    /// checks can notice. Then it is [shut down](Self::shutdown), with `timeout` for open requests.
    /// Another call of `shutdown` ends the notice.
    ///
    /// The notice should be longer than the interval of the checks times the number of failures
    /// that a balancer needs, for example 5 s. Without a balancer that asks, use `shutdown`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::{Request, Response, Server};
    ///
    /// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    /// let server = Server::bind("127.0.0.1:0")?.serve(handler)?;
    /// assert!(server.is_ready());
    /// // At SIGTERM:
    /// let aborted = server.drain(Duration::from_millis(5), Duration::from_secs(25));
    /// assert!(!server.is_ready());
    /// assert_eq!(aborted.requests, 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn drain(&self, notice: Duration, timeout: Duration) -> Aborted {
        self.engine.readiness.end();
        self.engine.pause(notice);
        self.shutdown(timeout)
    }

    /// Shuts the server down. Open requests have `timeout` to finish; then the rest is aborted.
    /// Returns what was aborted, by this call or another.
    ///
    /// The steps, none of which loses a request of a client that follows the protocol:
    ///
    /// 1. The server is not [ready](Self::is_ready) any more, and accepts no connections after
    ///    those in the queue of the system.
    /// 2. Each connection of HTTP/2 gets GOAWAY in two steps: the first announces the end, and a
    ///    round trip later the second names the last request that is answered (RFC 9113, Section
    ///    6.8). It ends when its requests have been answered, and its client has closed it or has
    ///    sent nothing for 5 s: a slow client may still be reading, for up to 30 s.
    /// 3. In HTTP/1.x, the next response says `connection: close`, and its connection ends after
    ///    it. An idle connection is kept for 500 ms, or half of `timeout` if that is less: a client
    ///    that sends a request at this moment gets a response instead of a reset.
    /// 4. WebSockets are closed with code 1001. The handlers of other long requests are told by
    ///    [`Request::on_shutdown`](super::Request::on_shutdown).
    /// 5. After `timeout` the rest is aborted. Handlers of aborted requests are not stopped; their
    ///    reads and writes fail.
    ///
    /// Connections in their handshake are waited for, since their clients may have sent requests. A
    /// connection without any input is closed after 100 ms, and does not count as aborted.
    ///
    /// Called from a handler, it neither waits for that handler's connection nor aborts it: the
    /// connection ends when its requests have been answered.
    pub fn shutdown(&self, timeout: Duration) -> Aborted {
        let engine = &self.engine;
        let stays = handler::runs_for(engine);
        engine.begin_shutdown(idle_grace(timeout));
        self.waker.wake();
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + LONG);
        if timeout > SILENCE_MAX && !self.drained(now + SILENCE_MAX, stays) {
            engine.openings.close_silent();
        }
        let is_drained = self.drained(deadline, stays);
        // If another caller is aborting connections, this waits for its result.
        let mut aborted = self.aborted.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_drained {
            engine.abort_accept();
        }
        self.join_accept();
        if !is_drained {
            aborted.add(abort_all(engine, stays));
        }
        let aborted = *aborted;
        match stays {
            Some(_) => engine.close_when_empty(),
            None => engine.close(),
        }
        aborted
    }

    /// Starts the process that takes the place of this one, with the listening sockets of this
    /// server, and returns when it serves them. Both processes accept connections then, until this
    /// one calls [`shutdown`](Self::shutdown) for its own, which leaves the queues of the sockets
    /// to the successor: no connection is refused or lost.
    ///
    /// The successor takes the sockets with [`Listener::inherited`] and serves or drops all of
    /// them, which this process notices by itself. They are passed as descriptors 3 and up, with
    /// `LISTEN_FDS` and `LISTEN_FDNAMES` as systemd does, but without `LISTEN_PID`.
    ///
    /// Under systemd, the successor has to become the main process of the service (`Type=notify`,
    /// with `MAINPID=` sent by this process after the hand-over). In a container, the first process
    /// must not be the one that ends.
    ///
    /// Available on Unix, with the feature `handover`.
    ///
    /// [`Listener::inherited`]: super::Listener::inherited
    ///
    /// # Errors
    ///
    /// If the process cannot be started, ends before it serves, or does not serve within `timeout`.
    /// It is killed then, and this server goes on. Also if the name of a listener contains a colon,
    /// or the server has been shut down ([`NotConnected`](io::ErrorKind::NotConnected)).
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # fn of(server: h2_sync::server::Handle) -> std::io::Result<()> {
    /// use std::env;
    /// use std::process::Command;
    /// use std::time::Duration;
    ///
    /// // At SIGHUP: the new version of this program, which was installed at the same path.
    /// let mut command = Command::new(env::current_exe()?);
    /// command.args(env::args_os().skip(1));
    /// let successor = server.hand_over(command, Duration::from_secs(30))?;
    /// println!("process {} takes over", successor.id());
    /// server.shutdown(Duration::from_secs(30));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(all(unix, feature = "handover"))]
    pub fn hand_over(
        &self,
        command: std::process::Command,
        timeout: Duration,
    ) -> io::Result<std::process::Child> {
        let ended = || io::Error::new(io::ErrorKind::NotConnected, "the server has been shut down");
        let doors = self.doors.upgrade().ok_or_else(ended)?;
        let successor = super::successor::spawn(command, &doors, timeout)?;
        for door in doors.iter() {
            door.is_left.store(true, std::sync::atomic::Ordering::SeqCst);
        }
        Ok(successor)
    }

    /// Waits until the queues of the system are empty, and no connection is left except one that
    /// may stay. Returns whether that is so.
    fn drained(&self, deadline: Instant, stays: Option<u64>) -> bool {
        let has_ended = self.accept_ended.recv_deadline(deadline) != Err(RecvTimeoutError::Timeout);
        has_ended && self.engine.drained(deadline, stays)
    }

    fn join_accept(&self) {
        let mut thread = self.accept_thread.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(thread) = thread.take() else { return };
        if self.accept_ended.recv_timeout(ACCEPT_END_MAX) == Err(RecvTimeoutError::Timeout) {
            logging::warn!("the thread that accepts is blocked: it ends with the next connection");
            return;
        }
        // A panic has been logged by the panic hook.
        let _ = thread.join();
    }
}

impl Aborted {
    fn add(&mut self, more: Aborted) {
        self.connections += more.connections;
        self.requests += more.requests;
    }
}

/// Aborts all connections except one that may stay, and waits until their peers were notified.
fn abort_all(engine: &Engine, stays: Option<u64>) -> Aborted {
    let mut left = engine.connections();
    let opening = engine.connection_count().saturating_sub(left.len());
    // Connections that have already ended were aborted by an earlier call.
    left.retain(|conn| stays != Some(conn.number()) && !conn.has_ended());
    let requests = left.iter().map(|conn| conn.open_requests()).sum();
    engine.openings.close_all();
    left.iter().for_each(|conn| conn.close());
    if !engine.drained(Instant::now() + FINAL_FLUSH_MAX, stays) {
        let mut left = engine.connections();
        left.retain(|conn| stays != Some(conn.number()));
        left.iter().for_each(|conn| conn.cut());
        // Cutting wakes their threads, which end them; without a thread they have ended.
        engine.drained(Instant::now() + FINAL_FLUSH_MAX, stays);
    }
    Aborted { connections: left.len() + opening, requests }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("local_addrs", &self.local_addrs).finish_non_exhaustive()
    }
}
