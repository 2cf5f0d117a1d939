//! Certificates, pairs of streams, and a peer that drives rustls directly.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use h2_sync::tls::rustls::{ClientConfig, Connection, ServerConfig};
use h2_sync::tls::{Acceptor, Connector, HandshakeError, TlsStream};
use h2_sync::transport::Transport;

pub(crate) use crate::waits::{LONG, bounded};

pub(crate) const NAME: &str = "test.example";

/// A certificate and its key as PEM.
pub(crate) struct Identity {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Identity {
    /// Creates a self-signed certificate.
    pub(crate) fn of(name: &str) -> Self {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        Identity { certificate: made.cert.pem(), key: made.signing_key.serialize_pem() }
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        Acceptor::from_pem(self.certificate.as_bytes(), self.key.as_bytes()).unwrap()
    }

    pub(crate) fn connector(&self) -> Connector {
        Connector::with_only_roots(self.certificate.as_bytes()).unwrap()
    }
}

/// A connector and an acceptor that trust each other.
pub(crate) fn ends() -> (Connector, Acceptor) {
    let identity = Identity::of(NAME);
    (identity.connector(), identity.acceptor())
}

/// The acceptor with other ALPN protocols.
pub(crate) fn server_of(acceptor: &Acceptor, protocols: &[&str]) -> Acceptor {
    let mut config = ServerConfig::clone(acceptor.config());
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Acceptor::from_config(config)
}

/// The connector with other ALPN protocols.
pub(crate) fn client_of(connector: &Connector, protocols: &[&str]) -> Connector {
    let mut config = ClientConfig::clone(connector.config());
    config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
    Connector::from_config(config)
}

pub(crate) fn tcp() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

pub(crate) type Outcome<T> = Result<TlsStream<T>, HandshakeError<T>>;

/// Runs both sides of a handshake.
pub(crate) fn shake<T>(
    (connector, acceptor): (&Connector, &Acceptor),
    (near, far): (T, T),
) -> (Outcome<T>, Outcome<T>)
where
    T: Transport + Send,
    TlsStream<T>: Send,
{
    thread::scope(|scope| {
        let server = scope.spawn(|| acceptor.accept(far, LONG));
        let client = connector.connect(NAME, near, LONG);
        (client, server.join().unwrap())
    })
}

/// Two connected TLS streams.
pub(crate) fn connected<T>(pair: (T, T)) -> (TlsStream<T>, TlsStream<T>)
where
    T: Transport + Send,
    TlsStream<T>: Send,
{
    let (connector, acceptor) = ends();
    let (client, server) = shake((&connector, &acceptor), pair);
    (client.unwrap(), server.unwrap())
}

/// Sends data in both directions.
pub(crate) fn talk<A: Transport, B: Transport>(one: &mut TlsStream<A>, other: &mut TlsStream<B>) {
    let mut heard = [0; 5];
    one.write_all(b"there").unwrap();
    other.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"there");
    other.write_all(b"back!").unwrap();
    one.read_exact(&mut heard).unwrap();
    assert_eq!(&heard, b"back!");
}

/// Runs a handshake of rustls on a plain socket.
pub(crate) fn shake_by_hand(tls: &mut Connection, mut socket: &TcpStream) {
    while tls.is_handshaking() || tls.wants_write() {
        tls.complete_io(&mut socket).unwrap();
    }
}

/// A client of rustls with the roots and protocols of `connector`.
pub(crate) fn client_by_hand(connector: &Connector) -> Connection {
    let name = NAME.try_into().unwrap();
    let config = Arc::clone(connector.config());
    h2_sync::tls::rustls::ClientConnection::new(config, name).unwrap().into()
}

/// A client driven by the test, its socket, and the server it is connected to.
pub(crate) fn connected_by_hand() -> (Connection, TcpStream, TlsStream<TcpStream>) {
    let (connector, acceptor) = ends();
    let (near, far) = tcp();
    let server = thread::spawn(move || acceptor.accept(far, LONG).unwrap());
    let mut tls = client_by_hand(&connector);
    shake_by_hand(&mut tls, &near);
    (tls, near, server.join().unwrap())
}
