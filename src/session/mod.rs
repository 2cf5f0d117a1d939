//! A whole HTTP/2 connection as two channels: actions go in, events come out.
//!
//! ```text
//!                     ┌──────────────── Session ────────────────┐
//!   put_act(Act) ────▶│ core ──▶ writer thread ──────────▶ bytes │──▶
//!                     │  ▲                                       │     peer
//!   take_evt() ◀──────│ channel ◀── core ◀── reader thread ◀──── │◀──
//!                     └─────────────────────────────────────────┘
//! ```
//!
//! [`new_connection`] starts a reader thread and a writer thread around a
//! [`Transport`]: a TCP stream, a Unix socket, any pair of a reader and a writer. From then on the
//! connection is alive: it exchanges settings, answers PINGs, keeps the windows, and tells what
//! the peer does as [`Evt`]s. You take them with [`take_evt`](Session::take_evt) and answer with
//! [`put_act`](Session::put_act), from as many threads as you like.
//!
//! # A request and its answer
//!
//! ```
//! use h2_sync::session::{new_connection, Act, Evt};
//! use h2_sync::{headers, transport};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let (near, far) = transport::duplex(64 * 1024);
//! let client = new_connection(near, true, false)?;
//! let server = new_connection(far, false, false)?;
//!
//! let request = headers!(
//!     ":method" => "GET", ":scheme" => "http", ":authority" => "example.com", ":path" => "/",
//! );
//! let stream_identifier = client.next_free_stream_identifier()?;
//! client.put_act(Act::SendHeaders { stream_identifier, headers: request, is_end_stream: true })?;
//!
//! // The server's side; in earnest, in another thread or another process.
//! loop {
//!     if let Evt::RecvHeaders { stream_identifier, headers, .. } = server.take_evt()? {
//!         assert_eq!(headers.path(), Some("/"));
//!         let headers = headers!(":status" => "200");
//!         server.put_act(Act::SendHeaders { stream_identifier, headers, is_end_stream: false })?;
//!         let data = "hello".into();
//!         server.put_act(Act::SendData { stream_identifier, data, is_end_stream: true })?;
//!         break;
//!     }
//! }
//!
//! let mut body = Vec::new();
//! loop {
//!     match client.take_evt()? {
//!         Evt::RecvHeaders { headers, .. } => assert_eq!(headers.status(), Some(200)),
//!         Evt::RecvData { data, is_end_stream, .. } => {
//!             body.extend_from_slice(&data);
//!             if is_end_stream {
//!                 break;
//!             }
//!         }
//!         Evt::Closed { reason } => panic!("closed: {reason:?}"),
//!         _ => {} // settings and the like
//!     }
//! }
//! assert_eq!(body, b"hello");
//! client.close();
//! # Ok(())
//! # }
//! ```
//!
//! # What holds
//!
//! - `put_act` never blocks. What waits to be sent is bounded; over the bound it gives the action
//!   back, and [`put_act_timeout`](Session::put_act_timeout) waits for room.
//! - The reader thread never waits for the application. Data that nobody takes is bounded by the
//!   receive windows, and its credit goes back when the application takes it.
//! - The last event is [`Evt::Closed`] with the reason, exactly once; after it `take_evt` says
//!   that the channel is disconnected. No `take_evt` hangs on a connection that is over.
//! - Identifiers may be reserved and used by many threads at once. HEADERS go out in the order of
//!   the identifiers: one that was reserved and not used holds the later ones back for 50 ms.

mod act;
mod evt;
mod outbox;
mod threads;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub use act::{Act, PutError};
use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, TryRecvError};
pub use evt::{Evt, Reason};
use outbox::Outbox;
use threads::Threads;

use crate::error::Error;
use crate::frame::{ErrorCode, StreamId};
use crate::hpack::Headers;
use crate::link::Link;
use crate::proto::{Config, Connection, Role, Stats};
use crate::transport::Transport;

