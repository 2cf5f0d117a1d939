//! `https://`.

use std::io::Write;

use h2_sync::client::{Client, Config};
use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::tls::{Acceptor, Connector};
use h2_sync::ErrorKind;

use crate::support::{bounded, config};

fn hello(request: &mut Request, response: &mut Response) -> std::io::Result<()> {
    write!(response, "hello by {}", request.scheme().unwrap_or("none"))
}

/// A server with a certificate for 127.0.0.1, its URL, and settings that trust it.
fn serving() -> (Handle, String, Config) {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let certificate = made.cert.pem();
    let key = made.signing_key.serialize_pem();
    let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
    let server = Server::bind("127.0.0.1:0").unwrap().tls(acceptor).serve(hello).unwrap();
    let url = format!("https://{}/", server.local_addr().unwrap());
    let mut config = config();
    config.tls = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
    (server, url, config)
}

#[test]
fn a_request_goes_over_tls() {
    bounded(|| {
        let (_server, url, config) = serving();
        let client = Client::with_config(config).unwrap();
        let response = client.get(&*url).send().unwrap();
        assert!(response.facts().tls.is_some());
        assert_eq!(response.text().unwrap(), "hello by https");
        assert!(client.get(&*url).send().unwrap().facts().is_reused());
    });
}

#[test]
fn a_certificate_that_is_not_trusted_is_a_clear_error() {
    bounded(|| {
        let (_server, url, _) = serving();
        let error = Client::with_config(config()).unwrap().get(&*url).send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Tls);
    });
}

#[test]
fn a_server_that_does_not_speak_tls_is_a_clear_error() {
    bounded(|| {
        let server = crate::support::serve(hello);
        let url = server.at("/").replace("http://", "https://");
        let error = Client::with_config(config()).unwrap().get(url).send().unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Tls | ErrorKind::Transport), "{error}");
    });
}
