//! Shutdown of a server.

use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::Duration;

use crossbeam_channel::Receiver;
use h2_sync::frame::{Frame, Setting, Settings, WindowUpdate};
use h2_sync::server::{Aborted, Handle, Request, Response};
use h2_sync::{ErrorCode, Reason, StreamId};

use crate::client::Client;
use crate::http1::raw;
use crate::peer::Peer;
use crate::support::{BoxError, LONG, bounded, config, eventually, gate, get, serve, serve_with};

#[test]
fn shutdown_finishes_running_requests_and_sends_goaway_twice() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = Arc::new(serve(move |_, response| {
            at.wait("handler");
            Ok(response.write_all(b"hello")?)
        }));
        let mut client = Client::of(&server);
        let id = client.get("/");
        bolt.comes();
        let stops = thread::spawn({
            let server = Arc::clone(&server);
            move || server.shutdown(LONG)
        });
        client.until(|client| client.goaways.len() == 2);
        assert_eq!(client.goaways, [(StreamId::MAX, ErrorCode::NoError), (id, ErrorCode::NoError)]);
        bolt.open();
        assert_eq!(client.reply(id).text(), "hello");
        let reason = client.until_closed();
        assert!(
            matches!(reason, Reason::Peer { goaway: Some(ErrorCode::NoError), .. }),
            "{reason:?}"
        );
        let cut = stops.join().unwrap();
        assert_eq!((cut.connections, cut.requests), (0, 0));
    });
}

#[test]
fn a_request_on_its_way_between_the_two_steps_is_answered() {
    bounded(|| {
        let server = Arc::new(serve(|_, response| Ok(response.write_all(b"hello")?)));
        let mut peer = Peer::of(&server);
        // An answered request shows that the connection is served.
        peer.open(&get("/"), true);
        peer.until(|frame| matches!(frame, Frame::Data(data) if data.end_stream).then_some(()));
        let stops = thread::spawn({
            let server = Arc::clone(&server);
            move || server.shutdown(LONG)
        });
        let payload = peer.until(|frame| match frame {
            Frame::Ping(ping) if !ping.ack => Some(ping.payload),
            _ => None,
        });
        let id = peer.open(&get("/"), true);
        peer.send(h2_sync::frame::Ping { ack: true, payload });
        let frames = peer.read_to_end();
        let answered = frames.iter().any(
            |frame| matches!(frame, Frame::Data(data) if data.stream_id == id && data.end_stream),
        );
        assert!(answered, "{frames:?}");
        drop(peer);
        assert_eq!(stops.join().unwrap().connections, 0);
    });
}

#[test]
fn requests_after_the_deadline_are_aborted_and_counted() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let mut client = Client::of(&server);
        client.get("/");
        client.get("/");
        bolt.comes();
        bolt.comes();
        let cut = server.shutdown(Duration::from_millis(20));
        assert_eq!((cut.connections, cut.requests), (1, 2));
        client.until_closed();
        assert_eq!(server.stats().connections, 0);
        bolt.open();
    });
}

#[test]
fn idle_connections_go_at_once() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let mut clients: Vec<_> = (0..10).map(|_| Client::of(&server)).collect();
        for client in &mut clients {
            assert_eq!(client.fetch("/").status(), Some(200));
        }
        let cut = server.shutdown(Duration::MAX);
        assert_eq!((cut.connections, cut.requests), (0, 0));
        for client in &mut clients {
            client.until_closed();
        }
    });
}

#[test]
fn new_connections_are_refused_while_requests_are_finished_and_afterwards() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = Arc::new(serve(move |_, _| {
            at.wait("handler");
            Ok(())
        }));
        let address = server.local_addr().unwrap();
        let mut client = Client::of(&server);
        client.get("/");
        bolt.comes();
        let stops = thread::spawn({
            let server = Arc::clone(&server);
            move || server.shutdown(LONG)
        });
        client.until(|client| !client.goaways.is_empty());
        let is_refused = || match TcpStream::connect(address) {
            Err(error) => error.kind() == ErrorKind::ConnectionRefused,
            Ok(_) => false,
        };
        eventually(is_refused);
        bolt.open();
        stops.join().unwrap();
        assert!(is_refused());
    });
}

