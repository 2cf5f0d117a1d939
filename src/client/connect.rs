//! Establishes connections: directly or through a proxy, with or without TLS, in either version.

use std::net::TcpStream;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::any_connection::AnyConnection;
use super::config::Config;
use super::connection::Connection;
use super::dial::Dialer;
#[cfg(feature = "tls")]
use super::hook::{AnyTransport, boxed};
use super::hook::{ConnectHook, ConnectTo};
use super::http_connect;
use super::http1::{ForProxy, Http1Connection};
use super::origin::Origin;
use super::proxy::{Kind, Proxy, Rules};
use super::push::PushHandler;
use super::socks5;
use super::versions::Versions;
use crate::error::{Error, Phase};
use crate::proto;
#[cfg(feature = "tls")]
use crate::tls::TlsStream;
use crate::transport::Transport;
use crate::{h1, http1};

/// Establishes connections.
#[derive(Debug)]
pub(super) struct Connector {
    versions: Versions,
    prior_knowledge: bool,
    http2: proto::Config,
    http1: http1::Config,
    on_push: Option<PushHandler>,
    push_timeout: Option<Duration>,
    proxies: Rules,
    dialer: Dialer,
    hook: Option<ConnectHook>,
    connect_timeout: Duration,
    #[cfg(feature = "tls")]
    tls_timeout: Duration,
    /// Created on first use, since it loads the root certificates.
    #[cfg(feature = "tls")]
    tls: OnceLock<Result<crate::tls::Connector, Error>>,
    /// For HTTP/1.1 only: for proxies and for connections to be upgraded.
    #[cfg(feature = "tls")]
    http1_tls: OnceLock<Result<crate::tls::Connector, Error>>,
}

/// The purpose of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// Any number of requests.
    Requests,
    /// One HTTP/1.1 request for an upgrade.
    Upgrade,
}

/// A connection, and how long establishing it took.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) connection: AnyConnection,
    pub(super) connect: Duration,
    pub(super) tls: Option<Duration>,
}

