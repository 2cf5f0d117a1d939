//! Limits of the HTTP/1.1 part of a connection.

use std::time::Duration;

use crate::http1;

/// Limits of the HTTP/1.1 messages before a connection continues in HTTP/2.
///
/// A plain struct: start from [`Options::default`] and change fields.
///
/// ```
/// use h2_sync::upgrade::Options;
///
/// let mut options = Options::default();
/// options.max_body_size = 1 << 20;
/// ```
///
/// Until it speaks HTTP/2, a connection buffers at most `max_head_size + max_body_size` octets,
/// plus a few KiB for reading.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whether a server accepts upgrade requests. Default `true`. If `false`, they are treated as
    /// ordinary HTTP/1.1 requests. Disable it behind a proxy that filters requests: a proxy that
    /// forwards `Upgrade` does not see the requests after it.
    pub upgrade: bool,
    /// The most octets of a header section with its first line. Default 16 KiB. A larger request is
    /// answered with 431, or with 414 if the first line alone exceeds it. The limit also applies to
    /// the trailers of a body.
    pub max_head_size: usize,
    /// The most fields of a header section. Default 100; over it a request is answered with 431.
    pub max_fields: usize,
    /// The most octets of an upgrade request's body. Default 64 KiB; over it the request is
    /// answered with 413. The body is kept in memory until HTTP/2 begins.
    pub max_body_size: usize,
    /// The time from the first read to the last octet of HTTP/1.1, in both directions. Default 10
    /// s; `None` for no limit.
    ///
    /// It is enforced by read timeouts. If a transport has none
    /// ([`Closer::set_read_timeout`](crate::transport::Closer::set_read_timeout) returns `false`)
    /// and its reads never give up, a thread can block longer: until the peer sends something or
    /// another thread closes the transport.
    pub timeout: Option<Duration>,
}

impl Options {
    /// Returns the limits of the codec for header sections and bodies.
    pub(super) fn codec(&self) -> http1::Config {
        http1::Config {
            max_head_size: self.max_head_size,
            max_request_line: self.max_head_size,
            max_fields: self.max_fields,
            ..http1::Config::default()
        }
    }
}

impl Default for Options {
    fn default() -> Self {
        Options {
            upgrade: true,
            max_head_size: 16 << 10,
            max_fields: 100,
            max_body_size: 64 << 10,
            timeout: Some(Duration::from_secs(10)),
        }
    }
}
