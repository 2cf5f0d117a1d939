//! nghttp2's programs: nghttp and h2load against our server, our client against nghttpd.

use std::process::Command;

use crate::body::{self, LARGE};
use crate::client::Client;
use crate::files::Folder;
use crate::peer;
use crate::server::Server;

#[test]
fn nghttp_gets_a_greeting() {
    let Some(nghttp) = peer::find("nghttp") else { return };
    let server = Server::start();
    let output = peer::run(Command::new(nghttp).arg("-nv").arg(server.url("/hello")));
    assert!(output.success, "{output:?}");
    assert!(output.text.contains(":status: 200"), "{}", output.text);
    assert!(!output.text.contains("[ERROR]"), "{}", output.text);
    server.finish();
}

#[test]
fn h2load_finds_no_error_in_100_000_requests() {
    let Some(h2load) = peer::find("h2load") else { return };
    let Some(example) = peer::example("session_server") else { return };
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&example);
        command.arg(format!("127.0.0.1:{port}"));
        command
    });
    let url = format!("http://{}/", server.address);
    let output = peer::run(Command::new(h2load).args(["-c8", "-m32", "-n100000"]).arg(url));
    let result = "100000 total, 100000 started, 100000 done, 100000 succeeded, \
                  0 failed, 0 errored, 0 timeout";
    assert!(output.success && output.text.contains(result), "{}", output.text);
    assert!(output.text.contains("status codes: 100000 2xx"), "{}", output.text);
}

/// nghttpd with this folder, which echoes POST.
pub(crate) fn nghttpd(folder: &Folder) -> Option<peer::Server> {
    let program = peer::find("nghttpd")?;
    Some(peer::Server::start(|port| {
        let mut command = Command::new(&program);
        command.args(["--no-tls", "--address=127.0.0.1", "--echo-upload"]);
        command.arg("--htdocs").arg(folder.path()).arg(port.to_string());
        command
    }))
}

#[test]
fn nghttpd_echoes_an_upload_over_tls() {
    let Some(program) = peer::find("nghttpd") else { return };
    let (folder, identity) = (Folder::new("nghttpd-tls"), crate::tls::Identity::new());
    let (certificate, key) = identity.write_to(&folder);
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&program);
        command.args(["--address=127.0.0.1", "--echo-upload"]).arg(port.to_string());
        command.arg(&key).arg(&certificate);
        command
    });
    let client = Client::connect_tls(server.address, &identity);
    let answer = client.upload("POST", "/", LARGE);
    assert_eq!((answer.status, answer.check.result(LARGE)), (200, Ok(())));
    client.finish();
}

#[test]
fn files_come_from_nghttpd() {
    let folder = Folder::new("nghttpd-files");
    let Some(server) = nghttpd(&folder) else { return };
    body::write_file(&folder.join("large"), LARGE).unwrap();
    body::write_file(&folder.join("empty"), 0).unwrap();
    let client = Client::connect(server.address);
    for (file, octets) in [("/large", LARGE), ("/empty", 0)] {
        let answer = client.get(file);
        assert_eq!((answer.status, answer.check.result(octets)), (200, Ok(())), "{file}");
    }
    assert_eq!(client.get("/nothing").status, 404);
    client.finish();
}

#[test]
fn nghttpd_echoes_an_upload() {
    let folder = Folder::new("nghttpd-echo");
    let Some(server) = nghttpd(&folder) else { return };
    let client = Client::connect(server.address);
    let answer = client.upload("POST", "/", LARGE);
    assert_eq!((answer.status, answer.check.result(LARGE)), (200, Ok(())));
    client.finish();
}
