//! An HTTP/1.x request that does not ask for HTTP/2.

use std::fmt;

use bytes::BytesMut;
use http::{Request, StatusCode, Version};

use super::answer::{HOW, HOW_WITH_UPGRADE, answer};
use super::prefixed::Replay;
use super::wire::Wire;
use crate::error::Error;
use crate::http1::ServerConnection;
use crate::transport::Transport;

/// An HTTP/1.0 or HTTP/1.1 request whose header section has been read.
///
/// It can be [refused](Self::refuse), or the connection can be passed to an [HTTP/1.1
/// server](Self::into_stream). Dropping it closes the connection without a response.
pub struct Http1Request<T: Transport> {
    /// The transport; its buffer holds what was read after the header section.
    pub(super) wire: Wire<T>,
    pub(super) codec: ServerConnection,
    pub(super) head: Request<()>,
    /// All octets that have been read.
    pub(super) octets: BytesMut,
    pub(super) can_upgrade: bool,
}

impl<T: Transport> Http1Request<T> {
    /// Returns the header section. It is valid (RFC 9112), including `host` and the length of the
    /// body.
    pub fn head(&self) -> &Request<()> {
        &self.head
    }

    /// Returns what was read after the header section: the beginning of the body, or of the next
    /// request.
    pub fn read_beyond(&self) -> &[u8] {
        &self.wire.buffer
    }

    /// Responds with an explanation, in plain text, of how to use HTTP/2 with this server, and
    /// closes the connection.
    ///
    /// The status is `426 Upgrade Required` if the client could upgrade. It is `505 HTTP Version
    /// Not Supported` for HTTP/1.0, and if upgrades are [disabled](super::Options::upgrade) or this
    /// one was [declined](super::UpgradeRequest::decline).
    ///
    /// It may wait for one second, so that the client can read the response.
    ///
    /// # Errors
    ///
    /// If the response cannot be written.
    pub fn refuse(self) -> Result<(), Error> {
        let (status, text) = match self.head().version() {
            Version::HTTP_11 if self.can_upgrade => {
                (StatusCode::UPGRADE_REQUIRED, HOW_WITH_UPGRADE)
            }
            _ if self.can_upgrade => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, HOW_WITH_UPGRADE),
            _ => (StatusCode::HTTP_VERSION_NOT_SUPPORTED, HOW),
        };
        answer(self.wire, self.codec, status, text)
    }

    /// Returns the connection, which replays everything that was read.
    ///
    /// # Errors
    ///
    /// If the transport's read timeout cannot be reset.
    pub fn into_stream(mut self) -> Result<Replay<T>, Error> {
        self.wire.buffer = self.octets;
        self.wire.into_replay()
    }

    /// Marks the request as one that cannot upgrade, so that `refuse` does not suggest it.
    pub(super) fn without_upgrade(self) -> Self {
        Http1Request { can_upgrade: false, ..self }
    }
}

impl<T: Transport> fmt::Debug for Http1Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let head = self.head();
        f.debug_struct("Http1Request")
            .field("method", head.method())
            .field("uri", head.uri())
            .field("wire", &self.wire)
            .finish()
    }
}
