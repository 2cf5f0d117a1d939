//! Our `client::Client` against Node.js.

use std::path::Path;
use std::process::Command;

use crate::client_support::Served;
use crate::peer;

fn start(arguments: &[&Path]) -> Option<peer::Server> {
    let node = peer::find("node")?;
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("node_routes.mjs");
    Some(peer::Server::start(|port| {
        let mut command = Command::new(&node);
        command.arg(&script).arg(port.to_string()).args(arguments);
        command
    }))
}

#[test]
fn node_gives_all_that_a_script_can() {
    let Some(server) = start(&[]) else { return };
    Served::clear(server, None).assert_has_all_routes();
}

#[test]
fn node_gives_all_that_a_script_can_over_tls() {
    let folder = crate::files::Folder::new("client-node-tls");
    let identity = crate::tls::Identity::new();
    let (certificate, key) = identity.write_to(&folder);
    let Some(server) = start(&[&certificate, &key]) else { return };
    Served::secure(server, folder, &identity).assert_has_all_routes();
}
