//! Negotiation of the protocol by ALPN.

use h2_sync::tls::HandshakeErrorKind;
use h2_sync::{Error, ErrorKind};

use crate::support::*;

#[test]
fn http1_yields_an_error_with_the_stream() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let (connector, acceptor) = (client_of(&connector, &["http/1.1"]), acceptor.with_http1());
        let (client, server) = shake((&connector, &acceptor), tcp());
        let (client, server) = (client.unwrap_err(), server.unwrap_err());
        for error in [&client, &server] {
            assert_eq!(error.kind(), HandshakeErrorKind::Protocol);
            assert_eq!(error.protocol(), Some(&b"http/1.1"[..]));
            assert!(error.to_string().contains("\"http/1.1\" was chosen"), "{error}");
        }
        talk(&mut client.into_stream().unwrap(), &mut server.into_stream().unwrap());
    });
}

#[test]
fn h2_is_chosen_where_both_offer_both() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let (connector, acceptor) = (connector.with_http1(), acceptor.with_http1());
        let (client, server) = shake((&connector, &acceptor), tcp());
        assert_eq!(client.unwrap().facts().alpn_protocol.as_deref(), Some(&b"h2"[..]));
        assert_eq!(server.unwrap().facts().alpn_protocol.as_deref(), Some(&b"h2"[..]));
    });
}

#[test]
fn a_client_without_alpn_yields_an_error_with_the_stream() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let (client, server) = shake((&client_of(&connector, &[]), &acceptor), tcp());
        let (client, server) = (client.unwrap_err(), server.unwrap_err());
        for error in [&client, &server] {
            assert_eq!((error.kind(), error.protocol()), (HandshakeErrorKind::Protocol, None));
            assert!(error.to_string().contains("none was chosen"), "{error}");
        }
        talk(&mut client.into_stream().unwrap(), &mut server.into_stream().unwrap());
    });
}

#[test]
fn a_server_without_alpn_yields_an_error_with_the_stream() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let (client, server) = shake((&connector, &server_of(&acceptor, &[])), tcp());
        let (client, server) = (client.unwrap_err(), server.unwrap_err());
        assert_eq!((client.protocol(), server.protocol()), (None, None));
        talk(&mut client.into_stream().unwrap(), &mut server.into_stream().unwrap());
    });
}

#[test]
fn without_a_common_protocol_both_sides_report_it() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let (client, server) = shake((&client_of(&connector, &["http/1.1"]), &acceptor), tcp());
        let (client, server) = (client.unwrap_err(), server.unwrap_err());
        assert!(server.to_string().contains("the client offers no protocol that we accept"));
        assert!(client.to_string().contains("accepts no protocol that we offer"), "{client}");
        for error in [client, server] {
            assert_eq!(error.kind(), HandshakeErrorKind::Protocol);
            assert_eq!(Error::from(error).kind(), ErrorKind::Tls);
        }
    });
}
