//! Unix sockets, of which models have pairs alone.

use ::std::fmt;
use ::std::io::{self, IoSlice, Read, Write};
use ::std::net::{Ipv4Addr, Shutdown, SocketAddr};
use ::std::os::unix::net;
use ::std::path::Path;
use ::std::sync::Arc;
use ::std::time::Duration;

use super::TcpStream;
use super::epoll::Source;
use super::listener;

/// The capacity of each direction.
const BUFFER: usize = 64 << 10;

/// One end of a pair.
pub struct UnixStream(TcpStream);

impl UnixStream {
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let unnamed = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let (near, far) = TcpStream::pair(unnamed, unnamed, BUFFER);
        Ok((UnixStream(near), UnixStream(far)))
    }

    pub fn connect(_: impl AsRef<Path>) -> io::Result<UnixStream> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// Whether a read would return at once.
    pub fn is_readable(&self) -> bool {
        self.0.is_readable()
    }

    /// For sets that it is added to.
    pub fn source(&self) -> &Arc<Source> {
        self.0.source()
    }

    /// Also wakes a thread that polls the other end.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.0.shutdown(how)?;
        listener::announce();
        Ok(())
    }

    pub fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        self.0.set_nonblocking(is_nonblocking)
    }

    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_read_timeout(timeout)
    }

    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.0.set_write_timeout(timeout)
    }

    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        self.0.write_timeout()
    }
}

impl Read for &UnixStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&self.0).read(buf)
    }
}

impl Write for &UnixStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        (&self.0).write(buf)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0).write_vectored(bufs)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for UnixStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for UnixStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for UnixStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UnixStream")
    }
}

/// A listener that no model can have.
#[derive(Debug)]
pub enum UnixListener {}

impl UnixListener {
    pub fn bind(_: impl AsRef<Path>) -> io::Result<UnixListener> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub fn accept(&self) -> io::Result<(UnixStream, net::SocketAddr)> {
        match *self {}
    }

    pub fn set_nonblocking(&self, _: bool) -> io::Result<()> {
        match *self {}
    }
}
