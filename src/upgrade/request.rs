//! A request of HTTP/1.1 that asks for HTTP/2, and its answer.

use std::fmt;

use bytes::Buf;
use http::{Method, Request};

use super::answer::{fail, refuse};
use super::body::{self, Failure};
use super::framing::Framing;
use super::http1::Http1Request;
use super::opening::Opening;
use super::options::Options;
use super::prefixed::Replay;
use super::wish::Wish;
use crate::error::Error;
use crate::hpack::Headers;
use crate::transport::Transport;

const SWITCHING_PROTOCOLS: &[u8] =
    b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n";

/// A valid request to upgrade to HTTP/2, of which the head has been read.
///
/// [Accept](Self::accept) it, or [decline](Self::decline) and treat it as a request of HTTP/1.1.
/// Dropping it closes the connection without a word.
pub struct UpgradeRequest<T: Transport> {
    request: Http1Request<T>,
    wish: Wish,
    options: Options,
}

/// A connection that has been upgraded and speaks HTTP/2 from here on.
///
/// Both sides begin with SETTINGS, and the client's stand behind its preface as ever (RFC 7540,
/// Section 3.5): [`skip_preface`](crate::Config::skip_preface) stays `false`.
pub struct Upgraded<T: Transport> {
    /// The connection, with what has been read of HTTP/2 in front.
    pub stream: Replay<T>,
    /// The request, which is stream 1.
    pub opening: Opening,
}

impl<T: Transport> UpgradeRequest<T> {
    pub(super) fn new(request: Http1Request<T>, wish: Wish, options: Options) -> Self {
        UpgradeRequest { request, wish, options }
    }

    /// The head of the request as it came.
    pub fn head(&self) -> &Request<()> {
        self.request.head()
    }

    /// The request as HTTP/2 has it: `:path` and the like from the request line and from `Host`,
    /// and without the fields that speak of a connection of HTTP/1.1.
    pub fn headers(&self) -> &Headers {
        &self.wish.request
    }

    /// How long the body is; `None` if it comes in chunks.
    pub fn body_len(&self) -> Option<u64> {
        match self.wish.framing {
            Framing::Length(length) => Some(length),
            Framing::Chunked => None,
        }
    }

    /// Reads the body of the request and answers with `101 Switching Protocols`. A client that
    /// [expects](http::header::EXPECT) it is told to go on before.
    ///
    /// # Errors
    ///
    /// - The body is malformed or over [`max_body_size`](Options::max_body_size). The client has been
    ///   told so with 400, 413 or 431, and the connection is closed.
    /// - [`Timeout`](crate::ErrorKind::Timeout): the time of [`detect`](super::detect) goes on.
    /// - The transport failed.
    pub fn accept(self) -> Result<Upgraded<T>, Error> {
        let UpgradeRequest { request, wish, options } = self;
        let (mut wire, parsed) = request.into_parts();
        let is_head = parsed.head.method() == Method::HEAD;
        // It has been parsed out of these octets.
        wire.buffer.advance(parsed.len.min(wire.buffer.len()));
        let body = match body::read(&mut wire, wish.framing, wish.expects_continue, &options) {
            Ok(body) => body,
            Err(Failure::Lost(error)) => return Err(fail(wire, error, is_head)),
            Err(Failure::Refused(refusal)) => return Err(refuse(wire, refusal, is_head)),
        };
        wire.write(SWITCHING_PROTOCOLS)?;
        let opening = Opening::of_server(wish.request, body, wish.settings);
        Ok(Upgraded { stream: wire.into_replay()?, opening })
    }

    /// Does not upgrade: a server may answer as if the wish had not been there (RFC 7540,
    /// Section 3.2).
    pub fn decline(self) -> Http1Request<T> {
        self.request.without_upgrade()
    }
}

/// Without the fields: what is secret there is not marked as such in HTTP/1.1.
impl<T: Transport> fmt::Debug for UpgradeRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeRequest")
            .field("method", &self.wish.request.method())
            .field("path", &self.wish.request.path())
            .field("framing", &self.wish.framing)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> fmt::Debug for Upgraded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").field("opening", &self.opening).finish_non_exhaustive()
    }
}
