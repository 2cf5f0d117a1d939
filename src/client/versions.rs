//! Which versions of HTTP a client speaks.

/// The versions of HTTP that a client speaks. `http://` and `https://` URLs differ:
///
/// | | `https://` | `http://` |
/// | --- | --- | --- |
/// | `Auto` | HTTP/2 where the server chooses it in the TLS handshake (ALPN), HTTP/1.1 where it does not | HTTP/1.1, or HTTP/2 with [`prior_knowledge`](super::Config::prior_knowledge) |
/// | `Http1` | HTTP/1.1 | HTTP/1.1 |
/// | `Http2` | HTTP/2, or an error ([`Error::is_http1_only`](crate::Error::is_http1_only)) | HTTP/2 from the first octet (RFC 9113, Section 3.3) |
///
/// A server of HTTP/1.0 is one of HTTP/1.1 here; [`Response::version`](super::Response::version) tells.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Versions {
    /// HTTP/2 and HTTP/1.1, whichever the server takes.
    #[default]
    Auto,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone.
    Http2,
}

impl Versions {
    /// Whether a connection is known to be one of HTTP/1.1 before it is made.
    pub(super) fn is_http1(self, is_https: bool, prior_knowledge: bool) -> bool {
        match self {
            Versions::Http1 => true,
            Versions::Http2 => false,
            Versions::Auto => !is_https && !prior_knowledge,
        }
    }
}
