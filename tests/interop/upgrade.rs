//! HTTP/2 that begins as HTTP/1.1: curl and nghttp against the example server, our client against
//! h2o. (nginx and nghttpd do not take upgrades.)

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;

use h2_sync::session::Evt;
use h2_sync::upgrade::{Options, Outcome, Upgraded, request_upgrade};
use h2_sync::{Config, Session};
use http::{Request, StatusCode};

use crate::body::{self, Check};
use crate::files::Folder;
use crate::inspect_example::begin;
use crate::nginx::nginx;
use crate::peer;

const OCTETS: usize = 1 << 20;

/// The example, which accepts prior knowledge and upgrades.
fn server() -> Option<peer::Server> {
    let example = peer::example("session_server")?;
    Some(peer::Server::start(|port| {
        let mut command = Command::new(&example);
        command.arg(format!("127.0.0.1:{port}"));
        command
    }))
}

/// The output of curl: the body, the version and the status.
fn curl(args: &[&str]) -> Option<String> {
    let program = peer::find("curl")?;
    let server = server()?;
    let mut command = Command::new(&program);
    command.args(["--silent", "--show-error", "--max-time", "60"]);
    command.args(["--write-out", "HTTP/%{http_version} %{http_code}"]);
    let output = peer::run(command.args(args).arg(format!("http://{}/", server.address)));
    assert!(output.success, "{output:?}");
    Some(output.text)
}

#[test]
fn connections_beyond_the_limit_are_refused() {
    let Some(server) = server() else { return };
    let mut open = Vec::new();
    for _ in 0..200 {
        let (stream, has_begun) = begin(server.address);
        assert!(has_begun, "connection {}", open.len());
        open.push(stream);
    }
    assert!(!begin(server.address).1);
}

#[test]
fn curl_upgrades() {
    let Some(text) = curl(&["--http2"]) else { return };
    assert_eq!(text, "Hello, HTTP/2!\nHTTP/2 200");
}

#[test]
fn curl_upgrades_with_head() {
    let Some(text) = curl(&["--http2", "--head"]) else { return };
    assert!(text.contains("HTTP/1.1 101 Switching Protocols\r\n"), "{text}");
    assert!(text.contains("HTTP/2 200") && text.ends_with("HTTP/2 200"), "{text}");
}

#[test]
fn curl_upgrades_with_a_body() {
    let Some(text) = curl(&["--http2", "--data", "hello"]) else { return };
    assert_eq!(text, "Hello, HTTP/2! Your request had 5 octets.\nHTTP/2 200");
}

#[test]
fn curl_upgrades_with_a_body_in_chunks_that_it_waits_with() {
    let chunked = "Transfer-Encoding: chunked";
    let args =
        ["--http2", "--data", "hello", "--header", chunked, "--header", "Expect: 100-continue"];
    let Some(text) = curl(&args) else { return };
    assert_eq!(text, "Hello, HTTP/2! Your request had 5 octets.\nHTTP/2 200");
}

#[test]
fn curl_is_told_when_the_body_is_too_large_for_an_upgrade() {
    let folder = Folder::new("curl-upgrade-large");
    let file = folder.join("body");
    body::write_file(&file, OCTETS).unwrap();
    let data = format!("@{}", file.display());
    let Some(text) = curl(&["--http2", "--data-binary", &data]) else { return };
    assert!(text.contains("too large") && text.ends_with("HTTP/1.1 413"), "{text}");
}

#[test]
fn curl_with_http_1_1_is_told_to_speak_http_2() {
    let Some(text) = curl(&["--http1.1"]) else { return };
    assert!(text.starts_with("This server speaks HTTP/2."), "{text}");
    assert!(text.ends_with("HTTP/1.1 426"), "{text}");
    let Some(text) = curl(&["--http1.0"]) else { return };
    assert!(text.ends_with("HTTP/1.1 505"), "{text}");
}

