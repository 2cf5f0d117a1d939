//! One end of a connection.

use ::std::fmt;
use ::std::io::{self, IoSlice, Read, Write};
use ::std::net::{Shutdown, SocketAddr, ToSocketAddrs};
use ::std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use ::std::time::Duration;

use super::epoll::Source;
use super::listener;
use super::pipe::Pipe;

pub struct TcpStream {
    local: SocketAddr,
    peer: SocketAddr,
    incoming: Arc<Pipe>,
    outgoing: Arc<Pipe>,
    timeouts: Mutex<Timeouts>,
}

#[derive(Default)]
struct Timeouts {
    read: Option<Duration>,
    write: Option<Duration>,
}

impl TcpStream {
    pub fn connect(address: impl ToSocketAddrs) -> io::Result<TcpStream> {
        let address = address.to_socket_addrs()?.next();
        listener::connect(address.ok_or(io::ErrorKind::InvalidInput)?)
    }

    pub fn connect_timeout(address: &SocketAddr, _: Duration) -> io::Result<TcpStream> {
        listener::connect(*address)
    }

    pub(super) fn pair(local: SocketAddr, peer: SocketAddr, capacity: usize) -> (Self, Self) {
        let (there, back) = (Arc::new(Pipe::new(capacity)), Arc::new(Pipe::new(capacity)));
        let timeouts = Mutex::default();
        let (incoming, outgoing) = (Arc::clone(&back), Arc::clone(&there));
        let far = TcpStream { local: peer, peer: local, incoming: there, outgoing: back, timeouts };
        (TcpStream { local, peer, incoming, outgoing, timeouts: Mutex::default() }, far)
    }

    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.local)
    }

    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.peer)
    }

    pub fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        let timeout = self.timeouts().read;
        self.incoming.read(buf, timeout, false)
    }

    /// Whether a read would return at once.
    pub fn is_readable(&self) -> bool {
        self.incoming.is_readable()
    }

    /// For sets that it is added to.
    pub fn source(&self) -> &Arc<Source> {
        self.incoming.source()
    }

    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        if how != Shutdown::Read {
            self.outgoing.end();
        }
        if how != Shutdown::Write {
            self.incoming.be_deaf();
        }
        Ok(())
    }

    pub fn set_nonblocking(&self, is_nonblocking: bool) -> io::Result<()> {
        assert!(!is_nonblocking, "no model needs it");
        Ok(())
    }

    pub fn set_nodelay(&self, _: bool) -> io::Result<()> {
        Ok(())
    }

    pub fn set_read_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeouts().read = not_zero(timeout)?;
        Ok(())
    }

    pub fn set_write_timeout(&self, timeout: Option<Duration>) -> io::Result<()> {
        self.timeouts().write = not_zero(timeout)?;
        Ok(())
    }

    pub fn read_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.timeouts().read)
    }

    pub fn write_timeout(&self) -> io::Result<Option<Duration>> {
        Ok(self.timeouts().write)
    }

    fn timeouts(&self) -> MutexGuard<'_, Timeouts> {
        self.timeouts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_zero(timeout: Option<Duration>) -> io::Result<Option<Duration>> {
    match timeout {
        Some(Duration::ZERO) => Err(io::ErrorKind::InvalidInput.into()),
        timeout => Ok(timeout),
    }
}

impl Read for &TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let timeout = self.timeouts().read;
        self.incoming.read(buf, timeout, true)
    }
}

impl Write for &TcpStream {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let timeout = self.timeouts().write;
        self.outgoing.write(buf, timeout)
    }

    fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
        let gathered: Vec<u8> = bufs.iter().flat_map(|buf| buf.iter().copied()).collect();
        self.write(&gathered)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Read for TcpStream {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        (&*self).read(buf)
    }
}

impl Write for TcpStream {
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

impl Drop for TcpStream {
    fn drop(&mut self) {
        self.source().close();
        self.outgoing.end();
        self.incoming.be_deaf();
    }
}

impl fmt::Debug for TcpStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TcpStream").field("peer", &self.peer).finish_non_exhaustive()
    }
}
