//! What does the other end of a cleartext connection speak?

use std::fmt;

use bytes::Buf;

use super::answer::{fail, refuse};
use super::first::First;
use super::http1::Http1Request;
use super::options::Options;
use super::prefixed::Replay;
use super::refusal::Refusal;
use super::request::UpgradeRequest;
use super::sniff::{ended, go_away};
use super::wire::Wire;
use super::wish::Wish;
use crate::error::Error;
use crate::frame::ErrorCode;
use crate::http1::ServerConnection;
use crate::transport::Transport;

/// What a client speaks, by what it sends first. See [`detect`].
pub enum Detected<T: Transport> {
    /// HTTP/2 from the first octet. The stream is as if nothing had been read, so
    /// [`skip_preface`](crate::Config::skip_preface) stays `false`.
    PriorKnowledge(Replay<T>),
    /// A request of HTTP/1.1 that asks to go on in HTTP/2.
    Upgrade(UpgradeRequest<T>),
    /// Any other request of HTTP/1.x.
    Http1(Http1Request<T>),
}

/// Reads the first octets of a cleartext connection, at the server, and says what the client
/// speaks. Give it a `TcpStream`, any other [`Transport`], or halves that have been split already.
///
/// It waits for no more than it takes to decide: four octets of the preface, or the head of a
/// request. All of it is bounded by `options`, in time and in octets.
///
/// # Errors
///
/// - The request is malformed or over a limit. The client has been told so in HTTP/1.1, with 400, 408,
///   414, 421, 431, 501 or 505, and the connection is closed.
/// - The client speaks something else, TLS for instance: its first line does not end in `HTTP/1.x`. It
///   has been sent GOAWAY (PROTOCOL_ERROR), since a text would be a frame to a peer of HTTP/2.
/// - [`Timeout`](crate::ErrorKind::Timeout): the client did not say enough in time.
/// - [`Closed`](crate::ErrorKind::Closed): it left without a word, or within its first line.
/// - The transport failed.
///
/// Telling a client that something was wrong may take a second more, in which it is given the
/// chance to read that.
///
/// # Examples
///
/// A server for all three:
///
/// ```no_run
/// use std::net::TcpStream;
///
/// use h2_sync::upgrade::{detect, Detected, Options, Upgraded};
/// use h2_sync::{Config, Error, Role, Session};
///
/// fn accept(stream: TcpStream) -> Result<Option<Session>, Error> {
///     match detect(stream, &Options::default())? {
///         Detected::PriorKnowledge(stream) => {
///             Session::with_config(stream, Role::Server, Config::default()).map(Some)
///         }
///         Detected::Upgrade(request) => {
///             let Upgraded { stream, opening } = request.accept()?;
///             Session::with_opening(stream, Config::default(), opening).map(Some)
///         }
///         Detected::Http1(request) => request.refuse().map(|()| None),
///     }
/// }
/// ```
pub fn detect<T: Transport>(stream: T, options: &Options) -> Result<Detected<T>, Error> {
    let mut wire = Wire::new(stream, options)?;
    loop {
        match First::of(&wire.buffer) {
            Ok(First::PriorKnowledge) => return Ok(Detected::PriorKnowledge(wire.into_replay()?)),
            Ok(First::Http1) => return receive(wire, options),
            Ok(First::Undecided) => {}
            Err(refusal) => {
                go_away(wire, ErrorCode::ProtocolError);
                return Err(refusal.into());
            }
        }
        if wire.fill()? == 0 {
            return Err(ended(&wire.buffer));
        }
    }
}

/// Waits for the head of a request, which has begun.
fn receive<T: Transport>(mut wire: Wire<T>, options: &Options) -> Result<Detected<T>, Error> {
    let mut codec = ServerConnection::new(options.codec());
    let mut searched = 0;
    let (head, octets) = loop {
        // The codec takes the head off the buffer. The octets are kept for a server of HTTP/1.1.
        let octets = has_end(&wire.buffer[searched..]).then(|| wire.buffer.clone());
        match codec.receive_request(&mut wire.buffer) {
            Ok(Some(head)) => {
                let mut octets = octets.unwrap_or_default();
                // RFC 9112, Section 2.2: an empty line before a request is ignored.
                if octets.starts_with(b"\r\n") {
                    octets.advance(2);
                }
                break (head, octets);
            }
            Ok(None) => searched = wire.buffer.len().saturating_sub(END.len() - 1),
            Err(error) => return Err(refuse(wire, codec, error.into())),
        }
        match wire.fill() {
            Ok(0) => {
                let error = codec.end_of_input(&wire.buffer).err().map(Refusal::from);
                let error = error.unwrap_or_else(|| Refusal::bad("there is no request"));
                return Err(refuse(wire, codec, error));
            }
            Ok(_) => {}
            Err(error) => return Err(fail(wire, codec, error)),
        }
    };
    let wish = match options.upgrade.then(|| Wish::of(&head)).transpose() {
        Ok(wish) => wish.flatten(),
        Err(refusal) => return Err(refuse(wire, codec, refusal)),
    };
    let request = Http1Request { wire, codec, head, octets, can_upgrade: options.upgrade };
    Ok(match wish {
        Some(wish) => Detected::Upgrade(UpgradeRequest::new(request, wish, options.clone())),
        None => Detected::Http1(request),
    })
}

/// What a head ends with.
const END: &[u8] = b"\r\n\r\n";

fn has_end(octets: &[u8]) -> bool {
    octets.windows(END.len()).any(|window| window == END)
}

impl<T: Transport> fmt::Debug for Detected<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Detected::PriorKnowledge(_) => f.write_str("PriorKnowledge"),
            Detected::Upgrade(request) => f.debug_tuple("Upgrade").field(request).finish(),
            Detected::Http1(request) => f.debug_tuple("Http1").field(request).finish(),
        }
    }
}
