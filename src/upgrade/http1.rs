//! A request of HTTP/1.x that does not ask for HTTP/2.

use std::fmt;

use http::{Method, Request, StatusCode, Version};

use super::answer::{Answer, HOW, HOW_WITH_UPGRADE};
use super::head::Parsed;
use super::prefixed::Replay;
use super::wire::Wire;
use crate::error::Error;
use crate::transport::Transport;

/// A request of HTTP/1.0 or HTTP/1.1, of which the head has been read.
///
/// It can be [refused](Self::refuse), or the connection handed to a
/// [server of HTTP/1.1](Self::into_stream). Dropping it closes the connection without a word.
pub struct Http1Request<T: Transport> {
    wire: Wire<T>,
    parsed: Parsed<Request<()>>,
    can_upgrade: bool,
}

impl<T: Transport> Http1Request<T> {
    pub(super) fn new(wire: Wire<T>, parsed: Parsed<Request<()>>, can_upgrade: bool) -> Self {
        Http1Request { wire, parsed, can_upgrade }
    }

    /// The head of the request. It has been parsed, and no more: what RFC 9112 says of `Host` and
    /// of the length of the body has not been checked.
    pub fn head(&self) -> &Request<()> {
        &self.parsed.head
    }

    /// What has been read behind the head: the beginning of the body, where there is one, or of
    /// the next request.
    pub fn read_beyond(&self) -> &[u8] {
        self.wire.buffer.get(self.parsed.len..).unwrap_or_default()
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
        let is_to_head = self.head().method() == Method::HEAD;
        Answer { status, text, is_to_head }.send(self.wire)
    }

    /// Hands the connection over as if nothing had been read.
    ///
    /// # Errors
    ///
    /// The transport would not have its read timeout taken away.
    pub fn into_stream(self) -> Result<Replay<T>, Error> {
        self.wire.into_replay()
    }

    /// The same, from a client that has been denied the upgrade and is not to try again.
    pub(super) fn without_upgrade(self) -> Self {
        Http1Request { can_upgrade: false, ..self }
    }

    pub(super) fn into_parts(self) -> (Wire<T>, Parsed<Request<()>>) {
        (self.wire, self.parsed)
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
