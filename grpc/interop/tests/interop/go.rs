//! grpc-go, which shares no code with grpcio, in a program of ours.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use h2_sync::tls::{Acceptor, Connector};
use h2_sync_grpc::client::Channel;
use h2_sync_grpc_interop::{serve_tls, serve_with};

use crate::battery::{self, with_all, Way};
use crate::files::{Folder, Identity};
use crate::peer;

/// Where Debian has the sources of Go's packages.
const PACKAGES: &str = "/usr/share/gocode";

/// The program in `go/`, built once, if Go and grpc-go are there.
fn program() -> Option<&'static Path> {
    static PROGRAM: OnceLock<Option<PathBuf>> = OnceLock::new();
    PROGRAM.get_or_init(build).as_deref()
}

fn build() -> Option<PathBuf> {
    let go = peer::find("go")?;
    if !Path::new(PACKAGES).join("src/google.golang.org/grpc").is_dir() {
        peer::missing("grpc-go (golang-google-grpc-dev)");
        return None;
    }
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let program = target.join("grpc-go-peer");
    let mut command = Command::new(go);
    command.args(["build", "-o"]).arg(&program).arg(".");
    command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("go"));
    // Packages come from the folder above alone, without modules and their network.
    command.env("GO111MODULE", "off").env("GOPATH", PACKAGES).env("GOFLAGS", "");
    command.env("GOCACHE", target.join("go-build"));
    let output = peer::run(&mut command);
    assert!(output.success, "{}", output.text);
    Some(program)
}

#[test]
fn grpc_go_calls_our_server() {
    let Some(program) = program() else { return };
    let server = serve_with(Default::default(), with_all);
    let output = peer::run(Command::new(program).arg("client").arg(server.address()));
    assert!(output.success, "{}", output.text);
}

#[test]
fn grpc_go_calls_our_server_over_tls() {
    let Some(program) = program() else { return };
    let (folder, identity) = (Folder::new("go-client-tls"), Identity::new());
    let Identity { certificate, key } = &identity;
    let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let server = serve_tls(acceptor, with_all);
    let file = folder.write("certificate.pem", certificate);
    let mut command = Command::new(program);
    let output = peer::run(command.arg("client").arg(server.address()).arg(file));
    assert!(output.success, "{}", output.text);
}

#[test]
fn grpc_go_answers_our_client() {
    let Some(program) = program() else { return };
    for gzip in [false, true] {
        let server = peer::Server::start(|port| {
            let mut command = Command::new(program);
            command.arg("server").arg(port.to_string()).args(gzip.then_some("gzip"));
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
fn grpc_go_answers_our_client_over_tls() {
    let Some(program) = program() else { return };
    let (folder, identity) = (Folder::new("go-server-tls"), Identity::new());
    let files = [
        folder.write("certificate.pem", &identity.certificate),
        folder.write("key.pem", &identity.key),
    ];
    let server = peer::Server::start(|port| {
        let mut command = Command::new(program);
        command.arg("server").arg(port.to_string()).args(&files);
        command
    });
    let trusted = Connector::with_only_roots(identity.certificate.as_bytes()).unwrap();
    let url = format!("https://localhost:{}", server.address.port());
    battery::run(&Channel::builder(&url).tls(trusted).build().unwrap(), Way::default());
}
