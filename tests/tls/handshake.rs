//! Successful handshakes.

use h2_sync::tls::rustls::{CipherSuite, ProtocolVersion};
use h2_sync::transport::{Closer, Pair, duplex};

use crate::support::*;

#[test]
fn over_tcp() {
    bounded(|| {
        let (mut client, mut server) = connected(tcp());
        talk(&mut client, &mut server);
    });
}

#[test]
fn over_a_duplex_that_holds_a_few_octets() {
    bounded(|| {
        let (mut client, mut server) = connected(duplex(7));
        // The writes have to wait for reads.
        std::thread::scope(|scope| {
            use std::io::{Read, Write};
            scope.spawn(|| client.write_all(b"there").unwrap());
            let mut heard = [0; 5];
            server.read_exact(&mut heard).unwrap();
            assert_eq!(&heard, b"there");
        });
    });
}

#[cfg(unix)]
#[test]
fn over_a_unix_socket() {
    bounded(|| {
        let (mut client, mut server) = connected(std::os::unix::net::UnixStream::pair().unwrap());
        talk(&mut client, &mut server);
    });
}

#[test]
fn over_pipes_without_timeouts_or_a_way_to_wake_them() {
    bounded(|| {
        let (near, far) = tcp();
        let pair = |socket: std::net::TcpStream| (socket.try_clone().unwrap(), socket);
        let (mut client, mut server) = connected((pair(near), pair(far)));
        assert!(!client.closer().wakes_reader());
        talk(&mut client, &mut server);
    });
}

#[test]
fn over_a_stream_that_a_guard_closes_at_the_deadline() {
    bounded(|| {
        let pair = |socket: std::net::TcpStream| {
            let handle = socket.try_clone().unwrap();
            let closer = Closer::new(move |how| handle.shutdown(how));
            Pair::with_closer(socket.try_clone().unwrap(), socket, closer)
        };
        let (near, far) = tcp();
        let (mut client, mut server) = connected((pair(near), pair(far)));
        talk(&mut client, &mut server);
    });
}

#[test]
fn both_sides_have_the_facts() {
    bounded(|| {
        let (client, server) = connected(tcp());
        for facts in [client.facts(), server.facts()] {
            assert_eq!(facts.alpn_protocol.as_deref(), Some(&b"h2"[..]));
            assert_eq!(facts.protocol_version, ProtocolVersion::TLSv1_3);
            assert!(facts.cipher_suite != CipherSuite::Unknown(0));
            // RFC 9113, Section 9.2: the client sends the name (SNI).
            assert_eq!(facts.server_name.as_deref(), Some(NAME));
            assert!(!facts.is_resumed);
        }
        assert_eq!(client.facts().peer_certificates.len(), 1);
        assert!(server.facts().peer_certificates.is_empty());
    });
}

#[test]
fn an_address_is_verified_without_sni() {
    bounded(|| {
        let identity = Identity::of("127.0.0.1");
        let (near, far) = tcp();
        let acceptor = identity.acceptor();
        let server = std::thread::spawn(move || acceptor.accept(far, LONG).unwrap());
        let client = identity.connector().connect("127.0.0.1", near, LONG).unwrap();
        assert_eq!(client.facts().server_name.as_deref(), Some("127.0.0.1"));
        assert_eq!(server.join().unwrap().facts().server_name, None);
    });
}

#[test]
fn octets_after_the_handshake_are_not_lost() {
    bounded(|| {
        use std::io::{Read, Write};
        let (connector, acceptor) = ends();
        let (mut near, far) = tcp();
        let mut tls = client_by_hand(&connector);
        let server = std::thread::spawn(move || {
            let mut server = acceptor.accept(far, LONG).unwrap();
            let mut heard = [0; 5000];
            server.read_exact(&mut heard).unwrap();
            heard
        });
        // Data that is written before the handshake is over is sent directly after its last
        // message.
        tls.writer().write_all(&[7; 5000]).unwrap();
        shake_by_hand(&mut tls, &near);
        near.flush().unwrap();
        assert_eq!(server.join().unwrap(), [7; 5000]);
    });
}
