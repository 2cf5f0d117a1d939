//! A server that serves, and how it is stopped.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ending::SILENCE_MAX;
use super::engine::Engine;
use super::handler;
use super::listener::Listener;
use super::opening::{self, Admission, Entrance};
use super::peer::Peer;
use super::pool::Scratch;
use super::stats::Stats;
use crate::error::{Error, ErrorKind};
use crate::logging;
use crate::transport::Transport;

/// How long the GOAWAY of connections that are cut may take to be written.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the thread that accepts is waited for before it is woken once more.
const WAKE_AGAIN: Duration = Duration::from_millis(20);

/// How often that is tried. A Unix socket whose path has been removed cannot be woken.
const WAKES: u32 = 50;

/// A wait without an end, in rounds.
const LONG: Duration = Duration::from_secs(3600);

/// A server that serves.
///
/// All methods take `&self`: share it in an `Arc`, to stop the server from another thread than the
/// one that waits for it. Dropping it is [`shutdown`](Self::shutdown) without time to finish.
#[must_use = "dropping it shuts the server down"]
pub struct Handle {
    engine: Arc<Engine>,
    local_addr: Option<SocketAddr>,
    /// Taken by the thread that joins it, with the lock held: others wait as well. The socket is
    /// closed then, or the system would go on taking connections for it.
    accepting: Mutex<Option<(JoinHandle<()>, Arc<Listener>)>>,
    /// What has been cut so far.
    cut: Mutex<Cut>,
}

/// What a [shutdown](Handle::shutdown) cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Cut {
    /// Connections that had not ended when their time was over.
    pub connections: usize,
    /// Requests on them that had not been answered in full.
    pub requests: usize,
}

impl Handle {
    pub(super) fn new(
        engine: Arc<Engine>,
        listener: Arc<Listener>,
        thread: JoinHandle<()>,
    ) -> Self {
        let local_addr = listener.local_addr();
        let accepting = Mutex::new(Some((thread, listener)));
        Handle { engine, local_addr, accepting, cut: Mutex::default() }
    }

    /// The address that it listens on, where it is one of IP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// Figures from the start to now.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Serves a connection that the application has accepted, beside those of the listener: with the
    /// same handler, limits and figures, and until the same shutdown. Returns when a thread of the
    /// server's has it.
    ///
    /// Its octets are those of HTTP/2 or HTTP/1.x: TLS and a PROXY header are the application's to take
    /// off. `peer` is what requests tell of it, such as a `SocketAddr`, or [`Peer::unknown`].
    ///
    /// While the server has [`max_connections`](super::Config::max_connections), this waits until one
    /// ends, or the server is shut down.
    ///
    /// # Errors
    ///
    /// The server is being shut down ([`ErrorKind::Closed`]), the stream cannot be split, or there is no
    /// thread for it. The stream is dropped.
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
        let no_thread = || Error::text(ErrorKind::Internal, "no thread for the connection");
        self.engine.pool.run(serve).map_err(|_| no_thread())
    }

    /// Waits until the server has been shut down from another thread.
    pub fn wait(&self) {
        while !self.engine.pause(LONG) {}
        while !self.engine.drained(Instant::now() + LONG, None) {}
    }

    /// Stops: no new connections are accepted, each connection is told to go away, in two steps so
    /// that no request on its way is lost (RFC 9113, Section 6.8), and what is open is finished for
    /// as long as `timeout`. Then it is cut. Returns what was cut, by this call or by another. A
    /// connection of HTTP/1.x ends after the response under way, or at once where there is none.
    ///
    /// A connection in its handshake is waited for as well, since its client may have sent requests. One
    /// from which no octet has come is closed after 100 ms, and does not count as cut.
    ///
    /// Called in a handler, it does not wait for the connection of that handler, and does not cut it:
    /// that ends when its requests have been answered.
    ///
    /// The handlers of requests that were cut are not stopped; what they read and write fails.
    pub fn shutdown(&self, timeout: Duration) -> Cut {
        let engine = &self.engine;
        let stays = handler::runs_for(engine);
        engine.begin_shutdown();
        self.join_accept();
        let now = Instant::now();
        let deadline = now.checked_add(timeout).unwrap_or(now + LONG);
        if timeout > SILENCE_MAX && !engine.drained(now + SILENCE_MAX, stays) {
            engine.openings.close_silent();
        }
        let is_drained = engine.drained(deadline, stays);
        // Another caller may be cutting; what it has cut is waited for.
        let mut cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        if !is_drained {
            cut.add(cut_all(engine, stays));
        }
        let cut = *cut;
        match stays {
            Some(_) => engine.close_when_empty(),
            None => engine.close(),
        }
        cut
    }

    fn join_accept(&self) {
        let mut accepting = self.accepting.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((thread, listener)) = accepting.take() else { return };
        for _ in 0..WAKES {
            if thread.is_finished() {
                // Its panic would have been logged by the hook.
                let _ = thread.join();
                return;
            }
            listener.wake();
            thread::park_timeout(WAKE_AGAIN);
        }
        logging::warn!("the thread that accepts cannot be woken: it ends with the next connection");
    }
}

impl Cut {
    fn add(&mut self, more: Cut) {
        self.connections += more.connections;
        self.requests += more.requests;
    }
}

/// Cuts all connections but one that may stay, and waits until they have said so to their peers.
fn cut_all(engine: &Engine, stays: Option<u64>) -> Cut {
    let mut left = engine.connections();
    let opening = engine.connection_count().saturating_sub(left.len());
    // Those that have ended already were cut by an earlier call.
    left.retain(|conn| stays != Some(conn.number()) && !conn.has_ended());
    let requests = left.iter().map(|conn| conn.open_requests()).sum();
    engine.openings.close_all();
    left.iter().for_each(|conn| conn.close());
    if !engine.drained(Instant::now() + LAST_WORDS, stays) {
        let mut left = engine.connections();
        left.retain(|conn| stays != Some(conn.number()));
        left.iter().for_each(|conn| conn.cut());
        // A cut wakes their threads, which end them.
        engine.drained(Instant::now() + LAST_WORDS, stays);
    }
    Cut { connections: left.len() + opening, requests }
}

impl Drop for Handle {
    fn drop(&mut self) {
        self.shutdown(Duration::ZERO);
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("local_addr", &self.local_addr).finish_non_exhaustive()
    }
}
