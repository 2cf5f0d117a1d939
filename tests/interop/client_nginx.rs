//! Our `client::Client` against nginx: files, uploads, trailers, gzip, redirects.

use std::fs;
use std::io::Read;

use h2_sync::client::{Body, Client};
use h2_sync::frame::Kind;
use http::StatusCode;

use crate::body;
use crate::client_support::{OCTETS, Octets, Served, config};
use crate::files::Folder;
use crate::nginx;
use crate::peer;

/// The `http` block.
const CONFIG: &str = "
client_max_body_size 0;
default_type text/plain;
server {
    listen 127.0.0.1:PORT LISTEN;
    root files;
    location / { dav_methods PUT; }
    location /gzip/ { gzip on; gzip_types text/plain; gzip_min_length 1; alias files/; }
    location /trailers { add_trailer outcome fine; return 200 'body'; }
    location /method { return 200 '$request_method $content_length'; }
    location /to/301 { return 301 /method; }
    location /to/302 { return 302 /method; }
    location /to/303 { return 303 /method; }
    location /to/307 { return 307 /method; }
    location /to/308 { return 308 /method; }
    location /loop { return 302 /loop; }
}
";

pub(crate) fn start(folder: &Folder, listen: &str) -> Option<peer::Server> {
    fs::create_dir(folder.join("files")).unwrap();
    nginx::start_with(folder, &CONFIG.replace("LISTEN", listen))
}

fn clear(test: &str) -> Option<Served> {
    let folder = Folder::new(&format!("client-nginx-{test}"));
    Some(Served::clear(start(&folder, "http2")?, Some(folder)))
}

#[track_caller]
fn assert_moves_files(nginx: &Served) {
    body::write_file(&nginx.file("files/large"), OCTETS).unwrap();
    nginx.assert_gets("/large", OCTETS);
    let len = OCTETS as u64;
    let known = Body::from_reader_with_len(Octets { at: 0, end: OCTETS }, len);
    let unknown = Body::from_reader(Octets { at: 0, end: OCTETS });
    for (file, body) in [("known", known), ("unknown", unknown)] {
        let response = nginx.client.put(nginx.url(&format!("/{file}"))).body(body).send().unwrap();
        assert_eq!(response.status(), StatusCode::CREATED, "{file}");
        assert_eq!(body::check_file(&nginx.file(&format!("files/{file}")), OCTETS), Ok(()));
    }
    let missing = nginx.client.get(nginx.url("/nothing")).send().unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    nginx.assert_keeps_its_connection("/method");
}

#[test]
fn files_go_to_nginx_and_come_from_it() {
    let Some(nginx) = clear("files") else { return };
    assert_moves_files(&nginx);
}

#[test]
fn files_go_to_nginx_and_come_from_it_over_tls() {
    let (folder, identity) = (Folder::new("client-nginx-tls"), crate::tls::Identity::new());
    identity.write_to(&folder);
    let listen = "ssl http2; ssl_certificate cert.pem; ssl_certificate_key key.pem";
    let Some(server) = start(&folder, listen) else { return };
    assert_moves_files(&Served::secure(server, folder, &identity));
}

#[test]
fn what_nginx_compresses_is_inflated() {
    let Some(nginx) = clear("gzip") else { return };
    body::write_file(&nginx.file("files/large"), OCTETS).unwrap();
    fs::write(nginx.file("files/zeros"), vec![0; OCTETS]).unwrap();
    nginx.assert_gets("/gzip/large", OCTETS);
    let response = nginx.client.get(nginx.url("/gzip/zeros")).send().unwrap();
    let sent = |client: &Client| client.connections()[0].stats().received.octets(Kind::DATA);
    let before = sent(&nginx.client);
    assert_eq!(response.header("content-encoding"), None);
    assert!(response.bytes().unwrap().iter().eq(&vec![0; OCTETS]));
    // It was compressed indeed.
    assert!(sent(&nginx.client) - before < OCTETS as u64 / 10);
}

#[test]
fn what_nginx_compresses_is_left_as_it_is_when_asked_to() {
    let Some(nginx) = clear("gzip-off") else { return };
    fs::write(nginx.file("files/text"), "hello, hello, hello").unwrap();
    let request = nginx.client.get(nginx.url("/gzip/text")).header("accept-encoding", "gzip");
    let response = request.send().unwrap();
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    let compressed = response.bytes().unwrap();
    flate2::read::GzDecoder::new(&compressed[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, "hello, hello, hello");
}

#[test]
fn trailers_come_from_nginx() {
    let Some(nginx) = clear("trailers") else { return };
    let mut response = nginx.client.get(nginx.url("/trailers")).send().unwrap();
    let mut text = String::new();
    response.read_to_string(&mut text).unwrap();
    assert_eq!(text, "body");
    assert_eq!(response.trailers().unwrap().expect("there are some")["outcome"], "fine");
}

#[test]
fn redirects_of_nginx_are_followed_by_the_rules_of_their_status() {
    let Some(nginx) = clear("redirects") else { return };
    for (status, arrives) in
        [(301, "GET "), (302, "GET "), (303, "GET "), (307, "POST 5"), (308, "POST 5")]
    {
        let post = nginx.client.post(nginx.url(&format!("/to/{status}"))).body("hello");
        let response = post.send().unwrap();
        assert_eq!((response.status(), response.facts().redirects), (StatusCode::OK, 1));
        assert_eq!(response.text().unwrap(), arrives, "{status}");
    }
}

#[test]
fn redirects_of_nginx_that_never_end_are_given_up() {
    let Some(nginx) = clear("redirect-loop") else { return };
    let error = nginx.client.get(nginx.url("/loop")).send().unwrap_err();
    assert!(error.to_string().contains("10 redirects"), "{error}");
    let mut config = config();
    config.max_redirects = 0;
    let client = Client::with_config(config).unwrap();
    assert_eq!(client.get(nginx.url("/loop")).send().unwrap().status(), StatusCode::FOUND);
}
