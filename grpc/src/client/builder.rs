//! The settings of a channel.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use h2_sync::client::{Client, Config, Versions};
use http::{HeaderValue, Uri};

use super::channel::Channel;
use super::options::CallOptions;
use crate::metadata::Metadata;
use crate::status::Status;

/// A function that is called before each call.
pub(super) type Interceptor = Arc<dyn Fn(&mut CallStart<'_>) -> Result<(), Status> + Send + Sync>;

/// gRPC servers accept one PING in five minutes on an idle connection.
const PING_INTERVAL: Duration = Duration::from_secs(300);

/// The beginning of a call, as an interceptor sees it.
///
/// ```
/// use std::time::{Duration, Instant};
///
/// use h2_sync_grpc::client::CallStart;
/// use h2_sync_grpc::Status;
///
/// /// An interceptor that does not begin calls without time, and counts the others.
/// fn check(call: &mut CallStart<'_>) -> Result<(), Status> {
///     let least = Instant::now() + Duration::from_millis(10);
///     if call.deadline().is_some_and(|deadline| deadline < least) {
///         return Err(Status::deadline_exceeded("no time is left for this call"));
///     }
///     let method = call.path().to_owned();
///     call.metadata().insert("x-method", method)?;
///     Ok(())
/// }
/// ```
#[derive(Debug)]
pub struct CallStart<'a> {
    pub(super) path: &'a str,
    pub(super) metadata: &'a mut Metadata,
    pub(super) deadline: Option<Instant>,
}

impl CallStart<'_> {
    /// Returns the path of the method: `/package.Service/Method`.
    pub fn path(&self) -> &str {
        self.path
    }

    /// Returns the metadata of the request, mutably.
    pub fn metadata(&mut self) -> &mut Metadata {
        self.metadata
    }

    /// Returns the deadline of the call.
    pub fn deadline(&self) -> Option<Instant> {
        self.deadline
    }
}

/// A builder for a [`Channel`].
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync_grpc::client::{CallOptions, Channel};
///
/// let channel = Channel::builder("http://127.0.0.1:50051")
///     .server("http://127.0.0.1:50052")
///     .options(CallOptions::new().timeout(Duration::from_secs(10)))
///     .build()?;
/// # Ok::<(), h2_sync_grpc::Status>(())
/// ```
///
/// The settings of its connections:
///
/// ```
/// use std::time::Duration;
///
/// use h2_sync_grpc::client::Channel;
///
/// let channel = Channel::builder("http://127.0.0.1:50051")
///     .user_agent("my-program/1.0")
///     .connect_timeout(Duration::from_secs(3))
///     .keepalive(Duration::from_secs(300), Duration::from_secs(20))
///     .configure(|config| config.max_connections_per_origin = 2)
///     .build()?;
/// # Ok::<(), h2_sync_grpc::Status>(())
/// ```
#[derive(Clone)]
#[must_use = "nothing happens before `build`"]
pub struct ChannelBuilder {
    servers: Vec<String>,
    config: Config,
    options: CallOptions,
    interceptors: Vec<Interceptor>,
    user_agent: Option<String>,
}

impl ChannelBuilder {
    pub(super) fn new(url: &str) -> Self {
        let mut config = Config::default();
        config.versions = Versions::Http2;
        // Calls are bounded by their deadline alone.
        config.response_timeout = None;
        config.read_timeout = None;
        config.http2.stall_timeout = None;
        config.max_redirects = 0;
        config.verify_after = PING_INTERVAL;
        config.verify_interval = PING_INTERVAL;
        ChannelBuilder {
            servers: vec![url.to_owned()],
            config,
            options: CallOptions::new(),
            interceptors: Vec::new(),
            user_agent: None,
        }
    }

    /// Adds a server. Calls use all servers in turn (round robin).
    pub fn server(mut self, url: &str) -> Self {
        self.servers.push(url.to_owned());
        self
    }

    /// Sets the TLS configuration: trusted authorities, the client's certificate. Default: the
    /// authorities that browsers trust.
    ///
    /// ```no_run
    /// use h2_sync::tls::Connector;
    /// use h2_sync_grpc::client::Channel;
    ///
    /// let connector = Connector::with_only_roots(&std::fs::read("company-ca.pem")?)?;
    /// let channel = Channel::builder("https://greeter.example").tls(connector).build()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "tls")]
    pub fn tls(mut self, connector: h2_sync::tls::Connector) -> Self {
        self.config.tls = Some(connector);
        self
    }

