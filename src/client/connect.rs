//! A new connection to an origin: through a proxy or not, with TLS or not.

use std::net::TcpStream;
#[cfg(feature = "tls")]
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use super::config::Config;
use super::connection::Connection;
use super::dial::dial;
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
    connect_timeout: Duration,
    #[cfg(feature = "tls")]
    tls_timeout: Duration,
    /// Made when it is first needed, since that takes some time.
    #[cfg(feature = "tls")]
    tls: OnceLock<Result<crate::tls::Connector, Error>>,
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
            proxies: Rules::new(&config.proxies)?,
            connect_timeout: config.connect_timeout,
            #[cfg(feature = "tls")]
            tls_timeout: config.tls_timeout,
            #[cfg(feature = "tls")]
            tls: config.tls.clone().map_or_else(OnceLock::new, |tls| OnceLock::from(Ok(tls))),
        })
    }

    /// When making a connection that is begun now is given up, whoever asks for it.
    pub(super) fn patience(&self) -> Duration {
        #[cfg(feature = "tls")]
        let tls = self.tls_timeout;
        #[cfg(not(feature = "tls"))]
        let tls = Duration::ZERO;
        self.connect_timeout.saturating_add(tls)
    }

    /// Connects, until `deadline` at most.
    pub(super) fn connect(
        &self,
        origin: &Origin,
        deadline: Option<Instant>,
    ) -> Result<Connected, Error> {
        let start = Instant::now();
        let until = within(start, self.connect_timeout, deadline);
        let stream = match self.proxies.proxy_for(origin) {
            None => dial(&origin.host, origin.port, until)?,
            Some(proxy) => {
                tunnel(proxy, origin, until).map_err(|error| error.in_phase(Phase::Connect))?
            }
        };
        let connect = start.elapsed();
        if !origin.is_https {
            let connection = self.start(stream)?;
            return Ok(Connected { connection, connect, tls: None });
        }
        self.secure(origin, stream, connect, deadline)
    }

    fn start(&self, stream: impl Transport) -> Result<Connection, Error> {
        let config = self.http2.clone();
        match &self.on_push {
            Some(handler) => {
                Connection::start_with_timed_push(stream, config, handler, self.push_timeout)
            }
            None => Connection::start(stream, config),
        }
    }

    #[cfg(feature = "tls")]
    fn secure(
        &self,
        origin: &Origin,
        stream: TcpStream,
        connect: Duration,
        deadline: Option<Instant>,
    ) -> Result<Connected, Error> {
        let start = Instant::now();
        let until = within(start, self.tls_timeout, deadline);
        let tls = self.tls.get_or_init(crate::tls::Connector::new);
        let tls = tls.as_ref().map_err(Error::clone)?;
        let left = until.saturating_duration_since(start);
        let stream = tls.connect(&origin.host, stream, left);
        let stream = stream.map_err(|error| Error::from(error).in_phase(Phase::Handshake))?;
        let tls = Some(start.elapsed());
        let connection = self.start(stream)?;
        Ok(Connected { connection, connect, tls })
    }

    #[cfg(not(feature = "tls"))]
    fn secure(
        &self,
        _: &Origin,
        _: TcpStream,
        _: Duration,
        _: Option<Instant>,
    ) -> Result<Connected, Error> {
        Err(Error::usage("https:// needs the feature `tls` of h2-sync"))
    }
}

fn tunnel(proxy: &Proxy, origin: &Origin, deadline: Instant) -> Result<TcpStream, Error> {
    let stream = dial(&proxy.host, proxy.port, deadline)?;
    match proxy.kind {
        Kind::Http => http_connect::open(&stream, proxy, origin, deadline)?,
        Kind::Socks5 | Kind::Socks5h => socks5::open(&stream, proxy, origin, deadline)?,
    }
    // What was left of the time is not for what comes now.
    let cleared = stream.set_read_timeout(None).and_then(|()| stream.set_write_timeout(None));
    cleared.map_err(|error| Error::io("preparing the socket", error))?;
    Ok(stream)
}

fn within(start: Instant, timeout: Duration, deadline: Option<Instant>) -> Instant {
    // What cannot be counted is as good as for ever.
    let own = start.checked_add(timeout).unwrap_or(start + Duration::from_secs(86_400));
    deadline.map_or(own, |deadline| deadline.min(own))
}
