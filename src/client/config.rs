//! The configuration of a client, with its defaults.

use std::time::Duration;

use http::{HeaderMap, HeaderValue};

#[cfg(feature = "cookies")]
use super::cookies::CookieJar;
use super::hook::ConnectHook;
use super::policy::RedirectPolicy;
use super::proxy::Proxies;
use super::push::PushHandler;
use super::resolver::Resolver;
use super::versions::Versions;
use crate::error::Error;
use crate::http1;
use crate::proto::{self, ABOVE_ZERO, check, leaves_time};

/// The configuration of a [`Client`](super::Client): its versions, pool, proxies, limits and
/// timeouts, and those of each connection ([`http2`](Self::http2), [`http1`](Self::http1)).
///
/// Start from [`Config::default`] and change fields, or use [`with`](Self::with) in an expression.
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
/// [`proto::Config`] describes what a connection holds: mostly 1 MiB (`initial_window_size`) per
/// unread response, and 64 MiB (`window_budget`) over all of them. A client has one thread besides
/// its callers', which maintains idle connections; each connection attempt and each PING to a
/// possibly dead connection uses another.
#[derive(Clone)]
#[non_exhaustive]
pub struct Config {
    /// Which versions of HTTP the client uses. Default [`Versions::Auto`].
    pub versions: Versions,
    /// Whether `http://` URLs use HTTP/2 from the first octet (RFC 9113, Section 3.3), with
    /// [`Versions::Auto`]. Default `false`: they use HTTP/1.1, since most servers support nothing
    /// else without TLS.
    pub prior_knowledge: bool,
    /// Settings, limits and timeouts of each connection. `stall_timeout` and
    /// `max_stream_send_buffer` also apply to HTTP/1.1.
    pub http2: proto::Config,
    /// Limits of each HTTP/1.1 connection.
    pub http1: http1::Config,
    /// The TLS configuration. `None`, the default, is
    /// [`Connector::new`](crate::tls::Connector::new), created on first use. `versions` decides
    /// which of `h2` and `http/1.1` it offers in ALPN.
    #[cfg(feature = "tls")]
    pub tls: Option<crate::tls::Connector>,
    /// Which proxies are used. Default: those from the environment.
    pub proxies: Proxies,

    /// How host names are resolved. Default: by the system.
    pub resolver: Resolver,
    /// A function that replaces TCP connections and proxies. Default `None`.
    pub connect_hook: Option<ConnectHook>,

    /// Receives pushed responses. Default `None`: the client disables server push.
    pub on_push: Option<PushHandler>,

    /// How long looking up a host, connecting to one of its addresses and opening a tunnel through
    /// a proxy may take together. Default 10 s.
    pub connect_timeout: Duration,
    /// How long the TLS handshake may take, after connecting. Default 10 s.
    pub tls_timeout: Duration,
    /// How long the final response may take after the request has been sent; interim responses do
    /// not restart it. Default 60 s; `None` disables it. With [`open`](super::Client::open) it
    /// starts when the caller has finished the request.
    /// [`RequestBuilder`](super::RequestBuilder::response_timeout) overrides it for one request.
    pub response_timeout: Option<Duration>,
    /// How long each piece of a response's body may take. Default 60 s; `None` disables it.
    /// [`RequestBuilder`](super::RequestBuilder::read_timeout) overrides it for one request.
    pub read_timeout: Option<Duration>,
    /// How long a request may take altogether, from connecting to the end of the response's body,
    /// including redirects and retries. Default `None`, unlimited. A body that has arrived whole in
    /// time may be read later.
    /// [`RequestBuilder`](super::RequestBuilder::timeout) overrides it for one request.
    pub timeout: Option<Duration>,
    /// How long a request with `Expect: 100-continue` waits for a response before it sends its body
    /// anyway (RFC 9110, Section 10.1.1). Default 1 s.
    pub expect_timeout: Duration,

