//! What a server listens on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long waking a listener waits for it to answer.
const WAKE_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) enum Listener {
    /// With the addresses of those who only connect to wake it.
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

    pub(super) fn accept(&self) -> io::Result<Accepted> {
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
                // Locked meanwhile: who accepts it can then tell whose it is.
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
            log::debug!("waking the listener: {error}");
        }
    }
}
