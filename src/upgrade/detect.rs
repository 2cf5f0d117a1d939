//! Detection of the protocol on a cleartext connection, at the server.

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

/// The protocol that a client uses, from its first octets. See [`detect`].
pub enum Detected<T: Transport> {
    /// HTTP/2 from the first octet. The stream replays what was read, so leave
    /// [`skip_preface`](crate::Config::skip_preface) `false`.
    PriorKnowledge(Replay<T>),
    /// An HTTP/1.1 request that asks to upgrade to HTTP/2.
    Upgrade(UpgradeRequest<T>),
    /// Any other HTTP/1.x request.
    Http1(Http1Request<T>),
}

/// Reads the first octets of a cleartext connection, at the server, and returns the client's
/// protocol. Accepts a `TcpStream`, any other [`Transport`], or halves that have been split
/// already.
///
/// It reads no more than needed to decide: four octets of the preface, or the header section of a
/// request. `options` limits the time and the octets.
///
/// # Errors
///
/// - The request is malformed or over a limit. The client was sent an HTTP/1.1 response with 400,
///   408, 414, 421, 431, 501 or 505, and the connection is closed.
/// - The client speaks another protocol, such as TLS: its first line does not end in `HTTP/1.x`. It
///   was sent GOAWAY (PROTOCOL_ERROR), since an HTTP/2 peer would take text for a frame.
/// - [`Timeout`](crate::ErrorKind::Timeout): the client did not send enough in time.
/// - [`Closed`](crate::ErrorKind::Closed): the client closed the connection before or within its
///   first line.
/// - The transport failed.
///
/// After an answer to the client, the call may wait for one second, so that the client can read it.
///
/// # Examples
///
/// A server that handles all three:
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

/// Reads the header section of a request whose first line has been recognised.
fn receive<T: Transport>(mut wire: Wire<T>, options: &Options) -> Result<Detected<T>, Error> {
    let mut codec = ServerConnection::new(options.codec());
    let mut searched = 0;
    let (head, octets) = loop {
        // The codec removes the header section from the buffer; an HTTP/1.1 server needs the octets
        // again.
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
                let error =
                    error.unwrap_or_else(|| Refusal::bad("no request before the empty line"));
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

/// The end of a header section.
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
