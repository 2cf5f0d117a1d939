//! A server that serves, and how it is stopped.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use super::ending;
use super::engine::Engine;
use super::listener::Listener;
use super::stats::Stats;

/// After the deadline of a shutdown, so long connections may take to say goodbye.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// How long the thread that accepts is waited for before it is woken once more.
const WAKE_AGAIN: Duration = Duration::from_millis(20);

/// How often that is tried. A Unix socket whose path has been removed cannot be woken.
const WAKES: u32 = 50;

/// As good as for ever.
const LONG: Duration = Duration::from_secs(3600);

/// A server that serves.
///
/// All methods take `&self`: share it in an `Arc`, to stop the server from another thread than the
/// one that waits for it. Dropping it is [`shutdown`](Self::shutdown) without time to finish.
pub struct Handle {
    engine: Arc<Engine>,
    local_addr: Option<SocketAddr>,
    /// Whoever takes it joins the thread, with the lock held: others wait as well. The socket is
    /// closed then, or the system would go on taking connections for us.
    accepting: Mutex<Option<(JoinHandle<()>, Arc<Listener>)>>,
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
        Handle { engine, local_addr, accepting: Mutex::new(Some((thread, listener))) }
    }

    /// The address that it listens on, where it is one of IP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.local_addr
    }

    /// Figures from the start to now.
    pub fn stats(&self) -> Stats {
        self.engine.stats()
    }

    /// Waits until the server has been shut down from another thread.
    pub fn wait(&self) {
        while !self.engine.pause(LONG) {}
        while !self.engine.drained(Instant::now() + LONG) {}
    }

    /// Stops: no new connections are accepted, each connection is told to go away, in two steps so
    /// that no request on its way is lost (RFC 9113, Section 6.8), and what is open is finished for
    /// as long as `timeout`. Then it is cut. Returns what was cut.
    ///
    /// A connection that is in its handshake still is waited for as well: its client may have sent
    /// requests.
    ///
    /// The handlers of requests that were cut are not stopped; what they read and write fails.
    pub fn shutdown(&self, timeout: Duration) -> Cut {
        let engine = &self.engine;
        engine.begin_shutdown();
        self.join_accept();
        let now = Instant::now();
        let cut = if engine.drained(now.checked_add(timeout).unwrap_or(now + LONG)) {
            Cut::default()
        } else {
            let left = engine.connections();
            let connections = engine.connection_count();
            let cut = Cut { connections, requests: left.iter().map(ending::open_requests).sum() };
            left.iter().for_each(ending::close);
            if !engine.said_goodbye(Instant::now() + LAST_WORDS) {
                engine.connections().iter().for_each(|served| served.conn.cut());
            }
            cut
        };
        engine.close();
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
        log::warn!("the thread that accepts cannot be woken: it ends with the next connection");
    }
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
