//! What can be set on a server, with its defaults.

use std::time::Duration;

use http::HeaderValue;

use crate::error::Error;
use crate::proto;

/// The settings, limits and deadlines of a server.
///
/// Plain data: take [`Config::default`] and change what you need.
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
/// - An idle connection: one thread (see [`stack_size`](Self::stack_size)) and a few KiB.
/// - A connection at work: what [`proto::Config`] says, which is mostly
///   `max_concurrent_streams × initial_window_size` of request bodies that no handler reads, and
///   `max_send_buffer` of responses that the peer does not read.
/// - Handlers: `max_handlers` threads beyond those of the connections, and what they use themselves.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Settings, limits and deadlines of each connection.
    pub http2: proto::Config,

    /// Connections at once. Default 10,000. Over it, new ones wait in the system's queue until one
    /// ends.
    pub max_connections: usize,
    /// Handlers that run at once, over all connections. Default 512. Over it, requests wait.
    pub max_handlers: usize,
    /// Handlers that run at once for one connection. Default 128. Over it, requests wait. The peer's
    /// requests are also bounded by
    /// [`max_concurrent_streams`](proto::Config::max_concurrent_streams).
    pub max_handlers_per_connection: usize,
    /// How long a request waits for a handler to become free before it is refused with
    /// REFUSED_STREAM, which a client may answer by trying again. Default 5 s.
    pub queue_timeout: Duration,

    /// From accepting a connection to the end of its TLS handshake, and to its first octets.
    /// Default 10 s.
    pub handshake_timeout: Duration,
    /// How long a handler's read of a request body waits for the next octets. Default 60 s; a
    /// handler can set its own with
    /// [`Request::set_read_timeout`](super::Request::set_read_timeout). The error that it gets is
    /// answered with 408 if the handler returns it.
    pub read_timeout: Option<Duration>,
    /// After so long a connection is asked to end: GOAWAY, and what is open is finished. `None`, the
    /// default, is never. Good for spreading load over several servers.
    pub max_age: Option<Duration>,
    /// How long a connection that has reached its [`max_age`](Self::max_age) may take to finish what
    /// is open. Default 60 s.
    pub max_age_grace: Duration,

    /// What reading a whole request body into memory is bounded by (`read_to_end`,
    /// `read_to_string`), octets. Default 2 MiB. The error that a handler gets over it is answered
    /// with 413 if the handler returns it.
    pub max_body: usize,

    /// Stack of each thread. Default 2 MiB, as that of any Rust thread, since handlers run on them.
    /// A large stack costs address space; memory only as it is used.
    pub stack_size: usize,
    /// How long a thread without work stays. Default 10 s.
    pub idle_thread_timeout: Duration,

    /// Whether the clear text of a TCP or Unix socket may begin with an HTTP/1.1 request that asks to
    /// be upgraded to `h2c`. Default `true`. Any other HTTP/1.x request is answered with an error
    /// that says so.
    pub h2c_upgrade: bool,
    /// Whether responses get a `date` field unless the handler sets one (RFC 9110, Section 6.6.1).
    /// Default `true`.
    pub date: bool,
    /// The `server` field of responses, unless the handler sets one. Default `h2-sync`; `None` leaves
    /// it out.
    pub server_name: Option<HeaderValue>,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            http2: proto::Config::default(),
            max_connections: 10_000,
            max_handlers: 512,
            max_handlers_per_connection: 128,
            queue_timeout: Duration::from_secs(5),
            handshake_timeout: Duration::from_secs(10),
            read_timeout: Some(Duration::from_secs(60)),
            max_age: None,
            max_age_grace: Duration::from_secs(60),
            max_body: 2 << 20,
            stack_size: 2 << 20,
            idle_thread_timeout: Duration::from_secs(10),
            h2c_upgrade: true,
            date: true,
            server_name: Some(HeaderValue::from_static("h2-sync")),
        }
    }
}

impl Config {
    /// Checks every value for sense.
    pub(super) fn validate(&self) -> Result<(), Error> {
        self.http2.validate()?;
        let counts = [
            (self.max_connections, "max_connections"),
            (self.max_handlers, "max_handlers"),
            (self.max_handlers_per_connection, "max_handlers_per_connection"),
        ];
        match counts.into_iter().find(|(count, _)| *count == 0) {
            Some((_, name)) => Err(Error::usage(format!("config: `{name}` must be at least 1"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_could_do_nothing_is_not_started() {
        assert!(Config::default().validate().is_ok());
        for zero in [
            Config { max_connections: 0, ..Config::default() },
            Config { max_handlers: 0, ..Config::default() },
            Config { max_handlers_per_connection: 0, ..Config::default() },
        ] {
            let error = zero.validate().unwrap_err();
            assert!(error.to_string().contains("must be at least 1"), "{error}");
        }
    }
}
