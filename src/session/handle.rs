//! The handle of an HTTP/2 connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;

use super::act::{Act, PutError};
use super::evt::Evt;
use super::shared::Shared;
use super::threads::Threads;
use crate::error::Error;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::{CommandError, Config, Connection, Role, Stats};
use crate::transport::Transport;

/// An HTTP/2 connection with its two threads. See the [module](super).
///
/// All methods take `&self`: share it by reference or in an `Arc`. Dropping it calls
/// [`close`](Self::close).
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::{new_connection, transport, Act, Evt};
///
/// let (near, far) = transport::duplex(64 << 10);
/// let (client, server) = (new_connection(near, true, false)?, new_connection(far, false, false)?);
/// client.put_act(Act::Ping)?;
/// loop {
///     match client.take_evt_timeout(Duration::from_secs(10))? {
///         Evt::Pong { round_trip_time } => break println!("answered in {round_trip_time:?}"),
///         Evt::Closed { reason } => panic!("closed: {reason:?}"),
///         _ => {}
///     }
/// }
/// println!("{} octets received", client.stats().received.total_octets());
/// client.close();
/// # server.close();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) events: Receiver<Evt>,
    threads: Threads,
}

impl Session {
    /// Starts a connection with custom settings and limits.
    ///
    /// ```
    /// use h2_sync::transport::duplex;
    /// use h2_sync::{Config, Role, Session};
    ///
    /// let (near, far) = duplex(64 << 10);
    /// let config = Config::for_role(Role::Server).with(|config| config.max_concurrent_streams = 10);
    /// let server = Session::with_config(near, Role::Server, config)?;
    /// # drop((far, server));
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new_connection`](super::new_connection), and if a value of `config` is invalid.
    pub fn with_config<T: Transport>(
        stream: T,
        role: Role,
        config: Config,
    ) -> Result<Session, Error> {
        Session::start(stream, role, config, |_, _| Ok(()))
    }

    /// Passes a command to the connection, without blocking.
    ///
    /// # Errors
    ///
    /// If the action cannot be executed; the error returns it, and the connection is unchanged. If
    /// [`PutError::is_full`] is true, it may be retried later.
    pub fn put_act(&self, act: Act) -> Result<(), PutError> {
        let result = self.shared.command(|core, now| act.apply(core, now));
        result.map_err(|error| PutError::new(act, error))
    }

    /// Like [`put_act`](Self::put_act), but waits for room in the send buffer for at most
    /// `timeout`.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::{Act, Error, Session};
    ///
    /// fn put(session: &Session, act: Act) -> Result<(), Error> {
    ///     session.put_act_timeout(act, Duration::from_secs(10)).map_err(|refused| {
    ///         println!("no room for 10 s: {}", refused.is_full());
    ///         refused.error().clone()
    ///     })
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of `put_act`; [`PutError::is_full`] is true if there was no room in time.
    pub fn put_act_timeout(&self, act: Act, timeout: Duration) -> Result<(), PutError> {
        let deadline = deadline(timeout);
        let result = self.shared.command_with_room(deadline, |core, now| act.apply(core, now));
        result.map_err(|error| PutError::new(act, error))
    }

    /// Passes several commands to the connection, without blocking. They are executed in order, and
    /// sent together: the header section and body of a response take a single write.
    ///
    /// Executed actions are removed from `acts`, whose memory can be reused.
    ///
    /// # Errors
    ///
    /// If an action cannot be executed: it is then the first one left in `acts`, and no part of it
    /// was sent. If [`Error::is_full`] is true, it may be retried later.
    ///
    /// # Examples
    ///
    /// ```
    /// use h2_sync::{headers, Act, Error, Session, StreamId};
    ///
    /// fn answer(session: &Session, stream_identifier: StreamId) -> Result<(), Error> {
    ///     let headers = headers!(":status" => "200");
    ///     session.put_acts(&mut vec![
    ///         Act::SendHeaders { stream_identifier, headers, is_end_stream: false },
    ///         Act::SendData { stream_identifier, data: "hello".into(), is_end_stream: true },
    ///     ])
    /// }
    /// ```
    pub fn put_acts(&self, acts: &mut Vec<Act>) -> Result<(), Error> {
        all(acts, |apply| self.shared.command(apply))
    }

    /// Like [`put_acts`](Self::put_acts), but the calling thread writes the actions and all other
    /// pending output. That saves waking the writer thread.
    ///
    /// The call may block: for 5 ms and one write, which takes at most 250 ms on a socket that accepts
    /// nothing. The writer thread then writes the rest. If a thread is already writing, it includes
    /// these actions, and the call returns at once.
    ///
    /// [`take_evts`](Self::take_evts) has an example.
    ///
    /// # Errors
    ///
    /// Those of [`put_acts`](Self::put_acts). What was executed before the error is written.
    pub fn write_acts(&self, acts: &mut Vec<Act>) -> Result<(), Error> {
        all(acts, |apply| self.shared.command_and_write(apply))
    }

