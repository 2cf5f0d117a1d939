//! Node's package `ws` and Python's package `websockets`, as clients of our server and as servers
//! for our client, with compression and without.

use std::path::Path;
use std::process::Command;

use h2_sync::client::Versions;
use h2_sync::websocket::{Builder, CloseCode};

use crate::peer::{self, Server};
use crate::websocket::{assert_echoes, client, config, connect, echo};

const PEERS: [&str; 2] = ["websocket_peer.cjs", "websocket_peer.py"];

/// A script of this folder, with these arguments. `None` if its package is not installed.
fn script(name: &str, args: &[&str]) -> Option<Command> {
    let (program, option, import) = match name.rsplit_once('.') {
        Some((_, "cjs")) => ("node", "-e", "require('ws')"),
        _ => ("python3", "-c", "import websockets.sync.server"),
    };
    let program = peer::find(program)?;
    if !peer::run(Command::new(&program).args([option, import])).success {
        peer::missing(&format!("package of {name}"));
        return None;
    }
    let mut command = Command::new(program);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(name)).args(args);
    Some(command)
}

/// An echo server of another implementation.
fn server(name: &str) -> Option<Server> {
    script(name, &[])?;
    Some(Server::start(|port| script(name, &["server", &port.to_string()]).unwrap()))
}

#[test]
fn their_clients_are_served() {
    let server = echo();
    let url = format!("ws://{}/", server.local_addr().unwrap());
    for name in PEERS {
        for coding in ["plain", "deflate"] {
            let Some(mut client) = script(name, &["client", &url, coding]) else { continue };
            let output = peer::run(&mut client);
            assert!(output.success, "{name}, {coding}: {}", output.text);
            assert_eq!(output.text.trim(), "6 echoes, closed with 4000", "{name}, {coding}");
        }
    }
}

#[test]
fn their_servers_echo() {
    let client = client(Versions::Http1);
    for name in PEERS {
        let Some(server) = server(name) else { continue };
        let url = format!("ws://{}/", server.address);
        for compression in [None, config().compression] {
            let is_offered = compression.is_some();
            let builder = Builder::new(&client, &url).config(config()).compression(compression);
            let websocket = builder.connect().unwrap();
            assert_eq!(websocket.handshake().deflate().is_some(), is_offered, "{name}");
            assert_eq!(websocket.handshake().protocol(), Some("second"), "{name}");
            assert_echoes(websocket);
        }
    }
}

#[test]
fn close_of_their_servers_is_told_with_code_and_reason() {
    let client = client(Versions::Http1);
    for name in PEERS {
        let Some(server) = server(name) else { continue };
        let mut websocket = connect(&client, server.address, "/");
        websocket.send("close me").unwrap();
        assert_eq!(websocket.read().unwrap(), None, "{name}");
        let close = websocket.closed().expect("what the server said");
        assert_eq!(close.code, Some(CloseCode(4001)), "{name}");
        assert_eq!(close.reason, "as was asked for", "{name}");
    }
}

#[test]
fn connection_that_their_servers_drop_is_an_error() {
    let client = client(Versions::Http1);
    for name in PEERS {
        let Some(server) = server(name) else { continue };
        let mut websocket = connect(&client, server.address, "/");
        websocket.send("drop me").unwrap();
        websocket.read().expect_err(name);
    }
}
