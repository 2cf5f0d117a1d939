//! WebSockets on the caller's own transport, without a pool or a server.

use std::io;
use std::sync::Arc;
use std::thread::Thread;
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_TYPE, HOST, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Version};

use super::answer::{SHOWN_MAX, add_fields, check, key_field, refused};
use super::config::Config;
use super::handshake::Handshake;
use super::request::{Agreed, Asked, Refusal, WEBSOCKET, agree};
use super::socket::WebSocket;
use crate::convert::lists;
use crate::error::{Error, ErrorKind};
use crate::h1::{Codec, Limits, Link, Next, RecvHalf, SendHalf, Then, Waits};
use crate::http1::{self, BodySize, ClientConnection, ServerConnection};
use crate::transport::{Closer, Halves, Transport};
use crate::wire::{Owner, spawn};
use crate::ws::{self, Role};

/// The write timeout, unless [`write_timeout`](Config::write_timeout) is set.
const STALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The most octets that are queued for threads that send without waiting.
const MAX_SEND_BUFFER: usize = 1 << 20;

/// Opens a WebSocket over HTTP/1.1 on a stream that is connected to a server: TCP, TLS, a pair of pipes, or
/// any other [`Transport`].
///
/// `request` has the target and the header fields. Its URI is absolute, or a path if the request has a
/// `host` field. The fields of the handshake are added.
///
/// # Ownership of the stream
///
/// The stream is never shut down, and is dropped with the WebSocket. To continue to use it, pass a clone
/// ([`TcpStream::try_clone`](std::net::TcpStream::try_clone)). The read and write timeouts of a socket are
/// changed meanwhile.
///
/// Octets behind the server's last frame may have been read too:
/// [`WebSocket::into_rest`](super::WebSocket::into_rest) returns them. A thread that is blocked in a read
/// cannot be woken. Deadlines are kept if the transport supports read timeouts, as sockets do.
///
/// ```
/// use std::net::{TcpListener, TcpStream};
/// use std::thread;
///
/// use h2_sync::websocket::{self, Config};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let listener = TcpListener::bind("127.0.0.1:0")?;
/// let address = listener.local_addr()?;
/// let server = thread::spawn(move || -> Result<(), h2_sync::Error> {
///     let mut socket = websocket::server_over(listener.accept()?.0, &Config::default())?;
///     while let Some(message) = socket.read()? {
///         socket.send(message)?;
///     }
///     Ok(())
/// });
///
/// let stream = TcpStream::connect(address)?;
/// let request = http::Request::get("/echo").header("host", "example.com").body(())?;
/// let mut socket = websocket::client_over(stream.try_clone()?, request, &Config::default())?;
/// socket.send("hello")?;
/// assert_eq!(socket.read()?, Some("hello".into()));
/// socket.close(websocket::CloseCode::NORMAL, "")?;
/// // `stream` is still open, and can be used further.
/// server.join().unwrap()?;
/// # Ok(())
/// # }
/// ```
///
/// # Errors
///
/// If the request is invalid, the transport fails, the server answers with another status
/// ([`Error::status`]), or the handshake takes longer than
/// [`handshake_timeout`](Config::handshake_timeout).
pub fn client_over(
    io: impl Transport,
    request: Request<()>,
    config: &Config,
) -> Result<WebSocket, Error> {
    config.validate()?;
    let (parts, ()) = request.into_parts();
    if parts.method != Method::GET {
        return Err(Error::usage(format!(
            "a WebSocket is opened with GET, not with {}",
            parts.method
        )));
    }
    let key = ws::new_key();
    let mut headers = parts.headers;
    add_fields(&mut headers, config)?;
    let (name, value) = key_field(&key)?;
    headers.insert(name, value);
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));

    let until = Instant::now().checked_add(config.handshake_timeout);
    let codec = Codec::Client(ClientConnection::new(http1::Config::default()));
    let link = link(codec, io, config)?;
    let begun = link.open(&Method::GET, &parts.uri, &headers, BodySize::Known(0))?;
    let busy = || Error::text(ErrorKind::Internal, "a new connection is not free");
    let (mut send, mut recv) = begun.ok_or_else(busy)?;
    send.set_deadline(until);
    recv.set_deadline(until);
    send.flush_link()?;
    let response = loop {
        let response = recv.next_response()?;
        let status = response.status();
        if status == StatusCode::SWITCHING_PROTOCOLS || !status.is_informational() {
            break response;
        }
    };
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let body = beginning(&mut recv);
        // What is not answered with 101 ends here: the connection is not used again.
        let _ = send.finish(None);
        return Err(refused(&response.into_parts().0, &body));
    }
    if !lists(response.headers(), &UPGRADE, WEBSOCKET) {
        let what = "the server switched to a protocol other than WebSocket";
        return Err(Error::text(ErrorKind::Peer, what));
    }
    let handshake = Handshake { is_lent: true, ..check(response, Some(&key), config)? };
    Ok(start(recv, send, Role::Client, config, handshake))
}

