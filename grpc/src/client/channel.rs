//! A way to one or more servers.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use h2_sync::client::Client;
use http::HeaderValue;

use super::builder::{ChannelBuilder, Interceptor};
use super::options::CallOptions;
use crate::status::Status;

/// How long a server that could not be reached is left out, where there are others.
const LEFT_OUT: Duration = Duration::from_secs(2);

/// A way to one or more servers, for calls from any number of threads.
///
/// Cheap to clone; clones share the connections, which are made when they are needed. Where there are
/// several servers they take turns, and one that cannot be reached is left out for two seconds.
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
    /// `http://host:port`, with the path that methods are below, if there is one.
    base: String,
    left_out_until: Mutex<Option<Instant>>,
}

impl Channel {
    /// A channel to a server: `http://host:port` without TLS, `https://host` with it. Makes no
    /// connection yet.
    ///
    /// # Errors
    ///
    /// The URL is not valid ([`Code::InvalidArgument`](crate::Code::InvalidArgument)).
    pub fn new(url: &str) -> Result<Self, Status> {
        Channel::builder(url).build()
    }

    /// A channel to a server, with settings.
    pub fn builder(url: &str) -> ChannelBuilder {
        ChannelBuilder::new(url)
    }

    /// A channel over a client that is there already, whose connections and settings it uses.
    ///
    /// The client's own times hold for calls as well:
    /// [`response_timeout`](h2_sync::client::Config::response_timeout) and
    /// [`read_timeout`](h2_sync::client::Config::read_timeout), 60 s by default. It has to speak
    /// HTTP/2 with the server: for `http://` that takes
    /// [`prior_knowledge`](h2_sync::client::Config::prior_knowledge).
    ///
    /// # Errors
    ///
    /// Those of [`new`](Self::new).
    pub fn from_client(client: Client, url: &str) -> Result<Self, Status> {
        Channel::builder(url).build_over(client)
    }

    /// A channel to a server on a Unix socket.
    ///
    /// # Errors
    ///
    /// None today.
    #[cfg(unix)]
    pub fn unix(path: impl Into<std::path::PathBuf>) -> Result<Self, Status> {
        let path = path.into();
        let hook = h2_sync::client::ConnectHook::new(move |_| {
            std::os::unix::net::UnixStream::connect(&path)
        });
        let builder = Channel::builder("http://localhost");
        builder.configure(|config| config.connect_hook = Some(hook)).build()
    }

    pub(super) fn make(
        client: Client,
        servers: Vec<String>,
        interceptors: Vec<Interceptor>,
        user_agent: HeaderValue,
        options: CallOptions,
    ) -> Self {
        let server = |base| Server { base, left_out_until: Mutex::new(None) };
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

    /// The options of calls that have none of their own.
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

    /// The server whose turn it is.
    pub(super) fn server(&self) -> &Server {
        let servers = &self.inner.servers;
        if let [only] = &servers[..] {
            return only;
        }
        let turn = self.inner.turn.fetch_add(1, Ordering::Relaxed);
        let in_turn = (0..servers.len()).map(|n| &servers[turn.wrapping_add(n) % servers.len()]);
        let now = Instant::now();
        let mut reachable = in_turn.filter(|server| server.is_in(now));
        reachable.next().unwrap_or(&servers[turn % servers.len()])
    }
}

impl Server {
    /// The URL of a method.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// It could not be reached.
    pub(super) fn leave_out(&self) {
        let until = Instant::now().checked_add(LEFT_OUT);
        *self.left_out_until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }

    fn is_in(&self, now: Instant) -> bool {
        let until = *self.left_out_until.lock().unwrap_or_else(PoisonError::into_inner);
        until.is_none_or(|until| until <= now)
    }
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let servers = self.inner.servers.iter().map(|server| &server.base);
        let servers = servers.collect::<Vec<_>>();
        f.debug_struct("Channel").field("servers", &servers).finish_non_exhaustive()
    }
}
