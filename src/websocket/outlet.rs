//! The half that is written to, with what it has not taken yet.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::error::Error;
use crate::frame::ErrorCode;
use crate::halves::{SendHalf, TrySendError};
use crate::ws;

/// Octets of small frames that are written together.
const TURN: usize = 64 << 10;

/// How long a thread that reads writes at a time. What the transport does not take by then is written
/// by another thread.
const SOON: Duration = Duration::from_millis(5);

/// Octets of the longest head of a frame.
const MAX_HEAD: usize = 14;

/// How the calling thread writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Waits for the peer, within the write timeout.
    Waiting,
    /// Writes what the transport takes now. For a thread that reads.
    Soon,
    /// Has another thread write.
    Never,
}

/// The half that is written to. One thread has it at a time.
#[derive(Debug)]
pub(super) struct Outlet {
    half: SendHalf,
    /// A payload that stands behind what is in the buffer of the half.
    held: Bytes,
    write_timeout: Option<Duration>,
}

impl Outlet {
    pub(super) fn new(mut half: SendHalf, write_timeout: Option<Duration>) -> Self {
        half.set_write_timeout(write_timeout);
        half.set_deadline(None);
        Outlet { half, held: Bytes::new(), write_timeout }
    }

    /// Whether all that was taken from the core has been put.
    pub(super) fn is_empty(&mut self) -> bool {
        self.held.is_empty() && self.half.buffer().is_empty()
    }

    /// Whether the transport has octets that it has not taken.
    pub(super) fn has_unwritten(&self) -> bool {
        self.half.has_unwritten()
    }

    /// Whether a message of that many octets would be put without waiting.
    pub(super) fn has_room(&mut self, octets: usize) -> bool {
        self.is_empty() && self.half.has_room(octets + MAX_HEAD)
    }

    /// Sets by when all has to be written.
    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.half.set_deadline(deadline);
    }

    /// Takes the next frames. All before have been put.
    pub(super) fn take(&mut self, core: &mut ws::Connection) {
        self.held = core.poll_transmit(self.half.buffer(), TURN).unwrap_or_default();
    }

    /// Puts and writes what was taken. `false` where there is no room for it.
    pub(super) fn write(&mut self, how: How) -> Result<bool, Error> {
        let mut data = std::mem::take(&mut self.held);
        if how != How::Waiting && self.half.stream_id().is_some() {
            // One piece has room of any size where nothing waits; a second one has not.
            self.half.buffer().extend_from_slice(&std::mem::take(&mut data));
        }
        let result = match how {
            How::Waiting => {
                return self.half.send(data).map(|()| true).map_err(|error| self.explain(error));
            }
            How::Soon => self.half.send_within(data, SOON),
            How::Never => self.half.try_send(data),
        };
        match result {
            Ok(()) => Ok(true),
            Err(TrySendError::Full(data)) => {
                self.held = data;
                Ok(false)
            }
            Err(TrySendError::Closed(error)) => Err(error),
        }
    }

    /// Which setting it was by which a write was late.
    fn explain(&self, error: Error) -> Error {
        match self.write_timeout {
            Some(time) if error.is_timeout() => {
                Error::late("the peer took nothing of a message").by_setting("write_timeout", time)
            }
            _ => error,
        }
    }

    /// Ends the direction (FIN, END_STREAM).
    pub(super) fn finish(mut self) -> Result<(), Error> {
        self.half.finish()
    }

    /// Ends the stream, or the connection of HTTP/1.x.
    pub(super) fn abort(mut self) {
        self.half.reset(ErrorCode::Cancel);
    }
}
