//! The peer of a connection.

use std::net::SocketAddr;
use std::sync::Arc;

/// The peer of a connection that the application has accepted. See
/// [`Handle::serve`](super::Handle::serve).
///
/// ```
/// use std::net::SocketAddr;
///
/// use h2_sync::server::Peer;
///
/// let peer = Peer::at(SocketAddr::from(([192, 0, 2, 1], 50_000)));
/// assert_eq!(peer.address().unwrap().port(), 50_000);
/// assert_eq!(Peer::unknown().address(), None);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Peer {
    pub(super) address: Option<SocketAddr>,
    /// The name of the listener that has accepted the connection.
    pub(super) listener: Option<Arc<str>>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<crate::tls::Facts>,
}

impl Peer {
    /// Creates a peer without an IP address, such as one on a Unix socket or a pipe.
    pub fn unknown() -> Self {
        Peer::default()
    }

    /// Creates a peer with an IP address, which [`Request::peer_addr`](super::Request::peer_addr)
    /// returns.
    pub fn at(address: SocketAddr) -> Self {
        Peer { address: Some(address), ..Peer::default() }
    }

    /// Adds the facts of a TLS handshake that the application has performed, which
    /// [`Request::tls`](super::Request::tls) returns.
    ///
    /// ```
    /// use std::net::{SocketAddr, TcpStream};
    /// use std::time::Duration;
    ///
    /// use h2_sync::server::{Handle, Peer};
    /// use h2_sync::tls::Acceptor;
    /// use h2_sync::BoxError;
    ///
    /// fn admit(
    ///     server: &Handle,
    ///     acceptor: &Acceptor,
    ///     socket: TcpStream,
    ///     address: SocketAddr,
    /// ) -> Result<(), BoxError> {
    ///     let stream = acceptor.accept(socket, Duration::from_secs(10))?;
    ///     let peer = Peer::at(address).with_tls(stream.facts().clone());
    ///     println!("{:?}", peer.tls());
    ///     Ok(server.serve(stream, peer)?)
    /// }
    /// ```
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn with_tls(self, facts: crate::tls::Facts) -> Self {
        Peer { tls: Some(facts), ..self }
    }

    /// Returns the IP address and port.
    pub fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Returns the facts of the TLS handshake.
    #[cfg(feature = "tls")]
    pub fn tls(&self) -> Option<&crate::tls::Facts> {
        self.tls.as_ref()
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        Peer::at(address)
    }
}
