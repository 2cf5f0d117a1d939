//! `https://`.

use std::io::Write;

use h2_sync::ErrorKind;
use h2_sync::client::{Client, Config, ConnectHook, ConnectTo};
use h2_sync::server::{Handle, Request, Response, Server};
use h2_sync::tls::{Acceptor, Connector};

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

/// A certificate for 127.0.0.1 that is marked as an authority's, as made by `openssl req -x509`,
/// and its key.
fn authority_itself() -> (String, String) {
    let key = rcgen::KeyPair::generate().unwrap();
    (authority().self_signed(&key).unwrap().pem(), key.serialize_pem())
}

fn authority() -> rcgen::CertificateParams {
    let mut params = rcgen::CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    params
}

fn serve_with(acceptor: Acceptor) -> (Handle, String) {
    let server = Server::bind("127.0.0.1:0").unwrap().tls(acceptor).serve(hello).unwrap();
    let url = format!("https://{}/", server.local_addr().unwrap());
    (server, url)
}

fn trusting(connector: Connector) -> Client {
    let mut config = config();
    config.tls = Some(connector);
    Client::with_config(config).unwrap()
}

#[test]
fn trusted_authority_certificate_is_accepted_as_itself() {
    bounded(|| {
        let (certificate, key) = authority_itself();
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let (_server, url) = serve_with(acceptor);
        for connector in [
            Connector::with_only_roots(certificate.as_bytes()),
            Connector::with_extra_roots(certificate.as_bytes()),
        ] {
            let text = trusting(connector.unwrap()).get(&*url).send().unwrap().text().unwrap();
            assert_eq!(text, "hello by https");
        }
        // Another certificate of this kind is not trusted.
        let (other, _) = authority_itself();
        let other = trusting(Connector::with_only_roots(other.as_bytes()).unwrap());
        let error = other.get(&*url).send().unwrap_err();
        assert!(error.is_tls() && error.is_connect(), "{error}");
        // The name is checked as well.
        let port = url.rsplit(':').next().unwrap();
        let mut config = config();
        config.tls = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
        let pin = h2_sync::client::Resolver::default();
        config.resolver = pin.pin("other.invalid", [([127, 0, 0, 1], 0).into()]);
        let client = Client::with_config(config).unwrap();
        let error = client.get(format!("https://other.invalid:{port}")).send().unwrap_err();
        assert!(error.to_string().contains("other.invalid"), "{error}");
    });
}

#[test]
fn invalid_certificates_can_be_accepted_by_name() {
    bounded(|| {
        let (_server, url, _) = serving();
        let connector = Connector::new().unwrap().danger_accept_invalid_certificates();
        let text = trusting(connector).get(&*url).send().unwrap().text().unwrap();
        assert_eq!(text, "hello by https");
    });
}

#[test]
fn client_certificate_is_presented_and_its_absence_reported() {
    use h2_sync::tls::rustls;
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use rustls::server::WebPkiClientVerifier;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    bounded(|| {
        let (certificate, key) = authority_itself();
        let der = CertificateDer::from_pem_slice(certificate.as_bytes()).unwrap();
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der.clone()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
        let server = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier.build().unwrap());
        let der_key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut server = server.with_single_cert(vec![der], der_key).unwrap();
        server.alpn_protocols = vec![b"h2".to_vec()];
        let (_server, url) = serve_with(Acceptor::from_config(server));

        let connector = Connector::with_only_roots(certificate.as_bytes()).unwrap();
        let dials = Arc::new(AtomicUsize::new(0));
        let mut config = config();
        config.tls = Some(connector.clone());
        let counted = Arc::clone(&dials);
        config.connect_hook = Some(ConnectHook::new(move |to: &ConnectTo<'_>| {
            counted.fetch_add(1, Ordering::SeqCst);
            std::net::TcpStream::connect((to.host, to.port))
        }));
        let error = Client::with_config(config).unwrap().get(&*url).send().unwrap_err();
        assert!(error.is_tls(), "{error:?}");
        assert_eq!(dials.load(Ordering::SeqCst), 1, "the next connection would be refused as well");
        assert!(error.to_string().contains("requires a certificate from us"), "{error}");

        // Signed by the authority, for clients.
        let params = rcgen::CertificateParams::new(["client".to_owned()]).unwrap();
        let own = rcgen::KeyPair::generate().unwrap();
        let signing = rcgen::KeyPair::from_pem(&key).unwrap();
        let issuer = rcgen::Issuer::new(authority(), signing);
        let chain = params.signed_by(&own, &issuer).unwrap().pem();
        let own = own.serialize_pem();
        let connector = connector.with_client_certificate(chain.as_bytes(), own.as_bytes());
        let text = trusting(connector.unwrap()).get(&*url).send().unwrap().text().unwrap();
        assert_eq!(text, "hello by https");
    });
}
