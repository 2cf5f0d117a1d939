//! What does the other end of a cleartext connection speak?

use std::fmt;

use super::answer::{fail, refuse};
use super::first::First;
use super::head::{self, Parsed};
use super::http1::Http1Request;
use super::options::Options;
use super::prefixed::Replay;
use super::refusal::Refusal;
use super::request::UpgradeRequest;
use super::wire::Wire;
use super::wish::Wish;
use crate::error::{Error, ErrorKind};
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
/// - The client speaks something else, TLS for instance, or its request is malformed or over a
///   limit. It has been told so in HTTP/1.1, with 400, 408, 414, 421, 431, 501 or 505, where what it
///   sent looks like HTTP; the connection is closed. So is it with all others.
/// - [`Timeout`](ErrorKind::Timeout): the client did not say enough in time.
/// - [`Closed`](ErrorKind::Closed): it left without a word.
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
    let mut new = 0;
    loop {
        let head = match First::of(&wire.buffer) {
            Ok(First::PriorKnowledge) => {
                return Ok(Detected::PriorKnowledge(wire.into_replay()?));
            }
            Ok(First::Http1) => head::request(&wire.buffer, new, options),
            Ok(First::Undecided) => Ok(None),
            Err(refusal) => Err(refusal),
        };
        match head {
            Ok(Some(head)) => return http1(wire, head, options),
            Ok(None) => {}
            Err(refusal) => return Err(refuse(wire, refusal, false)),
        }
        new = match wire.fill() {
            Ok(0) => return Err(ended(wire, options)),
            Ok(new) => new,
            // Who has not said anything that looks like a request gets no answer.
            Err(error) if First::of(&wire.buffer) != Ok(First::Http1) => return Err(error),
            Err(error) => return Err(fail(wire, error, false)),
        };
    }
}

fn http1<T: Transport>(
    wire: Wire<T>,
    parsed: Parsed<http::Request<()>>,
    options: &Options,
) -> Result<Detected<T>, Error> {
    let is_head = parsed.head.method() == http::Method::HEAD;
    // It has been parsed out of these octets.
    let octets = &wire.buffer[..parsed.len.min(wire.buffer.len())];
    let wish = match options.upgrade.then(|| Wish::of(&parsed.head, octets)).transpose() {
        Ok(wish) => wish.flatten(),
        Err(refusal) => return Err(refuse(wire, refusal, is_head)),
    };
    let request = Http1Request::new(wire, parsed, options.upgrade);
    Ok(match wish {
        Some(wish) => Detected::Upgrade(UpgradeRequest::new(request, wish, options.clone())),
        None => Detected::Http1(request),
    })
}

/// The client has said all that it is going to say.
fn ended<T: Transport>(wire: Wire<T>, options: &Options) -> Error {
    if wire.buffer.is_empty() {
        return Error::upgrade(ErrorKind::Closed, "the peer closed the connection before it spoke");
    }
    // What is wrong with the part that has come says more.
    let refusal = head::request(&wire.buffer, wire.buffer.len(), options).err();
    let refusal = refusal.unwrap_or_else(|| Refusal::bad("the request ends before its time"));
    refuse(wire, refusal, false)
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