/// Accepts a WebSocket on a stream that is connected to a client. It is the counterpart of [`client_over`],
/// and treats the stream in the same way. It reads one HTTP/1.1 request, and answers it like
/// [`accept`](super::accept).
///
/// An application that reads requests itself can use [`http1`](crate::http1) and [`ws`](crate::ws)
/// directly.
///
/// ```
/// use std::thread;
///
/// use h2_sync::http::Request;
/// use h2_sync::transport::duplex;
/// use h2_sync::websocket::{client_over, server_over, Config};
///
/// let (near, far) = duplex(64 << 10);
/// let server = thread::spawn(move || -> Result<(), h2_sync::Error> {
///     let mut socket = server_over(far, &Config::default())?;
///     while let Some(message) = socket.read()? {
///         socket.send(message)?;
///     }
///     Ok(())
/// });
/// let request = Request::get("ws://localhost/").body(())?;
/// let mut socket = client_over(near, request, &Config::default())?;
/// socket.send("hello")?;
/// assert_eq!(socket.read()?.as_ref().and_then(|message| message.as_text()), Some("hello"));
/// socket.close(1000, "")?;
/// server.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
///
/// If no request arrives within [`handshake_timeout`](Config::handshake_timeout), or its header section is
/// not complete within the same time after that; if the request was refused ([`Error::status`]); or if the
/// transport fails.
pub fn server_over(io: impl Transport, config: &Config) -> Result<WebSocket, Error> {
    config.validate()?;
    let until = Instant::now().checked_add(config.handshake_timeout);
    let codec = Codec::Server(ServerConnection::new(http1::Config::default()));
    let link = link(codec, io, config)?;
    let timeout = Some(config.handshake_timeout);
    let request = match link.next_request(&Waits { idle: timeout, head: timeout }) {
        Next::Request(request) => request,
        Next::Refused(error) => {
            let status = error.status().unwrap_or(StatusCode::BAD_REQUEST);
            return Err(refuse(&link, status, HeaderMap::new(), error.detail()));
        }
        Next::Late => {
            let (status, text) = (StatusCode::REQUEST_TIMEOUT, "the request did not come in time");
            return Err(refuse(&link, status, HeaderMap::new(), text));
        }
        Next::Ended => {
            let ended = "no request came, or the transport has ended";
            return Err(Error::text(ErrorKind::Closed, ended));
        }
    };
    let asks = request.version() == Version::HTTP_11
        && lists(request.headers(), &CONNECTION, "upgrade")
        && lists(request.headers(), &UPGRADE, WEBSOCKET);
    let host = request.headers().get(HOST).and_then(|host| host.to_str().ok());
    let asked = Asked {
        version: request.version(),
        method: request.method(),
        protocol: None,
        asks,
        authority: request.uri().authority().map(|it| it.as_str()).or(host),
        headers: request.headers(),
    };
    let Agreed { protocol, deflate, fields } = match agree(&asked, config) {
        Ok(agreed) => agreed,
        Err(Refusal { status, fields, text }) => {
            return Err(refuse(&link, status, fields.into_iter().collect(), &text));
        }
    };
    let mut headers: HeaderMap = fields.into_iter().collect();
    headers.insert(UPGRADE, HeaderValue::from_static(WEBSOCKET));
    let mut send = SendHalf::new(Arc::clone(&link), BytesMut::new());
    send.set_deadline(until);
    let recv = RecvHalf::new(Arc::clone(&link), None);
    let status = StatusCode::SWITCHING_PROTOCOLS;
    send.put_response(status, &headers, BodySize::Unknown, Then::More)?;
    send.flush_link()?;
    let (version, headers) = (request.version(), request.into_parts().0.headers);
    let handshake = Handshake { protocol, deflate, version, headers, peer: None, is_lent: true };
    Ok(start(recv, send, Role::Server, config, handshake))
}

