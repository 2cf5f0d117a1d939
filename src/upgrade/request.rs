//! An HTTP/1.1 request that asks for HTTP/2, and its answer.

use std::fmt;

use bytes::{Bytes, BytesMut};
use http::header::{HeaderMap, HeaderValue, UPGRADE};
use http::{Request, StatusCode};

use super::answer::{fail, refuse};
use super::http1::Http1Request;
use super::opening::Opening;
use super::options::Options;
use super::prefixed::Replay;
use super::refusal::Refusal;
use super::wire::Wire;
use super::wish::Wish;
use crate::error::Error;
use crate::hpack::Headers;
use crate::http1::{self, BodySize, Received, ServerConnection};
use crate::transport::Transport;

/// A valid request to upgrade to HTTP/2, whose header section has been read.
///
/// [Accept](Self::accept) it, or [decline](Self::decline) it and treat it as an HTTP/1.1 request.
/// Dropping it closes the connection without a response.
pub struct UpgradeRequest<T: Transport> {
    request: Http1Request<T>,
    wish: Wish,
    options: Options,
}

/// A connection that was upgraded and continues in HTTP/2.
///
/// Both sides send SETTINGS first, the client after its preface (RFC 7540, Section 3.5), so leave
/// [`skip_preface`](crate::Config::skip_preface) `false`.
pub struct Upgraded<T: Transport> {
    /// The connection, which replays the HTTP/2 octets that were already read.
    pub stream: Replay<T>,
    /// The upgrade request, which is stream 1.
    pub opening: Opening,
}

impl<T: Transport> UpgradeRequest<T> {
    pub(super) fn new(request: Http1Request<T>, wish: Wish, options: Options) -> Self {
        UpgradeRequest { request, wish, options }
    }

    /// Returns the header section as received.
    pub fn head(&self) -> &Request<()> {
        self.request.head()
    }

    /// Returns the request in its HTTP/2 form: with `:path` and the other pseudo-header fields, and
    /// without connection-specific fields.
    pub fn headers(&self) -> &Headers {
        &self.wish.request
    }

    /// Returns the length of the body; `None` if it is chunked.
    pub fn body_len(&self) -> Option<u64> {
        self.wish.body_len
    }

    /// Reads the body of the request and answers with `101 Switching Protocols`. A client that
    /// [expects](http::header::EXPECT) 100 (Continue) gets it before.
    ///
    /// # Errors
    ///
    /// - The body is malformed or over [`max_body_size`](Options::max_body_size). The client was
    ///   answered with 400, 413 or 431, and the connection is closed.
    /// - [`Timeout`](crate::ErrorKind::Timeout): the time that started with
    ///   [`detect`](super::detect) is over.
    /// - The transport failed.
    pub fn accept(self) -> Result<Upgraded<T>, Error> {
        let UpgradeRequest { request, wish, options } = self;
        let Http1Request { mut wire, mut codec, .. } = request;
        let body = match read_body(&mut wire, &mut codec, &options) {
            Ok(body) => body,
            Err(Failure::Lost(error)) => return Err(fail(wire, codec, error)),
            Err(Failure::Refused(refusal)) => return Err(refuse(wire, codec, refusal)),
        };
        let mut fields = HeaderMap::new();
        fields.insert(UPGRADE, HeaderValue::from_static("h2c"));
        let mut out = Vec::new();
        let (status, size) = (StatusCode::SWITCHING_PROTOCOLS, BodySize::Known(0));
        codec.send_response(status, &fields, size, &mut out)?;
        wire.write(&out)?;
        let opening = Opening::of_server(wish.request, body, wish.settings);
        Ok(Upgraded { stream: wire.into_replay()?, opening })
    }

    /// Declines the upgrade: a server may ignore the upgrade fields (RFC 7540, Section 3.2).
    pub fn decline(self) -> Http1Request<T> {
        self.request.without_upgrade()
    }
}

/// The reason why the body could not be read.
enum Failure {
    /// The request is refused, with an answer to the peer.
    Refused(Refusal),
    /// The connection is lost, so there is no peer to answer.
    Lost(Error),
}

impl From<http1::Error> for Failure {
    fn from(error: http1::Error) -> Self {
        Failure::Refused(error.into())
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure::Lost(error)
    }
}

/// Reads the whole body of a request, and sends 100 (Continue) if the client waits for it. Trailers
/// are dropped, which RFC 9110, Section 6.5.1 allows.
fn read_body<T: Transport>(
    wire: &mut Wire<T>,
    codec: &mut ServerConnection,
    options: &Options,
) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    loop {
        match codec.receive_body(&mut wire.buffer)? {
            Received::Content(left) => {
                let room = options.max_body_size.saturating_sub(body.len());
                if usize::try_from(left).map_or(true, |left| left > room) {
                    return Err(Failure::Refused(Refusal::body_too_large()));
                }
                let content = codec.take_content(&mut wire.buffer);
                body.extend_from_slice(&content);
                if !content.is_empty() {
                    continue;
                }
            }
            Received::Trailers(_) => continue,
            Received::End => return Ok(body.freeze()),
            Received::NeedMore => {}
        }
        if codec.expects_continue() {
            // RFC 9110, Section 10.1.1. It must precede the 101 (Section 7.8).
            let mut out = Vec::new();
            codec
                .send_interim(StatusCode::CONTINUE, &HeaderMap::new(), &mut out)
                .map_err(Error::from)?;
            wire.write(&out)?;
        }
        if wire.fill()? == 0 {
            codec.end_of_input(&wire.buffer)?;
        }
    }
}

/// Omits the fields: HTTP/1.1 does not mark sensitive ones.
impl<T: Transport> fmt::Debug for UpgradeRequest<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpgradeRequest")
            .field("method", &self.wish.request.method())
            .field("path", &self.wish.request.path())
            .field("body_len", &self.wish.body_len)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> fmt::Debug for Upgraded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upgraded").field("opening", &self.opening).finish_non_exhaustive()
    }
}
