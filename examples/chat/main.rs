//! A chat with rooms: a page and its WebSockets from one server, over HTTP/2 and HTTP/1.1.
//! It shows how one thread reads a socket while others send to it.
//!
//! ```text
//! cargo run --release --example chat -- [ADDRESS] [--tls [CERT KEY]]
//! ```
//!
//! Open <http://127.0.0.1:8080/> in two windows, and join the same room. A browser speaks HTTP/1.1 to
//! this address, and each WebSocket is a connection. With `--tls` it speaks HTTP/2, and each WebSocket is
//! a stream of the connection that the page came by (RFC 8441). The handler is the same.
//! `RUST_LOG=h2_sync::frames=trace` shows the difference.
//!
//! To join from a terminal, use the example `websocket`:
//!
//! ```text
//! cargo run --example websocket -- --compress 'ws://127.0.0.1:8080/rooms/lobby?name=ada'
//! ```
//!
//! # Threads
//!
//! Each member has one thread, that of its handler. It reads lines, and sends each to all members with their
//! [`Sender`](websocket::Sender)s. `try_send` never blocks: if a member's connection is busy, another
//! thread writes the line later, so a slow member does not delay the others.
//!
//! ```text
//! Ada's handler ── reads a line ── try_send ─┬─▶ Ada
//!                                            ├─▶ Brian
//!                                            └─▶ Carol (slow: may miss it)
//! ```

#[path = "../shared/args.rs"]
mod args;
mod rooms;

use std::error::Error;
use std::time::Duration;

use args::Args;
use h2_sync::server::{self, Request, Response};
use h2_sync::websocket::{self, CloseCode, Compression, Message, WebSocket};
use rooms::{Membership, Rooms};

const HELP: &str = "\
A chat with rooms, in a page that the same server has.

usage: chat [ADDRESS] [--tls [CERT KEY]]

    ADDRESS          where to listen; 127.0.0.1:8080 if left out, port 0 for any free one
    --tls            speak TLS, with a certificate made on the spot
    --tls CERT KEY   speak TLS, with these (PEM)
";

const PAGE: &str = include_str!("page.html");

/// Characters that the name of a member or of a room may have.
const MAX_NAME: usize = 32;

type Result<T = (), E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

fn main() {
    env_logger::init();
    let (args, []) = Args::parse(HELP, []);
    let mut config = server::Config::default();
    // Tells browsers that they may open WebSockets on their connection of HTTP/2. Without it, each
    // WebSocket has a connection of HTTP/1.1.
    config.websockets = true;
    let (rooms, settings) = (Rooms::default(), settings());
    let server = args.serve(config, move |request: &mut Request, response: &mut Response| {
        handle(request, response, &rooms, &settings)
    });
    server.wait();
}

/// The settings of all WebSockets here.
fn settings() -> websocket::Config {
    let mut config = websocket::Config::default();
    // Halves the octets of a text. A peer that cannot inflate is sent plain messages.
    config.compression = Some(Compression::default());
    // The longest line in octets, inflated. The default is 16 MiB.
    config.max_message = 16 << 10;
    // Finds out that a peer has lost its network, which no peer can say.
    config.ping_interval = Some(Duration::from_secs(30));
    // Disconnects a member whose connection accepts nothing for this long.
    config.write_timeout = Some(Duration::from_secs(10));
    config
}

fn handle(
    request: &mut Request,
    response: &mut Response,
    rooms: &Rooms,
    settings: &websocket::Config,
) -> Result {
    if request.path() == "/" {
        response.set_header("content-type", "text/html; charset=utf-8")?;
        return Ok(response.send(PAGE)?);
    }
    // A WebSocket begins as a request, so its route and its errors are like any others.
    let Some(room) = request.path().strip_prefix("/rooms/").map(decoded) else {
        return Ok(response.set_status(404)?);
    };
    let name = parameter(request.query().unwrap_or_default(), "name");
    if !is_name(&room) || !is_name(&name) {
        return Ok(response.set_status(400)?);
    }
    // This answers requests that do not ask for a WebSocket, and pages of other origins.
    let socket = websocket::accept(request, response, settings)?;
    talk(socket, rooms, &room, &name)
}

/// Has a member in a room until either end closes the WebSocket.
fn talk(mut socket: WebSocket, rooms: &Rooms, room: &str, name: &str) -> Result {
    let membership = rooms.join(room, socket.sender());
    membership.say(format!("* {name} joined, {} here", membership.members()));
    let outcome = relay(&mut socket, &membership, name);
    membership.say(format!("* {name} left"));
    outcome
}

fn relay(socket: &mut WebSocket, membership: &Membership<'_>, name: &str) -> Result {
    // `None` is the end as it should be. A member whose connection breaks is an error, which the
    // server logs.
    while let Some(message) = socket.read()? {
        match message {
            Message::Text(text) => membership.say(format!("{name}: {text}")),
            Message::Binary(_) => {
                socket.close(CloseCode::UNSUPPORTED, "lines are text")?;
                return Ok(());
            }
        }
    }
    Ok(())
}

/// A segment of a path, whose `%20` and the like are decoded.
fn decoded(segment: &str) -> String {
    percent_encoding::percent_decode_str(segment).decode_utf8_lossy().into_owned()
}

/// The value of a parameter in a query; empty where it is not there.
fn parameter(query: &str, name: &str) -> String {
    let mut parameters = form_urlencoded::parse(query.as_bytes());
    parameters
        .find(|(key, _)| key == name)
        .map_or_else(String::new, |(_, value)| value.into_owned())
}

/// Whether it can be shown as a name.
fn is_name(name: &str) -> bool {
    (1..=MAX_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control)
}
