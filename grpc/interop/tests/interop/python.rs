//! Python's grpcio, which is gRPC's own implementation in C++.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::{both_roles, peer};

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

/// The script for this role, `client` or `server`.
fn command(role: &str) -> Option<Command> {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("python");
    let mut command = Command::new(python()?);
    command.arg(scripts.join(role).with_extension("py"));
    Some(command)
}

#[test]
fn grpcio_calls_our_server() {
    let Some(client) = command("client") else { return };
    both_roles::client_succeeds(client);
}

#[test]
fn grpcio_calls_our_server_over_tls() {
    let Some(client) = command("client") else { return };
    both_roles::client_succeeds_over_tls(client, "python-client-tls", "localhost");
}

#[test]
fn grpcio_answers_our_client() {
    if command("server").is_some() {
        both_roles::server_answers(|| command("server").unwrap());
    }
}

#[test]
fn grpcio_answers_our_client_over_tls() {
    if command("server").is_some() {
        both_roles::server_answers_over_tls(|| command("server").unwrap(), "python-server-tls");
    }
}
