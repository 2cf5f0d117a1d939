//! The handle of a connection.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, TryRecvError};

use super::act::{Act, PutError};
use super::evt::Evt;
use super::shared::Shared;
use super::threads::Threads;
use crate::error::Error;
use crate::frame::StreamId;
use crate::hpack::Headers;
use crate::proto::{Config, Connection, Role, Stats};
use crate::transport::Transport;

/// An HTTP/2 connection with its two threads. See the [module](super).
///
/// All methods take `&self`: share it by reference or in an `Arc`. Dropping it is
/// [`close`](Self::close).
#[derive(Debug)]
pub struct Session {
    shared: Arc<Shared>,
    events: Receiver<Evt>,
    threads: Threads,
}

impl Session {
    /// Starts a connection with settings and limits of your own.
    ///
    /// # Errors
    ///
    /// Those of [`new_connection`](super::new_connection), and a value of `config` that makes no sense.
    pub fn with_config<T: Transport>(
        stream: T,
        role: Role,
        config: Config,
    ) -> Result<Session, Error> {
        Session::start(stream, role, config, |_, _| Ok(()))
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
    /// goes back in both cases. Here it is the writer thread that sees to it: it looks every
    /// millisecond while events are being taken, and every 32 ms while they lie there.
    pub fn events(&self) -> &Receiver<Evt> {
        self.shared.receiver_goes_out();
        &self.events
    }

    /// Gives the connection something to do. Returns at once, always.
    ///
    /// # Errors
    ///
    /// The action comes back in the error if it cannot be done; nothing has been sent then, and
    /// the connection is as it was. [`PutError::is_full`] tells that it may be tried again later.
    pub fn put_act(&self, act: Act) -> Result<(), PutError> {
        let result = self.shared.command(|core, now| act.apply(core, now));
        result.map_err(|error| PutError::new(act, error))
    }

    /// Like [`put_act`](Self::put_act), and waits for room for so long at most.
    ///
    /// # Errors
    ///
    /// Those of `put_act`; [`PutError::is_full`] if there was no room in time.
    pub fn put_act_timeout(&self, act: Act, timeout: Duration) -> Result<(), PutError> {
        let deadline = deadline(timeout);
        let result = self.shared.command_with_room(deadline, |core, now| act.apply(core, now));
        result.map_err(|error| PutError::new(act, error))
    }

    /// Gives the connection several things to do, in order, and all at once: the head of a response
    /// and its body go out in one write. Returns at once.
    ///
    /// Those that are done are removed from `acts`, whose memory can be used again.
    ///
    /// # Errors
    ///
    /// Why an action cannot be done; it is the first one left in `acts`, and nothing of it has been
    /// sent. [`Error::is_full`] tells that it may be tried again later.
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
        let mut done = 0;
        let result = self.shared.command(|core, now| {
            acts.iter().try_for_each(|act| act.apply(core, now).inspect(|()| done += 1))
        });
        // Not more have been done than there are.
        acts.drain(..done);
        Ok(result?)
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
        Ok(self.shared.command(|core, now| core.reserve_stream_id(now))?)
    }

    /// Opens a stream (a client): reserves an identifier and sends the request on it, in one step
    /// that never waits.
    ///
    /// # Errors
    ///
    /// Those of [`next_free_stream_identifier`](Self::next_free_stream_identifier), and those of
    /// [`Act::SendHeaders`]; no identifier is used up then.
    pub fn open(&self, headers: &Headers, is_end_stream: bool) -> Result<StreamId, Error> {
        Ok(self.shared.command(|core, now| core.open(headers, is_end_stream, now))?)
    }

    /// Figures of the connection so far; also after its end.
    pub fn stats(&self) -> Stats {
        self.shared.wire.lock().core.stats()
    }

    /// Ends the connection for the application: threads that wait for an event get [`Evt::Closed`]
    /// after the events that are there already, and later actions fail.
    ///
    /// What was put before is still written, as far as the peer takes it within
    /// [`CLOSE_TIMEOUT`](super::CLOSE_TIMEOUT) (10 s). Then GOAWAY is sent, streams that are open are
    /// cut, and the transport is closed. Both threads are waited for, for three seconds at most; what
    /// is left to be written then goes on in the background.
    ///
    /// A reader of a transport that cannot be woken (see
    /// [`Closer::none`](crate::transport::Closer::none)) is left to end with the transport. Called by
    /// the transport's own code, in one of the two threads, it does not wait for them.
    pub fn close(&self) {
        self.shared.begin_close();
        self.threads.join(&self.shared);
    }

    /// Ends the connection at once: what has been put and not been written is dropped, the transport is
    /// cut without GOAWAY, and both threads are waited for, as in [`close`](Self::close).
    pub fn abort(&self) {
        self.shared.abort();
        self.threads.join(&self.shared);
    }

    /// Ends the connection gracefully: no new streams, those that are open are finished for as
    /// long as `timeout`, and then it is [`close`](Self::close). A server sends GOAWAY in two
    /// steps (RFC 9113, Section 6.8), so that no request on its way is lost.
    ///
    /// Events have to be taken and answered meanwhile, so call it from another thread than the one
    /// that does so. Returns how many streams were cut.
    pub fn shutdown(&self, timeout: Duration) -> usize {
        self.shared.wire.with(|state, now| state.core.shutdown(now));
        self.shared.deliver();
        self.shared.wait_end(deadline(timeout));
        let cut = self.stats().streams_open;
        self.close();
        cut
    }

    /// Starts a connection whose core begins with `opening`.
    pub(super) fn start<T: Transport>(
        stream: T,
        role: Role,
        mut config: Config,
        opening: impl FnOnce(&mut Connection, Instant) -> Result<(), Error>,
    ) -> Result<Session, Error> {
        // A stream counts against the limit until all its events have been taken: however fast a
        // peer opens and resets streams, only so many wait here.
        config.hold_slots = true;
        let auto_release = config.auto_release;
        let now = Instant::now();
        let mut core = Connection::new(role, config, now)?;
        opening(&mut core, now)?;
        let (sender, events) = crossbeam_channel::unbounded();
        let shared = Arc::new(Shared::new(core, stream, sender, auto_release)?);
        let threads = Threads::start(&shared)?;
        // What the opening has brought is there already.
        shared.deliver();
        Ok(Session { shared, events, threads })
    }

    fn taken(&self) {
        self.shared.taken(self.events.len());
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
