//! The client's side of the h2c upgrade.

use std::fmt;

use http::header::{CONNECTION, HeaderValue, UPGRADE};
use http::{Request, Response, StatusCode, request};

use super::base64url;
use super::lists::lists;
use super::opening::Opening;
use super::options::Options;
use super::prefixed::Replay;
use super::request::Upgraded;
use super::wire::Wire;
use crate::error::{Error, ErrorKind};
use crate::frame::{Head, Kind};
use crate::hpack::Headers;
use crate::http1::{self, BodySize, ClientConnection};
use crate::proto::{Config, Connection};
use crate::transport::Transport;

/// The server's answer to [`request_upgrade`].
pub enum Outcome<T: Transport> {
    /// 101: the connection continues in HTTP/2, and the response comes on stream 1.
    Upgraded(Upgraded<T>),
    /// A response in HTTP/1.x: the server does not upgrade.
    Declined(Declined<T>),
}

/// An HTTP/1.x response to an upgrade request.
pub struct Declined<T: Transport> {
    /// The status, version and fields.
    pub head: Response<()>,
    /// The connection. Reading from it starts with the body, whose length the fields give.
    pub stream: Replay<T>,
}

/// Sends an HTTP/1.1 request that asks to upgrade to HTTP/2, and waits for the answer.
///
/// `request` has no body. Its URI must have an authority, unless there is a `host` field.
/// Connection-specific fields are dropped, as in HTTP/2. `config` must be the configuration of the
/// future connection, whose settings the request announces. Interim responses are skipped.
///
/// The timeout, the size of the header section and the number of fields of `options` apply to the
/// answer.
///
/// # Errors
///
/// - [`Caller`](ErrorKind::Caller): the request would be invalid in HTTP/2, has a `content-length`,
///   or is a CONNECT; nothing was sent.
/// - [`Peer`](ErrorKind::Peer), [`Limit`](ErrorKind::Limit): the answer is malformed or over a
///   limit.
/// - [`Timeout`](ErrorKind::Timeout): no answer arrived in time.
/// - The transport failed, or the server closed the connection.
///
/// # Examples
///
/// ```no_run
/// use std::net::TcpStream;
///
/// use h2_sync::upgrade::{request_upgrade, Options, Outcome, Upgraded};
/// use h2_sync::{Config, Error, Session};
/// use http::Request;
///
/// fn connect(stream: TcpStream, request: &Request<()>) -> Result<Option<Session>, Error> {
///     let config = Config::default();
///     match request_upgrade(stream, request, &config, &Options::default())? {
///         Outcome::Upgraded(Upgraded { stream, opening }) => {
///             // The response comes as events of stream 1.
///             Session::with_opening(stream, config, opening).map(Some)
///         }
///         Outcome::Declined(response) => {
///             println!("the server declined the upgrade: {}", response.head.status());
///             Ok(None)
///         }
///     }
/// }
/// ```
pub fn request_upgrade<T: Transport>(
    stream: T,
    request: &Request<()>,
    config: &Config,
    options: &Options,
) -> Result<Outcome<T>, Error> {
    config.validate()?;
    let headers = convert(request);
    let settings = config.upgrade_settings();
    Connection::check_upgrade(&headers, Some(0), &settings)?;
    let limits = http1::Config { max_interim: config.max_informational, ..options.codec() };
    let mut codec = ClientConnection::new(limits);
    let message = encode(&mut codec, &headers, &settings)?;
    let mut wire = Wire::new(stream, options)?;
    wire.write(&message)?;
    loop {
        let head = receive(&mut wire, &mut codec)?;
        if head.status() == StatusCode::SWITCHING_PROTOCOLS {
            // RFC 9110, Section 7.8: `upgrade` names the protocol that the connection switches to.
            let (fields, name) = (head.headers(), "upgrade");
            if !lists(fields, name, "h2c") || !lists(fields, "connection", name) {
                return Err(peer("the server switched to a protocol other than h2c"));
            }
            let opening = Opening::of_client(headers);
            return Ok(Outcome::Upgraded(Upgraded { stream: wire.into_replay()?, opening }));
        }
        if !head.status().is_informational() {
            return Ok(Outcome::Declined(Declined { head, stream: wire.into_replay()? }));
        }
    }
}

fn receive<T: Transport>(
    wire: &mut Wire<T>,
    codec: &mut ClientConnection,
) -> Result<Response<()>, Error> {
    loop {
        if is_http1(&wire.buffer)? {
            if let Some(head) = codec.receive_response(&mut wire.buffer)? {
                return Ok(head);
            }
        }
        if wire.fill()? == 0 {
            codec.end_of_input(&wire.buffer)?;
            return Err(Error::upgrade(ErrorKind::Closed, "the server closed the connection"));
        }
    }
}

/// Returns whether the octets begin an HTTP/1 message.
fn is_http1(octets: &[u8]) -> Result<bool, Error> {
    let version = b"HTTP/1.";
    let len = octets.len().min(version.len());
    if octets[..len] == version[..len] {
        return Ok(true);
    }
    // An HTTP/2-only server sends SETTINGS; their length is below 2^16, so the first octet is 0.
    if octets[0] != 0 {
        return Err(peer("the server does not speak HTTP/1.1"));
    }
    match Head::parse(octets) {
        Some(head) if head.kind == Kind::SETTINGS && head.stream_id.is_connection() => {
            Err(peer("the server speaks HTTP/2 without an upgrade: use prior knowledge"))
        }
        Some(_) => Err(peer("the server speaks neither HTTP/1.1 nor HTTP/2")),
        None => Ok(false),
    }
}

fn peer(what: &'static str) -> Error {
    Error::upgrade(ErrorKind::Peer, what)
}

fn convert(request: &Request<()>) -> Headers {
    let (mut parts, ()) = Request::new(()).into_parts();
    parts.method = request.method().clone();
    parts.uri = request.uri().clone();
    parts.headers = request.headers().clone();
    Headers::from(parts)
}

/// Encodes the request in HTTP/1.1. It was validated in its HTTP/2 form, which is equivalent.
fn encode(
    codec: &mut ClientConnection,
    headers: &Headers,
    settings: &[u8],
) -> Result<Vec<u8>, Error> {
    let what = "an upgrade request needs the scheme http and an authority";
    let unfit = || Error::upgrade(ErrorKind::Caller, what);
    let mut parts = request::Parts::try_from(headers).map_err(|_| unfit())?;
    if headers.scheme() != Some("http") || parts.uri.authority().is_none() {
        return Err(unfit());
    }
    let settings = HeaderValue::try_from(base64url::encode(settings)).map_err(|_| unfit())?;
    parts.headers.insert(UPGRADE, HeaderValue::from_static("h2c"));
    parts.headers.insert("http2-settings", settings);
    parts.headers.insert(CONNECTION, HeaderValue::from_static("http2-settings"));
    let mut message = Vec::new();
    let (none, out) = (BodySize::Known(0), &mut message);
    codec.send_request(&parts.method, &parts.uri, &parts.headers, none, out)?;
    codec.finish(None, out)?;
    Ok(message)
}

impl<T: Transport> fmt::Debug for Outcome<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Upgraded(upgraded) => upgraded.fmt(f),
            Outcome::Declined(declined) => declined.fmt(f),
        }
    }
}

impl<T: Transport> fmt::Debug for Declined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Declined").field("status", &self.head.status()).finish_non_exhaustive()
    }
}
