//! Sending without blocking, for a thread that sends to many streams.

use std::fmt;
#[cfg(feature = "websocket")]
use std::time::Duration;
use std::time::Instant;

use bytes::Bytes;

use super::send::SendHalf;
use crate::error::Error;
use crate::meter;
use crate::proto::CommandError;

/// The reason why [`SendHalf::try_send`](crate::client::SendHalf::try_send) has sent nothing.
///
/// ```
/// use h2_sync::bytes::Bytes;
/// use h2_sync::server::{SendHalf, TrySendError};
///
/// /// Returns what is to be sent later.
/// fn offer(to: &mut SendHalf, event: Bytes) -> Result<Option<Bytes>, h2_sync::Error> {
///     match to.try_send(event) {
///         Ok(()) => Ok(None),
///         Err(TrySendError::Full(octets)) => Ok(Some(octets)),
///         Err(TrySendError::Closed(error)) => Err(error),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub enum TrySendError {
    /// The buffer is full: the peer reads too slowly. The octets are returned.
    Full(Bytes),
    /// The stream was reset or is finished, or the connection has ended.
    Closed(Error),
}

impl TrySendError {
    /// Returns whether there may be room later.
    ///
    /// ```
    /// use h2_sync::server::SendHalf;
    ///
    /// /// Returns whether the event was dropped because the peer reads too slowly.
    /// fn is_dropped(to: &mut SendHalf, event: &'static str) -> bool {
    ///     to.try_send(event).is_err_and(|error| error.is_full())
    /// }
    /// ```
    pub fn is_full(&self) -> bool {
        matches!(self, TrySendError::Full(_))
    }
}

impl fmt::Display for TrySendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrySendError::Full(data) => write!(f, "no room to send {} octets", data.len()),
            TrySendError::Closed(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for TrySendError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            TrySendError::Full(_) => None,
            TrySendError::Closed(error) => Some(error),
        }
    }
}

impl SendHalf {
    /// Sends octets without a copy, after everything that was written before, if there is room for
    /// all of them. Never blocks: another thread writes them to the transport.
    ///
    /// At most [`max_stream_send_buffer`](crate::proto::Config::max_stream_send_buffer) octets of a
    /// stream are buffered, and [`max_send_buffer`](crate::proto::Config::max_send_buffer) of its
    /// connection. An empty buffer accepts a piece of any size. The stream of a peer that accepts
    /// nothing for `stall_timeout` is reset.
    ///
    /// # Errors
    ///
    /// [`TrySendError::Full`] returns the octets, and [`TrySendError::Closed`] has the reason why
    /// nothing more can be sent.
    ///
    /// # Examples
    ///
    /// One thread sends events to all subscribers, and drops those that are gone:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use h2_sync::server::{SendHalf, TrySendError};
    ///
    /// fn publish(subscribers: &mut Vec<SendHalf>, event: &Bytes) {
    ///     subscribers.retain_mut(|subscriber| match subscriber.try_send(event.clone()) {
    ///         // A subscriber with a full buffer misses this event.
    ///         Ok(()) | Err(TrySendError::Full(_)) => true,
    ///         Err(TrySendError::Closed(_)) => false,
    ///     });
    /// }
    /// ```
    pub fn try_send(&mut self, data: impl Into<Bytes>) -> Result<(), TrySendError> {
        let result = self.put_if_room(data.into());
        self.conn.flush_later(self.conn.lock());
        result
    }

    /// The same, and writes what the transport takes within `time`.
    #[cfg(feature = "websocket")]
    pub(crate) fn send_within(&mut self, data: Bytes, time: Duration) -> Result<(), TrySendError> {
        let result = self.put_if_room(data);
        if let Some(until) = Instant::now().checked_add(time) {
            self.conn.flush_until(until);
        }
        result
    }

    /// Whether a piece would find room.
    #[cfg(feature = "websocket")]
    pub(crate) fn has_room(&self, octets: usize) -> bool {
        self.conn.lock().core.has_data_room(self.id, octets)
    }

    fn put_if_room(&mut self, mut data: Bytes) -> Result<(), TrySendError> {
        self.check_usable().map_err(TrySendError::Closed)?;
        if self.is_bodiless {
            return Ok(());
        }
        let (id, now) = (self.id, Instant::now());
        let mut state = self.conn.lock();
        let mut put = |data: &mut Bytes| state.core.take_data(id, data, false, now);
        let mut written = self.buffer.split().freeze();
        let octets = written.len() + data.len();
        let result = put(&mut written).and_then(|()| put(&mut data));
        meter::sent(&self.meter, octets - written.len() - data.len());
        // Octets of earlier writes that found no room stay in the buffer.
        self.buffer.extend_from_slice(&written);
        let result = result.map_err(|error| match error {
            CommandError::Full { .. } => TrySendError::Full(data),
            error => TrySendError::Closed(state.explain(id, error)),
        });
        state.deliver(now);
        result
    }

    /// Returns an error if nothing more may follow what has been sent.
    pub(super) fn check_usable(&self) -> Result<(), Error> {
        if self.is_finished() {
            return Err(CommandError::SendClosed(self.id).into());
        }
        if self.is_cut {
            return Err(Error::timeout("a piece of the body was not taken in time"));
        }
        Ok(())
    }
}
