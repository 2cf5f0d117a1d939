//! Our `client::Client` in HTTP/1.1: nginx without HTTP/2, an HTTP/1.0 server, and a proxy with
//! requests in absolute form.

use std::process::Command;

use h2_sync::client::{Body, Client, Config, Proxies, Proxy, Versions};
use http::{StatusCode, Version};

use crate::body;
use crate::client_nginx;
use crate::client_proxy::tinyproxy;
use crate::client_support::{OCTETS, Octets, check, config};
use crate::files::Folder;
use crate::peer;

/// 100 MiB.
const LARGE: usize = 100 << 20;

/// Settings of a client for cleartext HTTP/1.1.
fn auto() -> Config {
    let mut config = config();
    config.versions = Versions::Auto;
    config
}

/// Uploads a file of that size in both framings, and downloads it.
#[track_caller]
fn assert_moves_files(client: &Client, base: &str, folder: &Folder, octets: usize) {
    let known = Body::from_reader_with_len(Octets { at: 0, end: octets }, octets as u64);
    let unknown = Body::from_reader(Octets { at: 0, end: octets });
    for (file, body) in [("known", known), ("unknown", unknown)] {
        let url = format!("{base}/{file}");
        let response = client.put(&*url).body(body).send().unwrap();
        assert_eq!(response.version(), Version::HTTP_11);
        assert_eq!(response.status(), StatusCode::CREATED, "{file}");
        response.bytes().unwrap();
        assert_eq!(body::check_file(&folder.join("files").join(file), octets), Ok(()), "{file}");
        let response = client.get(&*url).send().unwrap();
        assert!(response.facts().is_reused());
        assert_eq!(check(response).result(octets), Ok(()), "{file}");
    }
    let missing = client.get(format!("{base}/nothing")).send().unwrap();
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
}

#[test]
fn large_files_go_to_nginx_and_come_from_it_in_both_framings() {
    let folder = Folder::new("client-http1-nginx");
    let Some(server) = client_nginx::start(&folder, "") else { return };
    let client = Client::with_config(auto()).unwrap();
    let base = format!("http://{}", server.address);
    assert_moves_files(&client, &base, &folder, LARGE);
    // A body of unknown length, since the server compresses it.
    let response = client.get(format!("{base}/gzip/known")).send().unwrap();
    assert_eq!(response.header("content-length"), None);
    assert_eq!(check(response).result(LARGE), Ok(()));
    for _ in 0..50 {
        let response = client.get(format!("{base}/method")).send().unwrap();
        assert!(response.facts().is_reused());
        assert_eq!(response.text().unwrap(), "GET ");
    }
    let head = client.head(format!("{base}/known")).send().unwrap();
    assert_eq!(head.header("content-length"), Some(&*LARGE.to_string()));
    let moved = client.post(format!("{base}/to/307")).body("hello").send().unwrap();
    assert_eq!((moved.facts().redirects, moved.text().unwrap().as_str()), (1, "POST 5"));
}

#[test]
fn nginx_without_http2_is_spoken_to_in_http11_over_tls() {
    let (folder, identity) = (Folder::new("client-http1-tls"), crate::tls::Identity::new());
    identity.write_to(&folder);
    let listen = "ssl; ssl_certificate cert.pem; ssl_certificate_key key.pem";
    let Some(server) = client_nginx::start(&folder, listen) else { return };
    let mut config = auto();
    config.tls = Some(identity.connector());
    let client = Client::with_config(config).unwrap();
    assert_moves_files(&client, &format!("https://{}", server.address), &folder, OCTETS);
}

#[test]
fn file_comes_from_a_server_of_http10() {
    let folder = Folder::new("client-http10");
    let Some(program) = peer::find("python3") else { return };
    body::write_file(&folder.join("large"), OCTETS).unwrap();
    let server = peer::Server::start(|port| {
        let mut command = Command::new(&program);
        command.args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"]);
        command.arg(folder.path()).arg(port.to_string());
        command
    });
    let client = Client::with_config(auto()).unwrap();
    for _ in 0..3 {
        let response = client.get(format!("http://{}/large", server.address)).send().unwrap();
        assert_eq!(response.version(), Version::HTTP_10);
        assert_eq!(check(response).result(OCTETS), Ok(()));
    }
}

#[test]
fn tinyproxy_is_asked_in_absolute_form() {
    let folder = Folder::new("client-http1-proxy");
    let Some(server) = client_nginx::start(&folder, "") else { return };
    let Some(proxy) = tinyproxy(&folder) else { return };
    body::write_file(&folder.join("files/large"), OCTETS).unwrap();
    let url = format!("http://{}/large", server.address);
    let through = |proxy: &str| {
        let mut config = auto();
        config.proxies = Proxies::All(Proxy::parse(proxy).unwrap());
        Client::with_config(config).unwrap()
    };
    let client = through(&format!("http://user:secret@{}", proxy.address));
    for _ in 0..3 {
        let response = client.get(&*url).send().unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.header("via").is_some_and(|via| via.contains("tinyproxy")));
        assert_eq!(check(response).result(OCTETS), Ok(()));
    }
    let put = format!("http://{}/put", server.address);
    let body = Body::from_reader_with_len(Octets { at: 0, end: OCTETS }, OCTETS as u64);
    assert_eq!(client.put(put).body(body).send().unwrap().status(), StatusCode::CREATED);
    assert_eq!(body::check_file(&folder.join("files/put"), OCTETS), Ok(()));
    let refused = through(&format!("http://{}", proxy.address)).get(&*url).send().unwrap();
    assert_eq!(refused.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
}
