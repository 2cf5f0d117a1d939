//! The client of a request.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::context::Context;
use super::farewell::ShutdownHook;
use super::peer::Peer;
use crate::exchange::Conn;
use crate::frame::StreamId;
use crate::h1::Link;

/// The client of a request: its address, and whether it still waits for the response.
///
/// [`Request::caller`](super::Request::caller) returns it. It is cheap to clone, and other threads
/// can use it while the handler reads the body.
///
/// ```
/// use std::io::{self, Read, Write};
///
/// use h2_sync::server::{Request, Response};
///
/// fn sum(request: &mut Request, response: &mut Response) -> io::Result<()> {
///     let caller = request.caller();
///     let octets = request.bytes().take_while(|_| !caller.is_cancelled());
///     let sum = octets.map(|octet| octet.map(u64::from)).sum::<io::Result<u64>>()?;
///     write!(response, "{sum}")
/// }
/// ```
///
/// A log line can name the client from another thread:
///
/// ```
/// use h2_sync::server::Caller;
///
/// fn note(caller: &Caller) -> String {
///     let state = if caller.is_server_ready() { "serving" } else { "draining" };
///     format!("{:?} ({state})", caller.peer().address())
/// }
/// ```
#[derive(Clone)]
pub struct Caller {
    line: Line,
    context: Arc<Context>,
}

/// The stream or connection of a request.
#[derive(Clone)]
pub(super) enum Line {
    Stream(Arc<Conn>, StreamId),
    Http1(Arc<Link>),
}

impl Caller {
    pub(super) fn new(line: &Line, context: &Arc<Context>) -> Self {
        Caller { line: line.clone(), context: Arc::clone(context) }
    }

    /// Returns the address of the client, and the parameters of its TLS connection.
    pub fn peer(&self) -> &Peer {
        &self.context.peer
    }

    /// Returns whether the client has reset the stream or its connection has ended, with the same
    /// meaning and cost as [`Request::is_cancelled`](super::Request::is_cancelled). Also true after
    /// the end of the exchange.
    pub fn is_cancelled(&self) -> bool {
        self.line.is_cancelled()
    }

    /// Returns whether the server wants new requests, like
    /// [`Request::is_server_ready`](super::Request::is_server_ready).
    pub fn is_server_ready(&self) -> bool {
        self.context.readiness.get()
    }

    /// Calls `act` once when the server shuts down, like
    /// [`Request::on_shutdown`](super::Request::on_shutdown).
    ///
    /// ```
    /// use std::sync::atomic::{AtomicBool, Ordering};
    /// use std::sync::Arc;
    ///
    /// use h2_sync::server::{Caller, ShutdownHook};
    ///
    /// fn stop_flag(caller: &Caller) -> (Arc<AtomicBool>, ShutdownHook) {
    ///     let flag = Arc::new(AtomicBool::new(false));
    ///     let set = Arc::clone(&flag);
    ///     (flag, caller.on_shutdown(move || set.store(true, Ordering::Relaxed)))
    /// }
    /// ```
    pub fn on_shutdown(&self, act: impl FnOnce() + Send + 'static) -> ShutdownHook {
        self.context.farewells.add(Box::new(act))
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled), for as long as `timeout`, and returns
    /// whether it is.
    ///
    /// A helper program is stopped when its client is gone:
    ///
    /// ```
    /// use std::io;
    /// use std::process::Child;
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::Caller;
    ///
    /// fn supervise(caller: &Caller, child: &mut Child) -> io::Result<()> {
    ///     while child.try_wait()?.is_none() {
    ///         if caller.wait_cancelled(Duration::from_millis(100)) {
    ///             child.kill()?;
    ///         }
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.line.wait_cancelled(timeout)
    }
}

impl Line {
    pub(super) fn is_cancelled(&self) -> bool {
        match self {
            Line::Stream(conn, id) => conn.is_cancelled(*id),
            Line::Http1(link) => link.is_cancelled(),
        }
    }

    pub(super) fn wait_cancelled(&self, timeout: Duration) -> bool {
        match self {
            Line::Stream(conn, id) => conn.wait_cancelled(*id, timeout),
            Line::Http1(link) => link.wait_cancelled(timeout),
        }
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("peer", self.peer()).finish_non_exhaustive()
    }
}
