//! Streams that only one thread at a time can use: reads and writes give up after a moment, and the
//! two threads of a connection take turns.

use std::net::{Shutdown, TcpStream};
use std::ops::DerefMut;
use std::thread;
use std::time::Duration;

use h2_sync::tls::rustls::{
    ClientConnection, ConnectionCommon, ServerConnection, SideData, StreamOwned,
};
use h2_sync::tls::{Acceptor, Connector};
use h2_sync::transport::Shared;
use rcgen::{CertifiedKey, generate_simple_self_signed};

use crate::alone::alone;
use crate::exchange::between;
use crate::sockets::tcp;

/// The longest time that a read delays a write, or a write a read.
const TURN: Duration = Duration::from_millis(5);

#[test]
fn a_tcp_stream_with_read_timeouts() {
    alone("taking_turns::a_tcp_stream_with_read_timeouts", || {
        let (near, far) = tcp();
        set_timeouts(&near);
        set_timeouts(&far);
        let shut = |socket: &mut TcpStream, how| socket.shutdown(how);
        between(Shared::with_shutdown(near, shut), Shared::with_shutdown(far, shut));
    });
}

#[test]
fn a_tls_stream_with_read_timeouts() {
    alone("taking_turns::a_tls_stream_with_read_timeouts", || {
        let (mut client, mut server) = connections();
        let (near, far) = tcp();
        thread::scope(|scope| {
            scope.spawn(|| server.complete_io(&mut &far).unwrap());
            client.complete_io(&mut &near).unwrap();
        });
        assert_eq!(client.alpn_protocol(), Some(&b"h2"[..]));
        between(shared(client, near), shared(server, far));
    });
}

/// Sends close_notify at the end, as TLS requires.
fn shared<C, S>(connection: C, socket: TcpStream) -> Shared<StreamOwned<C, TcpStream>>
where
    C: DerefMut<Target = ConnectionCommon<S>> + Send + 'static,
    S: SideData + 'static,
{
    set_timeouts(&socket);
    Shared::with_shutdown(StreamOwned::new(connection, socket), |stream, how| {
        if how == Shutdown::Both {
            return stream.sock.shutdown(how);
        }
        stream.conn.send_close_notify();
        while stream.conn.wants_write() {
            stream.conn.write_tls(&mut stream.sock)?;
        }
        stream.sock.shutdown(how)
    })
}

fn set_timeouts(socket: &TcpStream) {
    socket.set_read_timeout(Some(TURN)).unwrap();
    socket.set_write_timeout(Some(TURN)).unwrap();
}

/// The two ends before their handshake.
fn connections() -> (ClientConnection, ServerConnection) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["test".into()]).unwrap();
    let client = Connector::with_only_roots(cert.pem().as_bytes()).unwrap();
    let key = signing_key.serialize_pem();
    let server = Acceptor::from_pem(cert.pem().as_bytes(), key.as_bytes()).unwrap();
    let name = "test".try_into().unwrap();
    (
        ClientConnection::new(client.config().clone(), name).unwrap(),
        ServerConnection::new(server.config().clone()).unwrap(),
    )
}
