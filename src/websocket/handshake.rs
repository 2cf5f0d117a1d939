//! The result of an opening handshake.

use std::net::SocketAddr;

use http::{HeaderMap, Version};

use crate::ws::DeflateParams;

/// The outcome of an opening handshake: the sub-protocol, the compression, and the peer's header fields.
///
/// ```
/// use h2_sync::websocket::WebSocket;
///
/// fn log(socket: &WebSocket) {
///     let handshake = socket.handshake();
///     println!("{:?} from {:?}", handshake.version(), handshake.peer_addr());
///     println!("{:?}, origin {:?}", handshake.protocol(), handshake.headers().get("origin"));
///     match handshake.deflate() {
///         Some(deflate) => println!("compressed, {:?}", deflate.send_context_takeover()),
///         None => println!("not compressed"),
///     }
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Handshake {
    pub(super) protocol: Option<String>,
    pub(super) deflate: Option<DeflateParams>,
    pub(super) version: Version,
    pub(super) headers: HeaderMap,
    pub(super) peer: Option<SocketAddr>,
    /// Whether the transport is used after the end of the WebSocket.
    pub(super) is_lent: bool,
}

impl Handshake {
    /// Returns the negotiated sub-protocol, if there is one.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Returns the parameters of compression; `None` if messages are not compressed.
    pub fn deflate(&self) -> Option<&DeflateParams> {
        self.deflate.as_ref()
    }

    /// Returns the version of HTTP that carries the WebSocket.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the peer's header fields: those of the request at a server, those of the response at a
    /// client.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// Returns the client's address, if this is a server that knows it.
    pub fn peer_addr(&self) -> Option<SocketAddr> {
        self.peer
    }
}
