//! What a server listens on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use socket2::SockRef;

use crate::logging;

/// Connections that the system may complete before they are accepted. The system has a limit of its
/// own: 4,096 on Linux (`net.core.somaxconn`), 128 elsewhere.
const BACKLOG: i32 = 4_096;

/// The most connections that are accepted before threads are started for them.
const MAX_BATCH: usize = 1_024;

/// The pause before another try where another process has made the socket non-blocking.
const SHARED_PAUSE: Duration = Duration::from_millis(1);

/// How long waking a listener waits for it to answer.
const WAKE_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) enum Listener {
    /// With the addresses of the connections that only wake it.
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

    /// Listens with a queue for bursts of connections. The standard library asks for 128: over that,
    /// SYNs are dropped, and sent again after 1, 3 and 7 s.
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
    /// The first connection could not be accepted. Errors behind it come back with the next call.
    pub(super) fn accept(&self, room: usize, batch: &mut Vec<Accepted>) -> io::Result<()> {
        batch.push(self.accept_one()?);
        let most = room.min(MAX_BATCH);
        if batch.len() >= most {
            return Ok(());
        }
        // The flag is that of the socket, also in processes that share it: it is set for moments only,
        // and `accept_one` waits where it finds it set.
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
                // Another process that shares the socket accepts a batch.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    thread::sleep(SHARED_PAUSE);
                    self.set_nonblocking(false)?;
                }
                result => return result,
            }
        }
    }

    /// Sets whether accepting waits for a connection. A listener of the application's may have been
    /// used without waiting.
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

    /// `None` where it is not one of IP.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(listener, _) => listener.local_addr().ok(),
            #[cfg(unix)]
            Listener::Unix(_) => None,
        }
    }

    /// Whether a connection is there to [wake](Self::wake) us, and for nothing else. Those of Unix
    /// sockets have no address to tell them by; at the end, each is taken for one.
    pub(super) fn is_waking(&self, accepted: &Accepted) -> bool {
        match (self, accepted) {
            (Listener::Tcp(_, wakers), Accepted::Tcp(_, address)) => {
                wakers.lock().unwrap_or_else(PoisonError::into_inner).contains(address)
            }
            #[cfg(unix)]
            _ => true,
        }
    }

    /// Has a blocked [`accept`](Self::accept) return, by connecting to it. Shutting the socket down
    /// would do so as well, but for every process that shares it.
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
                // Locked meanwhile, so that the accepting thread finds the address when it looks.
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