/// Removes the deadlines of the halves.
fn start(
    mut recv: RecvHalf,
    mut send: SendHalf,
    role: Role,
    config: &Config,
    handshake: Handshake,
) -> WebSocket {
    recv.set_deadline(None);
    send.set_deadline(None);
    WebSocket::start(recv.into(), send.into(), role, config, handshake)
}

/// Answers a request that opens no WebSocket.
fn refuse(link: &Link, status: StatusCode, mut headers: HeaderMap, text: &str) -> Error {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    link.answer(status, &headers, &format!("{text}\n"));
    Error::refused(status, format!("a WebSocket is refused with {status}: {text}"))
}

/// Returns the beginning of a body, as far as it arrives in time.
fn beginning(recv: &mut RecvHalf) -> Vec<u8> {
    let mut body = Vec::new();
    while body.len() < SHOWN_MAX {
        match recv.next_chunk() {
            Ok(Some(chunk)) => body.extend_from_slice(&chunk[..chunk.len().min(SHOWN_MAX)]),
            _ => break,
        }
    }
    body.truncate(SHOWN_MAX);
    body
}

fn link(codec: Codec, io: impl Transport, config: &Config) -> Result<Arc<Link>, Error> {
    let halves = io.split().map_err(|error| Error::io("preparing the transport", error))?;
    let limits = Limits {
        stall_timeout: Some(config.write_timeout.unwrap_or(STALL_TIMEOUT)),
        max_send_buffer: MAX_SEND_BUFFER,
    };
    Ok(Arc::new_cyclic(|link| {
        Link::new(codec, lent(halves), Bytes::new(), limits, Box::new(Alone(link.clone())))
    }))
}

/// A transport that the caller keeps: its read timeout is set, but it is not shut down.
fn lent<R, W>(halves: Halves<R, W>) -> Halves<R, W>
where
    R: io::Read + Send + 'static,
    W: io::Write + Send + 'static,
{
    let Halves { reader, writer, closer } = halves;
    let mut lent = Closer::none();
    if closer.has_read_timeout() {
        let theirs = closer.clone();
        lent = lent.with_read_timeout(move |timeout| theirs.set_read_timeout(timeout).map(drop));
    }
    if matches!(closer.is_readable(), Ok(Some(_))) {
        lent = lent.with_readiness(move || Ok(closer.is_readable()?.unwrap_or(true)));
    }
    Halves { reader, writer, closer: lent }
}

/// The owner of a connection without a thread pool and without a clock.
struct Alone(std::sync::Weak<Link>);

impl Owner for Alone {
    fn find_writer(&self, _: &mut Vec<Thread>) -> bool {
        let Some(link) = self.0.upgrade() else { return false };
        spawn("h2-sync-flush", move || link.flush_for_others())
    }

    fn has_clock(&self) -> bool {
        false
    }

    fn call_at(&self, _: Instant, _: &mut Vec<Thread>) {}
}
