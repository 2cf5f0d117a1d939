//! What a server listens on.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
#[cfg(unix)]
use std::os::unix::net::{UnixListener, UnixStream};
use std::time::Duration;

/// How long waking a listener waits for it to answer.
const WAKE_TIMEOUT: Duration = Duration::from_millis(100);

#[derive(Debug)]
pub(super) enum Listener {
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

impl Listener {
    pub(super) fn accept(&self) -> io::Result<Accepted> {
        match self {
            Listener::Tcp(listener) => {
                listener.accept().map(|(stream, address)| Accepted::Tcp(stream, address))
            }
            #[cfg(unix)]
            Listener::Unix(listener) => listener.accept().map(|(stream, _)| Accepted::Unix(stream)),
        }
    }

    /// `None` where it is not one of IP.
    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        match self {
            Listener::Tcp(listener) => listener.local_addr().ok(),
            #[cfg(unix)]
            Listener::Unix(_) => None,
        }
    }

    /// Has a blocked [`accept`](Self::accept) return, by connecting to it. Shutting the socket down
    /// would do so as well, but for every process that shares it.
    pub(super) fn wake(&self) {
        let connected = match self {
            Listener::Tcp(listener) => listener.local_addr().and_then(|mut address| {
                match address.ip() {
                    IpAddr::V4(ip) if ip.is_unspecified() => {
                        address.set_ip(Ipv4Addr::LOCALHOST.into());
                    }
                    IpAddr::V6(ip) if ip.is_unspecified() => {
                        address.set_ip(Ipv6Addr::LOCALHOST.into());
                    }
                    _ => {}
                }
                TcpStream::connect_timeout(&address, WAKE_TIMEOUT).map(drop)
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
