//! Cancelling a client's stream from a thread that does not wait for it.

use std::sync::Arc;
use std::time::Instant;

use super::conn::Conn;
use crate::error::Error;
use crate::frame::{ErrorCode, StreamId};
use crate::transport::WRITE_TICK;

impl Conn {
    /// Announces that another thread may end the stream. The threads that wait for it then read in
    /// short turns, since a blocked read cannot be woken.
    pub(crate) fn make_interruptible(&self, id: StreamId) {
        if let Some(inbox) = self.lock().streams.get_mut(&id) {
            inbox.is_interruptible = true;
        }
    }

    /// Resets the stream with CANCEL. The threads that wait for it get `error`.
    pub(crate) fn cancel(self: &Arc<Self>, id: StreamId, error: Error) {
        let mut state = self.lock();
        let now = Instant::now();
        state.fail_stream(id, error);
        if state.core.reset(id, ErrorCode::Cancel, now).is_ok() && !self.wire.can_limit_reads() {
            // The answer to the PING ends a blocked read. The PING may exceed the limit and fail.
            let _ = state.core.ping(now);
        }
        state.deliver(now);
        drop(self.flush(state, now.checked_add(WRITE_TICK)));
    }
}
