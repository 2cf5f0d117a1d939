//! The program `get`, run against servers in this process.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::process::{Command, Output};

use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::tls::Acceptor;
use http::Version;

/// Answers with the method, the version and the body of the request.
fn answer(request: &mut Request, response: &mut Response) -> io::Result<()> {
    let version = if request.version() == Version::HTTP_2 { 2 } else { 1 };
    let body = io::read_to_string(&mut *request)?;
    response.send(format!("{} over HTTP/{version}: {body}\n", request.method()))?;
    Ok(())
}

fn serve(server: Server) -> (Handle, String) {
    let handle = server.serve(answer).unwrap();
    let address = handle.local_addr().unwrap();
    (handle, address.to_string())
}

fn get(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_get")).args(arguments).output().unwrap()
}

#[track_caller]
fn assert_prints(arguments: &[&str], expected: &str) {
    let output = get(arguments);
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(stdout.contains(expected), "{stdout}\n{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}", output.status);
}

#[test]
fn the_body_is_printed_in_either_version() {
    let (_handle, address) = serve(Server::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{address}/");
    assert_prints(&[&url], "GET over HTTP/1: ");
    assert_prints(&["--http2-prior-knowledge", &url], "GET over HTTP/2: ");
}

#[test]
fn data_is_posted_and_fields_are_shown() {
    let (_handle, address) = serve(Server::bind("127.0.0.1:0").unwrap());
    let url = format!("http://{address}/upload");
    assert_prints(&["-d", "a line", &url], "POST over HTTP/1: a line");
    assert_prints(&["--http2-prior-knowledge", "-i", "-d", "x", &url], "HTTP/2 200");
}

#[test]
fn a_certificate_is_trusted_only_if_it_is_given() {
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = own.signing_key.serialize_pem();
    let acceptor = Acceptor::from_pem(own.cert.pem().as_bytes(), key.as_bytes()).unwrap();
    let (handle, _) = serve(Server::bind("127.0.0.1:0").unwrap().tls(acceptor));
    let url = format!("https://localhost:{}/", handle.local_addr().unwrap().port());

    let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("get.pem");
    fs::write(&root, own.cert.pem()).unwrap();
    assert_prints(&["--root", root.to_str().unwrap(), &url], "GET over HTTP/2: ");
    assert!(!get(&[&url]).status.success());
}

#[test]
fn an_unknown_option_ends_with_status_2() {
    assert_eq!(get(&["--nonsense"]).status.code(), Some(2));
}