    /// Maximum HTTP/2 connections to one origin. Default 4. A new connection is opened only when
    /// every existing one is at the server's limit of concurrent streams; at this limit, requests
    /// queue.
    pub max_connections_per_origin: usize,
    /// Maximum HTTP/1.1 connections to one origin. Default 64. Each carries one request at a time,
    /// until its response has been read to the end, so this is also the limit of concurrent
    /// requests. Until the first handshake has determined the version, `max_connections_per_origin`
    /// applies.
    pub max_http1_connections_per_origin: usize,
    /// Maximum idle connections over all origins. Default 100. The ones idle the longest are closed
    /// first. Each takes a socket and about 20 KiB.
    pub max_idle_connections: usize,
    /// How long a connection without requests is kept. Default 90 s.
    pub idle_timeout: Duration,
    /// The age at which a connection takes no further requests; it is closed when the open ones
    /// have ended. Default `None`, unlimited. It bounds how long an outdated address of a host is
    /// used.
    pub max_connection_age: Option<Duration>,
    /// How long an HTTP/2 connection may be silent before the client checks it with a PING ahead of
    /// the next request, which costs a round trip. The client also checks a connection on which a
    /// response timed out while nothing else arrived. Default 15 s.
    pub verify_after: Duration,
    /// How long after an acknowledged PING another response timeout does not cause the next one.
    /// Default 1 s. gRPC servers tolerate one PING every five minutes.
    pub verify_interval: Duration,
    /// How long that PING may stay unacknowledged before the connection is considered dead. Default
    /// 2 s.
    pub verify_timeout: Duration,

    /// How often a request that the server has not processed is retried: after REFUSED_STREAM,
    /// after GOAWAY, or when connecting failed. Default 3. A request excluded by a GOAWAY is
    /// retried eight times as often, since many servers close each connection after a fixed number
    /// of requests. The body must be replayable.
    pub max_retries: u32,
    /// Whether every request with an idempotent method (RFC 9110, Section 9.2.2), including PUT and
    /// DELETE, is retried once when its connection ended before the response began, although the
    /// server may have processed it. Default `false`: only GET, HEAD, OPTIONS and TRACE are, and
    /// only if the connection had served a request before.
    pub retry_idempotent: bool,
    /// Maximum redirects followed. Default 10; one more is an error. With 0 the redirect itself is
    /// returned.
    pub max_redirects: u32,
    /// A function that decides whether to follow a redirect. Default `None`: all are followed, up
    /// to `max_redirects`.
    pub on_redirect: Option<RedirectPolicy>,
    /// Whether `http://` URLs are rejected, including those in redirects. Default `false`.
    pub https_only: bool,

    /// Whether the client requests gzip and decompresses it. Default `true`. Applies only if the
    /// request has neither `accept-encoding` nor `range` and is not HEAD. `content-encoding` and
    /// `content-length` are removed from a decompressed response.
    #[cfg(feature = "gzip")]
    pub gzip: bool,
    /// Whether the client requests and decompresses brotli, like `gzip`. Default `true`. Takes up
    /// to 16 MiB of memory per response.
    #[cfg(feature = "brotli")]
    pub brotli: bool,
    /// Whether the client requests and decompresses Zstandard, like `gzip`. Default `true`. Takes
    /// up to 8 MiB of memory per response.
    #[cfg(feature = "zstd")]
    pub zstd: bool,
    /// Maximum size of a decompressed body in octets. Default 1 GiB. Above it, reading fails with
    /// [`Error::is_body_too_large`](crate::Error::is_body_too_large).
    pub max_inflated: u64,
    /// Stores cookies from responses and adds them to requests. Default `None`: no cookies.
    #[cfg(feature = "cookies")]
    pub cookies: Option<CookieJar>,
    /// Maximum size in octets of a body read into memory as a whole (`text`, `bytes`). Default 16
    /// MiB.
    pub max_body: usize,

    /// The `user-agent` of requests that do not set one. Default `h2-sync/` and the version; `None`
    /// sends none.
    pub user_agent: Option<HeaderValue>,
    /// Fields added to every request that does not set them. Default none. A redirect to another
    /// origin drops credentials, including those set here.
    pub default_headers: HeaderMap,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            versions: Versions::Auto,
            prior_knowledge: false,
            http2: proto::Config::for_role(proto::Role::Client),
            http1: http1::Config::default(),
            #[cfg(feature = "tls")]
            tls: None,
            proxies: Proxies::default(),
            resolver: Resolver::default(),
            connect_hook: None,
            on_push: None,
            connect_timeout: Duration::from_secs(10),
            tls_timeout: Duration::from_secs(10),
            response_timeout: Some(Duration::from_secs(60)),
            read_timeout: Some(Duration::from_secs(60)),
            timeout: None,
            expect_timeout: Duration::from_secs(1),
            max_connections_per_origin: 4,
            max_http1_connections_per_origin: 64,
            max_idle_connections: 100,
            idle_timeout: Duration::from_secs(90),
            max_connection_age: None,
            verify_after: Duration::from_secs(15),
            verify_interval: Duration::from_secs(1),
            verify_timeout: Duration::from_secs(2),
            max_retries: 3,
            retry_idempotent: false,
            max_redirects: 10,
            on_redirect: None,
            https_only: false,
            #[cfg(feature = "gzip")]
            gzip: true,
            #[cfg(feature = "brotli")]
            brotli: true,
            #[cfg(feature = "zstd")]
            zstd: true,
            max_inflated: 1 << 30,
            #[cfg(feature = "cookies")]
            cookies: None,
            max_body: 16 << 20,
            user_agent: Some(HeaderValue::from_static(concat!(
                "h2-sync/",
                env!("CARGO_PKG_VERSION")
            ))),
            default_headers: HeaderMap::new(),
        }
    }
}