/// Starts an HTTP/2 connection over `stream`, with default settings: a reader thread, a writer
/// thread, and two channels.
///
/// `is_client` says which end this is. `skip_preface` leaves out the 24 octets that a client sends
/// first, on the side that would send or expect them; it is `false` unless something else has
/// sent or consumed them already, as told at [`Config::skip_preface`]. SETTINGS are exchanged
/// either way.
///
/// # Errors
///
/// If the stream cannot be split in two, or the threads cannot be started. What the peer does
/// wrong comes as [`Evt::Closed`].
///
/// # Examples
///
/// ```no_run
/// use std::net::TcpStream;
///
/// let stream = TcpStream::connect("127.0.0.1:8080")?;
/// let session = h2_sync::new_connection(stream, true, false)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn new_connection<T: Transport>(
    stream: T,
    is_client: bool,
    skip_preface: bool,
) -> Result<Session, Error> {
    let role = if is_client { Role::Client } else { Role::Server };
    let mut config = Config::default();
    config.skip_preface = skip_preface;
    Session::with_config(stream, role, config)
}

/// An HTTP/2 connection with its two threads. See the [module](self).
///
/// All methods take `&self`: share it by reference or in an `Arc`. Dropping it is
/// [`close`](Self::close).
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    events: Receiver<Evt>,
    threads: Threads,
}

/// What the application and the two threads share.
#[derive(Debug)]
struct Shared {
    link: Link,
    outbox: Outbox,
    /// The receiver has been handed out, so events may be taken without our knowing.
    receiver_is_out: AtomicBool,
}

impl Shared {
    fn settle(&self) {
        self.outbox.settle(&self.link);
    }

    /// Whether events may be taken without `take_evt`, and something waits for that.
    fn is_taken_from_behind(&self) -> bool {
        self.receiver_is_out.load(Ordering::Relaxed) && self.outbox.is_pending()
    }
}

impl Session {
    /// Starts a connection with settings and limits of your own.
    ///
    /// # Errors
    ///
    /// Those of [`new_connection`], and a value of `config` that makes no sense.
    pub fn with_config<T: Transport>(
        stream: T,
        role: Role,
        mut config: Config,
    ) -> Result<Session, Error> {
        // A stream counts against the limit until all its events have been taken: however fast a
        // peer opens and resets streams, only so many wait here.
        config.hold_slots = true;
        let auto_release = config.auto_release;
        let core = Connection::new(role, config, Instant::now())?;
        let halves = stream.split()?;
        let (sender, events) = crossbeam_channel::unbounded();
        let shared = Arc::new(Shared {
            link: Link::new(core, halves.closer),
            outbox: Outbox::new(sender, auto_release),
            receiver_is_out: AtomicBool::new(false),
        });
        let threads = Threads::start(&shared, halves.reader, halves.writer)?;
        Ok(Session { shared, events, threads })
    }

    /// Waits for the next event and takes it.
    ///
    /// It always returns: the last event is [`Evt::Closed`], and it comes when the peer closes,
    /// when a deadline ends the connection, and when another thread calls [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// After `Evt::Closed` has been taken.
    pub fn take_evt(&self) -> Result<Evt, RecvError> {
        self.events.recv().inspect(|_| self.taken())
    }

    /// Takes the next event if there is one.
    ///
    /// # Errors
    ///
    /// `Empty` if there is none now, `Disconnected` after `Evt::Closed` has been taken.
    pub fn try_take_evt(&self) -> Result<Evt, TryRecvError> {
        self.events.try_recv().inspect(|_| self.taken())
    }

    /// Waits for the next event for so long at most.
    ///
    /// # Errors
    ///
    /// `Timeout`, or `Disconnected` after `Evt::Closed` has been taken.
    pub fn take_evt_timeout(&self, timeout: Duration) -> Result<Evt, RecvTimeoutError> {
        self.events.recv_timeout(timeout).inspect(|_| self.taken())
    }

    /// The receiver of the events, for [`select!`](crossbeam_channel::select) and for iterating.
    ///
    /// Events may be taken through it and through `take_evt` alike, and credit for received data
    /// goes back in both cases; here the writer thread sees to it, within a millisecond or so.
    pub fn events(&self) -> &Receiver<Evt> {
        if !self.shared.receiver_is_out.swap(true, Ordering::Relaxed) {
            self.shared.link.nudge();
        }
        &self.events
    }

