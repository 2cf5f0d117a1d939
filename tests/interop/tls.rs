//! TLS: our identity, and curl and nghttp2's clients against our server.

use std::fs;
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use h2_sync::tls::{Acceptor, Connector};

use crate::body::{self, LARGE};
use crate::files::Folder;
use crate::peer;
use crate::server::{GREETING, Server};

/// The time limit of a handshake, far longer than any takes.
pub(crate) const HANDSHAKE: Duration = Duration::from_secs(60);

/// A certificate for loopback, signed with its own key.
pub(crate) struct Identity {
    certificate: String,
    key: String,
}

impl Identity {
    pub(crate) fn new() -> Self {
        let names = ["localhost".to_owned(), Ipv4Addr::LOCALHOST.to_string()];
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        Self { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        Acceptor::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::with_only_roots(self.certificate.as_bytes()).unwrap()
    }

    /// Writes the certificate and its key into the folder.
    pub(crate) fn write_to(&self, folder: &Folder) -> (PathBuf, PathBuf) {
        let (certificate, key) = (folder.join("cert.pem"), folder.join("key.pem"));
        fs::write(&certificate, &self.certificate).unwrap();
        fs::write(&key, &self.key).unwrap();
        (certificate, key)
    }
}

/// curl, which trusts the certificate in this file and speaks HTTP/2 as `how` says. It prints the
/// body, the version and the status.
fn curl(program: &Path, how: &str, certificate: &Path) -> Command {
    let mut command = Command::new(program);
    command.args([how, "--silent", "--show-error", "--no-progress-meter", "--max-time", "240"]);
    command.args(["--write-out", "HTTP/%{http_version} %{http_code} ", "--cacert"]);
    command.arg(certificate);
    command
}

#[track_caller]
fn assert_curl_gets_a_greeting(how: &str) {
    let Some(program) = peer::find("curl") else { return };
    let (folder, identity) = (Folder::new(&format!("curl-tls{how}")), Identity::new());
    let (certificate, _) = identity.write_to(&folder);
    let server = Server::start_tls(&identity);
    let output = peer::run(curl(&program, how, &certificate).arg(server.url("/hello")));
    assert!(output.success, "{output:?}");
    assert_eq!(output.text.trim(), format!("{GREETING}HTTP/2 200"));
    server.finish();
}

#[test]
fn connections_beyond_the_limit_of_the_example_are_refused() {
    let Some(example) = peer::example("tls_server") else { return };
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&example);
        command.arg(format!("127.0.0.1:{port}"));
        command
    });
    let connector = Connector::new().unwrap().danger_accept_invalid_certificates();
    let connect = || {
        let stream = TcpStream::connect(server.address).unwrap();
        connector.connect("localhost", stream, HANDSHAKE)
    };
    let open: Vec<_> = (0..200).map(|_| connect().unwrap()).collect();
    connect().unwrap_err();
    drop(open);
}

#[test]
fn curl_chooses_http_2_by_alpn() {
    assert_curl_gets_a_greeting("--http2");
}

#[test]
fn curl_with_prior_knowledge_over_tls() {
    assert_curl_gets_a_greeting("--http2-prior-knowledge");
}

#[test]
fn curl_uploads_and_downloads_100_mib_over_tls() {
    let Some(program) = peer::find("curl") else { return };
    let (folder, identity) = (Folder::new("curl-tls-bodies"), Identity::new());
    let (certificate, _) = identity.write_to(&folder);
    let server = Server::start_tls(&identity);
    let (sent, received) = (folder.join("sent"), folder.join("received"));
    body::write_file(&sent, LARGE).unwrap();
    let curl = || curl(&program, "--http2", &certificate);

    let data = format!("@{}", sent.display());
    let output = peer::run(curl().args(["--data-binary", &data]).arg(server.url("/check")));
    assert_eq!(output.text.trim(), format!("{LARGE} octets, as they should beHTTP/2 200"));

    let url = server.url(&format!("/bytes/{LARGE}"));
    let output = peer::run(curl().arg("--output").arg(&received).arg(url));
    assert_eq!(output.text.trim(), "HTTP/2 200");
    assert_eq!(body::check_file(&received, LARGE), Ok(()));
    server.finish();
}

#[test]
fn nghttp_gets_a_greeting_over_tls() {
    let Some(nghttp) = peer::find("nghttp") else { return };
    let server = Server::start_tls(&Identity::new());
    let output = peer::run(Command::new(nghttp).arg("-nv").arg(server.url("/hello")));
    assert!(output.success, "{output:?}");
    assert!(output.text.contains("The negotiated protocol: h2"), "{}", output.text);
    assert!(output.text.contains(":status: 200"), "{}", output.text);
    assert!(!output.text.contains("[ERROR]"), "{}", output.text);
    server.finish();
}

#[test]
fn h2load_finds_no_error_in_20_000_requests_over_tls() {
    let Some(h2load) = peer::find("h2load") else { return };
    let server = Server::start_tls(&Identity::new());
    let mut command = Command::new(h2load);
    let output = peer::run(command.args(["-c8", "-m32", "-n20000"]).arg(server.url("/hello")));
    let result = "20000 total, 20000 started, 20000 done, 20000 succeeded, \
                  0 failed, 0 errored, 0 timeout";
    assert!(output.success && output.text.contains(result), "{}", output.text);
    assert!(output.text.contains("Application protocol: h2"), "{}", output.text);
    server.finish();
}
