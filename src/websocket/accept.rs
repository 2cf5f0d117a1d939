//! The server's end of an opening handshake.

use http::StatusCode;

use super::config::Config;
use super::handshake::Handshake;
use super::request::{Agreed, Asked, Refusal, WEBSOCKET, agree};
use super::socket::WebSocket;
use crate::error::Error;
use crate::server::{Request, Response};
use crate::ws::{CloseCode, Role};

/// Opens a WebSocket in a handler. The response is 101 in HTTP/1.1, and 200 to an extended CONNECT in HTTP/2
/// (RFC 8441).
///
/// Any other request is refused with one of these responses, and the function returns an error that the
/// handler can return in turn:
///
/// | the request | the response |
/// | --- | --- |
/// | does not ask for a WebSocket, in HTTP/1.1 | 426, with `upgrade: websocket` |
/// | does not ask for a WebSocket, in HTTP/2 | 400; 501 to an extended CONNECT for another protocol |
/// | has a method other than GET (CONNECT in HTTP/2) | 405 |
/// | asks for a version other than 13 | 426 (400 in HTTP/2), with `sec-websocket-version: 13` |
/// | comes from a page of a foreign [origin](Config::origins) | 403 |
/// | has a field that is missing, repeated or malformed | 400 |
///
/// The first of [`Config::protocols`] that the client offers is selected, and compression is used if both
/// ends enable it. Fields that the handler has set in `response` are sent too.
///
/// The handler may use the WebSocket itself, or pass it to another thread and return. While it waits for its peer,
/// its permit is lent to other requests: see
/// [`max_waiting_handlers`](crate::server::Config::max_waiting_handlers). `handler_timeout` and
/// `body_timeout` do not apply. When the server shuts down, the WebSocket is closed with 1001.
///
/// Browsers open WebSockets on HTTP/2 if the server has [`websockets`](crate::server::Config::websockets)
/// enabled.
///
/// ```
/// use h2_sync::server::{Request, Response};
/// use h2_sync::{websocket, Error};
///
/// fn handler(request: &mut Request, response: &mut Response) -> Result<(), Error> {
///     match request.path() {
///         "/echo" => {
///             let mut socket = websocket::accept(request, response, &websocket::Config::default())?;
///             while let Some(message) = socket.read()? {
///                 socket.send(message)?;
///             }
///             Ok(())
///         }
///         _ => response.send("hello"),
///     }
/// }
/// ```
///
/// # Errors
///
/// The request was refused ([`Error::status`] tells with what), a value of `config` is out of its range,
/// or the response cannot be sent.
pub fn accept(
    request: &mut Request,
    response: &mut Response,
    config: &Config,
) -> Result<WebSocket, Error> {
    config.validate()?;
    let asked = Asked {
        version: request.version(),
        method: request.method(),
        protocol: request.protocol(),
        asks: request.asks_to_upgrade(WEBSOCKET),
        authority: request.authority(),
        headers: request.headers(),
    };
    let Agreed { protocol, deflate, fields } = match agree(&asked, config) {
        Ok(agreed) => agreed,
        Err(refusal) => return Err(refuse(response, refusal)?),
    };
    for (name, value) in fields {
        response.set_header(name, value)?;
    }
    let handshake = Handshake {
        protocol,
        deflate,
        version: request.version(),
        headers: request.headers().clone(),
        peer: request.peer_addr(),
        is_lent: false,
    };
    let (recv, send) = response.upgrade(request, WEBSOCKET)?;
    let socket = WebSocket::start(recv, send, Role::Server, config, handshake);
    let close = socket.weak_closer();
    let says_goodbye = request.on_shutdown(move || close(CloseCode::GOING_AWAY, "shutdown"));
    socket.keep(Box::new(says_goodbye));
    Ok(socket)
}

/// Answers a request that is not in order.
fn refuse(response: &mut Response, refusal: Refusal) -> Result<Error, Error> {
    let Refusal { status, fields, text } = refusal;
    for (name, value) in fields {
        response.set_header(name, value)?;
    }
    response.refuse(status, &text)?;
    Ok(refused(status, &text))
}

fn refused(status: StatusCode, text: &str) -> Error {
    Error::refused(status, format!("a WebSocket is refused with {status}: {text}"))
}
