//! Resolution of host names.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// Resolves host names: with the system's resolver, a function, or fixed addresses.
///
/// ```
/// use h2_sync::client::{Client, Config, Resolver};
///
/// // Requests to https://example.com/ go to this machine; the certificate is still checked for
/// // that name.
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
    /// Returns a resolver that calls `look_up` with host and port. The addresses that it returns
    /// are tried in their order.
    ///
    /// It is called on a new thread, and abandoned if it takes longer than
    /// [`connect_timeout`](super::Config::connect_timeout).
    ///
    /// ```
    /// use std::net::ToSocketAddrs;
    ///
    /// use h2_sync::client::{Client, Config, Resolver};
    ///
    /// // IPv4 only.
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

    /// Fixes the addresses of one host. Port 0 stands for the port of the URL.
    #[must_use]
    pub fn pin(mut self, host: &str, addresses: impl IntoIterator<Item = SocketAddr>) -> Self {
        self.pinned.insert(host.to_ascii_lowercase(), addresses.into_iter().collect());
        self
    }

    /// Returns the addresses that need no lookup: an IP address, or pinned ones.
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

    /// Looks up the addresses of a host. It may block indefinitely.
    pub(super) fn look_up(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        match &self.look_up {
            Some(look_up) => look_up(host, port),
            None => loop {
                match (host, port).to_socket_addrs() {
                    // Interrupted by a signal.
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
