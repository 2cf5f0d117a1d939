//! Sends the body of a request, for as long as nothing else is there to be done.

use std::fmt;
use std::io::{self, Read};

use bytes::{Bytes, BytesMut};

use super::source::Source;
use crate::error::{Error, ErrorKind};
use crate::exchange::{Half, SendHalf, State, Then};

/// So much is read at once: large writes cost less for each octet.
const PIECE: usize = 256 << 10;

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
    buffer: BytesMut,
    /// All of it has been put, with the end of the stream.
    is_sent: bool,
}

impl Upload {
    pub(super) fn of_octets(send: SendHalf, octets: Bytes) -> Self {
        Upload {
            send,
            piece: octets,
            source: None,
            is_read: true,
            buffer: BytesMut::new(),
            is_sent: false,
        }
    }

    pub(super) fn of_source(send: SendHalf, source: Source) -> Self {
        let (piece, buffer) = (Bytes::new(), BytesMut::new());
        Upload { send, piece, source: Some(source), is_read: false, buffer, is_sent: false }
    }

    /// Whether all of it has been sent.
    pub(super) fn is_sent(&self) -> bool {
        self.is_sent
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
        self.buffer.resize(PIECE, 0);
        let read = loop {
            match source.read(&mut self.buffer) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        let read = read.map_err(|error| {
            let what = format!("the body of the request could not be read: {error}");
            Error::text(ErrorKind::Caller, what)
        })?;
        if read == 0 {
            self.is_read = true;
            self.buffer = BytesMut::new();
            return Ok(());
        }
        let read = read.min(PIECE);
        if read < PIECE / 2 {
            // Not worth a buffer that is mostly empty.
            self.piece = Bytes::copy_from_slice(&self.buffer[..read]);
        } else {
            self.piece = self.buffer.split_to(read).freeze();
        }
        Ok(())
    }
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload").field("send", &self.send).finish_non_exhaustive()
    }
}
