//! Sends the body of a request, for as long as nothing else is there to be done.

use std::fmt;
use std::io::{self, Read};
use std::time::Instant;

use bytes::{Bytes, BytesMut};

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
    /// `None` when all of it has been read.
    source: Option<Box<dyn Read + Send>>,
    buffer: BytesMut,
}

impl Upload {
    pub(super) fn of_octets(send: SendHalf, octets: Bytes) -> Self {
        Upload { send, piece: octets, source: None, buffer: BytesMut::new() }
    }

    pub(super) fn of_reader(send: SendHalf, reader: Box<dyn Read + Send>) -> Self {
        Upload { send, piece: Bytes::new(), source: Some(reader), buffer: BytesMut::new() }
    }

    /// Sends until `is_ready`, or until all has been sent. Says whether there is more to send.
    pub(super) fn run(&mut self, is_ready: impl Fn(&State) -> bool) -> Result<bool, Error> {
        loop {
            if self.piece.is_empty() {
                self.read_piece()?;
            }
            let then = if self.source.is_some() { Then::More } else { Then::End };
            let ready = |state: &mut State| is_ready(state).then_some(());
            let stopped =
                self.send.put_unless(Half::Either, None, &mut self.piece, then, ready)?.is_some();
            self.send.flush_conn();
            if stopped {
                return Ok(true);
            }
            if matches!(then, Then::End) {
                return Ok(false);
            }
        }
    }

    /// Whether the request waits for its turn, and nothing of it has gone out.
    pub(super) fn is_deferred(&self) -> bool {
        self.send.conn().lock().core.is_deferred(self.send.stream_id())
    }

    /// Sets when it is too late for anything to be sent.
    pub(super) fn set_deadline(&mut self, deadline: Option<Instant>) {
        self.send.set_deadline(deadline);
    }

    /// Writes out what has been put, which is the header section before the body has begun.
    pub(super) fn flush(&self) {
        self.send.flush_conn();
    }

    fn read_piece(&mut self) -> Result<(), Error> {
        let Some(source) = &mut self.source else { return Ok(()) };
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
            self.source = None;
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
