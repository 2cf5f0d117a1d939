//! A stream that is read and written up to a deadline.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

/// A stream whose reads and writes support timeouts.
pub(super) trait Patience: Read + Write {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()>;
}

impl Patience for TcpStream {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.set_read_timeout(Some(timeout))?;
        self.set_write_timeout(Some(timeout))
    }
}

#[cfg(feature = "tls")]
impl Patience for crate::tls::TlsStream<TcpStream> {
    fn set_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.closer().set_read_timeout(Some(timeout)).map(drop)
    }
}

/// Bounds every call by the deadline; fails with `TimedOut` after it.
#[derive(Debug)]
pub(super) struct Timed<'a, S> {
    stream: &'a mut S,
    deadline: Instant,
}

impl<'a, S: Patience> Timed<'a, S> {
    pub(super) fn new(stream: &'a mut S, deadline: Instant) -> Self {
        Timed { stream, deadline }
    }

    /// Sets the stream's timeout to the remaining time.
    fn ready(&mut self) -> io::Result<&mut S> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        // On a socket, a timeout of zero means none.
        if left.is_zero() {
            return Err(io::ErrorKind::TimedOut.into());
        }
        self.stream.set_timeout(left)?;
        Ok(self.stream)
    }
}

impl<S: Patience> Read for Timed<'_, S> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.ready()?.read(buf)
    }
}

impl<S: Patience> Write for Timed<'_, S> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.ready()?.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}
