//! The reading side of a link.

use std::io::{self, Read};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::time::Instant;

use super::buffer::ReadBuffer;
use super::shared::Link;
use crate::proto::{Connection, ConnectionError};
use crate::transport::gave_up;

/// What a read step came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadStep {
    /// More may come.
    More,
    /// Nothing more comes from the transport, or nobody wants it any more.
    Ended,
}

impl Link {
    /// Reads once, and hands what came to the core.
    ///
    /// After the end of the connection what comes is read and dropped, until the transport has
    /// been cut: octets that nobody reads would have TCP take our last words from the peer.
    pub(crate) fn read_step(&self, reader: &mut impl Read, buffer: &mut ReadBuffer) -> ReadStep {
        // The transport may be the application's; its panic is the end of this connection alone.
        let read = catch_unwind(AssertUnwindSafe(|| buffer.fill(reader)));
        let mut state = self.lock();
        // A transport that the closer cannot wake is noticed here, when it next returns.
        let mut step = if state.is_cut { ReadStep::Ended } else { ReadStep::More };
        let Ok(read) = read else {
            state.core.abort(ConnectionError::internal("the transport panicked in a read"));
            self.release(state);
            return ReadStep::Ended;
        };
        match read {
            Ok(0) => {
                state.core.end_of_input();
                step = ReadStep::Ended;
            }
            Ok(_) => {
                // An error has been queued as GOAWAY, and is kept as the reason of the end.
                let _ = state.core.receive(buffer.octets(), Instant::now());
            }
            Err(error) if gave_up(&error) => {}
            Err(error) if !cuts_short(&error, &state.core) => {
                state.core.end_of_input();
                step = ReadStep::Ended;
            }
            Err(error) => {
                state.read_failed(error);
                step = ReadStep::Ended;
            }
        }
        self.release(state);
        step
    }
}

/// Whether a read that failed is more than the end of what the peer sends. Many peers end TLS without
/// saying so; where no stream is open, nothing was cut short.
pub(crate) fn cuts_short(error: &io::Error, core: &Connection) -> bool {
    error.kind() != io::ErrorKind::UnexpectedEof || core.has_streams()
}
