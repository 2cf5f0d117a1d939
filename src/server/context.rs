//! What requests and responses know of their connection and their server.

use std::net::SocketAddr;
use std::sync::Arc;

use super::config::Config;

#[derive(Debug)]
pub(super) struct Context {
    pub(super) config: Arc<Config>,
    pub(super) peer: Peer,
}

/// Who the peer is.
#[derive(Debug, Clone, Default)]
pub(super) struct Peer {
    /// Where it has one of IP.
    pub(super) address: Option<SocketAddr>,
    #[cfg(feature = "tls")]
    pub(super) tls: Option<crate::tls::Facts>,
}

impl Peer {
    pub(super) fn at(address: SocketAddr) -> Self {
        Peer {
            address: Some(address),
            #[cfg(feature = "tls")]
            tls: None,
        }
    }
}