    /// Connects to a Unix socket. The host in the URL is sent as the authority and is not resolved.
    ///
    /// ```
    /// use h2_sync_grpc::client::Channel;
    ///
    /// let channel =
    /// Channel::builder("http://localhost").unix_socket("/run/greeter.sock").build()?;
    /// # Ok::<(), h2_sync_grpc::Status>(())
    /// ```
    #[cfg(unix)]
    pub fn unix_socket(self, path: impl Into<std::path::PathBuf>) -> Self {
        let path = path.into();
        let hook = h2_sync::client::ConnectHook::new(move |_| {
            std::os::unix::net::UnixStream::connect(&path)
        });
        self.configure(|config| config.connect_hook = Some(hook))
    }

    /// Sets the timeout of connection attempts. Default 10 s.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.config.connect_timeout = timeout;
        self
    }

    /// Sends a PING when the server has sent nothing for `interval` (at least 10 s), and closes the
    /// connection if it is not acknowledged within `timeout`. Default: no PINGs.
    ///
    /// Many servers close a connection that sends PINGs more often than every five minutes (GOAWAY
    /// with ENHANCE_YOUR_CALM, "too_many_pings"), unless they are configured otherwise. Calls that
    /// such a GOAWAY leaves unprocessed are repeated on a new connection.
    pub fn keepalive(mut self, interval: Duration, timeout: Duration) -> Self {
        self.config.http2.keepalive_interval = Some(interval);
        self.config.http2.keepalive_timeout = timeout;
        self
    }

    /// Sets the first part of `user-agent`, such as `my-program/1.0`. The name of this crate
    /// follows it.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.user_agent = Some(name.into());
        self
    }

    /// Sets the options of calls without options of their own.
    pub fn options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Adds a function that is called before each call, on the thread of the call. An error that it
    /// returns is the status of the call.
    ///
    /// ```
    /// use h2_sync_grpc::client::{CallStart, Channel};
    ///
    /// let channel = Channel::builder("http://127.0.0.1:50051")
    ///     .intercept(|call: &mut CallStart<'_>| {
    ///         call.metadata().insert("authorization", "Bearer abc")?;
    ///         Ok(())
    ///     })
    ///     .build()?;
    /// # Ok::<(), h2_sync_grpc::Status>(())
    /// ```
    pub fn intercept(
        mut self,
        interceptor: impl Fn(&mut CallStart<'_>) -> Result<(), Status> + Send + Sync + 'static,
    ) -> Self {
        self.interceptors.push(Arc::new(interceptor));
        self
    }

    /// Changes the settings of the underlying client: proxies, resolver, connections, windows.
    ///
    /// The initial settings are those of [`Config::default`], except: HTTP/2 only; no timeouts,
    /// redirects or
    /// `stall_timeout`; at most one PING in five minutes.
    pub fn configure(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(&mut self.config);
        self
    }

    /// Creates the channel. Connections are made by the first calls.
    ///
    /// # Errors
    ///
    /// A URL or a setting is not valid ([`Code::InvalidArgument`](crate::Code::InvalidArgument)).
    pub fn build(self) -> Result<Channel, Status> {
        let client = Client::with_config(self.config.clone());
        let client = client.map_err(|error| Status::invalid_argument(error.to_string()))?;
        self.build_over(client)
    }

    pub(super) fn build_over(self, client: Client) -> Result<Channel, Status> {
        let own = concat!("grpc-rust-h2-sync/", env!("CARGO_PKG_VERSION"));
        let agent = self.user_agent.map_or(own.to_owned(), |name| format!("{name} {own}"));
        let agent = HeaderValue::from_str(&agent)
            .map_err(|_| Status::invalid_argument(format!("{agent:?} cannot be a user agent")))?;
        let servers = self.servers.iter().map(|url| base(url)).collect::<Result<_, _>>()?;
        Ok(Channel::make(client, servers, self.interceptors, agent, self.options))
    }
}

/// Returns the part of a URL before the path of a method.
fn base(url: &str) -> Result<String, Status> {
    let invalid = |what: &str| Status::invalid_argument(format!("invalid URL {url:?}: {what}"));
    let uri: Uri = url.parse().map_err(|error| invalid(&format!("{error}")))?;
    match uri.scheme_str() {
        Some("http" | "https") => {}
        _ => return Err(invalid("it does not begin with http:// or https://")),
    }
    if uri.query().is_some() {
        return Err(invalid("it has a query"));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

impl fmt::Debug for ChannelBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBuilder")
            .field("servers", &self.servers)
            .field("config", &self.config)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
