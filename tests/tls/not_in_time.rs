//! Peers that are silent, slow, closed, or use another protocol.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;
use std::time::Duration;

use h2_sync::ErrorKind;
use h2_sync::tls::{HandshakeError, HandshakeErrorKind};
use h2_sync::transport::{Closer, Pair, Transport, duplex};

use crate::support::*;

/// A deadline that expires soon, but not before the handshake begins.
const SHORT: Duration = Duration::from_millis(50);

fn assert_late<T: Transport>(error: &HandshakeError<T>) {
    assert_eq!(error.kind(), HandshakeErrorKind::Timeout, "{error}");
    assert_eq!(error.error().kind(), ErrorKind::Timeout);
    assert!(error.to_string().contains("did not finish the TLS handshake"), "{error}");
}

#[test]
fn a_silent_client_times_out() {
    bounded(|| {
        let (_silent, far) = tcp();
        assert_late(&ends().1.accept(far, SHORT).unwrap_err());
    });
}

#[test]
fn a_silent_server_times_out() {
    bounded(|| {
        let (near, _silent) = duplex(1 << 16);
        let error = ends().0.connect(NAME, near, SHORT).unwrap_err();
        assert_late(&error);
        assert!(error.to_string().contains("the server test.example"), "{error}");
    });
}

#[test]
fn a_client_that_does_not_read_times_out() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let (mut near, far) = duplex(600);
        // The response to this hello does not fit into the pipe, so a write gives up.
        let mut tls = client_by_hand(&connector);
        let mut hello = Vec::new();
        tls.write_tls(&mut hello).unwrap();
        near.write_all(&hello).unwrap();
        assert_late(&acceptor.accept(far, SHORT).unwrap_err());
    });
}

#[test]
fn a_silent_client_times_out_without_read_timeouts() {
    bounded(|| {
        let (_silent, far) = tcp();
        let handle = far.try_clone().unwrap();
        let closer = Closer::new(move |how| handle.shutdown(how));
        let pair = Pair::with_closer(far.try_clone().unwrap(), far, closer);
        assert_late(&ends().1.accept(pair, SHORT).unwrap_err());
    });
}

#[test]
fn a_client_that_stops_within_a_record_times_out() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let mut hello = Vec::new();
        client_by_hand(&connector).write_tls(&mut hello).unwrap();
        let (mut near, far) = tcp();
        near.write_all(&hello[..hello.len() / 2]).unwrap();
        assert_late(&acceptor.accept(far, SHORT).unwrap_err());
    });
}

#[test]
fn a_client_that_closes_within_a_record_is_reported_as_closed() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let mut hello = Vec::new();
        client_by_hand(&connector).write_tls(&mut hello).unwrap();
        let (mut near, far) = tcp();
        near.write_all(&hello[..hello.len() / 2]).unwrap();
        near.shutdown(Shutdown::Write).unwrap();
        let error = acceptor.accept(far, LONG).unwrap_err();
        assert_eq!(error.kind(), HandshakeErrorKind::Closed);
        assert_eq!(error.to_string(), "the client closed the connection during the TLS handshake");
    });
}

#[test]
fn a_handshake_octet_by_octet_succeeds() {
    bounded(|| {
        let (connector, acceptor) = ends();
        let ((near, inner), (outer, far)) = (tcp(), tcp());
        let server = thread::spawn(move || acceptor.accept(far, LONG).unwrap());
        // Two threads between the ends forward one octet at a time.
        let pass = |from: &TcpStream, to: &TcpStream| {
            let (mut from, mut to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
            to.set_nodelay(true).unwrap();
            thread::spawn(move || {
                let mut octet = [0];
                while from.read(&mut octet).unwrap_or(0) == 1 && to.write_all(&octet).is_ok() {}
                let _ = to.shutdown(Shutdown::Write);
            })
        };
        let passing = [pass(&inner, &outer), pass(&outer, &inner)];
        let mut client = connector.connect(NAME, near, LONG).unwrap();
        let mut server = server.join().unwrap();
        talk(&mut client, &mut server);
        drop((client, server));
        passing.into_iter().for_each(|passing| passing.join().unwrap());
    });
}

/// Returns the server's error for a client that begins like this.
fn server_says(octets: &'static [u8]) -> String {
    let (mut near, far) = tcp();
    near.write_all(octets).unwrap();
    let error = ends().1.accept(far, LONG).unwrap_err();
    assert_eq!(error.kind(), HandshakeErrorKind::NotTls);
    assert!(std::error::Error::source(&error).is_some());
    error.to_string()
}

#[test]
fn the_error_names_the_protocol_of_a_client_without_tls() {
    bounded(|| {
        let says = server_says(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n");
        assert!(says.contains("an HTTP/1.x request in cleartext"), "{says}");
        let says = server_says(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
        assert!(says.contains("an HTTP/2 preface in cleartext"), "{says}");
        let says = server_says(b"\x00\x01\x02garbage");
        assert!(says.contains("garba"), "{says}");
    });
}

#[test]
fn the_error_names_the_protocol_of_a_server_without_tls() {
    bounded(|| {
        let (near, mut far) = tcp();
        far.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        let error = ends().0.connect(NAME, near, LONG).unwrap_err();
        assert_eq!(error.kind(), HandshakeErrorKind::NotTls);
        assert!(error.to_string().contains("an HTTP/1.x response in cleartext"), "{error}");
    });
}

#[test]
fn a_client_with_an_old_version_is_refused() {
    bounded(|| {
        // A ClientHello of TLS 1.1 without extensions: one suite, no compression.
        let mut hello = vec![22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 2];
        hello.extend([0; 32]);
        hello.extend([0, 0, 2, 0, 0x2f, 1, 0]);
        let (mut near, far) = tcp();
        near.write_all(&hello).unwrap();
        let error = ends().1.accept(far, LONG).unwrap_err();
        assert_eq!(error.kind(), HandshakeErrorKind::Rules);
        assert!(error.to_string().contains("no common TLS version"), "{error}");
        // A fatal alert follows: handshake_failure.
        let mut alert = Vec::new();
        near.read_to_end(&mut alert).unwrap();
        assert_eq!(alert, [21, 3, 3, 0, 2, 2, 40]);
    });
}
