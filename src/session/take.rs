//! Taking events from a Session.

use std::time::Duration;

use crossbeam_channel::{Receiver, RecvError, RecvTimeoutError, TryRecvError};

use super::evt::Evt;
use super::handle::Session;
use super::outbox::CAPACITY;

impl Session {
    /// Waits for the next event and returns it.
    ///
    /// It always returns eventually: the last event is [`Evt::Closed`], when the peer closes, when
    /// a deadline ends the connection, or when another thread calls [`close`](Self::close).
    ///
    /// ```
    /// use h2_sync::{Evt, Session};
    ///
    /// fn run(session: &Session) {
    ///     while let Ok(evt) = session.take_evt() {
    ///         match evt {
    ///             Evt::RecvHeaders { stream_identifier, headers, .. } => {
    ///                 println!("{stream_identifier}: {headers:?}");
    ///             }
    ///             Evt::Closed { reason } => println!("closed: {reason:?}"), // the last one
    ///             _ => {}
    ///         }
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// If `Evt::Closed` has already been taken.
    pub fn take_evt(&self) -> Result<Evt, RecvError> {
        self.events.recv().inspect(|_| self.taken())
    }

    /// Returns the next event if there is one.
    ///
    /// ```
    /// use h2_sync::Session;
    ///
    /// /// Handles what has arrived, between two pictures of a game.
    /// fn frame(session: &Session) {
    ///     while let Ok(evt) = session.try_take_evt() {
    ///         println!("{evt:?}");
    ///     }
    /// }
    /// ```
    ///
    /// # Errors
    ///
    /// `Empty` if no event is waiting, `Disconnected` if `Evt::Closed` has already been taken.
    pub fn try_take_evt(&self) -> Result<Evt, TryRecvError> {
        self.events.try_recv().inspect(|_| self.taken())
    }

    /// Waits for the next event for at most `timeout`.
    ///
    /// # Errors
    ///
    /// `Timeout`, or `Disconnected` if `Evt::Closed` has already been taken.
    pub fn take_evt_timeout(&self, timeout: Duration) -> Result<Evt, RecvTimeoutError> {
        self.events.recv_timeout(timeout).inspect(|_| self.taken())
    }

    /// Waits for the next event, and appends it and all further events that have arrived to `evts`.
    /// Returns their number, at most 1,025.
    ///
    /// With [`write_acts`](Self::write_acts), this is cheaper than [`take_evt`](Self::take_evt) where
    /// many streams are active. Credit for the data that was taken is written by the calling thread,
    /// for as long as `write_acts` may write.
    ///
    /// # Errors
    ///
    /// If `Evt::Closed` has already been taken.
    ///
    /// # Examples
    ///
    /// A server that answers all requests of a batch with one write:
    ///
    /// ```
    /// use h2_sync::{headers, Act, Evt, Session};
    ///
    /// fn serve(session: &Session) -> Result<(), h2_sync::Error> {
    ///     let (mut evts, mut acts) = (Vec::new(), Vec::new());
    ///     while session.take_evts(&mut evts).is_ok() {
    ///         for evt in evts.drain(..) {
    ///             if let Evt::RecvHeaders { stream_identifier, .. } = evt {
    ///                 let headers = headers!(":status" => "204");
    ///                 acts.push(Act::SendHeaders { stream_identifier, headers, is_end_stream: true });
    ///             }
    ///         }
    ///         session.write_acts(&mut acts)?;
    ///     }
    ///     Ok(())
    /// }
    /// ```
    pub fn take_evts(&self, evts: &mut Vec<Evt>) -> Result<usize, RecvError> {
        let before = evts.len();
        evts.push(self.events.recv()?);
        evts.extend(std::iter::from_fn(|| self.events.try_recv().ok()).take(CAPACITY));
        self.shared.taken_and_write(self.events.len());
        Ok(evts.len() - before)
    }

    /// Returns the receiver of the events, for [`select!`](crossbeam_channel::select) and
    /// iteration.
    ///
    /// Events may be taken through it as well as through `take_evt`; credit for received data is
    /// returned to the peer in both cases. With the receiver, the writer thread does that: it
    /// checks every millisecond while events are being taken, and at most every 32 ms otherwise.
    ///
    /// ```
    /// use crossbeam_channel::{select, Receiver};
    /// use h2_sync::{Act, Error, Session};
    ///
    /// /// Waits for events, and for actions of other threads.
    /// fn run(session: &Session, acts: &Receiver<Act>) -> Result<(), Error> {
    ///     loop {
    ///         select! {
    ///             recv(session.events()) -> evt => match evt {
    ///                 Ok(evt) => println!("{evt:?}"),
    ///                 Err(_) => return Ok(()),
    ///             },
    ///             recv(acts) -> act => match act {
    ///                 Ok(act) => session.put_act(act)?,
    ///                 Err(_) => return Ok(session.close()),
    ///             },
    ///         }
    ///     }
    /// }
    /// ```
    pub fn events(&self) -> &Receiver<Evt> {
        self.shared.receiver_goes_out();
        &self.events
    }

    /// Returns credit for the events that were taken.
    fn taken(&self) {
        self.shared.taken(self.events.len());
    }
}
