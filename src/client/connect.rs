//! A new connection to an origin: through a proxy or not, with TLS or not.

use std::net::TcpStream;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::config::Config;
use super::connection::Connection;
use super::dial::Dialer;
#[cfg(feature = "tls")]
use super::hook::{boxed, AnyTransport};
use super::hook::{ConnectHook, ConnectTo};
use super::http_connect;
use super::origin::Origin;
use super::proxy::{Kind, Proxy, Rules};
use super::push::PushHandler;
use super::socks5;
use crate::error::{Error, Phase};
use crate::proto;
use crate::transport::Transport;

/// How connections are made.
#[derive(Debug)]
pub(super) struct Connector {
    http2: proto::Config,
    on_push: Option<PushHandler>,
    push_timeout: Option<Duration>,
    proxies: Rules,
    dialer: Dialer,
    hook: Option<ConnectHook>,
    connect_timeout: Duration,
    #[cfg(feature = "tls")]
    tls_timeout: Duration,
    /// Made when it is first needed, since that takes some time.
    #[cfg(feature = "tls")]
    tls: OnceLock<Result<crate::tls::Connector, Error>>,
    /// The same for proxies, which are spoken to in HTTP/1.1.
    #[cfg(feature = "tls")]
    proxy_tls: OnceLock<Result<crate::tls::Connector, Error>>,
}

/// A connection, and how long the making of it took.
#[derive(Debug)]
pub(super) struct Connected {
    pub(super) connection: Connection,
    pub(super) connect: Duration,
    pub(super) tls: Option<Duration>,
}

impl Connector {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        Ok(Connector {
            http2: config.http2.clone(),
            on_push: config.on_push.clone(),
            push_timeout: config.response_timeout,
            proxies: Rules::new(&config.proxies),
            dialer: Dialer::new(config.resolver.clone()),
            hook: config.connect_hook.clone(),
            connect_timeout: config.connect_timeout,
            #[cfg(feature = "tls")]
            tls_timeout: config.tls_timeout,
            #[cfg(feature = "tls")]
            tls: config.tls.clone().map_or_else(OnceLock::new, |tls| OnceLock::from(Ok(tls))),
            #[cfg(feature = "tls")]
            proxy_tls: OnceLock::new(),
        })
    }

    /// How long making a connection takes at most.
    pub(super) fn patience(&self) -> Duration {
        #[cfg(feature = "tls")]
        let tls = self.tls_timeout;
        #[cfg(not(feature = "tls"))]
        let tls = Duration::ZERO;
        self.connect_timeout.saturating_add(tls)
    }

    /// Connects. Takes [`patience`](Self::patience) at most.
    pub(super) fn connect(&self, origin: &Origin) -> Result<Connected, Error> {
        let start = Instant::now();
        let until = after(start, self.connect_timeout);
        if let Some(hook) = &self.hook {
            let (host, port) = (origin.host.as_str(), origin.port);
            let to = ConnectTo { host, port, is_https: origin.is_https, deadline: until };
            let stream = hook.connect(&to);
            let what = || format!("connecting to {} (connect_hook)", origin.authority());
            let stream =
                stream.map_err(|error| Error::io(what(), error).in_phase(Phase::Connect))?;
            return self.finish(origin, stream, start.elapsed());
        }
        match self.proxies.proxy_for(origin)? {
            None => {
                let stream = self.dialer.dial(&origin.host, origin.port, until)?;
                self.finish(origin, stream, start.elapsed())
            }
            #[cfg(feature = "tls")]
            Some(proxy) if proxy.kind == Kind::Https => {
                let stream = self.secure_tunnel(proxy, origin, until);
                let stream = stream.map_err(|error| error.in_phase(Phase::Connect))?;
                self.finish(origin, stream, start.elapsed())
            }
            Some(proxy) => {
                let stream = self.tunnel(proxy, origin, until);
                let stream = stream.map_err(|error| error.in_phase(Phase::Connect))?;
                self.finish(origin, stream, start.elapsed())
            }
        }
    }

    /// Speaks HTTP/2 over a stream that leads to the origin, over TLS where the URL says so.
    fn finish<T: Transport>(
        &self,
        origin: &Origin,
        stream: T,
        connect: Duration,
    ) -> Result<Connected, Error> {
        if !origin.is_https {
            let connection = self.start(stream)?;
            return Ok(Connected { connection, connect, tls: None });
        }
        self.secure(origin, stream, connect)
    }

    /// A tunnel through a proxy.
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
        // What was left of the time is not for what comes now.
        let cleared = stream.set_read_timeout(None).and_then(|()| stream.set_write_timeout(None));
        cleared.map_err(|error| Error::io("preparing the socket", error))?;
        Ok(stream)
    }

    /// A tunnel through a proxy that is spoken to over TLS. The proxy's certificate is checked like
    /// that of a server.
    #[cfg(feature = "tls")]
    fn secure_tunnel(
        &self,
        proxy: &Proxy,
        origin: &Origin,
        until: Instant,
    ) -> Result<AnyTransport, Error> {
        let stream = self.dialer.dial(&proxy.host, proxy.port, until)?;
        let tls = self.proxy_tls.get_or_init(|| self.tls()?.for_http1());
        let left = until.saturating_duration_since(Instant::now());
        let connected = tls.as_ref().map_err(Error::clone)?.connect(&proxy.host, stream, left);
        // A proxy has no need to choose HTTP/2: CONNECT is sent to it in HTTP/1.1.
        let mut stream = match connected {
            Ok(stream) => stream,
            Err(error) => {
                let told = error.error().clone();
                error.into_stream().ok_or(told)?
            }
        };
        http_connect::open(&mut stream, proxy, origin, until)?;
        let failed = |error| Error::io("preparing the connection to the proxy", error);
        stream.closer().set_read_timeout(None).map_err(failed)?;
        boxed(stream).map_err(failed)
    }

    #[cfg(feature = "tls")]
    fn tls(&self) -> Result<&crate::tls::Connector, Error> {
        self.tls.get_or_init(crate::tls::Connector::new).as_ref().map_err(Error::clone)
    }

    fn start(&self, stream: impl Transport) -> Result<Connection, Error> {
        let mut config = self.http2.clone();
        if config.keepalive_interval.is_none() {
            // The pool sends PINGs by its own time. One that is not answered must not end the
            // requests under way, which have theirs.
            config.keepalive_timeout = Duration::MAX;
        }
        match &self.on_push {
            Some(handler) => {
                Connection::start_with_timed_push(stream, config, handler, self.push_timeout)
            }
            None => Connection::start(stream, config),
        }
    }

    #[cfg(feature = "tls")]
    fn secure<T: Transport>(
        &self,
        origin: &Origin,
        stream: T,
        connect: Duration,
    ) -> Result<Connected, Error> {
        let start = Instant::now();
        let stream = self.tls()?.connect(&origin.host, stream, self.tls_timeout);
        let stream = stream.map_err(|error| Error::from(error).in_phase(Phase::Handshake))?;
        let tls = Some(start.elapsed());
        let connection = self.start(stream)?;
        Ok(Connected { connection, connect, tls })
    }

    #[cfg(not(feature = "tls"))]
    fn secure<T: Transport>(&self, _: &Origin, _: T, _: Duration) -> Result<Connected, Error> {
        Err(Error::usage("https:// needs the feature `tls` of h2-sync"))
    }
}

fn after(start: Instant, timeout: Duration) -> Instant {
    // What cannot be counted is as good as for ever.
    start.checked_add(timeout).unwrap_or(start + Duration::from_secs(86_400))
}
