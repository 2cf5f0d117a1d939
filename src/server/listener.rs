//! The listener of a server.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::logging;

/// The requested length of the system's queue of completed connections. The system limits it: 4,096
/// on Linux (`net.core.somaxconn`), 128 elsewhere.
const BACKLOG: i32 = 4_096;

/// The most connections that are accepted before threads are started for them.
const MAX_BATCH: usize = 1_024;

/// The pause before a retry if another process has made the socket non-blocking.
const SHARED_PAUSE: Duration = Duration::from_millis(1);

/// The timeout for the connection that wakes a listener.
const WAKE_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) enum Listener {
    /// With the addresses of connections whose only purpose is to wake it.
    Tcp(TcpListener, Mutex<Vec<SocketAddr>>),
    #[cfg(unix)]
    Unix(UnixListener),
}

#[derive(Debug)]
pub(super) enum Accepted {
    Tcp(TcpStream, SocketAddr),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Listener {
    pub(super) fn tcp(listener: TcpListener) -> Self {
        Listener::Tcp(listener, Mutex::default())
    }

    /// Listens with a queue for bursts of connections. The standard library requests 128: beyond
    /// that, SYNs are dropped, and retransmitted after 1, 3 and 7 s.
    pub(super) fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        // On a socket that listens already, this changes the length of its queue.
        SockRef::from(&listener).listen(BACKLOG)?;
        Ok(Listener::tcp(listener))
    }

    /// Waits for a connection, and accepts all that wait, up to `room` and [`MAX_BATCH`].
    ///
    /// # Errors
    ///
    /// If the first connection cannot be accepted. Later errors are returned by the next call.
    pub(super) fn accept(&self, room: usize, batch: &mut Vec<Accepted>) -> io::Result<()> {
        batch.push(self.accept_one()?);
        let most = room.min(MAX_BATCH);
        if batch.len() >= most {
            return Ok(());
        }
        // The flag belongs to the socket, and also affects other processes that share it. It is set
        // briefly, and `accept_one` handles that case.
        self.set_nonblocking(true)?;
        while batch.len() < most {
            match self.accept_now() {
                Ok(accepted) => batch.push(accepted),
                Err(_) => break,
            }
        }
        self.set_nonblocking(false)
    }

    fn accept_one(&self) -> io::Result<Accepted> {
        loop {
            match self.accept_now() {
                // Another process that shares the socket is accepting a batch.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(SHARED_PAUSE);
                    self.set_nonblocking(false)?;
                }
                result => return result,
            }
        }
    }

    /// Sets whether accepting blocks. The application's listener may have been non-blocking.
    pub(super) fn set_nonblocking(&self, nonblocking: bool) -> io::Result<()> {
        match self {
            Listener::Tcp(listener, _) => listener.set_nonblocking(nonblocking),
            #[cfg(unix)]
            Listener::Unix(listener) => listener.set_nonblocking(nonblocking),
        }
    }

    fn accept_now(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener, _) => {
                listener.accept().map(|(stream, address)| Accepted::Tcp(stream, address))
            }
            #[cfg(unix)]
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    /// Returns `None` if it is not an IP address.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(listener, _) => listener.local_addr().ok(),
            #[cfg(unix)]
            Listener::Unix(_) => None,
        }
    }

    /// Returns whether a connection was made only to [wake](Self::wake) this listener. Those of
    /// Unix sockets cannot be identified by an address; during the shutdown, each counts as one.
    pub(super) fn is_waking(&self, accepted: &Accepted) -> bool {
        match (self, accepted) {
            (Listener::Tcp(_, wakers), Accepted::Tcp(_, address)) => {
                wakers.lock().unwrap_or_else(PoisonError::into_inner).contains(address)
            }
            #[cfg(unix)]
            _ => true,
        }
    }

    /// Wakes a blocked [`accept`](Self::accept) by connecting to it. Shutting the socket down would
    /// also do that, but for every process that shares it.
    pub(super) fn wake(&self) {
        let connected = match self {
            Listener::Tcp(listener, wakers) => listener.local_addr().and_then(|mut address| {
                match address.ip() {
                    IpAddr::V4(ip) if ip.is_unspecified() => {
                        address.set_ip(Ipv4Addr::LOCALHOST.into());
                    }
                    IpAddr::V6(ip) if ip.is_unspecified() => {
                        address.set_ip(Ipv6Addr::LOCALHOST.into());
                    }
                    _ => {}
                }
                // Locked until then, so that the accept thread finds the address.
                let mut wakers = wakers.lock().unwrap_or_else(PoisonError::into_inner);
                let stream = TcpStream::connect_timeout(&address, WAKE_TIMEOUT)?;
                wakers.push(stream.local_addr()?);
                Ok(())
            }),
            #[cfg(unix)]
            Listener::Unix(listener) => listener.local_addr().and_then(|address| {
                let path = address.as_pathname().ok_or(io::ErrorKind::Unsupported)?;
                UnixStream::connect(path).map(drop)
            }),
        };
        if let Err(error) = connected {
            logging::debug!("waking the listener: {error}");
        }
    }
}
