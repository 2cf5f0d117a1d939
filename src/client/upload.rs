//! Sends the body of a request, for as long as nothing else is there to be done.

use std::fmt;

use bytes::Bytes;

use super::source::Source;
use crate::error::{Error, ErrorKind};
use crate::exchange::{Half, SendHalf, State, Then};

/// The body of a request on its way.
///
/// The thread that sends it also waits for the response, and the one that reads the response goes on
/// sending. So it is one thread that does both, and stops the one when the other is to be done.
pub(super) struct Upload {
    send: SendHalf,
    /// What has been read and not been put.
    piece: Bytes,
    source: Option<Source>,
    /// All of the source has been read.
    is_read: bool,
    /// All of it has been put, with the end of the stream.
    is_sent: bool,
}

impl Upload {
    pub(super) fn of_octets(send: SendHalf, octets: Bytes) -> Self {
        Upload { send, piece: octets, source: None, is_read: true, is_sent: false }
    }

    pub(super) fn of_source(send: SendHalf, source: Source) -> Self {
        let piece = Bytes::new();
        Upload { send, piece, source: Some(source), is_read: false, is_sent: false }
    }

    /// Whether all of it has been sent.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
    }

    /// The request is not sent again.
    pub(super) fn commit(&mut self) {
        if let Some(source) = &mut self.source {
            source.commit();
        }
    }

    /// What the body is read from. The stream is reset, unless all of it has been sent.
    pub(super) fn into_source(self) -> Option<Source> {
        self.source
    }

    /// Sends until `is_ready`, or until all has been sent. Says whether there is more to send.
    pub(super) fn run(&mut self, is_ready: impl Fn(&State) -> bool) -> Result<bool, Error> {
        while !self.is_sent {
            if self.piece.is_empty() {
                self.read_piece()?;
            }
            let then = if self.is_read { Then::End } else { Then::More };
            let ready = |state: &mut State| is_ready(state).then_some(());
            let stopped =
                self.send.put_unless(Half::Either, None, &mut self.piece, then, ready)?.is_some();
            self.send.flush_conn();
            if stopped {
                return Ok(true);
            }
            self.is_sent = matches!(then, Then::End);
        }
        Ok(false)
    }

    /// Writes out what has been put, which is the header section before the body has begun.
    pub(super) fn flush(&self) {
        self.send.flush_conn();
    }

    fn read_piece(&mut self) -> Result<(), Error> {
        let Some(source) = self.source.as_mut().filter(|_| !self.is_read) else { return Ok(()) };
        let piece = source.next_piece().map_err(|error| {
            let what = format!("the body of the request could not be read: {error}");
            Error::text(ErrorKind::Caller, what)
        })?;
        self.is_read = piece.is_none();
        self.piece = piece.unwrap_or_default();
        Ok(())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("send", &self.send).finish_non_exhaustive()
    }
}
