//! curl against our server.

use std::path::Path;
use std::process::Command;

use crate::body::{self, LARGE};
use crate::files::Folder;
use crate::peer;
use crate::server::{GREETING, Server};

/// curl, with prior knowledge of HTTP/2. It prints the version, the status and the body.
fn curl(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.args(["--http2-prior-knowledge", "--silent", "--show-error", "--no-progress-meter"]);
    command.args(["--max-time", "240", "--write-out", "HTTP/%{http_version} %{http_code} "]);
    command
}

#[test]
fn curl_gets_a_greeting() {
    let Some(program) = peer::find("curl") else { return };
    let server = Server::start();
    let output = peer::run(curl(&program).arg(server.url("/hello")));
    assert!(output.success, "{output:?}");
    assert_eq!(output.text.trim(), format!("{GREETING}HTTP/2 200"));
    server.finish();
}

#[test]
fn curl_is_told_what_is_not_found() {
    let Some(program) = peer::find("curl") else { return };
    let server = Server::start();
    let output = peer::run(curl(&program).arg(server.url("/nothing")));
    assert!(output.success && output.text.contains("HTTP/2 404"), "{output:?}");
    server.finish();
}

#[test]
fn curl_uploads_100_mib() {
    let Some(program) = peer::find("curl") else { return };
    let server = Server::start();
    let folder = Folder::new("curl-upload");
    let file = folder.join("body");
    body::write_file(&file, LARGE).unwrap();
    let data = format!("@{}", file.display());
    let output = peer::run(curl(&program).args(["--data-binary", &data]).arg(server.url("/check")));
    assert!(output.success, "{output:?}");
    assert_eq!(output.text.trim(), format!("{LARGE} octets, as they should beHTTP/2 200"));
    server.finish();
}

#[test]
fn curl_downloads_100_mib() {
    let Some(program) = peer::find("curl") else { return };
    let server = Server::start();
    let folder = Folder::new("curl-download");
    let file = folder.join("body");
    let url = server.url(&format!("/bytes/{LARGE}"));
    let output = peer::run(curl(&program).arg("--output").arg(&file).arg(url));
    assert!(output.success, "{output:?}");
    assert_eq!(output.text.trim(), "HTTP/2 200");
    assert_eq!(body::check_file(&file, LARGE), Ok(()));
    server.finish();
}
