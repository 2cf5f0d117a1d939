//! A request of HTTP/1.x that does not ask for HTTP/2.

use std::fmt;

use bytes::BytesMut;
use http::{Request, StatusCode, Version};

use super::answer::{answer, HOW, HOW_WITH_UPGRADE};
use super::prefixed::Replay;
use super::wire::Wire;
use crate::error::Error;
use crate::http1::ServerConnection;
use crate::transport::Transport;

/// A request of HTTP/1.0 or HTTP/1.1, of which the head has been read.
///
/// It can be [refused](Self::refuse), or the connection handed to a
/// [server of HTTP/1.1](Self::into_stream). Dropping it closes the connection without a word.
pub struct Http1Request<T: Transport> {
    /// What has been read behind the head is in its buffer.
    pub(super) wire: Wire<T>,
    pub(super) codec: ServerConnection,
    pub(super) head: Request<()>,
    /// All that has been read.
    pub(super) octets: BytesMut,
    pub(super) can_upgrade: bool,
}

impl<T: Transport> Http1Request<T> {
    /// The head of the request. It is valid (RFC 9112): its `host`, and the length of its body.
    pub fn head(&self) -> &Request<()> {
        &self.head
    }

    /// What has been read behind the head: the beginning of the body, where there is one, or of
    /// the next request.
    pub fn read_beyond(&self) -> &[u8] {
        &self.wire.buffer
    }

    /// Answers in plain text that this server speaks HTTP/2, and how to do that; then the
    /// connection ends.
    ///
    /// The status is `426 Upgrade Required` where the client could upgrade, and
    /// `505 HTTP Version Not Supported` to HTTP/1.0 and where upgrades are
    /// [switched off](super::Options::upgrade) or have been
    /// [declined](super::UpgradeRequest::decline).
    ///
    /// It may take a second, in which the client is given the chance to read the answer.
    ///
    /// # Errors
    ///
    /// The answer could not be written.
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

    /// Hands the connection over as if nothing had been read.
    ///
    /// # Errors
    ///
    /// The transport would not have its read timeout taken away.
    pub fn into_stream(mut self) -> Result<Replay<T>, Error> {
        self.wire.buffer = self.octets;
        self.wire.into_replay()
    }

    /// The same, from a client that has been denied the upgrade and is not to try again.
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
