//! A server before it serves: its listener and its configuration.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixListener;
use std::sync::Arc;
use std::thread;

use super::accept;
use super::clock::Clock;
use super::config::Config;
use super::engine::{BoxError, Engine};
use super::handle::Handle;
use super::handler;
use super::listener::Listener;
use super::opening::Entrance;
use super::proxy::TrustedProxies;
use super::request::Request;
use super::response::Response;
use crate::error::Error;

/// A server that listens but does not serve yet. See the [module](super).
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    entrance: Entrance,
    config: Config,
}

impl Server {
    /// Listens on a TCP address. With port 0 the system chooses a port; see
    /// [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// If the address is invalid or cannot be listened on.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        Listener::bind(address).map(Server::new)
    }

    /// Uses an existing socket, for example with special options or from a service manager.
    /// [`serve`](Self::serve) makes it blocking. Its queue keeps its length; bursts of connections
    /// need a long one, and [`bind`](Self::bind) requests 4,096.
    pub fn from_listener(listener: TcpListener) -> Server {
        Server::new(Listener::tcp(listener))
    }

    /// Uses an existing Unix socket. [`serve`](Self::serve) makes it blocking.
    #[cfg(unix)]
    pub fn from_unix_listener(listener: UnixListener) -> Server {
        Server::new(Listener::Unix(listener))
    }

    /// Uses TLS. Without it, the server uses cleartext.
    ///
    /// [`Config::versions`] determines the ALPN protocols: `h2` and `http/1.1` by default. A client
    /// without ALPN gets HTTP/1.1.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, acceptor: crate::tls::Acceptor) -> Server {
        self.entrance.tls = Some(acceptor);
        self
    }

    /// Expects a PROXY protocol header, version 1 or 2, on connections from these sources, before
    /// TLS. [`Request::peer_addr`] then returns the address of the proxy's client. By default no
    /// source is trusted.
    ///
    /// The header must arrive within [`handshake_timeout`](Config::handshake_timeout) and may have
    /// 4,096 octets. A connection of the proxy itself (LOCAL), or for a client without an IP
    /// address (UNKNOWN), keeps the proxy's address.
    #[must_use]
    pub fn proxy_protocol(mut self, trusted: TrustedProxies) -> Server {
        self.entrance.proxies = trusted;
        self
    }

    /// Sets the configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Server {
        self.config = config;
        self
    }

    /// Returns the address it listens on, if it is an IP address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }

    /// Starts to accept connections, and calls `handler` for each request on the server's threads.
    /// Does not block; [`Handle::wait`] does.
    ///
    /// Errors and panics of the handler are logged, and answered with 500 or
    /// RST_STREAM(INTERNAL_ERROR). They do not affect other requests.
    ///
    /// # Errors
    ///
    /// If a value of the configuration is invalid, a thread cannot be started, or the listener
    /// cannot be made blocking.
    pub fn serve<H, E>(self, handler: H) -> Result<Handle, Error>
    where
        H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        let Server { listener, mut entrance, config } = self;
        entrance.offer(config.versions);
        listener.set_nonblocking(false)?;
        let engine =
            Engine::start(config, Box::new(handler::boxed(handler)), Clock::start()?.into())?;
        let (listener, entrance) = (Arc::new(listener), Arc::new(entrance));
        let builder =
            thread::Builder::new().name("h2-sync-accept".to_owned()).stack_size(128 << 10);
        let thread = builder.spawn({
            let (engine, listener) = (Arc::clone(&engine), Arc::clone(&listener));
            move || accept::accept_all(&engine, &listener, &entrance)
        });
        match thread {
            Ok(thread) => Ok(Handle::new(engine, listener, thread)),
            Err(error) => {
                engine.close();
                Err(Error::thread(error))
            }
        }
    }

    fn new(listener: Listener) -> Server {
        Server { listener, entrance: Entrance::default(), config: Config::default() }
    }
}
