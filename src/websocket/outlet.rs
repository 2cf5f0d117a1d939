//! The writing half of the transport, with the frames that it has not accepted yet.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::error::Error;
use crate::frame::ErrorCode;
use crate::halves::{SendHalf, TrySendError};
use crate::ws;

/// The most octets of small frames that are written together.
const TURN: usize = 64 << 10;

/// How long a reading thread writes at a time. Another thread writes the rest.
const SOON: Duration = Duration::from_millis(5);

/// The length of the longest frame header in octets.
const MAX_HEAD: usize = 14;

/// How the calling thread writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    /// Waits for the peer, up to the write timeout.
    Waiting,
    /// Writes what the transport accepts now, for a reading thread.
    Soon,
    /// Lets another thread write.
    Never,
}

/// The writing half, which one thread uses at a time.
#[derive(Debug)]
pub(super) struct Outlet {
    half: SendHalf,
    /// A payload to be written after the buffer of the half.
    held: Bytes,
    write_timeout: Option<Duration>,
}

impl Outlet {
    pub(super) fn new(mut half: SendHalf, write_timeout: Option<Duration>) -> Self {
        half.set_write_timeout(write_timeout);
        half.set_deadline(None);
        Outlet { half, held: Bytes::new(), write_timeout }
    }

    /// Returns whether everything taken from the core was passed to the half.
    pub(super) fn is_empty(&mut self) -> bool {
        self.held.is_empty() && self.half.buffer().is_empty()
    }

    /// Returns whether octets wait that the transport has not accepted.
    pub(super) fn has_unwritten(&self) -> bool {
        self.half.has_unwritten()
    }

    /// Returns whether a message of this many octets can be passed on without waiting.
    pub(super) fn has_room(&mut self, octets: usize) -> bool {
        self.is_empty() && self.half.has_room(octets + MAX_HEAD)
    }

    /// Sets the deadline for writing everything.
    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.half.set_deadline(deadline);
    }

    /// Takes the next frames from the core. Earlier ones must have been passed on.
    pub(super) fn take(&mut self, core: &mut ws::Connection) {
        self.held = core.poll_transmit(self.half.buffer(), TURN).unwrap_or_default();
    }

    /// Passes the taken frames to the half, and writes them. Returns `false` if there is no room for them.
    pub(super) fn write(&mut self, how: How) -> Result<bool, Error> {
        let mut data = std::mem::take(&mut self.held);
        if how != How::Waiting && self.half.stream_id().is_some() {
            // An empty queue accepts one piece of any size, but not a second one.
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

    /// Makes the error of a write that timed out name the setting.
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
