//! The second handshake of the same two is short.

use std::sync::Arc;

use h2_sync::tls::rustls::pki_types::{pem::PemObject, CertificateDer};
use h2_sync::tls::rustls::ProtocolVersion;
use h2_sync::tls::rustls::{version, ClientConfig, RootCertStore, SupportedProtocolVersion};
use h2_sync::tls::Connector;

use crate::support::*;

/// A client that speaks this version alone.
fn connector(identity: &Identity, version: &'static SupportedProtocolVersion) -> Connector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    roots.add(certificate).unwrap();
    let provider = Arc::clone(identity.connector().config().crypto_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    Connector::from_config(config)
}

fn second_is_resumed(version: &'static SupportedProtocolVersion, number: ProtocolVersion) {
    bounded(move || {
        let identity = Identity::of(NAME);
        let (connector, acceptor) = (connector(&identity, version), identity.acceptor());
        for round in 0..2 {
            // A clone has the sessions of the first.
            let (connector, acceptor) = (connector.clone(), acceptor.clone());
            let (client, server) = shake((&connector, &acceptor), tcp());
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            for facts in [client.facts(), server.facts()] {
                assert_eq!(facts.protocol_version, number);
                assert_eq!(facts.is_resumed, round == 1);
                assert_eq!(facts.alpn_protocol.as_deref(), Some(&b"h2"[..]));
            }
            // With what is read, the client gets its tickets.
            talk(&mut client, &mut server);
        }
    });
}

#[test]
fn a_second_connection_is_resumed_in_tls_1_3() {
    second_is_resumed(&version::TLS13, ProtocolVersion::TLSv1_3);
}

#[test]
fn a_second_connection_is_resumed_in_tls_1_2() {
    second_is_resumed(&version::TLS12, ProtocolVersion::TLSv1_2);
}