    /// Gives the connection something to do. Returns at once, always.
    ///
    /// # Errors
    ///
    /// The action comes back in the error if it cannot be done; nothing has been sent then, and
    /// the connection is as it was. [`PutError::is_full`] tells that it may be tried again later.
    pub fn put_act(&self, act: Act) -> Result<(), PutError> {
        let (result, events) = self.shared.link.with(|core, now| act.apply(core, now));
        if events {
            self.shared.settle();
        }
        result.map_err(|error| PutError::new(act, error))
    }

    /// Like [`put_act`](Self::put_act), and waits for room for so long at most.
    ///
    /// # Errors
    ///
    /// Those of `put_act`; [`PutError::is_full`] if there was no room in time.
    pub fn put_act_timeout(&self, act: Act, timeout: Duration) -> Result<(), PutError> {
        let deadline = deadline(timeout);
        let (result, events) =
            self.shared.link.with_room(deadline, |core, now| act.apply(core, now));
        if events {
            self.shared.settle();
        }
        result.map_err(|error| PutError::new(act, error))
    }

    /// Reserves the identifier of a new stream: odd ones at a client, even ones (for promises) at
    /// a server.
    ///
    /// Use it soon: HEADERS on higher identifiers wait for it, for 50 ms at most (see
    /// [`reservation_timeout`](Config::reservation_timeout)). Not to use it after all, put
    /// [`Act::Reset`]. [`open`](Self::open) does both steps in one.
    ///
    /// # Errors
    ///
    /// If the connection is closed or going away, or all 2^30 identifiers are used.
    pub fn next_free_stream_identifier(&self) -> Result<StreamId, Error> {
        let (result, _) = self.shared.link.with(|core, now| core.reserve_stream_id(now));
        Ok(result?)
    }

    /// Opens a stream (a client): reserves an identifier and sends the request on it, in one step
    /// that never waits.
    ///
    /// # Errors
    ///
    /// Those of [`next_free_stream_identifier`](Self::next_free_stream_identifier), and those of
    /// [`Act::SendHeaders`]; no identifier is used up then.
    pub fn open(&self, headers: &Headers, is_end_stream: bool) -> Result<StreamId, Error> {
        let (result, events) =
            self.shared.link.with(|core, now| core.open(headers, is_end_stream, now));
        if events {
            self.shared.settle();
        }
        Ok(result?)
    }

    /// Figures of the connection so far; also after its end.
    pub fn stats(&self) -> Stats {
        self.shared.link.with(|core, _| core.stats()).0
    }

    /// Ends the connection: GOAWAY is sent, streams that are open are cut, the transport is
    /// closed, and both threads are waited for. Whoever waits for an event gets `Evt::Closed`
    /// after those that are there already.
    ///
    /// Takes up to one and a half seconds if the peer neither reads nor closes. A reader of a
    /// transport that cannot be woken (see [`Closer::none`](crate::transport::Closer::none)) is
    /// left to end with the transport.
    pub fn close(&self) {
        let bye = |core: &mut Connection, _| core.close(ErrorCode::NoError, Default::default());
        self.shared.link.with(bye);
        self.shared.settle();
        self.threads.join(&self.shared);
    }

    /// Ends the connection gracefully: no new streams, those that are open are finished for as
    /// long as `timeout`, and then it is [`close`](Self::close). A server sends GOAWAY in two
    /// steps (RFC 9113, Section 6.8), so that no request on its way is lost.
    ///
    /// Events have to be taken and answered meanwhile, so call it from another thread than the one
    /// that does so. Returns how many streams were cut.
    pub fn shutdown(&self, timeout: Duration) -> usize {
        self.shared.link.with(|core, now| core.shutdown(now));
        self.shared.settle();
        self.shared.link.wait_end(deadline(timeout));
        let cut = self.stats().streams_open;
        self.close();
        cut
    }

    fn taken(&self) {
        if self.shared.outbox.is_pending() {
            self.shared.settle();
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        self.close();
    }
}

/// `timeout` from now; for ever, if that is further than time goes.
fn deadline(timeout: Duration) -> Instant {
    let now = Instant::now();
    let century = Duration::from_secs(100 * 365 * 24 * 3600);
    now.checked_add(timeout).unwrap_or(now + century)
}

