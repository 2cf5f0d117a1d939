//! Channels: connections to one or more servers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use h2_sync::client::Client;
use http::HeaderValue;

use super::absence::Absence;
use super::builder::{ChannelBuilder, Interceptor};
use super::options::CallOptions;
use crate::status::Status;

/// The connections to one or more servers, for calls from any number of threads.
///
/// A channel is cheap to clone, and clones share its connections, which are made on demand. Several
/// servers are used in turn (round robin). A server that cannot be reached is skipped for 2 s, and
/// for twice as long after each further failure, up to 32 s.
///
/// ```
/// use h2_sync_grpc::client::Channel;
///
/// let channel = Channel::new("http://127.0.0.1:50051")?;
/// # Ok::<(), h2_sync_grpc::Status>(())
/// ```
#[derive(Clone)]
pub struct Channel {
    inner: Arc<Inner>,
}

struct Inner {
    client: Client,
    servers: Vec<Server>,
    turn: AtomicUsize,
    interceptors: Vec<Interceptor>,
    user_agent: HeaderValue,
    options: Arc<CallOptions>,
}

/// One of the servers.
#[derive(Debug)]
pub(super) struct Server {
    /// The URL `http://host:port`, with the prefix of method paths, if any.
    base: String,
    pub(super) absence: Absence,
}

impl Channel {
    /// Creates a channel to a server: `http://host:port` without TLS, `https://host` with TLS.
    /// Connections are made by the first calls.
    ///
    /// # Errors
    ///
    /// The URL is not valid ([`Code::InvalidArgument`](crate::Code::InvalidArgument)).
    pub fn new(url: &str) -> Result<Self, Status> {
        Channel::builder(url).build()
    }

    /// Returns a builder for a channel with settings.
    ///
    /// [`ChannelBuilder`] has an example.
    pub fn builder(url: &str) -> ChannelBuilder {
        ChannelBuilder::new(url)
    }

    /// Creates a channel that uses the connections and settings of an existing client.
    ///
    /// The client's timeouts also apply to calls:
    /// [`response_timeout`](h2_sync::client::Config::response_timeout) and
    /// [`read_timeout`](h2_sync::client::Config::read_timeout), 60 s by default. The client must
    /// use HTTP/2 with the server: for `http://` URLs, set
    /// [`prior_knowledge`](h2_sync::client::Config::prior_knowledge).
    ///
    /// ```
    /// use h2_sync::client::{Client, Config, Versions};
    /// use h2_sync_grpc::client::Channel;
    ///
    /// let config = Config::default().with(|config| config.versions = Versions::Http2);
    /// let client = Client::with_config(config)?;
    /// let channel = Channel::from_client(client, "http://127.0.0.1:50051")?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn from_client(client: Client, url: &str) -> Result<Self, Status> {
        Channel::builder(url).build_over(client)
    }

    /// Creates a channel to a server on a Unix socket. For further settings, use
    /// [`ChannelBuilder::unix_socket`].
    ///
    /// ```
    /// use h2_sync_grpc::client::Channel;
    ///
    /// let channel = Channel::unix("/run/greeter.sock")?;
    /// # Ok::<(), h2_sync_grpc::Status>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`ChannelBuilder::build`].
    #[cfg(unix)]
    pub fn unix(path: impl Into<std::path::PathBuf>) -> Result<Self, Status> {
        Channel::builder("http://localhost").unix_socket(path).build()
    }

    pub(super) fn make(
        client: Client,
        servers: Vec<String>,
        interceptors: Vec<Interceptor>,
        user_agent: HeaderValue,
        options: CallOptions,
    ) -> Self {
        let server = |base| Server { base, absence: Absence::default() };
        Channel {
            inner: Arc::new(Inner {
                client,
                servers: servers.into_iter().map(server).collect(),
                turn: AtomicUsize::new(0),
                interceptors,
                user_agent,
                options: Arc::new(options),
            }),
        }
    }

    /// Returns the options of calls without options of their own.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use h2_sync_grpc::client::{Channel, Stub};
    ///
    /// fn slower(channel: &Channel) -> Stub {
    ///     let options = channel.options().clone().timeout(Duration::from_secs(60));
    ///     Stub::new(channel).with(options)
    /// }
    /// ```
    pub fn options(&self) -> &CallOptions {
        &self.inner.options
    }

    pub(super) fn shared_options(&self) -> Arc<CallOptions> {
        Arc::clone(&self.inner.options)
    }

    pub(super) fn client(&self) -> &Client {
        &self.inner.client
    }

    pub(super) fn interceptors(&self) -> &[Interceptor] {
        &self.inner.interceptors
    }

    pub(super) fn user_agent(&self) -> &HeaderValue {
        &self.inner.user_agent
    }

    pub(super) fn server_count(&self) -> usize {
        self.inner.servers.len()
    }

    /// Returns the next server in turn.
    pub(super) fn server(&self) -> &Server {
        let servers = &self.inner.servers;
        if let [only] = &servers[..] {
            return only;
        }
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..servers.len()).map(|n| &servers[turn.wrapping_add(n) % servers.len()]);
        let now = Instant::now();
        let mut reachable = in_turn.filter(|server| server.absence.allows(now));
        reachable.next().unwrap_or(&servers[turn % servers.len()])
    }
}

impl Server {
    /// Returns the URL of a method.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.inner.servers.iter().map(|server| &server.base);
        let servers = servers.collect::<Vec<_>>();
        f.debug_struct("Channel").field("servers", &servers).finish_non_exhaustive()
    }
}
