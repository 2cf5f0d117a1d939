//! A TLS 1.3 server that refuses the client after the client's handshake.
//!
//! The tests choose the order in which the client notices the alert and the end of the connection:
//! the in-memory transport fails writes, or drops input, on command.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use h2_sync::client::Connection;
use h2_sync::tls::rustls::pki_types::pem::PemObject;
use h2_sync::tls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use h2_sync::tls::rustls::server::WebPkiClientVerifier;
use h2_sync::tls::rustls::{RootCertStore, ServerConfig};
use h2_sync::tls::{Acceptor, TlsStream};
use h2_sync::transport::{Duplex, Halves, Transport, duplex};
use h2_sync::{Config, Error, ErrorKind};

use crate::support::*;

/// An in-memory stream that fails on command.
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

/// A client without a certificate, whose handshake is complete and whose server has refused it and
/// closed. The alert is unread.
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

/// Returns the error of a request.
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
fn a_refusal_is_reported_although_a_write_fails_first() {
    bounded(|| {
        let (client, breaks) = refused();
        breaks.writes.store(true, Ordering::SeqCst);
        let connection = Connection::start(client, Config::default()).unwrap();
        assert_names_the_refusal(&error_of(&connection));
        assert_names_the_refusal(&error_of(&connection));
    });
}

#[test]
fn a_refusal_read_before_the_first_write_is_reported() {
    bounded(|| {
        let (client, breaks) = refused();
        let connection = Connection::start(client, Config::default()).unwrap();
        connection.maintain();
        breaks.writes.store(true, Ordering::SeqCst);
        assert_names_the_refusal(&error_of(&connection));
    });
}

#[test]
fn a_plain_read_of_the_stream_reports_a_refusal() {
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
fn a_lost_alert_is_reported_as_a_close_after_the_handshake() {
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
