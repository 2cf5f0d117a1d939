//! What can be set on a client, with its defaults.

use std::time::Duration;

use http::HeaderValue;

use super::proxy::Proxies;
use super::push::PushHandler;
use crate::proto;

/// The settings, limits and deadlines of a [`Client`](super::Client).
///
/// Plain data: take [`Config::default`] and change what you need.
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync::client::{Client, Config};
///
/// let mut config = Config::default();
/// config.timeout = Some(Duration::from_secs(30));
/// config.max_redirects = 0;
/// let client = Client::with_config(config)?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
///
/// # Memory
///
/// A connection holds what [`proto::Config`] says: mostly the windows of streams whose bodies nobody
/// reads. A client has one thread beyond those that call it, which looks after idle connections.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Settings, limits and deadlines of each connection.
    pub http2: proto::Config,
    /// How TLS connections are made. `None`, the default, is
    /// [`Connector::new`](crate::tls::Connector::new), made when it is first needed.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Connector>,
    /// Which proxies are used. Default: those of the environment.
    pub proxies: Proxies,

    /// What is done with pushed responses. Default `None`: the server is told not to send any.
    pub on_push: Option<PushHandler>,

    /// Looking up a host, connecting to one of its addresses, and asking a proxy for a tunnel.
    /// Default 10 s.
    pub connect_timeout: Duration,
    /// The TLS handshake. Default 10 s.
    pub tls_timeout: Duration,
    /// From when the request has been sent to its response. Default 60 s; `None` is for ever.
    pub response_timeout: Option<Duration>,
    /// From one piece of a response's body to the next. Default 60 s; `None` is for ever.
    pub read_timeout: Option<Duration>,
    /// The whole of a request, from connecting to the end of the response's body, redirects and
    /// retries included. Default `None`, for ever. A request can have
    /// [its own](super::RequestBuilder::timeout).
    pub timeout: Option<Duration>,
    /// How long a request with `Expect: 100-continue` waits for the server to say something before it
    /// sends its body anyway (RFC 9110, Section 10.1.1). Default 1 s.
    pub expect_timeout: Duration,

    /// Connections to one origin. Default 4. Another one is made only when all that there are have as
    /// many requests as the server takes at once; over the limit, requests wait for their turn.
    pub max_connections_per_origin: usize,
    /// A connection without requests is closed after so long. Default 90 s.
    pub idle_timeout: Duration,
    /// A connection from which nothing has come for so long is asked by PING whether it is there before
    /// a request is risked on it, and so is one on which a response was late. Costs a round trip.
    /// Default 15 s.
    pub verify_after: Duration,
    /// How long the answer to that PING may take before the connection is taken for dead. Default
    /// 2 s.
    pub verify_timeout: Duration,

    /// How often a request is sent again that the server says it has not processed (REFUSED_STREAM,
    /// GOAWAY). Default 3. The body has to be one that can be sent again.
    pub max_retries: u32,
    /// Whether requests whose method is idempotent (RFC 9110, Section 9.2.2) are sent again as well
    /// when the connection broke before the response, though the server may have processed them.
    /// Default `false`.
    pub retry_idempotent: bool,
    /// How many redirects are followed. Default 10; 0 gives back the redirect itself. One more is an
    /// error.
    pub max_redirects: u32,

    /// Whether compressed responses are asked for and inflated. Default `true`. Only if the request
    /// has neither `accept-encoding` nor `range`. `content-encoding` and `content-length` are then
    /// taken off the response.
    #[cfg(feature = "gzip")]
    pub gzip: bool,
    /// Octets that a compressed body may become. Default 1 GiB. Over it, reading fails with
    /// [`Error::is_body_too_large`](crate::Error::is_body_too_large).
    #[cfg(feature = "gzip")]
    pub max_inflated: u64,
    /// What reading a whole body into memory is bounded by (`text`, `bytes`), octets. Default
    /// 16 MiB.
    pub max_body: usize,

    /// The `user-agent` of requests that have none. Default `h2-sync/` and the version; `None` leaves
    /// it out.
    pub user_agent: Option<HeaderValue>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            http2: proto::Config::default(),
            #[cfg(feature = "tls")]
            tls: None,
            proxies: Proxies::default(),
            on_push: None,
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(10),
            response_timeout: Some(Duration::from_secs(60)),
            read_timeout: Some(Duration::from_secs(60)),
            timeout: None,
            expect_timeout: Duration::from_secs(1),
            max_connections_per_origin: 4,
            idle_timeout: Duration::from_secs(90),
            verify_after: Duration::from_secs(15),
            verify_timeout: Duration::from_secs(2),
            max_retries: 3,
            retry_idempotent: false,
            max_redirects: 10,
            #[cfg(feature = "gzip")]
            gzip: true,
            #[cfg(feature = "gzip")]
            max_inflated: 1 << 30,
            max_body: 16 << 20,
            user_agent: Some(HeaderValue::from_static(concat!(
                "h2-sync/",
                env!("CARGO_PKG_VERSION")
            ))),
        }
    }
}
