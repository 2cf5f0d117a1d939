//! Resumption of sessions.

use std::sync::Arc;

use h2_sync::tls::rustls::ProtocolVersion;
use h2_sync::tls::rustls::SupportedProtocolVersion;
use h2_sync::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};
use h2_sync::tls::rustls::{ClientConfig, Connection, RootCertStore, ServerConfig, version};
use h2_sync::tls::{Acceptor, Connector};

use crate::support::*;

/// A client with a single TLS version.
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
            // Clones share the sessions.
            let (connector, acceptor) = (connector.clone(), acceptor.clone());
            let (client, server) = shake((&connector, &acceptor), tcp());
            let (mut client, mut server) = (client.unwrap(), server.unwrap());
            for facts in [client.facts(), server.facts()] {
                assert_eq!(facts.protocol_version, number);
                assert_eq!(facts.is_resumed, round == 1);
                assert_eq!(facts.alpn_protocol.as_deref(), Some(&b"h2"[..]));
            }
            // The client receives its tickets while reading.
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

/// A client that sends early data, to a server whose configuration allows it.
#[test]
fn early_data_is_rejected() {
    bounded(|| {
        let identity = Identity::of(NAME);
        let connector = identity.connector();
        let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
        let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
        let provider = Arc::clone(connector.config().crypto_provider());
        // Sessions in memory: rustls does not allow early data with tickets.
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate], key)
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        config.max_early_data_size = 1 << 14;
        let acceptor = Acceptor::from_config(config);
        let mut config = ClientConfig::clone(connector.config());
        config.enable_early_data = true;
        let connector = Connector::from_config(config);

        let (client, server) = shake((&connector, &acceptor), tcp());
        talk(&mut client.unwrap(), &mut server.unwrap());

        let (near, far) = tcp();
        let server = std::thread::spawn(move || acceptor.accept(far, LONG).unwrap());
        let mut tls = client_by_hand(&connector);
        let Connection::Client(client) = &mut tls else { unreachable!() };
        // The ticket of the first connection does not allow it.
        assert!(client.early_data().is_none());
        shake_by_hand(&mut tls, &near);
        assert!(server.join().unwrap().facts().is_resumed);
    });
}
