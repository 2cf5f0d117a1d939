//! A listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::fs::FileTypeExt;
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
#[cfg(unix)]
use std::path::Path;

use rustix::event::{PollFd, PollFlags};
use socket2::SockRef;
#[cfg(unix)]
use socket2::{Domain, Protocol, Type};

/// The requested length of the system's queue of completed connections. The system limits it: 4,096
/// on Linux (`net.core.somaxconn`), 128 elsewhere. The standard library requests 128: beyond that,
/// SYNs are dropped, and retransmitted after 1, 3 and 7 s.
const BACKLOG: i32 = 4_096;

/// The most connections that are accepted before threads are started for them.
const MAX_BATCH: usize = 1_024;

#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    pub(super) fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        // On a socket that listens already, this changes the length of its queue.
        SockRef::from(&listener).listen(BACKLOG)?;
        Ok(Socket::Tcp(listener))
    }

    /// Binds with `SO_REUSEPORT`, to the first address with which that is possible.
    #[cfg(unix)]
    pub(super) fn bind_reuse_port(address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut error = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
        for address in address.to_socket_addrs()? {
            match bind_reuse_port(address) {
                Ok(listener) => return Ok(Socket::Tcp(listener)),
                Err(failed) => error = failed,
            }
        }
        Err(error)
    }

    /// Binds to a path, also if a process that has ended has left its socket there.
    #[cfg(unix)]
    pub(super) fn bind_unix(path: &Path) -> io::Result<Self> {
        let listener = match UnixListener::bind(path) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse && is_abandoned(path) => {
                std::fs::remove_file(path)?;
                UnixListener::bind(path)?
            }
            result => result?,
        };
        SockRef::from(&listener).listen(BACKLOG)?;
        Ok(Socket::Unix(listener))
    }

    /// Accepts the connections that wait, up to `room` and [`MAX_BATCH`]. Does not wait for one.
    ///
    /// # Errors
    ///
    /// If the first connection cannot be accepted. Later errors are returned by the next call.
    pub(super) fn accept(&self, room: usize, batch: &mut Vec<Accepted>) -> io::Result<()> {
        while batch.len() < room.min(MAX_BATCH) {
            match self.accept_one() {
                Ok(accepted) => batch.push(accepted),
                // Another process that shares the socket may have taken the connection.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if batch.is_empty() => return Err(error),
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn accept_one(&self) -> io::Result<Accepted> {
        match self {
            Socket::Tcp(listener) => {
                listener.accept().map(|(stream, address)| Accepted::Tcp(stream, address))
            }
            #[cfg(unix)]
            Socket::Unix(listener) => listener.accept().map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    /// Makes [`accept`](Self::accept) return at once. The flag belongs to the socket, and also
    /// affects other processes that share it.
    pub(super) fn set_nonblocking(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(listener) => listener.set_nonblocking(true),
            #[cfg(unix)]
            Socket::Unix(listener) => listener.set_nonblocking(true),
        }
    }

    /// Asks for the readiness of a connection to be accepted.
    pub(super) fn poll(&self) -> PollFd<'_> {
        match self {
            Socket::Tcp(listener) => PollFd::new(listener, PollFlags::IN),
            #[cfg(unix)]
            Socket::Unix(listener) => PollFd::new(listener, PollFlags::IN),
        }
    }

    /// Returns another descriptor of the same socket.
    #[cfg(all(unix, feature = "handover"))]
    pub(super) fn try_clone(&self) -> io::Result<std::os::fd::OwnedFd> {
        Ok(match self {
            Socket::Tcp(listener) => listener.try_clone()?.into(),
            Socket::Unix(listener) => listener.try_clone()?.into(),
        })
    }

    /// Returns `None` if it is not an IP address.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Socket::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Socket::Unix(_) => None,
        }
    }
}

#[cfg(unix)]
fn bind_reuse_port(address: SocketAddr) -> io::Result<TcpListener> {
    let socket =
        socket2::Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // As the standard library does: a restarted server can bind while old connections linger.
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Returns whether there is a socket at `path` on which no process listens.
#[cfg(unix)]
fn is_abandoned(path: &Path) -> bool {
    if !std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket()) {
        return false;
    }
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    UnixStream::connect(path).err().is_some_and(refused)
}
