//! A listening socket of a server, and what is expected on its connections.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
#[cfg(unix)]
use std::path::Path;

use super::config::Versions;
use super::opening::Entrance;
#[cfg(unix)]
use super::predecessor::Line;
use super::proxy::TrustedProxies;
use super::socket::Socket;

/// A listening socket, and what is expected on its connections.
///
/// [`Server::on`](super::Server::on) takes several of them, each with settings of its own. All lead
/// to one handler, which can ask for the [name](super::Request::listener_name) of the listener.
///
/// ```
/// use h2_sync::server::{Listener, Request, Response, Server, Versions};
///
/// let public = Listener::bind("127.0.0.1:0")?;
/// let health = Listener::bind("127.0.0.1:0")?.named("health").versions(Versions::Http1);
/// let server = Server::on([public, health]).serve(|request: &mut Request, response: &mut Response| {
///     match request.listener_name() {
///         Some("health") => response.set_status(if request.is_server_ready() { 200 } else { 503 }),
///         _ => response.send("hello"),
///     }
/// })?;
/// assert_eq!(server.local_addrs().len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The settings of a listener can be read back:
///
/// ```
/// use h2_sync::server::Listener;
///
/// let listener = Listener::bind("127.0.0.1:0")?.named("public");
/// assert_eq!(listener.name(), Some("public"));
/// assert_ne!(listener.local_addr().map(|address| address.port()), Some(0));
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Listener {
    pub(super) socket: Socket,
    pub(super) entrance: Entrance,
    /// Whether the service manager keeps the socket after the end of this process.
    pub(super) is_kept: bool,
    /// Where to tell that it is served.
    #[cfg(unix)]
    pub(super) line: Option<Line>,
}

impl Listener {
    /// Listens on a TCP address, with a queue of 4,096 connections as far as the system allows.
    /// With port 0 the system chooses a port; see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// If the address is invalid or cannot be listened on.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Listener> {
        Socket::bind(address).map(Listener::new)
    }

    /// Listens on a TCP address with `SO_REUSEPORT`: several processes of the same user can do so,
    /// and the system spreads new connections over them by a hash of the addresses.
    ///
    /// Each process has a queue of its own. When it closes its socket, connections that are
    /// completed between its last `accept` and the close are reset, unless the system moves them
    /// (`net.ipv4.tcp_migrate_req`, Linux 5.14). To restart without losing any, hand one socket
    /// over instead.
    ///
    /// ```
    /// use h2_sync::server::Listener;
    ///
    /// let first = Listener::bind_reuse_port("127.0.0.1:0")?;
    /// let address = first.local_addr().expect("it has an IP address");
    /// let second = Listener::bind_reuse_port(address)?; // usually in another process
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the address is invalid or cannot be listened on, for example since a process has bound it
    /// without this option.
    #[cfg(unix)]
    pub fn bind_reuse_port(address: impl ToSocketAddrs) -> io::Result<Listener> {
        Socket::bind_reuse_port(address).map(Listener::new)
    }

    /// Listens on a Unix socket at a path. A socket that is there without a listening process is
    /// replaced. The file stays after the end of the server.
    ///
    /// ```no_run
    /// use h2_sync::server::{Listener, Request, Response, Server};
    ///
    /// let listener = Listener::bind_unix("/run/app/http.sock")?;
    /// let handler = |_: &mut Request, response: &mut Response| response.send("hello");
    /// Server::on([listener]).serve(handler)?.wait();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// If the path is in use or cannot be created.
    #[cfg(unix)]
    pub fn bind_unix(path: impl AsRef<Path>) -> io::Result<Listener> {
        Socket::bind_unix(path.as_ref()).map(Listener::new)
    }

    /// Sets a name without `:`, which [`Request::listener_name`](super::Request::listener_name)
    /// returns.
    #[must_use]
    pub fn named(mut self, name: &str) -> Listener {
        self.entrance.name = Some(name.into());
        self
    }

    /// Uses TLS. Without it, connections are cleartext.
    ///
    /// ```no_run
    /// use h2_sync::server::{Listener, Server};
    /// use h2_sync::tls::Acceptor;
    ///
    /// let acceptor = Acceptor::from_pem_files("chain.pem", "key.pem")?;
    /// let public = Listener::bind("[::]:443")?.tls(acceptor);
    /// let local = Listener::bind("127.0.0.1:8080")?;
    /// let server = Server::on([public, local]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, acceptor: crate::tls::Acceptor) -> Listener {
        self.entrance.tls = Some(acceptor);
        self
    }

    /// Expects PROXY protocol headers from these sources. See
    /// [`Server::proxy_protocol`](super::Server::proxy_protocol).
    ///
    /// ```
    /// use h2_sync::server::{Listener, Server, TrustedProxies};
    ///
    /// let mut proxies = TrustedProxies::new();
    /// proxies.add("10.0.0.7")?;
    /// let balanced = Listener::bind("127.0.0.1:0")?.proxy_protocol(proxies);
    /// let direct = Listener::bind("127.0.0.1:0")?;
    /// let server = Server::on([balanced, direct]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn proxy_protocol(mut self, trusted: TrustedProxies) -> Listener {
        self.entrance.proxies = trusted;
        self
    }

    /// Sets the HTTP versions. Default: those of [`Config::versions`](super::Config::versions).
    #[must_use]
    pub fn versions(mut self, versions: Versions) -> Listener {
        self.entrance.versions = Some(versions);
        self
    }

    /// Returns the name.
    pub fn name(&self) -> Option<&str> {
        self.entrance.name.as_deref()
    }

    /// Returns the address it listens on, if it is an IP address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.socket.local_addr()
    }

    pub(super) fn new(socket: Socket) -> Listener {
        Listener {
            socket,
            entrance: Entrance::default(),
            is_kept: false,
            #[cfg(unix)]
            line: None,
        }
    }
}

/// Uses an existing socket, for example with special options. Its queue keeps its length; bursts of
/// connections need a long one, and [`Listener::bind`] requests 4,096. The server makes it
/// non-blocking.
impl From<TcpListener> for Listener {
    fn from(listener: TcpListener) -> Listener {
        Listener::new(Socket::Tcp(listener))
    }
}

/// The same for a Unix socket.
#[cfg(unix)]
impl From<UnixListener> for Listener {
    fn from(listener: UnixListener) -> Listener {
        Listener::new(Socket::Unix(listener))
    }
}