#[test]
fn nghttp_upgrades() {
    let Some(nghttp) = peer::find("nghttp") else { return };
    let Some(server) = server() else { return };
    let url = format!("http://{}/", server.address);
    let output = peer::run(Command::new(&nghttp).args(["-nvu", &url]));
    assert!(output.success, "{output:?}");
    let text = output.text;
    assert!(text.contains("HTTP Upgrade success") && text.contains(":status: 200"), "{text}");
    assert!(!text.contains("[ERROR]"), "{text}");
}

#[test]
fn nghttp_upgrades_with_a_body_and_goes_on() {
    let Some(nghttp) = peer::find("nghttp") else { return };
    let Some(server) = server() else { return };
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    let urls = ["a", "b", "c"].map(|path| format!("http://{}/{path}", server.address));
    let output = peer::run(Command::new(&nghttp).arg("-ud").arg(&file).args(urls));
    let answer = format!("Your request had {} octets.", fs::metadata(&file).unwrap().len());
    assert!(output.success, "{output:?}");
    assert_eq!(output.text.matches(&answer).count(), 3, "{}", output.text);
}

const H2O: &str = "
num-threads: 1
listen:
  host: 127.0.0.1
  port: PORT
hosts:
  default:
    paths:
      /:
        file.dir: FILES
";

/// h2o with the files of this folder.
fn h2o(folder: &Folder) -> Option<peer::Server> {
    let program = peer::find("h2o")?;
    fs::create_dir(folder.join("files")).unwrap();
    Some(peer::Server::start(|port| {
        let files = folder.join("files").display().to_string();
        let config = H2O.replace("PORT", &port.to_string()).replace("FILES", &files);
        fs::write(folder.join("h2o.conf"), config).unwrap();
        let mut command = Command::new(&program);
        command.arg("-c").arg(folder.join("h2o.conf"));
        command
    }))
}

fn ask(address: SocketAddr, path: &str) -> Outcome<TcpStream> {
    let request = Request::get(format!("http://{address}{path}")).body(()).unwrap();
    let stream = TcpStream::connect(address).unwrap();
    request_upgrade(stream, &request, &Config::default(), &Options::default()).unwrap()
}

#[test]
fn our_client_upgrades_with_h2o_and_goes_on() {
    let folder = Folder::new("h2o-upgrade");
    let Some(server) = h2o(&folder) else { return };
    body::write_file(&folder.join("files/large"), OCTETS).unwrap();
    let Outcome::Upgraded(Upgraded { stream, opening }) = ask(server.address, "/large") else {
        panic!("h2o takes upgrades");
    };
    let next = opening.request().clone();
    let session = Session::with_opening(stream, Config::default(), opening).unwrap();
    for n in 0..3 {
        let mut check = Check::default();
        loop {
            match session.take_evt().unwrap() {
                Evt::RecvHeaders { stream_identifier, headers, .. } => {
                    assert_eq!((stream_identifier.get(), headers.status()), (2 * n + 1, Some(200)));
                }
                Evt::RecvData { data, is_end_stream, .. } => {
                    check.take(&data);
                    if is_end_stream {
                        break;
                    }
                }
                event @ (Evt::Reset { .. } | Evt::Closed { .. }) => panic!("{event:?}"),
                _ => {}
            }
        }
        assert_eq!(check.result(OCTETS), Ok(()));
        session.open(&next, true).unwrap();
    }
    session.close();
}

#[test]
fn a_server_that_does_not_upgrade_answers_our_client_in_http_1_1() {
    let folder = Folder::new("nginx-upgrade");
    let Some(server) = nginx(&folder) else { return };
    // The port accepts HTTP/2 with prior knowledge, with or without HTTP/1.1 beside it.
    let request = Request::get(format!("http://{}/", server.address)).body(()).unwrap();
    let stream = TcpStream::connect(server.address).unwrap();
    match request_upgrade(stream, &request, &Config::default(), &Options::default()) {
        Ok(Outcome::Declined(response)) => {
            assert_ne!(response.head.status(), StatusCode::SWITCHING_PROTOCOLS);
        }
        Err(error) => assert!(error.to_string().contains("prior knowledge"), "{error}"),
        Ok(upgraded) => panic!("{upgraded:?}"),
    }
}
