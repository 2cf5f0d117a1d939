//! A server that refuses the client after the client's handshake, as TLS 1.3 has it.
//!
//! The order in which the client notices the alert and the end of the connection is the test's to
//! choose: the transport in memory fails its writes, or loses what comes, when it is told to.

use std::io::{self, Read, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::Arc;
use std::thread;

use h2_sync::client::Connection;
use h2_sync::tls::rustls::pki_types::pem::PemObject;
use h2_sync::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use h2_sync::tls::rustls::server::WebPkiClientVerifier;
use h2_sync::tls::rustls::{RootCertStore, ServerConfig};
use h2_sync::tls::{Acceptor, TlsStream};
use h2_sync::transport::{duplex, Duplex, Halves, Transport};
use h2_sync::{Config, Error, ErrorKind};

use crate::support::*;

/// A stream in memory that breaks when it is told to.
struct Breaking {
    stream: Duplex,
    breaks: Breaks,
}

#[derive(Clone, Default)]
struct Breaks {
    writes: Arc<AtomicBool>,
    reads: Arc<AtomicBool>,
}

struct Broken<S> {
    stream: S,
    is_broken: Arc<AtomicBool>,
}

impl<S> Broken<S> {
    fn check(&self, kind: io::ErrorKind) -> io::Result<()> {
        match self.is_broken.load(Ordering::SeqCst) {
            true => Err(kind.into()),
            false => Ok(()),
        }
    }
}

impl<R: Read> Read for Broken<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.check(io::ErrorKind::ConnectionReset)?;
        self.stream.read(buf)
    }
}

impl<W: Write> Write for Broken<W> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.check(io::ErrorKind::BrokenPipe)?;
        self.stream.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

impl Transport for Breaking {
    type Reader = Broken<<Duplex as Transport>::Reader>;
    type Writer = Broken<<Duplex as Transport>::Writer>;

    fn split(self) -> io::Result<Halves<Self::Reader, Self::Writer>> {
        let Halves { reader, writer, closer } = self.stream.split()?;
        let reader = Broken { stream: reader, is_broken: self.breaks.reads };
        let writer = Broken { stream: writer, is_broken: self.breaks.writes };
        Ok(Halves { reader, writer, closer })
    }
}

/// A client without a certificate, whose handshake is over, and whose server has refused it and is
/// gone: the alert lies unread.
fn refused() -> (TlsStream<Breaking>, Breaks) {
    let identity = Identity::of(NAME);
    let certificate = CertificateDer::from_pem_slice(identity.certificate.as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(certificate.clone()).unwrap();
    let provider = Arc::clone(identity.connector().config().crypto_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let config =
        ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.unwrap().with_client_cert_verifier(verifier.build().unwrap());
    let mut config = config.with_single_cert(vec![certificate], key).unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = Acceptor::from_config(config);

    let (near, far) = duplex(1 << 16);
    let server = thread::spawn(move || acceptor.accept(far, LONG).map(drop).unwrap_err());
    let breaks = Breaks::default();
    let near = Breaking { stream: near, breaks: breaks.clone() };
    let client = identity.connector().connect(NAME, near, LONG).unwrap();
    assert_eq!(server.join().unwrap().error().kind(), ErrorKind::Tls);
    (client, breaks)
}

/// What a request is told.
fn error_of(connection: &Connection) -> Error {
    let request = http::Request::get("https://test.example/").body(()).unwrap();
    match connection.send(&request) {
        Ok(mut response) => response.response().unwrap_err(),
        Err(error) => error,
    }
}

#[track_caller]
fn assert_names_the_refusal(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Tls, "{error:?}");
    assert!(error.to_string().contains("requires a certificate from us"), "{error}");
}

#[test]
fn refusal_is_told_though_a_write_fails_before_it_is_read() {
    bounded(|| {
        let (client, breaks) = refused();
        breaks.writes.store(true, Ordering::SeqCst);
        let connection = Connection::start(client, Config::default()).unwrap();
        assert_names_the_refusal(&error_of(&connection));
        assert_names_the_refusal(&error_of(&connection));
    });
}

#[test]
fn refusal_is_told_when_it_is_read_before_anything_is_written() {
    bounded(|| {
        let (client, breaks) = refused();
        let connection = Connection::start(client, Config::default()).unwrap();
        connection.maintain();
        breaks.writes.store(true, Ordering::SeqCst);
        assert_names_the_refusal(&error_of(&connection));
    });
}

#[test]
fn refusal_is_told_by_a_plain_read_of_the_stream() {
    bounded(|| {
        let (mut client, _) = refused();
        for _ in 0..2 {
            let error = client.read(&mut [0; 9]).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
            assert_names_the_refusal(&Error::from(error));
        }
    });
}

#[test]
fn end_without_the_alert_says_that_the_peer_closed_right_after_the_handshake() {
    bounded(|| {
        for fails_writes in [false, true] {
            let (client, breaks) = refused();
            breaks.reads.store(true, Ordering::SeqCst);
            breaks.writes.store(fails_writes, Ordering::SeqCst);
            let connection = Connection::start(client, Config::default()).unwrap();
            let error = error_of(&connection);
            assert_eq!(error.kind(), ErrorKind::Transport, "{error:?}");
            assert!(error.to_string().contains("right after the handshake"), "{error}");
        }
    });
}
