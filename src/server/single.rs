//! Serving a single connection without a listener.

use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::clock::{Clock, Ticking};
use super::config::Config;
use super::engine::Engine;
use super::handler;
use super::opening::{self, Admission, Entrance};
use super::peer::Peer;
use super::pool::Scratch;
use super::request::Request;
use super::response::Response;
use crate::error::{BoxError, Error};
use crate::proto::CommandError;
use crate::transport::Transport;

/// Serves one connection over any transport until it ends, on this thread and others that it
/// starts.
///
/// To add connections to a running server, use [`Handle::serve`](super::Handle::serve): they share
/// its limits and its shutdown. Connections served by this function only share a clock thread.
///
/// The transport must carry HTTP/2 or HTTP/1.x from the first octet.
///
/// # Errors
///
/// If a value of the configuration is invalid, or no connection is established: the transport
/// failed, or the peer uses another protocol.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use std::thread;
///
/// use h2_sync::server::{serve_connection, Config, Request, Response};
/// use h2_sync::transport::duplex;
///
/// let (ours, theirs) = duplex(64 << 10);
/// let server = thread::spawn(move || {
///     serve_connection(ours, Config::default(), |_: &mut Request, response: &mut Response| {
///         response.write_all(b"hello")
///     })
/// });
/// let client = h2_sync::new_connection(theirs, true, false)?;
/// // …
/// client.close();
/// server.join().unwrap()?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
pub fn serve_connection<T, H, E>(stream: T, config: Config, handler: H) -> Result<(), Error>
where
    T: Transport,
    H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    serve_peer(stream, Peer::unknown(), config, handler)
}

/// The same, for a peer that is known.
pub(super) fn serve_peer<T, H, E>(
    stream: T,
    peer: Peer,
    config: Config,
    handler: H,
) -> Result<(), Error>
where
    T: Transport,
    H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync + 'static,
    E: Into<BoxError> + 'static,
{
    let engine =
        Closing(Engine::start(config, Box::new(handler::boxed(handler)), shared_clock()?)?);
    let engine = &engine.0;
    let admission = Admission::wait(engine).ok_or(CommandError::Closed)?;
    let opened = opening::open(admission, stream, peer, &Entrance::default())?;
    opened.serve(&mut Scratch::default());
    // This thread may have lost the lead to another one, which serves the connection to its end.
    while !engine.drained(Instant::now() + Duration::from_secs(3600), None) {}
    Ok(())
}

/// The clock of all connections that are served individually. Its thread ends with the last of
/// them.
fn shared_clock() -> Result<Arc<Ticking>, Error> {
    static CLOCK: OnceLock<Mutex<Weak<Ticking>>> = OnceLock::new();
    let clock = CLOCK.get_or_init(Mutex::default);
    let mut clock = clock.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(clock) = clock.upgrade() {
        return Ok(clock);
    }
    let started = Arc::new(Clock::start()?.shared());
    *clock = Arc::downgrade(&started);
    Ok(started)
}

/// Ends the threads, also if the transport panics before there is a connection.
struct Closing(Arc<Engine>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}