#[test]
fn a_connection_in_its_handshake_is_not_waited_for_beyond_the_deadline() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let mut peer = Peer::quiet(&server);
        eventually(|| server.stats().connections == 1);
        let cut = server.shutdown(Duration::from_millis(20));
        assert_eq!((cut.connections, cut.requests), (1, 0));
        // Its handshake completes after the shutdown.
        peer.write(h2_sync::frame::PREFACE);
        peer.send(Settings::default());
        while peer.next().is_some() {}
        eventually(|| server.stats().threads == 0);
    });
}

#[test]
fn a_peer_that_never_reads_is_cut() {
    bounded(|| {
        let server = serve(|_, response| Ok(response.write_all(&vec![0; 64 << 20])?));
        let window = Setting::InitialWindowSize(h2_sync::frame::MAX_WINDOW);
        let mut peer = Peer::with(&server, vec![window]);
        let increment = h2_sync::frame::MAX_WINDOW - 65_535;
        peer.send(WindowUpdate { stream_id: StreamId::CONNECTION, increment });
        peer.open(&get("/"), true);
        eventually(|| server.stats().requests == 1);
        let cut = server.shutdown(Duration::from_millis(20));
        assert_eq!((cut.connections, cut.requests), (1, 1));
        eventually(|| server.stats().connections == 0 && server.stats().handlers_running == 0);
    });
}

#[test]
fn wait_returns_when_the_server_has_been_shut_down() {
    bounded(|| {
        let server = Arc::new(serve(|_, _| Ok(())));
        let waits = thread::spawn({
            let server = Arc::clone(&server);
            move || server.wait()
        });
        let mut client = Client::of(&server);
        client.fetch("/");
        assert!(!waits.is_finished());
        server.shutdown(LONG);
        waits.join().unwrap();
        client.until_closed();
    });
}

#[test]
fn dropping_the_handle_ends_everything() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let address = server.local_addr().unwrap();
        let mut client = Client::of(&server);
        client.get("/");
        bolt.comes();
        drop(server);
        client.until_closed();
        assert!(TcpStream::connect(address).is_err());
        bolt.open();
    });
}

#[test]
fn shutting_down_twice_and_from_two_threads_is_harmless() {
    bounded(|| {
        let server = serve(|_, _| Ok(()));
        let mut client = Client::of(&server);
        client.fetch("/");
        thread::scope(|scope| {
            scope.spawn(|| server.shutdown(LONG));
            scope.spawn(|| server.shutdown(LONG));
        });
        assert_eq!(server.shutdown(LONG).connections, 0);
    });
}

#[test]
fn connection_without_an_octet_does_not_hold_it_up() {
    bounded(|| {
        let config = config(|config| config.handshake_timeout = 10 * LONG);
        let server = serve_with(config, |_, _| Ok(()));
        let mut silent: Vec<_> = (0..20).map(|_| Peer::quiet(&server)).collect();
        let mut client = Client::of(&server);
        assert_eq!(client.fetch("/").status(), Some(200));
        eventually(|| server.stats().connections == 21);
        let cut = server.shutdown(10 * LONG);
        assert_eq!((cut.connections, cut.requests), (0, 0));
        client.until_closed();
        assert!(silent.iter_mut().all(|peer| peer.next().is_none()));
    });
}

#[test]
fn connection_within_its_handshake_is_waited_for_and_cut_in_the_end() {
    bounded(|| {
        let config = config(|config| config.handshake_timeout = 10 * LONG);
        let server = serve_with(config, |_, _| Ok(()));
        let mut peer = Peer::quiet(&server);
        peer.write(b"PRI");
        eventually(|| server.stats().connections == 1);
        let cut = server.shutdown(Duration::from_millis(500));
        assert_eq!((cut.connections, cut.requests), (1, 0));
        assert!(peer.next().is_none());
        eventually(|| server.stats().connections == 0);
    });
}

#[test]
fn two_concurrent_callers_both_learn_the_number_of_aborted_requests() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let client = Client::of(&server);
        client.get("/");
        client.get("/");
        bolt.comes();
        bolt.comes();
        let cuts = thread::scope(|scope| {
            let server = &server;
            let callers = [LONG, Duration::from_millis(20), LONG]
                .map(|timeout| scope.spawn(move || server.shutdown(timeout)));
            callers.map(|caller| caller.join().unwrap())
        });
        for cut in cuts {
            assert_eq!((cut.connections, cut.requests), (1, 2));
        }
        bolt.open();
    });
}

