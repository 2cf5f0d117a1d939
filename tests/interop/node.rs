//! Node.js: its `http2` as a client of our server, and as a server for our client.

use std::path::Path;
use std::process::Command;

use crate::body::LARGE;
use crate::client::Client;
use crate::peer;
use crate::server::Server;

/// A script of this folder, to be run by Node.js.
fn script(name: &str) -> Option<Command> {
    let mut command = Command::new(peer::find("node")?);
    command.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join(name));
    Some(command)
}

/// Runs the client against a server with this URL. The script has the checks.
#[track_caller]
fn assert_client_is_content(mut client: Command, url: &str) {
    let output = peer::run(client.arg(url));
    assert!(output.success, "{}", output.text);
    assert_eq!(output.text.trim(), "1 greeting, 100 echoes, 1 upload of 16777216 octets");
}

/// Uploads to an echo server.
#[track_caller]
fn assert_echoes(client: Client) {
    let answer = client.upload("POST", "/", LARGE);
    assert_eq!((answer.status, answer.check.result(LARGE)), (200, Ok(())));
    client.finish();
}

#[test]
fn a_client_of_node_is_served() {
    let Some(client) = script("node_client.mjs") else { return };
    let server = Server::start();
    assert_client_is_content(client, &server.url(""));
    server.finish();
}

#[test]
fn a_server_of_node_echoes_100_mib() {
    if script("node_server.mjs").is_none() {
        return;
    }
    let server = peer::Server::start(|port| {
        let mut command = script("node_server.mjs").unwrap();
        command.arg(port.to_string());
        command
    });
    assert_echoes(Client::connect(server.address));
}

mod tls {
    use super::*;
    use crate::files::Folder;
    use crate::tls::Identity;

    #[test]
    fn a_client_of_node_is_served_over_tls() {
        let Some(mut client) = script("node_client.mjs") else { return };
        let (folder, identity) = (Folder::new("node-client"), Identity::new());
        let (certificate, _) = identity.write_to(&folder);
        let server = Server::start_tls(&identity);
        client.env("NODE_EXTRA_CA_CERTS", certificate);
        assert_client_is_content(client, &server.url(""));
        server.finish();
    }

    #[test]
    fn a_server_of_node_echoes_100_mib_over_tls() {
        if script("node_server.mjs").is_none() {
            return;
        }
        let (folder, identity) = (Folder::new("node-server"), Identity::new());
        let (certificate, key) = identity.write_to(&folder);
        let server = peer::Server::start(|port| {
            let mut command = script("node_server.mjs").unwrap();
            command.arg(port.to_string()).arg(&certificate).arg(&key);
            command
        });
        assert_echoes(Client::connect_tls(server.address, &identity));
    }
}
