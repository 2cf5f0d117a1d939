//! What an opening handshake has agreed upon.

use std::net::SocketAddr;

use http::{HeaderMap, Version};

use crate::ws::DeflateParams;

/// What the opening handshake of a WebSocket has agreed upon, and what it told of the peer.
#[derive(Debug, Clone)]
pub struct Handshake {
    pub(super) protocol: Option<String>,
    pub(super) deflate: Option<DeflateParams>,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) peer: Option<SocketAddr>,
    /// The transport goes on when the WebSocket has ended.
    pub(super) is_lent: bool,
}

impl Handshake {
    /// The sub-protocol, where one was agreed upon.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// The parameters of compression; `None` where messages go as they are.
    pub fn deflate(&self) -> Option<&DeflateParams> {
        self.deflate.as_ref()
    }

    /// The version of HTTP that carries the WebSocket.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The header fields that the peer has sent: those of the request at a server, those of the
    /// response at a client.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The client's address, at a server that knows it.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}
