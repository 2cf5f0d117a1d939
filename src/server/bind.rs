//! A server before it serves: its listeners and its configuration.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};
#[cfg(unix)]
use std::os::unix::net::UnixListener;

use super::accept::Door;
use super::clock::Clock;
use super::config::Config;
use super::engine::Engine;
use super::handle::Handle;
use super::handler;
use super::listener::Listener;
use super::machine;
use super::proxy::TrustedProxies;
use super::request::Request;
use super::response::Response;
use crate::error::{BoxError, Error};

/// A server that listens but does not serve yet. See the [module](super).
///
/// ```
/// use h2_sync::server::{Config, Request, Response, Server};
///
/// let config = Config::default().with(|config| config.max_handlers = 64);
/// let server = Server::bind("127.0.0.1:0")?.config(config);
/// println!("listening on {:?}", server.local_addr());
/// let server = server.serve(|_: &mut Request, response: &mut Response| response.send("hello"))?;
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    listeners: Vec<Listener>,
    config: Config,
}

impl Server {
    /// Listens on a TCP address, as [`Listener::bind`] does.
    ///
    /// # Errors
    ///
    /// If the address is invalid or cannot be listened on.
    pub fn bind(address: impl ToSocketAddrs) -> io::Result<Server> {
        Ok(Server::on([Listener::bind(address)?]))
    }

    /// Uses an existing socket, for example with special options.
    ///
    /// ```
    /// use std::net::TcpListener;
    ///
    /// use h2_sync::server::Server;
    ///
    /// let listener = TcpListener::bind("127.0.0.1:0")?;
    /// listener.set_ttl(32)?;
    /// let server = Server::from_listener(listener);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn from_listener(listener: TcpListener) -> Server {
        Server::on([listener.into()])
    }

    /// Uses an existing Unix socket.
    ///
    /// [`Listener::bind_unix`] also replaces a socket file that an earlier process has left.
    ///
    /// ```no_run
    /// use std::os::unix::net::UnixListener;
    ///
    /// use h2_sync::server::Server;
    ///
    /// let server = Server::from_unix_listener(UnixListener::bind("/run/app.sock")?);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    #[cfg(unix)]
    pub fn from_unix_listener(listener: UnixListener) -> Server {
        Server::on([listener.into()])
    }

    /// Uses several listeners, with one handler and one [`Handle`]. See [`Listener`] for an
    /// example.
    ///
    /// ```
    /// use h2_sync::server::{Listener, Server};
    ///
    /// let (v4, v6) = (Listener::bind("127.0.0.1:0")?, Listener::bind("[::1]:0"));
    /// let server = Server::on([v4].into_iter().chain(v6));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn on(listeners: impl IntoIterator<Item = Listener>) -> Server {
        Server { listeners: listeners.into_iter().collect(), config: Config::default() }
    }

    /// Uses TLS on all listeners; [`Listener::tls`] does on one. Without it, the server uses
    /// cleartext.
    ///
    /// [`Config::versions`] determines the ALPN protocols: `h2` and `http/1.1` by default. A client
    /// without ALPN gets HTTP/1.1.
    ///
    /// ```no_run
    /// use h2_sync::server::Server;
    /// use h2_sync::tls::Acceptor;
    ///
    /// let acceptor = Acceptor::from_pem_files("chain.pem", "key.pem")?;
    /// let server = Server::bind("[::]:443")?.tls(acceptor);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn tls(mut self, acceptor: crate::tls::Acceptor) -> Server {
        for listener in &mut self.listeners {
            listener.entrance.tls = Some(acceptor.clone());
        }
        self
    }

    /// Expects a PROXY protocol header, version 1 or 2, on connections from these sources, before
    /// TLS, on all listeners; [`Listener::proxy_protocol`] does on one. [`Request::peer_addr`] then
    /// returns the address of the proxy's client. By default no source is trusted.
    ///
    /// The header must arrive within [`handshake_timeout`](Config::handshake_timeout) and may have
    /// 4,096 octets. A connection of the proxy itself (LOCAL), or for a client without an IP
    /// address (UNKNOWN), keeps the proxy's address.
    ///
    /// ```
    /// use h2_sync::server::{Server, TrustedProxies};
    ///
    /// let mut proxies = TrustedProxies::new();
    /// proxies.add("10.0.0.0/8")?;
    /// let server = Server::bind("127.0.0.1:0")?.proxy_protocol(proxies);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn proxy_protocol(mut self, trusted: TrustedProxies) -> Server {
        for listener in &mut self.listeners {
            listener.entrance.proxies.clone_from(&trusted);
        }
        self
    }

    /// Sets the configuration.
    #[must_use]
    pub fn config(mut self, config: Config) -> Server {
        self.config = config;
        self
    }

    /// Returns the address of the first listener that has an IP address.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.listeners.iter().find_map(Listener::local_addr)
    }

    /// Starts to accept connections, and calls `handler` for each request on the server's threads.
    /// Does not block; [`Handle::wait`] does.
    ///
    /// Errors and panics of the handler are logged, and answered with 500 or
    /// RST_STREAM(INTERNAL_ERROR). They do not affect other requests.
    ///
    /// # Errors
    ///
    /// If there is no listener, a value of the configuration is invalid, a thread cannot be started,
    /// or a listener cannot be made non-blocking.
    pub fn serve<H, E>(self, handler: H) -> Result<Handle, Error>
    where
        H: Fn(&mut Request, &mut Response) -> Result<(), E> + Send + Sync + 'static,
        E: Into<BoxError> + 'static,
    {
        let Server { mut listeners, config } = self;
        if listeners.is_empty() {
            return Err(Error::usage("the server has no listener"));
        }
        for listener in &mut listeners {
            listener.entrance.complete(&config);
            listener.socket.set_nonblocking()?;
        }
        let engine =
            Engine::start(config, Box::new(handler::boxed(handler)), Clock::start()?.into())?;
        machine::check(&engine.config);
        #[cfg(unix)]
        let lines: Vec<_> = listeners.iter_mut().filter_map(|it| it.line.take()).collect();
        let doors = listeners.into_iter().map(Door::from).collect();
        let handle = Handle::start(&engine, doors).inspect_err(|_| engine.close())?;
        #[cfg(unix)]
        lines.into_iter().for_each(|line| line.tell());
        Ok(handle)
    }
}