    /// Reserves the identifier of a new stream: an odd one at a client, an even one (for a promise)
    /// at a server.
    ///
    /// Use it soon: HEADERS on higher identifiers wait for it, for at most 50 ms (see
    /// [`reservation_timeout`](Config::reservation_timeout)). To release it unused, put
    /// [`Act::Reset`]. [`open`](Self::open) combines both steps.
    ///
    /// ```
    /// use h2_sync::{new_connection, transport, Act, ErrorCode};
    ///
    /// let (near, _far) = transport::duplex(64 << 10);
    /// let client = new_connection(near, true, false)?;
    /// let stream_identifier = client.next_free_stream_identifier()?;
    /// assert_eq!(stream_identifier.get(), 1);
    /// // Unused after all:
    /// client.put_act(Act::Reset { stream_identifier, error_code: ErrorCode::Cancel })?;
    /// # client.abort();
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the connection is closed or shutting down, or if all 2^30 identifiers are used up.
    pub fn next_free_stream_identifier(&self) -> Result<StreamId, Error> {
        Ok(self.shared.command(|core, now| core.reserve_stream_id(now))?)
    }

    /// Opens a stream (client only): reserves an identifier and sends the request on it, without
    /// blocking.
    ///
    /// ```
    /// use h2_sync::{headers, Session, StreamId};
    ///
    /// fn get(session: &Session, path: &str) -> Result<StreamId, h2_sync::Error> {
    ///     let request = headers!(
    ///         ":method" => "GET", ":scheme" => "http", ":authority" => "example.com", ":path" => path,
    ///     );
    ///     session.open(&request, true)
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`next_free_stream_identifier`](Self::next_free_stream_identifier) and of
    /// [`Act::SendHeaders`]. No identifier is used up in that case.
    pub fn open(&self, headers: &Headers, is_end_stream: bool) -> Result<StreamId, Error> {
        Ok(self.shared.command(|core, now| core.open(headers, is_end_stream, now))?)
    }

    /// Returns statistics of the connection, also after its end.
    pub fn stats(&self) -> Stats {
        self.shared.wire.lock().core.stats()
    }

    /// Closes the connection: waiting threads get the events that are already queued, then
    /// [`Evt::Closed`], and later actions fail.
    ///
    /// Earlier actions are still written, as far as the peer accepts them within
    /// [`CLOSE_TIMEOUT`](super::CLOSE_TIMEOUT) (10 s). Then GOAWAY is sent, open streams are
    /// aborted, and the transport is closed. The call waits for both threads for at most three
    /// seconds; pending data is then written in the background.
    ///
    /// If the transport's reader cannot be woken (see
    /// [`Closer::none`](crate::transport::Closer::none)), its thread ends when the transport does.
    /// A call from within the transport's own code, on one of the two threads, does not wait.
    pub fn close(&self) {
        self.shared.begin_close();
        self.threads.join(&self.shared);
    }

    /// Aborts the connection: pending data is dropped, and the transport is cut without GOAWAY. The
    /// call waits for both threads as [`close`](Self::close) does.
    ///
    /// ```
    /// use h2_sync::{new_connection, transport, Evt};
    ///
    /// let (near, _far) = transport::duplex(64 << 10); // a peer that never says anything
    /// let client = new_connection(near, true, false)?;
    /// client.abort();
    /// assert!(matches!(client.take_evt()?, Evt::Closed { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn abort(&self) {
        self.shared.abort();
        self.threads.join(&self.shared);
    }

    /// Shuts the connection down gracefully: opens no new streams, waits for open ones for at most
    /// `timeout`, then calls [`close`](Self::close). A server sends GOAWAY in two steps (RFC 9113,
    /// Section 6.8), so that requests in flight are not lost. Returns the number of streams that
    /// were aborted.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync::Session;
    ///
    /// fn end(server: &Session) {
    ///     let aborted = server.shutdown(Duration::from_secs(10));
    ///     println!("{aborted} requests were not answered within 10 s");
    /// }
    /// ```
    pub fn shutdown(&self, timeout: Duration) -> usize {
        self.shared.wire.with(|state, now| state.core.shutdown(now));
        self.shared.deliver();
        self.shared.wait_end(deadline(timeout));
        let cut = self.stats().streams_open;
        self.close();
        cut
    }

    /// Starts a connection whose core is initialised by `opening`.
    pub(super) fn start<T: Transport>(
        stream: T,
        role: Role,
        mut config: Config,
        opening: impl FnOnce(&mut Connection, Instant) -> Result<(), Error>,
    ) -> Result<Session, Error> {
        // A reset stream occupies its slot until all its events are taken. This bounds the queued
        // events, however fast a peer opens and resets streams.
        config.hold_slots = true;
        let auto_release = config.auto_release;
        let now = Instant::now();
        let mut core = Connection::new(role, config, now)?;
        opening(&mut core, now)?;
        let (sender, events) = crossbeam_channel::unbounded();
        let shared = Arc::new(Shared::new(core, stream, sender, auto_release)?);
        let threads = Threads::start(&shared)?;
        // `opening` may have produced events.
        shared.deliver();
        Ok(Session { shared, events, threads })
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

/// Executes actions by `command`, and removes those that were executed.
fn all(
    acts: &mut Vec<Act>,
    command: impl FnOnce(&mut Apply<'_>) -> Result<(), CommandError>,
) -> Result<(), Error> {
    let mut done = 0;
    let result = command(&mut |core, now| {
        acts.iter().try_for_each(|act| act.apply(core, now).inspect(|()| done += 1))
    });
    // In bounds: at most all actions were executed.
    acts.drain(..done);
    Ok(result?)
}

/// Executes actions on the core.
type Apply<'a> = dyn FnMut(&mut Connection, Instant) -> Result<(), CommandError> + 'a;

/// Returns the time `timeout` from now, or a time in the distant future if that overflows.
fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    now.checked_add(timeout).unwrap_or(now + century)
}
