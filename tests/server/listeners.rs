//! Servers with several listeners, and what their queues hold at the end.

use std::net::TcpStream;
use std::sync::Arc;
use std::thread;

use h2_sync::server::{Aborted, Listener, Request, Response, Server, Versions};

use crate::client::Client;
use crate::frames::http1::Raw;
use crate::http1::raw;
use crate::support::{BoxError, LONG, bounded, config, eventually, serve_with};

/// Answers with the name of the listener.
fn name(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    Ok(response.send(request.listener_name().unwrap_or("none").to_owned())?)
}

fn loopback() -> Listener {
    Listener::bind("127.0.0.1:0").unwrap()
}

#[test]
fn listeners_with_their_own_versions_share_a_handler_and_a_handle() {
    bounded(|| {
        let listeners = [
            loopback(),
            loopback().named("h1").versions(Versions::Http1),
            loopback().named("h2").versions(Versions::Http2),
        ];
        let expected: Vec<_> = listeners.iter().filter_map(Listener::local_addr).collect();
        assert_eq!(listeners[1].name(), Some("h1"));
        let server = Server::on(listeners);
        assert_eq!(server.local_addr(), Some(expected[0]));
        let server = server.serve(name).unwrap();
        assert_eq!(server.local_addrs(), expected);
        assert_eq!(server.local_addr(), Some(expected[0]));

        let [both, h1, h2] = expected[..] else { panic!("{expected:?}") };
        let client = |at| Client::over(TcpStream::connect(at).unwrap(), Default::default());
        let (mut clients, mut raws) = ([client(both), client(h2)], [both, h1].map(Raw::connect));
        assert_eq!(
            clients.each_mut().map(|client| client.fetch("/").text().to_owned()),
            ["none", "h2"]
        );
        assert_eq!(raws.each_mut().map(|raw| raw.get("/").text().to_owned()), ["none", "h1"]);
        assert_ne!(Raw::connect(h2).get("/").status, 200);

        eventually(|| server.stats().connections == 4);
        assert_eq!(server.shutdown(LONG), Aborted::default());
        for address in expected {
            assert!(TcpStream::connect(address).is_err());
        }
    });
}

#[cfg(all(unix, feature = "tls"))]
#[test]
fn tls_unix_and_clear_text_are_served_together() {
    use std::os::unix::net::UnixStream;

    use h2_sync::tls::{Acceptor, Connector};

    bounded(|| {
        let made = rcgen::generate_simple_self_signed(["test.example".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let path = crate::transports::socket_path("together");
        let server = Server::on([
            Listener::bind_unix(&path).unwrap().named("unix"),
            loopback().named("tls").tls(acceptor),
            loopback().named("clear"),
        ]);
        let server = server.serve(name).unwrap();
        let [tls, clear] = *server.local_addrs() else { panic!("{:?}", server.local_addrs()) };

        assert_eq!(Raw::connect(clear).get("/").text(), "clear");
        let stream = UnixStream::connect(&path).unwrap();
        assert_eq!(Client::over(stream, Default::default()).fetch("/").text(), "unix");
        let connector = Connector::with_only_roots(certificate.as_bytes()).unwrap();
        let stream = TcpStream::connect(tls).unwrap();
        let stream = connector.connect("test.example", stream, LONG).unwrap();
        assert_eq!(Client::over(stream, Default::default()).fetch("/").text(), "tls");
        std::fs::remove_file(&path).unwrap();
    });
}

#[test]
fn server_without_a_listener_does_not_start() {
    let error = Server::on([]).serve(name).unwrap_err();
    assert_eq!(error.to_string(), "the server has no listener");
}

#[cfg(unix)]
#[test]
fn unix_socket_of_a_process_that_has_ended_is_replaced_and_one_in_use_is_not() {
    bounded(|| {
        let path = crate::transports::socket_path("abandoned");
        // A closed listener leaves its file, as a process that has ended does.
        drop(Listener::bind_unix(&path).unwrap());
        assert!(path.exists());
        let server = Server::on([Listener::bind_unix(&path).unwrap()]).serve(name).unwrap();
        let error = Listener::bind_unix(&path).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::AddrInUse);
        eventually(|| server.stats().connections == 0);
        drop(server);
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, "a file").unwrap();
        assert!(Listener::bind_unix(&path).is_err(), "a file is not replaced");
        std::fs::remove_file(&path).unwrap();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn servers_that_share_a_port_share_its_connections() {
    bounded(|| {
        let first = Listener::bind_reuse_port("127.0.0.1:0").unwrap().named("first");
        let address = first.local_addr().unwrap();
        assert!(Listener::bind(address).is_err(), "the other has to share as well");
        let second = Listener::bind_reuse_port(address).unwrap().named("second");
        let _servers = [first, second].map(|listener| Server::on([listener]).serve(name).unwrap());
        // Each connection goes to either with equal probability.
        let mut names: Vec<_> =
            (0..64).map(|_| Raw::connect(address).get("/").text().to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names, ["first", "second"]);
    });
}

#[test]
fn requests_in_the_queue_of_the_system_are_answered_at_the_end() {
    bounded(|| {
        let full = config(|config| config.max_connections = 1);
        let server = Arc::new(serve_with(full, name));
        let mut first = raw(&server);
        assert_eq!(first.get("/").status, 200);
        // There is no room for these, so they wait in the queue of the system.
        let mut queued: Vec<_> = (0..3).map(|_| raw(&server)).collect();
        for raw in &mut queued {
            raw.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        }
        let stops = thread::spawn({
            let server = Arc::clone(&server);
            move || server.shutdown(LONG)
        });
        for raw in &mut queued {
            let reply = raw.reply();
            assert!(reply.status == 200 && reply.closes(), "{}", reply.head);
        }
        assert_eq!(stops.join().unwrap(), Aborted::default());
        assert_eq!(server.stats().connections_accepted, 4);
    });
}

#[test]
fn shutdown_that_has_no_time_gives_the_queue_up() {
    bounded(|| {
        let full = config(|config| config.max_connections = 1);
        let server = serve_with(full, name);
        let mut first = raw(&server);
        assert_eq!(first.get("/").status, 200);
        let mut queued = raw(&server);
        server.shutdown(std::time::Duration::ZERO);
        assert_eq!(first.rest(), b"");
        queued.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        let mut octets = Vec::new();
        let _ = std::io::Read::read_to_end(&mut queued.stream, &mut octets);
        assert_eq!(octets, b"");
    });
}
