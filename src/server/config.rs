//! The configuration of a server.

use std::time::Duration;

use http::HeaderValue;

use crate::error::Error;
use crate::http1;
use crate::proto::{self, ABOVE_ZERO, check, leaves_time};

/// Enough for our own frames, and little more.
const LEAST_STACK: usize = 64 << 10;

/// The initial windows of four streams.
const LEAST_UNREAD: usize = 1 << 20;

/// The versions of HTTP that a server speaks.
///
/// In cleartext, the first octets of a connection decide; over TLS, ALPN does, and a client without
/// ALPN gets HTTP/1.1.
///
/// ```
/// use h2_sync::server::{Config, Versions};
///
/// let config = Config::default().with(|config| config.versions = Versions::Http2);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Versions {
    /// HTTP/2 and HTTP/1.x, on the same port and with the same handler.
    #[default]
    Both,
    /// Only HTTP/1.x. A client that sends the HTTP/2 preface gets GOAWAY (HTTP_1_1_REQUIRED); `h2`
    /// is not offered by ALPN.
    Http1,
    /// Only HTTP/2. An HTTP/1.x request is answered with 505, or 426 if it could be upgraded; over
    /// TLS, a client without `h2` is rejected.
    Http2,
}

/// The configuration of a [`Server`](super::Server): its versions, threads, limits and timeouts, and
/// those of each connection ([`http2`](Self::http2), [`http1`](Self::http1)).
///
/// Start from [`Config::default`] and change fields, or use [`with`](Self::with) in an expression.
///
/// ```
/// use h2_sync::server::Config;
///
/// let mut config = Config::default();
/// config.max_handlers = 64;
/// config.http2.max_concurrent_streams = 32;
/// ```
///
/// # Memory
///
/// - An idle connection: about 11 KiB, or 20 KiB with TLS. On systems other than Linux, also one thread
///   (see [`stack_size`](Self::stack_size)).
/// - A busy connection: at most what [`proto::Config`] describes. Most of it are unread request bodies,
///   `max_concurrent_streams × initial_window_size + window_budget` (48 MiB; over all connections
///   [`max_unread`](Self::max_unread)), and responses that the peer does not read, `max_send_buffer`.
/// - Handlers: up to `max_handlers + max_waiting_handlers` threads besides those of the connections,
///   and what the handlers allocate.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// The supported versions of HTTP. Default [`Versions::Both`].
    pub versions: Versions,
    /// The settings, limits and timeouts of each connection. `header_timeout`, `idle_timeout`,
    /// `stall_timeout` and `max_stream_send_buffer` also apply to HTTP/1.x.
    pub http2: proto::Config,
    /// The limits of each HTTP/1.x connection. Its `max_body_size` limits every request body;
    /// [`max_body`](Self::max_body) only those that a handler reads into memory as a whole.
    pub http1: http1::Config,

    /// The most connections at once. Default 10,000. Further ones wait in the system's queue. Each
    /// costs a file descriptor and, while it is opened, a thread; on systems other than Linux it keeps
    /// the thread. If the limits of the process are lower, this is logged when the first server starts.
    pub max_connections: usize,
    /// The most handlers that run at once, over all connections. Default 2,048. Further requests
    /// wait. Each costs a thread while it runs: about 30 KiB (16 KiB of kernel stack, 9 KiB
    /// resident, page tables), plus what the handler uses.
    ///
    /// A connection may have half of the permits that the others leave, and always 4. So a new
    /// client finds free ones, unless very many others hold their full share.
    pub max_handlers: usize,
    /// Maximum handlers that do not count towards `max_handlers`, because they have waited for
    /// their peers for 100 ms: for more of a body, for a WebSocket message, or for a response to be
    /// read. Default 4,096; with 0 all handlers count, and a few hundred slow peers can block all
    /// others. Each takes a thread.
    pub max_waiting_handlers: usize,
    /// The most handlers that run at once for one connection. Default 128. Further requests wait.
    /// The peer's requests are also bounded by
    /// [`max_concurrent_streams`](proto::Config::max_concurrent_streams).
    pub max_handlers_per_connection: usize,
    /// How long a request waits for a permit before it is refused with REFUSED_STREAM, after which
    /// a client may retry. Default 5 s.
    pub queue_timeout: Duration,

    /// The time for the TLS handshake, and after that for the first octets of HTTP. Default 10 s
    /// each.
    pub handshake_timeout: Duration,
    /// How long a read of a request body waits for the next octets. Default 60 s; a handler can
    /// change it with [`Request::set_read_timeout`](super::Request::set_read_timeout). If the
    /// handler returns the resulting error, it is answered with 408.
    pub read_timeout: Option<Duration>,
    /// The time for receiving a whole request body, from the start of the handler. Default `None`:
    /// no limit, since only the application knows how long a large upload or an exchange of
    /// messages may take. A handler can set its own deadline with
    /// [`Request::set_deadline`](super::Request::set_deadline). The error is the same as that of
    /// `read_timeout`.
    pub body_timeout: Option<Duration>,
    /// The time for running a handler, unless it has opened a tunnel (CONNECT,
    /// [`Response::upgrade`](super::Response::upgrade)). After that its stream is reset with
    /// INTERNAL_ERROR, so that the client does not wait forever. The thread cannot be stopped: the
    /// handler keeps its permit until it returns, and its next read or write fails. Default `None`:
    /// no limit, since some responses have no end.
    pub handler_timeout: Option<Duration>,
    /// The age at which a connection is shut down gracefully: it gets GOAWAY, and open requests are
    /// finished. Default `None`: never. Useful to spread load over several servers.
    pub max_age: Option<Duration>,
    /// How long a connection past its [`max_age`](Self::max_age) may take to finish open requests.
    /// Default 60 s.
    pub max_age_grace: Duration,

    /// The most octets of a request body that are read into memory (`read_to_end`,
    /// `read_to_string`). Default 2 MiB. If the handler returns the resulting error, it is answered
    /// with 413.
    pub max_body: usize,

    /// The most octets of request bodies that are received and not yet read by handlers, over all HTTP/2
    /// connections. Default 1 GiB; at least 1 MiB. A connection that holds more than what remains is not
    /// read from meanwhile, so only the connections that hold the most are slowed down. Each connection may exceed it by one read of up to 256 KiB. An HTTP/1.1 connection holds at
    /// most one read buffer of 256 KiB.
    pub max_unread: usize,

    /// The stack size of each thread in octets. Default 2 MiB, like that of other Rust threads, since
    /// handlers run on them; at least 64 KiB. A large stack costs address space, and memory only as it
    /// is used.
    pub stack_size: usize,
    /// How long an idle thread is kept. Default 10 s. Beyond 32 idle threads, further ones are kept for
    /// 250 ms at most.
    pub idle_thread_timeout: Duration,

    /// Whether extended CONNECT (RFC 8441) is enabled for HTTP/2 clients, as WebSocket routes need.
    /// Default `false`. Once it is announced, browsers open WebSockets over HTTP/2, and do not fall
    /// back to HTTP/1.1 if that is refused.
    ///
    /// If an ordinary route answers an extended CONNECT with 2xx, this opens an unused tunnel, so a
    /// router should check the method. HTTP/1.1 upgrade requests reach their handlers in any case.
    pub websockets: bool,
    /// Whether a cleartext connection (TCP or Unix) may be upgraded to `h2c` by its first HTTP/1.1
    /// request (RFC 7540, Section 3.2; deprecated by RFC 9113). Default `false`: such a request
    /// gets an HTTP/1.1 response.
    ///
    /// An upgrade bypasses a proxy that filters requests by path. A proxy that forwards `upgrade`
    /// sees `GET /public`, but not the HTTP/2 requests for `/admin` after it on the same
    /// connection. Enable it only without a proxy in front. Clients that know that the server
    /// speaks HTTP/2 need no upgrade.
    pub h2c_upgrade: bool,
    /// Whether responses get a `date` field unless the handler sets one (RFC 9110, Section 6.6.1).
    /// Default `true`.
    pub date: bool,
    /// The `server` field of responses, unless the handler sets one. Default `h2-sync`; `None` for
    /// no field.
    pub server_name: Option<HeaderValue>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            versions: Versions::default(),
            http2: proto::Config::default(),
            http1: http1::Config::default(),
            max_connections: 10_000,
            max_handlers: 2_048,
            max_waiting_handlers: 4_096,
            max_handlers_per_connection: 128,
            queue_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            read_timeout: Some(Duration::from_secs(60)),
            body_timeout: None,
            handler_timeout: None,
            max_age: None,
            max_age_grace: Duration::from_secs(60),
            max_body: 2 << 20,
            max_unread: 1 << 30,
            stack_size: 2 << 20,
            idle_thread_timeout: Duration::from_secs(10),
            websockets: false,
            h2c_upgrade: false,
            date: true,
            server_name: Some(HeaderValue::from_static("h2-sync")),
        }
    }
}

