//! A transport that one thread reads and writes, with a deadline.

use std::fmt;
use std::io::{self, Read, Write};
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};

use super::options::Options;
use super::prefixed::{Prefixed, Replay};
use crate::error::{Error, ErrorKind};
use crate::transport::{Halves, Transport, gave_up};

/// The size of one read in octets; most header sections fit into it.
const READ: usize = 4 << 10;
/// How long a peer may continue to send after the final answer, and how many octets.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_OCTETS: usize = 256 << 10;

/// The halves that a transport splits into.
pub(crate) type SplitOf<T> = Halves<<T as Transport>::Reader, <T as Transport>::Writer>;

/// The halves of a transport, with the octets that were read but not used.
pub(super) struct Wire<T: Transport> {
    halves: Halves<T::Reader, T::Writer>,
    pub(super) buffer: BytesMut,
    deadline: Option<Instant>,
    /// Whether a read timeout was set, which must be reset.
    has_timeout: bool,
}

impl<T: Transport> Wire<T> {
    pub(super) fn new(stream: T, options: &Options) -> Result<Self, Error> {
        Ok(Wire {
            halves: stream.split()?,
            buffer: BytesMut::new(),
            deadline: options.timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            has_timeout: false,
        })
    }

    /// Reads once and appends to the buffer. Returns 0 at the end of the stream.
    pub(super) fn fill(&mut self) -> Result<usize, Error> {
        let before = self.buffer.len();
        self.buffer.resize(before + READ, 0);
        let result = self.read(before);
        self.buffer.truncate(before + result.as_ref().map_or(0, |&read| read.min(READ)));
        result
    }

    fn read(&mut self, from: usize) -> Result<usize, Error> {
        loop {
            if let Some(left) = self.time_left()? {
                self.has_timeout |= self.halves.closer.set_read_timeout(Some(left))?;
            }
            match self.halves.reader.read(&mut self.buffer[from..]) {
                Err(error) if gave_up(&error) => {}
                result => return Ok(result?),
            }
        }
    }

    /// Writes all octets.
    pub(super) fn write(&mut self, mut octets: &[u8]) -> Result<(), Error> {
        while !octets.is_empty() {
            match self.halves.writer.write(octets) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => octets.advance(written.min(octets.len())),
                Err(error) if gave_up(&error) => {
                    self.time_left()?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        while let Err(error) = self.halves.writer.flush() {
            if !gave_up(&error) {
                return Err(error.into());
            }
            self.time_left()?;
        }
        Ok(())
    }

    /// Returns the transport, which replays the octets of the buffer.
    pub(super) fn into_replay(self) -> Result<Replay<T>, Error> {
        let (Halves { reader, writer, closer }, octets) = self.into_halves()?;
        Ok(Halves { reader: Prefixed::new(octets, reader), writer, closer })
    }

    /// Returns the transport and the octets of the buffer.
    pub(super) fn into_halves(self) -> Result<(SplitOf<T>, Bytes), Error> {
        if self.has_timeout {
            self.halves.closer.set_read_timeout(None)?;
        }
        Ok((self.halves, self.buffer.freeze()))
    }

    /// Ends the connection after the final answer, and drains input: closing a TCP socket with
    /// unread octets could discard the answer.
    pub(super) fn shut_down(mut self) {
        self.deadline = Instant::now().checked_add(LINGER);
        let can_wait = matches!(self.halves.closer.set_read_timeout(Some(LINGER)), Ok(true));
        if self.halves.closer.shutdown_write().is_err() || !can_wait {
            return;
        }
        let mut octets = 0;
        while octets < LINGER_OCTETS {
            self.buffer.clear();
            match self.fill() {
                Ok(read) if read > 0 => octets += read,
                _ => break,
            }
        }
        // The halves are dropped here, which closes both directions.
    }

    fn time_left(&self) -> Result<Option<Duration>, Error> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        match deadline.checked_duration_since(Instant::now()) {
            Some(left) if !left.is_zero() => Ok(Some(left)),
            _ => Err(Error::upgrade(
                ErrorKind::Timeout,
                "the peer did not begin HTTP/2 in time (timeout of upgrade::Options)",
            )),
        }
    }
}

impl<T: Transport> fmt::Debug for Wire<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets = self.buffer.len();
        f.debug_struct("Wire")
            .field("octets", &octets)
            .field("closer", &self.halves.closer)
            .finish()
    }
}
