//! Python's grpcio, which is gRPC's own implementation in C++.

use std::path::{Path, PathBuf};
use std::process::Command;

use h2_sync::tls::{Acceptor, Connector};
use h2_sync_grpc::client::Channel;
use h2_sync_grpc_interop::{serve_tls, serve_with};

use crate::battery::{self, with_all, Way};
use crate::files::{Folder, Identity};
use crate::peer;

/// Python with grpcio, if it is there.
fn python() -> Option<PathBuf> {
    let python = peer::find("python3")?;
    let modules = "import grpc, grpc_tools, grpc_health.v1.health, grpc_reflection.v1alpha";
    if !peer::run(Command::new(&python).args(["-c", modules])).success {
        peer::missing("grpcio, grpcio-tools, grpcio-health-checking, grpcio-reflection");
        return None;
    }
    Some(python)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("python").join(name)
}

#[test]
fn grpcio_calls_our_server() {
    let Some(python) = python() else { return };
    let server = serve_with(Default::default(), with_all);
    let mut command = Command::new(python);
    let output = peer::run(command.arg(script("client.py")).arg(server.address()));
    assert!(output.success, "{}", output.text);
}

#[test]
fn grpcio_calls_our_server_over_tls() {
    let Some(python) = python() else { return };
    let (folder, identity) = (Folder::new("python-client-tls"), Identity::new());
    let Identity { certificate, key } = &identity;
    let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let server = serve_tls(acceptor, with_all);
    let address = server.address().replace("127.0.0.1", "localhost");
    let file = folder.write("certificate.pem", certificate);
    let mut command = Command::new(python);
    let output = peer::run(command.arg(script("client.py")).arg(address).arg(file));
    assert!(output.success, "{}", output.text);
}

#[test]
fn grpcio_answers_our_client() {
    let Some(python) = python() else { return };
    for gzip in [false, true] {
        let server = peer::Server::start(|port| {
            let mut command = Command::new(&python);
            command.arg(script("server.py")).arg(port.to_string());
            command.args(gzip.then_some("gzip"));
            command
        });
        let channel = Channel::new(&format!("http://{}", server.address)).unwrap();
        battery::run(&channel, Way::default());
        if !gzip {
            battery::ten_thousand_calls(&channel);
        }
    }
}

#[test]
fn grpcio_answers_our_client_over_tls() {
    let Some(python) = python() else { return };
    let (folder, identity) = (Folder::new("python-server-tls"), Identity::new());
    let files = [
        folder.write("certificate.pem", &identity.certificate),
        folder.write("key.pem", &identity.key),
    ];
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&python);
        command.arg(script("server.py")).arg(port.to_string()).args(&files);
        command
    });
    let trusted = Connector::with_only_roots(identity.certificate.as_bytes()).unwrap();
    let url = format!("https://localhost:{}", server.address.port());
    battery::run(&Channel::builder(&url).tls(trusted).build().unwrap(), Way::default());
}