impl Config {
    /// Changes the configuration within an expression.
    ///
    /// ```
    /// use h2_sync::server::Config;
    ///
    /// let config = Config::default().with(|config| config.max_handlers = 64);
    /// assert_eq!(config.max_handlers, 64);
    /// ```
    #[must_use]
    pub fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Checks every value. All functions that start a server call it.
    ///
    /// ```
    /// use h2_sync::server::Config;
    ///
    /// let config = Config::default().with(|config| config.max_handlers = 0);
    /// assert!(config.validate().unwrap_err().to_string().contains("max_handlers"));
    /// ```
    ///
    /// # Errors
    ///
    /// The first field with an invalid value, and its valid range.
    pub fn validate(&self) -> Result<(), Error> {
        self.http2.validate()?;
        let (least, time) = ("must be at least 1", ABOVE_ZERO);
        Ok(check([
            (
                self.http2.max_concurrent_streams >= 1,
                "max_concurrent_streams",
                "must be at least 1: no request would be taken",
            ),
            (self.max_connections >= 1, "max_connections", least),
            (self.max_handlers >= 1, "max_handlers", least),
            (self.max_handlers_per_connection >= 1, "max_handlers_per_connection", least),
            (leaves_time(self.handshake_timeout), "handshake_timeout", time),
            (leaves_time(self.read_timeout), "read_timeout", time),
            (leaves_time(self.body_timeout), "body_timeout", time),
            (leaves_time(self.handler_timeout), "handler_timeout", time),
            (leaves_time(self.max_age), "max_age", time),
            (self.max_unread >= LEAST_UNREAD, "max_unread", "must be at least 1 MiB"),
            (
                self.stack_size >= LEAST_STACK,
                "stack_size",
                "must be at least 64 KiB: a handler that runs out of its stack ends the process",
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
        assert_eq!((config.max_connections, config.max_handlers), (10_000, 2_048));
        assert_eq!(config.max_waiting_handlers, 4_096);
        assert_eq!(config.max_handlers_per_connection, 128);
        assert_eq!(config.queue_timeout, Duration::from_secs(5));
        assert_eq!(config.handshake_timeout, Duration::from_secs(10));
        assert_eq!(config.read_timeout, Some(Duration::from_secs(60)));
        assert_eq!((config.body_timeout, config.handler_timeout), (None, None));
        assert_eq!((config.max_age, config.max_age_grace), (None, Duration::from_secs(60)));
        assert_eq!((config.max_body, config.stack_size), (2 << 20, 2 << 20));
        assert_eq!(config.max_unread, 1 << 30);
        assert!(config.validate().is_ok());
    }

    #[test]
    fn a_value_out_of_range_is_named() {
        let nonsense: &[(&str, Change)] = &[
            ("max_fields", |config| config.http2.max_fields = 0),
            ("max_concurrent_streams", |config| config.http2.max_concurrent_streams = 0),
            ("max_connections", |config| config.max_connections = 0),
            ("max_handlers", |config| config.max_handlers = 0),
            ("max_handlers_per_connection", |config| config.max_handlers_per_connection = 0),
            ("handshake_timeout", |config| config.handshake_timeout = NO_TIME),
            ("read_timeout", |config| config.read_timeout = Some(NO_TIME)),
            ("body_timeout", |config| config.body_timeout = Some(NO_TIME)),
            ("handler_timeout", |config| config.handler_timeout = Some(NO_TIME)),
            ("max_age", |config| config.max_age = Some(NO_TIME)),
            ("max_unread", |config| config.max_unread = LEAST_UNREAD - 1),
            ("stack_size", |config| config.stack_size = LEAST_STACK - 1),
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
        let config = Config {
            max_waiting_handlers: 0,
            queue_timeout: NO_TIME,
            read_timeout: None,
            max_age_grace: NO_TIME,
            max_body: 0,
            idle_thread_timeout: NO_TIME,
            server_name: None,
            ..Config::default()
        };
        assert!(config.validate().is_ok());
    }
}
