//! Tests of process-wide state, each in a separate process of this program.

use std::env;
use std::fs;
use std::path::Path;
use std::process::Command;

use h2_sync::{Evt, headers, new_connection};

use crate::support::*;

/// Runs an ignored test of this program in a separate process.
fn run_alone(test: &str, key_log: &Path) {
    run_alone_with(test, "SSLKEYLOGFILE", key_log);
}

/// Like `run_alone`, with an environment variable that names a file.
fn run_alone_with(test: &str, variable: &str, file: &Path) {
    let mut command = Command::new(env::current_exe().unwrap());
    command.args([test, "--exact", "--ignored", "--nocapture"]);
    let output = command.env(variable, file).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && told.contains("1 passed"), "{output:?}");
}

fn key_log(name: &str) -> std::path::PathBuf {
    env::temp_dir().join(format!("h2-sync-{name}-{}", std::process::id()))
}

#[test]
fn keys_are_logged_on_request() {
    let path = key_log("asked");
    run_alone("child::logs_keys", &path);
    let log = fs::read_to_string(&path).unwrap();
    fs::remove_file(&path).unwrap();
    // The keys of both sides, for both directions.
    for label in ["CLIENT_TRAFFIC_SECRET_0 ", "SERVER_TRAFFIC_SECRET_0 "] {
        assert_eq!(log.lines().filter(|line| line.starts_with(label)).count(), 2, "{log}");
    }
}

#[test]
fn keys_are_not_logged_by_default() {
    let path = key_log("unasked");
    run_alone("child::logs_no_keys", &path);
    assert!(!path.exists());
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn logs_keys() {
    let (connector, acceptor) = ends();
    let (connector, acceptor) = (connector.with_key_log(), acceptor.with_key_log());
    let (client, server) = shake((&connector, &acceptor), tcp());
    talk(&mut client.unwrap(), &mut server.unwrap());
}

#[test]
#[ignore = "run by another test, in a process of its own"]
fn logs_no_keys() {
    let (mut client, mut server) = connected(tcp());
    talk(&mut client, &mut server);
}

/// A certificate with CA:TRUE, as `openssl req -x509` creates it, followed by its key.
#[cfg(feature = "system-roots")]
#[test]
fn certificate_in_ssl_cert_file_is_trusted() {
    let mut params = rcgen::CertificateParams::new([NAME.to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let key = rcgen::KeyPair::generate().unwrap();
    let pem = params.self_signed(&key).unwrap().pem() + &key.serialize_pem();
    let path = key_log("roots");
    fs::write(&path, pem).unwrap();
    run_alone_with("child::trusts_ssl_cert_file", "SSL_CERT_FILE", &path);
    fs::remove_file(&path).unwrap();
}

#[cfg(feature = "system-roots")]
#[test]
#[ignore = "run by another test, in a process of its own"]
fn trusts_ssl_cert_file() {
    let pem = fs::read(env::var_os("SSL_CERT_FILE").unwrap()).unwrap();
    let connector = h2_sync::tls::Connector::with_system_roots().unwrap();
    let acceptor = h2_sync::tls::Acceptor::from_pem(&pem, &pem).unwrap();
    let (client, server) = shake((&connector, &acceptor), tcp());
    talk(&mut client.unwrap(), &mut server.unwrap());
}

#[cfg(target_os = "linux")]
#[test]
fn two_hundred_connections_leave_nothing_behind() {
    run_alone("child::leaves_nothing", &key_log("none"));
}

#[cfg(target_os = "linux")]
#[test]
#[ignore = "run by another test, in a process of its own"]
fn leaves_nothing() {
    let counts = || {
        let count = |what: &str| fs::read_dir(format!("/proc/self/{what}")).unwrap().count();
        (count("task"), count("fd"))
    };
    let (connector, acceptor) = ends();
    let before = counts();
    for round in 0..200 {
        let (client, server) = shake((&connector, &acceptor), tcp());
        let client = new_connection(client.unwrap(), true, false).unwrap();
        let server = new_connection(server.unwrap(), false, false).unwrap();
        let request = headers!(
            ":method" => "GET", ":scheme" => "https", ":authority" => NAME, ":path" => "/",
        );
        client.open(&request, true).unwrap();
        while !matches!(server.take_evt_timeout(LONG).unwrap(), Evt::RecvHeaders { .. }) {}
        match round % 4 {
            0 => client.close(),
            1 => server.close(),
            2 => drop(client),
            _ => drop(server),
        }
    }
    // The system may need a moment to clean up a joined thread.
    let deadline = std::time::Instant::now() + LONG;
    while counts() != before {
        assert!(std::time::Instant::now() < deadline, "{:?}, not {before:?}", counts());
        std::thread::yield_now();
    }
}
