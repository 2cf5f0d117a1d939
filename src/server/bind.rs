//! A server before it serves: what it listens on, and with which settings.

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

/// A server that listens and does not serve yet. See the [module](super).
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    entrance: Entrance,
    config: Config,
}

impl Server {
    /// Listens on an address of TCP. Port 0 lets the system choose one; see
    /// [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    ///
    /// The address cannot be listened on.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        Listener::bind(address).map(Server::new)
    }

    /// Serves a socket of the application's: with options set, or inherited from a service manager.
    /// [`serve`](Self::serve) makes it blocking. The length of its queue stays as it is; bursts of
    /// connections need a long one, and [`bind`](Self::bind) asks for 4,096.
    pub fn from_listener(listener: TcpListener) -> Server {
        Server::new(Listener::tcp(listener))
    }

    /// Serves a Unix socket. [`serve`](Self::serve) makes it blocking.
    #[cfg(unix)]
    pub fn from_unix_listener(listener: UnixListener) -> Server {
        Server::new(Listener::Unix(listener))
    }

    /// Speaks TLS with clients. Without it, the server takes clear text.
    ///
    /// What is offered by ALPN is up to [`Config::versions`]: `h2` and `http/1.1` by default. A client
    /// without ALPN is one of HTTP/1.1.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, acceptor: crate::tls::Acceptor) -> Server {
        self.entrance.tls = Some(acceptor);
        self
    }

    /// Expects a header of the PROXY protocol, version 1 or 2, on connections from these sources, before
    /// TLS. [`Request::peer_addr`] is then the address in it: that of the proxy's client. At first no
    /// source is trusted.
    ///
    /// The header has to come within [`handshake_timeout`](Config::handshake_timeout), and may have
    /// 4,096 octets. A connection that the proxy opens for itself (LOCAL), or for a client without an IP
    /// address (UNKNOWN), keeps the proxy's address.
    #[must_use]
    pub fn proxy_protocol(mut self, trusted: TrustedProxies) -> Server {
        self.entrance.proxies = trusted;
        self
    }

    /// Settings, limits and deadlines of one's own.
    #[must_use]
    pub fn config(mut self, config: Config) -> Server {
        self.config = config;
        self
    }

    /// The address that it listens on, where it is one of IP.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listener.local_addr()
    }

    /// Begins to accept connections, and calls `handler` for each request, in threads of the
    /// server's. Returns at once; [`Handle::wait`] waits.
    ///
    /// What the handler returns as an error, and a panic of it, is logged, and answered with 500 or
    /// RST_STREAM(INTERNAL_ERROR). Other requests are not concerned.
    ///
    /// # Errors
    ///
    /// A value of the configuration makes no sense, a thread could not be started, or the listener
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
