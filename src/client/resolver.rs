//! How the name of a host becomes addresses.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// Looks up the addresses of hosts: by the system, by a function, or from a list.
///
/// ```
/// use h2_sync::client::{Client, Config, Resolver};
///
/// // Requests to https://example.com/ go to this machine; the certificate is still that of the name.
/// let mut config = Config::default();
/// config.resolver = Resolver::default().pin("example.com", [([127, 0, 0, 1], 8443).into()]);
/// let client = Client::with_config(config)?;
/// # Ok::<(), h2_sync::Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Resolver {
    pinned: HashMap<String, Vec<SocketAddr>>,
    look_up: Option<Arc<LookUp>>,
}

type LookUp = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

impl Resolver {
    /// A resolver that asks `look_up`, which is given host and port, and returns the addresses in the
    /// order in which they are to be tried.
    ///
    /// It is called on a thread of its own, and left to end by itself if it takes longer than
    /// [`connect_timeout`](super::Config::connect_timeout).
    ///
    /// ```
    /// use std::net::ToSocketAddrs;
    ///
    /// use h2_sync::client::{Client, Config, Resolver};
    ///
    /// // IPv4 alone.
    /// let mut config = Config::default();
    /// config.resolver = Resolver::from_fn(|host, port| {
    ///     let found = (host, port).to_socket_addrs()?;
    ///     Ok(found.filter(|address| address.is_ipv4()).collect())
    /// });
    /// let client = Client::with_config(config)?;
    /// # Ok::<(), h2_sync::Error>(())
    /// ```
    pub fn from_fn(
        look_up: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Resolver { look_up: Some(Arc::new(look_up)), ..Resolver::default() }
    }

    /// The same resolver with the addresses of one host given. Port 0 is the port of the URL.
    #[must_use]
    pub fn pin(mut self, host: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.pinned.insert(host.to_ascii_lowercase(), addresses.into_iter().collect());
        self
    }

    /// The addresses that need no look-up: those of an IP address, and pinned ones.
    pub(super) fn known(&self, host: &str, port: u16) -> Option<Vec<SocketAddr>> {
        if let Ok(ip) = host.parse::<IpAddr>() {
            return Some(vec![SocketAddr::new(ip, port)]);
        }
        let mut addresses = self.pinned.get(host)?.clone();
        for address in addresses.iter_mut().filter(|address| address.port() == 0) {
            address.set_port(port);
        }
        Some(addresses)
    }

    /// The addresses of a host. It may take any time.
    pub(super) fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.look_up {
            Some(look_up) => look_up(host, port),
            None => loop {
                match (host, port).to_socket_addrs() {
                    // A signal came in between.
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    found => return Ok(found?.collect()),
                }
            },
        }
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resolver").field("pinned", &self.pinned).finish_non_exhaustive()
    }
}
