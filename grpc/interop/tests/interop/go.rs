//! grpc-go, which shares no code with grpcio, in a program of ours.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::{both_roles, peer};

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

/// The program in this role, `client` or `server`.
fn command(role: &str) -> Option<Command> {
    let mut command = Command::new(program()?);
    command.arg(role);
    Some(command)
}

#[test]
fn grpc_go_calls_our_server() {
    let Some(client) = command("client") else { return };
    both_roles::client_succeeds(client);
}

#[test]
fn grpc_go_calls_our_server_over_tls() {
    let Some(client) = command("client") else { return };
    both_roles::client_succeeds_over_tls(client, "go-client-tls", "127.0.0.1");
}

#[test]
fn grpc_go_answers_our_client() {
    if command("server").is_some() {
        both_roles::server_answers(|| command("server").unwrap());
    }
}

#[test]
fn grpc_go_answers_our_client_over_tls() {
    if command("server").is_some() {
        both_roles::server_answers_over_tls(|| command("server").unwrap(), "go-server-tls");
    }
}