/// A server whose handlers can shut it down.
fn stopped_by_its_handler(timeout: Duration) -> (Arc<OnceLock<Handle>>, Receiver<Aborted>) {
    let (told, tells) = crossbeam_channel::bounded(1);
    let own = Arc::new(OnceLock::<Handle>::new());
    let handle = Arc::clone(&own);
    let server = serve(move |request, response| {
        if request.path() == "/stop" {
            told.send(handle.get().ok_or("no handle")?.shutdown(timeout))?;
        }
        Ok(response.write_all(b"hello")?)
    });
    own.set(server).unwrap();
    (own, tells)
}

#[test]
fn shutdown_in_a_handler_does_not_wait_for_that_handler() {
    for timeout in [Duration::ZERO, 10 * LONG] {
        bounded(move || {
            let (server, tells) = stopped_by_its_handler(timeout);
            let server = server.get().unwrap();
            let mut idle = Client::of(server);
            assert_eq!(idle.fetch("/").text(), "hello");
            let mut client = Client::of(server);
            assert_eq!(client.fetch("/stop").text(), "hello");
            let cut = tells.recv_timeout(LONG).unwrap();
            assert_eq!(cut.requests, 0);
            client.until_closed();
            idle.until_closed();
            eventually(|| server.stats().connections == 0 && server.stats().threads == 0);
        });
    }
}

#[test]
fn handler_can_end_its_connection_after_the_response() {
    bounded(|| {
        let server = serve(|request, response| {
            if request.path() == "/last" {
                response.close_connection()?;
            }
            Ok(response.write_all(b"hello")?)
        });
        let (mut client, mut other) = (Client::of(&server), Client::of(&server));
        assert_eq!(client.fetch("/").text(), "hello");
        let last = client.get("/last");
        // Refused if GOAWAY has come already.
        let later = client.try_open(&get("/"));
        for id in [last].into_iter().chain(later) {
            assert_eq!(client.reply(id).text(), "hello");
        }
        let reason = client.until_closed();
        let is_clean = matches!(reason, Reason::Peer { goaway: Some(ErrorCode::NoError), .. });
        assert!(is_clean, "{reason:?}");
        assert_eq!(other.fetch("/").text(), "hello");
    });
}

#[cfg(unix)]
#[test]
fn removed_path_of_a_unix_socket_does_not_delay_shutdown() {
    use h2_sync::server::{Request, Response, Server};
    use std::os::unix::net::UnixListener;

    bounded(|| {
        let path = crate::transports::socket_path("gone");
        let listener = UnixListener::bind(&path).unwrap();
        let handler = |_: &mut Request, _: &mut Response| Ok::<_, std::io::Error>(());
        let server = Server::from_unix_listener(listener).serve(handler).unwrap();
        std::fs::remove_file(&path).unwrap();
        assert_eq!(server.shutdown(LONG).connections, 0);
    });
}

/// Waits for the shutdown, if asked to.
fn until_shutdown(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    let (stop, stopped) = crossbeam_channel::bounded(1);
    let forgotten = stop.clone();
    drop(request.on_shutdown(move || forgotten.send("forgotten").unwrap()));
    let _hook = request.on_shutdown(move || stop.send("told").unwrap());
    response.flush()?;
    response.send(stopped.recv_timeout(LONG)?)?;
    Ok(())
}

#[test]
fn handler_is_notified_of_the_shutdown_in_either_version() {
    bounded(|| {
        let server = serve(until_shutdown);
        let mut raw = raw(&server);
        raw.send("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
        let mut client = Client::of(&server);
        let stream = client.get("/");
        client.until(|client| client.so_far(stream).status().is_some());
        eventually(|| server.stats().requests == 2);
        let stops = thread::spawn(move || server.shutdown(LONG));
        assert_eq!(raw.reply().body, b"told");
        assert_eq!(client.reply(stream).text(), "told");
        assert_eq!(stops.join().unwrap().connections, 0);
    });
}
