//! Cancellation checks: the peer may have reset a stream, or the connection may have ended.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::conn::{Conn, State};
use super::inbox::{Half, Inbox};
use super::recv::RecvHalf;
use super::send::SendHalf;
use crate::error::Error;
use crate::frame::StreamId;

impl State {
    /// Returns whether a stream has ended: normally, by a reset, or with the connection.
    fn is_stream_over(&self, id: StreamId) -> bool {
        self.has_ended() || self.streams.get(&id).is_none_or(Inbox::is_over)
    }

    /// Returns the error of a stream that has ended; `None` while it is open.
    pub(super) fn stream_error(&self, id: StreamId) -> Option<Error> {
        self.is_stream_over(id).then(|| self.why_over(id).unwrap_or_else(|| self.gone(id)))
    }
}

impl Conn {
    /// Returns whether a stream has ended. Only takes the lock.
    pub(crate) fn is_cancelled(&self, id: StreamId) -> bool {
        self.lock().is_stream_over(id)
    }

    /// Waits until a stream has ended, for at most `timeout`, and returns whether it has.
    pub(crate) fn wait_cancelled(self: &Arc<Self>, id: StreamId, timeout: Duration) -> bool {
        let deadline = Instant::now().checked_add(timeout);
        let over = |state: &mut State| state.is_stream_over(id).then_some(());
        let (state, over) = self.wait(self.lock(), (id, Half::End), deadline, over);
        drop(state);
        over.is_some()
    }
}

impl RecvHalf {
    /// Returns whether the peer has reset the stream or the connection has ended. Costs an
    /// uncontended lock.
    ///
    /// Also returns true after the stream has ended normally in both directions.
    pub fn is_cancelled(&self) -> bool {
        self.conn.is_cancelled(self.id)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true, for at most `timeout`, and returns
    /// whether it is.
    ///
    /// Parts of the body that arrive in the meantime are kept, within the stream's window.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.conn.wait_cancelled(self.id, timeout)
    }
}

impl SendHalf {
    /// Returns whether nothing more can be sent: the peer has reset the stream, the connection has
    /// ended, or the stream is finished. Costs an uncontended lock.
    pub fn is_closed(&self) -> bool {
        self.is_finished() || self.is_cancelled()
    }

    /// Returns whether the peer has reset the stream or the connection has ended. Costs an
    /// uncontended lock.
    ///
    /// Also returns true after the stream has ended normally in both directions. A client only
    /// notices what has been read, and reads while one of its threads waits.
    pub fn is_cancelled(&self) -> bool {
        self.conn.is_cancelled(self.id)
    }

    /// Waits until [`is_cancelled`](Self::is_cancelled) is true, for at most `timeout`, and returns
    /// whether it is.
    pub fn wait_cancelled(&self, timeout: Duration) -> bool {
        self.conn.wait_cancelled(self.id, timeout)
    }
}
