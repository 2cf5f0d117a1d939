//! Connections that the application accepts and passes to a running server, and its own listeners.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use h2_sync::ErrorKind;
use h2_sync::server::{Config, Handle, Peer, Request, Response, Server, serve_connection};
use h2_sync::transport::{Transport, duplex};

use crate::client::Client;
use crate::support::{LONG, bounded, config, eventually, gate, serve, serve_with};

type IoResult = std::io::Result<()>;

/// Answers with the facts known of the peer.
fn peer_address(request: &mut Request, response: &mut Response) -> IoResult {
    write!(response, "{:?}", request.peer_addr())
}

fn server() -> Handle {
    serve(|request, response| Ok(peer_address(request, response)?))
}

/// A client of a connection that the application passes to the server.
fn client_of(server: &Handle, peer: impl Into<Peer>) -> Client {
    let (near, far) = duplex(64 << 10);
    server.serve(far, peer).unwrap();
    Client::over(near, Default::default())
}

#[test]
fn accepted_connection_is_served_with_its_address() {
    bounded(|| {
        let server = server();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (far, address) = listener.accept().unwrap();
        far.set_nonblocking(true).unwrap();
        server.serve(far, address).unwrap();
        let mut client = Client::over(near, Default::default());
        assert_eq!(client.fetch("/").text(), format!("{:?}", Some(address)));

        let address = SocketAddr::from(([192, 0, 2, 7], 1));
        let mut client = client_of(&server, Peer::at(address));
        assert_eq!(client.fetch("/").text(), format!("{:?}", Some(address)));
        assert_eq!(client_of(&server, Peer::unknown()).fetch("/").text(), "None");
        // Together with connections of its listener.
        assert_eq!(Client::of(&server).fetch("/").status(), Some(200));
        assert_eq!(server.stats().connections_accepted, 4);
    });
}

#[test]
fn accepted_connection_over_a_pair_is_served() {
    bounded(|| {
        let server = server();
        let (near, far) = duplex(64 << 10);
        let far = far.split().unwrap();
        server.serve((far.reader, far.writer), Peer::unknown()).unwrap();
        let mut client = Client::over(near, Default::default());
        assert_eq!(client.fetch("/").text(), "None");
    });
}