impl Config {
    /// Changes the configuration within an expression.
    ///
    /// ```
    /// use h2_sync::client::Config;
    ///
    /// let config = Config::default().with(|config| config.max_redirects = 0);
    /// assert_eq!(config.max_redirects, 0);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Checks every field. Creating a client calls it.
    ///
    /// ```
    /// use h2_sync::client::Config;
    ///
    /// let config = Config::default().with(|config| config.max_connections_per_origin = 0);
    /// assert!(config.validate().is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// The first field that is out of its range, with the range.
    pub fn validate(&self) -> Result<(), Error> {
        self.http2.validate()?;
        let time = ABOVE_ZERO;
        Ok(check([
            (leaves_time(self.connect_timeout), "connect_timeout", time),
            (leaves_time(self.tls_timeout), "tls_timeout", time),
            (leaves_time(self.response_timeout), "response_timeout", time),
            (leaves_time(self.read_timeout), "read_timeout", time),
            (leaves_time(self.timeout), "timeout", time),
            (leaves_time(self.verify_timeout), "verify_timeout", time),
            (leaves_time(self.max_connection_age), "max_connection_age", time),
            (
                self.max_connections_per_origin >= 1,
                "max_connections_per_origin",
                "must be at least 1: no request would be sent",
            ),
            (
                self.max_http1_connections_per_origin >= 1,
                "max_http1_connections_per_origin",
                "must be at least 1: no request would be sent",
            ),
        ])?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_TIME: Duration = Duration::ZERO;

    type Change = fn(&mut Config);

    #[test]
    fn defaults_are_as_documented_and_valid() {
        let config = Config::default();
        let seconds = Duration::from_secs;
        assert_eq!((config.connect_timeout, config.tls_timeout), (seconds(10), seconds(10)));
        assert_eq!(config.response_timeout, Some(seconds(60)));
        assert_eq!((config.read_timeout, config.timeout), (Some(seconds(60)), None));
        assert_eq!(config.max_connections_per_origin, 4);
        assert_eq!(config.max_http1_connections_per_origin, 64);
        assert_eq!((config.idle_timeout, config.max_idle_connections), (seconds(90), 100));
        assert_eq!(config.max_connection_age, None);
        assert_eq!((config.verify_after, config.verify_timeout), (seconds(15), seconds(2)));
        assert_eq!((config.max_retries, config.max_redirects), (3, 10));
        assert_eq!(config.max_body, 16 << 20);
        assert!(config.validate().is_ok());
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let nonsense: &[(&str, Change)] = &[
            ("max_fields", |config| config.http2.max_fields = 0),
            ("connect_timeout", |config| config.connect_timeout = NO_TIME),
            ("tls_timeout", |config| config.tls_timeout = NO_TIME),
            ("response_timeout", |config| config.response_timeout = Some(NO_TIME)),
            ("read_timeout", |config| config.read_timeout = Some(NO_TIME)),
            ("timeout", |config| config.timeout = Some(NO_TIME)),
            ("verify_timeout", |config| config.verify_timeout = NO_TIME),
            ("max_connections_per_origin", |config| config.max_connections_per_origin = 0),
            ("max_http1_connections_per_origin", |config| {
                config.max_http1_connections_per_origin = 0;
            }),
        ];
        for (field, change) in nonsense {
            let mut config = Config::default();
            change(&mut config);
            let error = config.validate().unwrap_err();
            assert!(error.to_string().contains(&format!("`{field}` must be")), "{field}: {error}");
        }
    }

    #[test]
    fn optional_settings_can_be_disabled() {
        let mut config = Config {
            response_timeout: None,
            read_timeout: None,
            timeout: None,
            expect_timeout: NO_TIME,
            idle_timeout: NO_TIME,
            verify_after: NO_TIME,
            max_retries: 0,
            max_redirects: 0,
            max_body: 0,
            ..Config::default()
        };
        assert!(config.validate().is_ok());
        config.connect_timeout = Duration::MAX;
        assert!(config.validate().is_ok());
    }
}