impl Connector {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        Ok(Connector {
            versions: config.versions,
            prior_knowledge: config.prior_knowledge,
            http2: config.http2.clone(),
            http1: config.http1.clone(),
            on_push: config.on_push.clone(),
            push_timeout: config.response_timeout,
            proxies: Rules::new(&config.proxies),
            dialer: Dialer::new(config.resolver.clone()),
            hook: config.connect_hook.clone(),
            connect_timeout: config.connect_timeout,
            #[cfg(feature = "tls")]
            tls_timeout: config.tls_timeout,
            #[cfg(feature = "tls")]
            tls: match &config.tls {
                Some(tls) => OnceLock::from(offering(tls.clone(), config.versions)),
                None => OnceLock::new(),
            },
            #[cfg(feature = "tls")]
            http1_tls: OnceLock::new(),
        })
    }

    /// Returns the maximum time to establish a connection.
    pub(super) fn patience(&self) -> Duration {
        #[cfg(feature = "tls")]
        let tls = self.tls_timeout;
        #[cfg(not(feature = "tls"))]
        let tls = Duration::ZERO;
        self.connect_timeout.saturating_add(tls)
    }

    /// Whether connections to the origin are known to use HTTP/1.1 before they are established.
    fn is_http1(&self, origin: &Origin) -> bool {
        self.versions.is_http1(origin.is_https, self.prior_knowledge)
    }

    /// Connects, for the pool. Takes at most [`patience`](Self::patience).
    pub(super) fn connect(&self, origin: &Origin) -> Result<Connected, Error> {
        self.connect_for(Purpose::Requests, origin, self.connect_timeout)
    }

    /// Connects with HTTP/1.1 for one upgrade request. Proxies open a tunnel for it, even for
    /// `http://` (RFC 6455, Section 4.1).
    pub(super) fn connect_to_upgrade(
        &self,
        origin: &Origin,
        connect_timeout: Option<Duration>,
    ) -> Result<Connected, Error> {
        let timeout = connect_timeout.unwrap_or(self.connect_timeout);
        self.connect_for(Purpose::Upgrade, origin, timeout)
    }

    fn connect_for(
        &self,
        purpose: Purpose,
        origin: &Origin,
        timeout: Duration,
    ) -> Result<Connected, Error> {
        let start = Instant::now();
        let until = after(start, timeout);
        if let Some(hook) = &self.hook {
            let (host, port) = (origin.host.as_str(), origin.port);
            let to = ConnectTo { host, port, is_https: origin.is_https, deadline: until };
            let stream = hook.connect(&to);
            let what = || format!("connecting to {} (connect_hook)", origin.authority());
            let stream =
                stream.map_err(|error| Error::io(what(), error).in_phase(Phase::Connect))?;
            return self.finish(purpose, origin, stream, start.elapsed());
        }
        match self.proxies.proxy_for(origin)? {
            None => {
                let stream = self.dialer.dial(&origin.host, origin.port, until)?;
                self.finish(purpose, origin, stream, start.elapsed())
            }
            Some(proxy) if purpose == Purpose::Requests && self.is_forwarded(proxy, origin) => {
                self.forwarded(proxy, start, until).map_err(|error| error.in_phase(Phase::Connect))
            }
            #[cfg(feature = "tls")]
            Some(proxy) if proxy.kind == Kind::Https => {
                let stream = self.secure_tunnel(proxy, origin, until);
                let stream = stream.map_err(|error| error.in_phase(Phase::Connect))?;
                self.finish(purpose, origin, stream, start.elapsed())
            }
            Some(proxy) => {
                let stream = self.tunnel(proxy, origin, until);
                let stream = stream.map_err(|error| error.in_phase(Phase::Connect))?;
                self.finish(purpose, origin, stream, start.elapsed())
            }
        }
    }

    /// Starts TLS, if the URL asks for it, and HTTP on a stream that leads to the origin.
    fn finish<T: Transport>(
        &self,
        purpose: Purpose,
        origin: &Origin,
        stream: T,
        connect: Duration,
    ) -> Result<Connected, Error> {
        if !origin.is_https {
            let connection = match purpose == Purpose::Upgrade || self.is_http1(origin) {
                true => self.start_http1(stream, None)?,
                false => self.start_http2(stream)?,
            };
            return Ok(Connected { connection, connect, tls: None });
        }
        self.secure(purpose, origin, stream, connect)
    }

    /// Whether the proxy receives requests in absolute form (RFC 9112, Section 3.2.2) rather than
    /// opening a tunnel.
    fn is_forwarded(&self, proxy: &Proxy, origin: &Origin) -> bool {
        self.is_http1(origin)
            && !origin.is_https
            && !matches!(proxy.kind, Kind::Socks5 | Kind::Socks5h)
    }

    /// Connects to a proxy that receives requests in absolute form.
    fn forwarded(&self, proxy: &Proxy, start: Instant, until: Instant) -> Result<Connected, Error> {
        let for_proxy = Some(ForProxy { authorization: proxy.authorization()? });
        let stream = self.dialer.dial(&proxy.host, proxy.port, until)?;
        #[cfg(feature = "tls")]
        if proxy.kind == Kind::Https {
            let stream = self.secure_proxy(proxy, stream, until)?;
            let connection = self.start_http1(stream, for_proxy)?;
            return Ok(Connected { connection, connect: start.elapsed(), tls: None });
        }
        let connection = self.start_http1(stream, for_proxy)?;
        Ok(Connected { connection, connect: start.elapsed(), tls: None })
    }

    /// Opens a tunnel through a proxy.
    fn tunnel(&self, proxy: &Proxy, origin: &Origin, until: Instant) -> Result<TcpStream, Error> {
        let dial = || self.dialer.dial(&proxy.host, proxy.port, until);
        let stream = match proxy.kind {
            Kind::Socks5 | Kind::Socks5h => socks5::open(&self.dialer, proxy, origin, until)?,
            _ => {
                let mut stream = dial()?;
                http_connect::open(&mut stream, proxy, origin, until)?;
                stream
            }
        };
        // The connect timeout must not apply to the tunnel.
        let cleared = stream.set_read_timeout(None).and_then(|()| stream.set_write_timeout(None));
        cleared.map_err(|error| Error::io("preparing the socket", error))?;
        Ok(stream)
    }

    /// Opens a tunnel through a proxy reached over TLS. The proxy's certificate is verified like a
    /// server's.
    #[cfg(feature = "tls")]
    fn secure_tunnel(
        &self,
        proxy: &Proxy,
        origin: &Origin,
        until: Instant,
    ) -> Result<AnyTransport, Error> {
        let stream = self.dialer.dial(&proxy.host, proxy.port, until)?;
        let mut stream = self.secure_proxy(proxy, stream, until)?;
        http_connect::open(&mut stream, proxy, origin, until)?;
        let failed = |error| Error::io("preparing the connection to the proxy", error);
        stream.closer().set_read_timeout(None).map_err(failed)?;
        boxed(stream).map_err(failed)
    }

    /// Starts TLS with a proxy, for HTTP/1.1.
    #[cfg(feature = "tls")]
    fn secure_proxy(
        &self,
        proxy: &Proxy,
        stream: TcpStream,
        until: Instant,
    ) -> Result<TlsStream<TcpStream>, Error> {
        let left = until.saturating_duration_since(Instant::now());
        let connected = self.http1_tls()?.connect(&proxy.host, stream, left);
        // The client uses HTTP/1.1 with proxies, so ALPN need not offer HTTP/2.
        match connected {
            Ok(stream) => Ok(stream),
            Err(error) => {
                let told = error.error().clone();
                error.into_stream().ok_or(told)
            }
        }
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> Result<&crate::tls::Connector, Error> {
        let make = || crate::tls::Connector::new().and_then(|tls| offering(tls, self.versions));
        self.tls.get_or_init(make).as_ref().map_err(Error::clone)
    }

    #[cfg(feature = "tls")]
    fn http1_tls(&self) -> Result<&crate::tls::Connector, Error> {
        let tls = self.http1_tls.get_or_init(|| self.tls()?.for_http1());
        tls.as_ref().map_err(Error::clone)
    }

    fn start_http1(
        &self,
        stream: impl Transport,
        proxy: Option<ForProxy>,
    ) -> Result<AnyConnection, Error> {
        let limits = h1::Limits {
            stall_timeout: self.http2.stall_timeout,
            max_send_buffer: self.http2.max_stream_send_buffer,
        };
        let connection = Http1Connection::start(stream, self.http1.clone(), limits, proxy);
        connection.map(AnyConnection::Http1)
    }

    fn start_http2(&self, stream: impl Transport) -> Result<AnyConnection, Error> {
        let mut config = self.http2.clone();
        if config.keepalive_interval.is_none() {
            // The pool sends PINGs at its own interval. A missing acknowledgment must not end open
            // requests, which have timeouts of their own.
            config.keepalive_timeout = Duration::MAX;
        }
        let connection = match &self.on_push {
            Some(handler) => {
                Connection::start_with_timed_push(stream, config, handler, self.push_timeout)
            }
            None => Connection::start(stream, config),
        };
        connection.map(AnyConnection::Http2)
    }

    #[cfg(feature = "tls")]
    fn secure<T: Transport>(
        &self,
        purpose: Purpose,
        origin: &Origin,
        stream: T,
        connect: Duration,
    ) -> Result<Connected, Error> {
        let start = Instant::now();
        let (tls, takes_http1) = match purpose {
            Purpose::Requests => (self.tls()?, self.versions != Versions::Http2),
            Purpose::Upgrade => (self.http1_tls()?, true),
        };
        let connected = tls.connect(&origin.host, stream, self.tls_timeout);
        let tls = Some(start.elapsed());
        let connection = match connected {
            Ok(stream) => self.start_http2(stream)?,
            Err(error) => {
                let told = error.error().clone().in_phase(Phase::Handshake);
                let stream = error.into_stream().filter(|_| takes_http1).ok_or(told)?;
                self.start_http1(stream, None)?
            }
        };
        Ok(Connected { connection, connect, tls })
    }

    #[cfg(not(feature = "tls"))]
    fn secure<T: Transport>(
        &self,
        _: Purpose,
        _: &Origin,
        _: T,
        _: Duration,
    ) -> Result<Connected, Error> {
        Err(Error::usage("https:// needs the feature `tls` of h2-sync"))
    }
}

/// Returns the connector with ALPN set to the client's versions.
#[cfg(feature = "tls")]
fn offering(
    tls: crate::tls::Connector,
    versions: Versions,
) -> Result<crate::tls::Connector, Error> {
    match versions {
        Versions::Auto => Ok(tls.with_http1()),
        Versions::Http1 => tls.for_http1(),
        Versions::Http2 => Ok(tls),
    }
}

fn after(start: Instant, timeout: Duration) -> Instant {
    // A day, where the deadline overflows.
    start.checked_add(timeout).unwrap_or(start + Duration::from_secs(86_400))
}