#[cfg(feature = "tls")]
#[test]
fn facts_of_a_handshake_by_the_application_are_reported() {
    use h2_sync::tls::{Acceptor, Connector};

    bounded(|| {
        let made = rcgen::generate_simple_self_signed(["test.example".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let server = serve(|request, response| {
            let facts = request.tls().ok_or("no facts")?;
            Ok(write!(response, "{:?}", facts.server_name)?)
        });
        let (near, far) = duplex(64 << 10);
        thread::scope(|scope| {
            let server = &server;
            scope.spawn(move || {
                let stream = acceptor.accept(far, LONG).unwrap();
                let peer = Peer::unknown().with_tls(stream.facts().clone());
                server.serve(stream, peer).unwrap();
            });
            let connector = Connector::with_only_roots(certificate.as_bytes()).unwrap();
            let stream = connector.connect("test.example", near, LONG).unwrap();
            let mut client = Client::over(stream, Default::default());
            assert_eq!(client.fetch("/").text(), format!("{:?}", Some("test.example")));
        });
    });
}

#[test]
fn accepted_connections_are_counted_limited_and_shut_down() {
    bounded(|| {
        let config = config(|config| config.max_connections = 2);
        let server = serve_with(config, |request, response| Ok(peer_address(request, response)?));
        let mut clients = [(); 2].map(|()| client_of(&server, Peer::unknown()));
        for client in &mut clients {
            assert_eq!(client.fetch("/").status(), Some(200));
        }
        assert_eq!(server.stats().connections, 2);
        thread::scope(|scope| {
            // Over the limit, the call waits until a connection ends.
            let waits = scope.spawn(|| client_of(&server, Peer::unknown()));
            thread::sleep(Duration::from_millis(20));
            assert_eq!(server.stats().connections_accepted, 2);
            let [first, mut second] = clients;
            drop(first);
            let mut third = waits.join().unwrap();
            assert_eq!(third.fetch("/").status(), Some(200));
            assert_eq!(server.shutdown(LONG).connections, 0);
            second.until_closed();
            third.until_closed();
        });
        let (_near, far) = duplex(1);
        assert_eq!(server.serve(far, Peer::unknown()).unwrap_err().kind(), ErrorKind::Closed);
    });
}

#[test]
fn wait_for_room_ends_with_the_server() {
    bounded(|| {
        let config = config(|config| config.max_connections = 1);
        let (at, bolt) = gate();
        let server = serve_with(config, move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let client = client_of(&server, Peer::unknown());
        client.get("/");
        bolt.comes();
        thread::scope(|scope| {
            let waits = scope.spawn(|| server.serve(duplex(1).1, Peer::unknown()));
            scope.spawn(|| server.shutdown(LONG));
            assert_eq!(waits.join().unwrap().unwrap_err().kind(), ErrorKind::Closed);
            bolt.open();
        });
    });
}

#[test]
fn handshake_that_fails_gives_its_place_back() {
    bounded(|| {
        let server = server();
        let (mut near, far) = duplex(64 << 10);
        server.serve(far, Peer::unknown()).unwrap();
        near.write_all(b"\x16\x03\x01 no HTTP").unwrap();
        let _ = near.read_to_end(&mut Vec::new());
        eventually(|| server.stats().connections == 0);
        assert_eq!(server.stats().connections_failed, 1);
    });
}

#[test]
fn listener_that_does_not_block_is_made_to() {
    bounded(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = Server::from_listener(listener).serve(peer_address).unwrap();
        thread::sleep(Duration::from_millis(20));
        assert_eq!(Client::of(&server).fetch("/").status(), Some(200));
        assert_eq!(server.stats().accept_errors, 0);
    });
}

#[cfg(unix)]
#[test]
fn unix_listener_that_does_not_block_is_made_to() {
    use std::os::unix::net::{UnixListener, UnixStream};

    bounded(|| {
        let path = crate::transports::socket_path("blocking");
        let listener = UnixListener::bind(&path).unwrap();
        listener.set_nonblocking(true).unwrap();
        let server = Server::from_unix_listener(listener).serve(peer_address).unwrap();
        let stream = UnixStream::connect(&path).unwrap();
        assert_eq!(Client::over(stream, Default::default()).fetch("/").text(), "None");
        assert_eq!(server.stats().accept_errors, 0);
        std::fs::remove_file(&path).unwrap();
    });
}

/// The number of threads of this process with that name.
#[cfg(target_os = "linux")]
fn threads_named(name: &str) -> usize {
    crate::thread_names::all().iter().filter(|other| *other == name).count()
}

/// In a process of its own, since the threads of other tests have the same names.
#[cfg(target_os = "linux")]
#[test]
fn connections_served_alone_share_one_clock() {
    const ALONE: &str = "H2_SYNC_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "accepted::connections_served_alone_share_one_clock"])
            .env(ALONE, "1")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    bounded(|| {
        let (mut clients, mut servers) = (Vec::new(), Vec::new());
        for _ in 0..20 {
            let (near, far) = duplex(64 << 10);
            servers.push(thread::spawn(|| serve_connection(far, Config::default(), peer_address)));
            clients.push(Client::over(near, Default::default()));
        }
        for client in &mut clients {
            assert_eq!(client.fetch("/").text(), "None");
        }
        assert_eq!(threads_named("h2-sync-clock"), 1);
        drop(clients);
        servers.into_iter().for_each(|server| server.join().unwrap().unwrap());
        eventually(|| threads_named("h2-sync-clock") == 0);
    });
}
