//! Certificates that are not accepted, and unusable certificate files.

use std::error::Error as _;
use std::fs;

use h2_sync::ErrorKind;
use h2_sync::tls::{Acceptor, Connector, HandshakeErrorKind};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use crate::support::*;

/// Returns the errors of the client and the server.
fn refused(connector: &Connector, acceptor: &Acceptor) -> (String, String) {
    let (client, server) = shake((connector, acceptor), tcp());
    let server = server.unwrap_err();
    assert_eq!(server.kind(), HandshakeErrorKind::Refused);
    let client = client.unwrap_err();
    assert_eq!(client.kind(), HandshakeErrorKind::Certificate);
    assert_eq!(client.error().kind(), ErrorKind::Tls);
    assert!(client.source().is_some());
    (client.to_string(), server.to_string())
}

/// A server with a customised certificate.
fn identity(change: impl FnOnce(&mut CertificateParams)) -> Identity {
    let mut params = CertificateParams::new([NAME.to_owned()]).unwrap();
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Identity { certificate: certificate.pem(), key: key.serialize_pem() }
}

#[test]
fn an_unknown_issuer_is_refused() {
    bounded(|| {
        let (client, server) = refused(&Connector::new().unwrap(), &Identity::of(NAME).acceptor());
        assert!(client.contains("not trusted (unknown issuer)"), "{client}");
        assert!(server.contains("does not trust our certificate"), "{server}");
    });
}

#[test]
fn a_wrong_name_is_refused_with_both_names_in_the_error() {
    bounded(|| {
        let other = Identity::of("other.example");
        let (client, server) = refused(&other.connector(), &other.acceptor());
        assert!(client.contains("\"test.example\""), "{client}");
        assert!(client.contains("other.example"), "{client}");
        assert!(server.contains("does not accept our certificate"), "{server}");
    });
}

#[test]
fn an_expired_certificate_is_refused() {
    bounded(|| {
        let old = identity(|params| params.not_after = date_time_ymd(2001, 1, 1));
        let (client, _) = refused(&old.connector(), &old.acceptor());
        assert!(client.contains("has expired"), "{client}");
    });
}

#[test]
fn a_certificate_of_the_future_is_refused() {
    bounded(|| {
        let new = identity(|params| params.not_before = date_time_ymd(3001, 1, 1));
        let (client, _) = refused(&new.connector(), &new.acceptor());
        assert!(client.contains("not valid yet"), "{client}");
    });
}

#[test]
fn an_extra_root_is_trusted_in_addition_to_the_public_ones() {
    bounded(|| {
        let identity = Identity::of(NAME);
        let connector = Connector::with_extra_roots(identity.certificate.as_bytes()).unwrap();
        let (client, server) = shake((&connector, &identity.acceptor()), tcp());
        talk(&mut client.unwrap(), &mut server.unwrap());
    });
}

#[test]
fn an_invalid_server_name_is_an_error_of_the_caller() {
    let error = Connector::new().unwrap().connect("no name", tcp().0, LONG).unwrap_err();
    assert_eq!(error.kind(), HandshakeErrorKind::Setup);
    assert_eq!(error.error().kind(), ErrorKind::Caller);
    assert!(error.to_string().contains("\"no name\""), "{error}");
}

/// Returns the error of an acceptor with this certificate and key.
fn unusable(certificate: &str, key: &str) -> String {
    let error = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Caller);
    error.to_string()
}

#[test]
fn an_error_for_invalid_pem_names_its_purpose() {
    let good = Identity::of(NAME);
    let Identity { certificate, key } = &good;
    assert!(unusable("", key).starts_with("the certificate chain contains no certificate"));
    assert!(unusable(certificate, "hello").starts_with("the private key contains no private key"));
    assert!(
        unusable(certificate, certificate).starts_with("the private key contains no private key")
    );
    let cut = &certificate[..certificate.len() / 2];
    assert!(unusable(cut, key).starts_with("the certificate chain is not valid PEM"));
    let damaged = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    assert!(unusable(damaged, key).starts_with("the certificate chain is damaged"));
    let damaged = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    assert!(unusable(certificate, damaged).starts_with("the private key cannot be used"));
    let error = Connector::with_only_roots(b"").unwrap_err();
    assert!(error.to_string().starts_with("the root certificate contains no certificate"));
}

#[test]
fn a_key_of_another_certificate_is_refused() {
    let (one, other) = (Identity::of(NAME), Identity::of(NAME));
    let what = "the private key does not belong to the first certificate in the certificate chain";
    assert_eq!(unusable(&one.certificate, &other.key), what);
}

#[test]
fn files_are_named_in_errors() {
    let folder = std::env::temp_dir().join(format!("h2-sync-pem-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let (cert, key) = (folder.join("cert.pem"), folder.join("key.pem"));
    let identity = Identity::of(NAME);
    fs::write(&cert, &identity.certificate).unwrap();

    let error = Acceptor::from_pem_files(&cert, &key).unwrap_err();
    assert!(error.to_string().contains("cannot read the private key"), "{error}");
    assert!(error.to_string().contains("key.pem"), "{error}");
    assert!(error.source().is_some());

    fs::write(&key, "nothing").unwrap();
    let error = Acceptor::from_pem_files(&cert, &key).unwrap_err();
    assert!(error.to_string().contains("key.pem contains no private key"), "{error}");

    fs::write(&key, &identity.key).unwrap();
    Acceptor::from_pem_files(&cert, &key).unwrap();
    fs::remove_dir_all(&folder).unwrap();
}
