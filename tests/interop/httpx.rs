//! httpx (Python, on hyper-h2) against our server.

use std::process::Command;

use crate::peer;
use crate::server::Server;

/// Small requests, and a body each way; Python takes its time over large ones.
const SCRIPT: &str = include_str!("httpx_client.py");

#[test]
fn httpx_sends_and_receives() {
    let Some(python) = peer::find("python3") else { return };
    if !peer::run(Command::new(&python).args(["-c", "import httpx, h2"])).success {
        return peer::missing("httpx[http2]");
    }
    let server = Server::start();
    let output = peer::run(Command::new(&python).args(["-c", SCRIPT]).arg(server.url("")));
    assert!(output.success, "{}", output.text);
    server.finish();
}
