//! An in-memory stream.

use std::fmt;
use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;
use std::sync::Arc;
use std::time::Duration;

use super::halves::{Halves, ReadHalf, Transport, WriteHalf, write_tick};
use super::pipe::Pipe;

/// Creates an in-memory stream and returns its two ends: each reads what the other writes.
///
/// Each direction buffers at most `capacity` bytes (at least one). A write to a full buffer blocks
/// until the other end reads. Memory is allocated as bytes are written.
///
/// # Examples
///
/// ```
/// use std::io::{Read, Write};
///
/// use h2_sync::transport::duplex;
///
/// # fn main() -> std::io::Result<()> {
/// let (mut ours, mut theirs) = duplex(64);
/// ours.write_all(b"hello")?;
/// drop(ours);
///
/// let mut text = String::new();
/// theirs.read_to_string(&mut text)?;
/// assert_eq!(text, "hello");
/// assert!(theirs.write_all(b"anyone?").is_err());
/// # Ok(())
/// # }
/// ```
pub fn duplex(capacity: usize) -> (Duplex, Duplex) {
    let (there, back) = (Arc::new(Pipe::new(capacity)), Arc::new(Pipe::new(capacity)));
    (
        Duplex { incoming: Arc::clone(&back), outgoing: Arc::clone(&there) },
        Duplex { incoming: there, outgoing: back },
    )
}

/// One end of a [`duplex`].
///
/// It behaves like a connected socket: reads and writes block. A read returns `Ok(0)` once the
/// other end is shut down or dropped and all its bytes were read; a write then fails with
/// `BrokenPipe`. `&Duplex` also implements `Read` and `Write`, so two threads can share one. A
/// vectored write is atomic. Dropping it shuts it down.
///
/// [`split`](Transport::split) clears the read timeout. It makes writes give up after
/// [`WRITE_TICK`](super::WRITE_TICK), or after the write timeout if that is shorter.
pub struct Duplex {
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
}

impl Duplex {
    /// Shuts down one direction or both, like
    /// [`TcpStream::shutdown`](std::net::TcpStream::shutdown).
    ///
    /// Blocked reads and writes of the direction return, at both ends. Shutting down the read side
    /// drops unread bytes and makes the other end's writes fail.
    ///
    /// # Errors
    ///
    /// None; the signature is that of the sockets.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if matches!(how, Shutdown::Write | Shutdown::Both) {
            self.outgoing.finish_writing();
        }
        if matches!(how, Shutdown::Read | Shutdown::Both) {
            self.incoming.finish_reading();
        }
        Ok(())
    }

    /// Sets the time after which reads fail with `TimedOut`; `None`, the initial value, lets them
    /// block. Applies to reads that begin afterwards.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if `timeout` is zero, as with sockets.
    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.incoming.set_read_timeout(not_zero(timeout)?);
        Ok(())
    }

    /// Sets the time after which writes fail with `TimedOut`; `None`, the initial value, lets them
    /// block. Applies to writes that begin afterwards.
    ///
    /// # Errors
    ///
    /// `InvalidInput` if `timeout` is zero, as with sockets.
    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.outgoing.set_write_timeout(not_zero(timeout)?);
        Ok(())
    }

    /// Returns the time after which reads fail with `TimedOut`, if any.
    pub fn read_timeout(&self) -> Option<Duration> {
        self.incoming.read_timeout()
    }

    /// Returns the time after which writes fail with `TimedOut`, if any.
    pub fn write_timeout(&self) -> Option<Duration> {
        self.outgoing.write_timeout()
    }
}

impl Read for &Duplex {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.incoming.read(buf)
    }
}

impl Write for &Duplex {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.outgoing.write_vectored(&[IoSlice::new(buf)])
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        self.outgoing.write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for Duplex {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for Duplex {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&*self).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&*self).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Transport for Duplex {
    type Reader = ReadHalf<Duplex>;
    type Writer = WriteHalf<Duplex>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        self.set_read_timeout(None)?;
        self.set_write_timeout(Some(write_tick(self.write_timeout())))?;
        Ok(Halves::sharing(self, Duplex::shutdown).with_read_timeout(Duplex::set_read_timeout))
    }
}

impl Drop for Duplex {
    fn drop(&mut self) {
        self.outgoing.finish_writing();
        self.incoming.finish_reading();
    }
}

impl fmt::Debug for Duplex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Duplex").finish_non_exhaustive()
    }
}

fn not_zero(timeout: Option<Duration>) -> io::Result<Option<Duration>> {
    match timeout {
        Some(Duration::ZERO) => {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "a timeout of zero"))
        }
        timeout => Ok(timeout),
    }
}
