//! The limits of what comes before HTTP/2.

use std::time::Duration;

use crate::http1;

/// What may come in HTTP/1.1, before a connection speaks HTTP/2.
///
/// Plain data: take [`Options::default`] and change what you need.
///
/// ```
/// use h2_sync::upgrade::Options;
///
/// let mut options = Options::default();
/// options.max_body_size = 1 << 20;
/// ```
///
/// A connection holds at most `max_head_size + max_body_size` octets and a few KiB for reading,
/// until it speaks HTTP/2.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// Whether a server takes requests to upgrade. Default `true`. With `false` they are requests
    /// of HTTP/1.1 like all others. Switch it off behind a proxy that decides which requests come
    /// through: one that passes `Upgrade` on does not see what follows.
    pub upgrade: bool,
    /// Octets of the head of a message: its first line and its fields. Default 16 KiB. Over it a
    /// request is answered with 431, or 414 while it is in its first line. The trailers behind a body may
    /// have as much.
    pub max_head_size: usize,
    /// Fields in the head. Default 100; over it a request is answered with 431.
    pub max_fields: usize,
    /// Octets of the body that a request to upgrade brings with it. Default 64 KiB; over it the
    /// request is answered with 413. All of it is in memory before HTTP/2 begins.
    pub max_body_size: usize,
    /// How long all of it may take, from the first read to the last octet of HTTP/1.1 in either
    /// direction. Default 10 s; `None` means for ever.
    ///
    /// It is kept by read timeouts, so a transport that has none
    /// ([`Closer::set_read_timeout`](crate::transport::Closer::set_read_timeout) says `false`) and
    /// whose reads never give up can keep its thread for longer, until the peer says something or
    /// another thread closes the transport.
    pub timeout: Option<Duration>,
}

impl Options {
    /// The limits of the codec that reads heads and bodies.
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
