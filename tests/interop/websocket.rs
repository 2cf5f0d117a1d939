//! Common parts of the WebSocket tests against other implementations: an echo server of ours, a
//! client, and HAProxy between the two.

use std::fmt::Display;
use std::fs;
use std::process::Command;

use h2_sync::Error;
use h2_sync::client::{Client, Versions};
use h2_sync::server::{self, Handle, Request, Response, Server};
use h2_sync::websocket::{self, Builder, Compression, Config, Message, WebSocket};

use crate::client_support;
use crate::deployed::filled;
use crate::files::Folder;
use crate::peer;

/// Settings of both ends: compression, two sub-protocols, and pages of any origin.
pub(crate) fn config() -> Config {
    let mut config = Config::default();
    config.compression = Some(Compression::default());
    config.protocols = vec!["second".to_owned(), "third".to_owned()];
    config.origins = websocket::Origins::Any;
    config
}

/// A server that echoes all messages, in either version of HTTP, at any path.
pub(crate) fn echo() -> Handle {
    let mut settings = server::Config::default();
    settings.websockets = true;
    let server = Server::bind("127.0.0.1:0").unwrap().config(settings);
    server.serve(handle).unwrap()
}

fn handle(request: &mut Request, response: &mut Response) -> Result<(), Error> {
    send_back(&mut websocket::accept(request, response, &config())?)
}

/// Echoes all messages until the peer closes.
pub(crate) fn send_back(websocket: &mut WebSocket) -> Result<(), Error> {
    while let Some(message) = websocket.read()? {
        websocket.send(message)?;
    }
    Ok(())
}

/// A client of this version alone.
pub(crate) fn client(versions: Versions) -> Client {
    let mut config = client_support::config();
    config.versions = versions;
    config.prior_knowledge = versions == Versions::Http2;
    Client::with_config(config).unwrap()
}

/// Opens a WebSocket at this path of a server, with the settings of [`config`].
#[track_caller]
pub(crate) fn connect(client: &Client, address: impl Display, path: &str) -> WebSocket {
    Builder::new(client, format!("ws://{address}{path}")).config(config()).connect().unwrap()
}

/// HAProxy of `deploy/` between two ends. `near` and `far` follow the address on either side, such as
/// `proto h2`. It sets `host`, since Autobahn refuses requests for a port other than its own.
pub(crate) fn haproxy(
    folder: &Folder,
    near: &str,
    behind: &str,
    far: &str,
) -> Option<peer::Server> {
    let program = peer::find("haproxy")?;
    let host = format!("http-request set-header host {behind}");
    let config = filled(
        "haproxy.cfg",
        &[
            ("bind 127.0.0.1:8000", format!("{host}\n    bind 127.0.0.1:PORT {near}")),
            ("server one 127.0.0.1:9001", format!("server one {behind} {far}")),
            ("server two 127.0.0.1:9002", String::new()),
            // Its peers have neither the PROXY protocol nor a path for health checks.
            ("default-server ", "# default-server ".to_owned()),
        ],
    );
    Some(peer::Server::start(|port| {
        let file = folder.join("haproxy.cfg");
        fs::write(&file, config.replace("PORT", &port.to_string())).unwrap();
        let mut command = Command::new(&program);
        command.arg("-db").arg("-q").arg("-f").arg(file);
        command
    }))
}

/// Text and binary messages with all encodings of the length field.
pub(crate) fn messages() -> Vec<Message> {
    let sizes = [0, 1, 125, 126, 65_535, 65_536, 1 << 20];
    let texts = sizes.iter().map(|&octets| Message::from("é".repeat(octets / 2)));
    let octets = sizes.iter().map(|&octets| Message::from(crate::body::piece(0, octets)));
    texts.chain(octets).collect()
}

/// Sends messages of all sizes to an echoing peer, then closes the WebSocket.
#[track_caller]
pub(crate) fn assert_echoes(mut websocket: WebSocket) {
    for message in messages() {
        websocket.send(message.clone()).unwrap();
        assert_eq!(websocket.read().unwrap(), Some(message));
    }
    websocket.close(4000, "enough").unwrap();
}
