//! The versions of HTTP that a client uses.

/// The versions of HTTP that a client uses, by the scheme of the URL:
///
/// | | `https://` | `http://` |
/// | --- | --- | --- |
/// | `Auto` | HTTP/2 if the server selects it in the TLS handshake (ALPN), otherwise HTTP/1.1 | HTTP/1.1, or HTTP/2 with [`prior_knowledge`](super::Config::prior_knowledge) |
/// | `Http1` | HTTP/1.1 | HTTP/1.1 |
/// | `Http2` | HTTP/2, or an error ([`Error::is_http1_only`](crate::Error::is_http1_only)) | HTTP/2 from the first octet (RFC 9113, Section 3.3) |
///
/// HTTP/1.1 here includes HTTP/1.0 servers; [`Response::version`](super::Response::version) tells
/// them apart.
///
/// ```
/// use h2_sync::client::{Client, Config, Versions};
///
/// let config = Config::default().with(|config| config.versions = Versions::Http2);
/// let client = Client::with_config(config)?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Versions {
    /// HTTP/2 or HTTP/1.1, depending on the server.
    #[default]
    Auto,
    /// HTTP/1.1 only.
    Http1,
    /// HTTP/2 only.
    Http2,
}

impl Versions {
    /// Whether a connection is known to use HTTP/1.1 before it is established.
    pub(super) fn is_http1(self, is_https: bool, prior_knowledge: bool) -> bool {
        match self {
            Versions::Http1 => true,
            Versions::Http2 => false,
            Versions::Auto => !is_https && !prior_knowledge,
        }
    }
}
