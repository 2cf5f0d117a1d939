//! Faults of the system and the application: handlers that panic or never return, invalid settings,
//! and failures to start threads.

use std::io::Write;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use h2_sync::client::{Client, Connection};
use h2_sync::server::{Config, Request, Response, Server, serve_connection};
use h2_sync::transport::duplex;
use h2_sync::upgrade::Options;
use h2_sync::{ErrorCode, ErrorKind, Role, Session};

use crate::memory::{KIB, bounded};
use crate::neighbour::Neighbour;
use crate::support::{LONG, Peer, eventually};
use crate::victim::{BoxError, Victim, gate, get, hello, post};

/// A short timeout, longer than a trivial handler takes.
const SOON: Duration = Duration::from_secs(1);

// Handlers.

#[test]
fn a_handler_that_panics_is_500_and_others_are_served() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            assert_ne!(request.path(), "/panic", "an intentional panic");
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        for _ in 0..50 {
            assert_eq!(peer.fetch(&get("/panic")).0, 500);
            assert_eq!(peer.fetch(&get("/")).0, 200);
        }
        assert_eq!(victim.handle.stats().handlers_panicked, 50);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_handler_that_panics_in_its_response_is_an_internal_error_and_others_are_served() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            response.write_all(b"so far")?;
            response.flush()?;
            assert_ne!(request.path(), "/panic", "an intentional panic");
            Ok(())
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        for _ in 0..50 {
            let stream_id = peer.open(&get("/panic"), true);
            peer.expect_reset(stream_id, ErrorCode::InternalError);
            assert_eq!(peer.fetch(&get("/")).0, 200);
        }
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// All on one connection, and more than it has permits.
#[test]
fn handlers_that_never_return_do_not_block_other_connections() {
    bounded(|| {
        let (gate, bolt) = gate();
        let victim = Victim::new(move |request, response| {
            if request.path() == "/never" {
                gate.wait();
            }
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let ids: Vec<_> = (0..128).map(|_| peer.open(&get("/never"), true)).collect();
        for _ in &ids {
            bolt.comes();
        }
        neighbour.is_served();
        // They hold their slots, although the peer has reset them.
        for &stream_id in &ids {
            peer.reset(stream_id, ErrorCode::Cancel);
        }
        let one_more = peer.open(&get("/"), true);
        peer.expect_reset(one_more, ErrorCode::RefusedStream);
        neighbour.was_served();
        drop(bolt);
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_handler_that_takes_too_long_is_an_internal_error_and_others_are_served() {
    bounded(|| {
        let (gate, bolt) = gate();
        let (told, tells) = channel();
        let victim = Victim::with(
            |config| config.handler_timeout = Some(SOON),
            move |request, response| {
                if request.path() == "/never" {
                    gate.wait();
                    let written = response.write_all(b"too late");
                    let error = written.and_then(|()| response.flush()).unwrap_err();
                    told.send(h2_sync::Error::from(error).kind())?;
                }
                hello(request, response)
            },
        );
        let mut peer = victim.peer();
        let first = peer.open(&get("/never"), true);
        let second = peer.open(&post("/never"), false);
        for stream_id in [first, second] {
            bolt.comes();
            peer.expect_reset(stream_id, ErrorCode::InternalError);
        }
        assert_eq!(peer.fetch(&get("/")).0, 200);
        assert_eq!(victim.handle.stats().handlers_timed_out, 2);
        eventually(|| victim.handle.stats().handlers_running == 2);
        drop(bolt);
        for _ in 0..2 {
            assert_eq!(tells.recv_timeout(LONG).unwrap(), ErrorKind::Timeout);
        }
        drop(peer);
        victim.comes_to_rest();
    });
}

/// The body was received, and the response is being sent: the handler itself was fast enough.
#[test]
fn a_returned_handler_does_not_time_out() {
    bounded(|| {
        let victim = Victim::with(|config| config.handler_timeout = Some(SOON), hello);
        let closed = vec![h2_sync::frame::Setting::InitialWindowSize(0)];
        let mut peer = Peer::connect_with(victim.address(), closed);
        let slow = peer.open(&get("/"), true);
        eventually(|| victim.begun() == 1 && victim.handle.stats().handlers_running == 0);
        // Longer than a handler may take.
        thread::park_timeout(2 * SOON);
        peer.grant(slow, 5);
        assert_eq!(peer.response(slow), (200, b"hello".to_vec()));
        assert_eq!(victim.handle.stats().handlers_timed_out, 0);
    });
}

// The application.

/// A single invalid value, which the error must name.
#[test]
fn an_invalid_configuration_is_refused_at_every_entry_point() {
    let mut http2 = h2_sync::Config::default();
    http2.max_frame_size = 0;
    let mut server = Config::default();
    server.http2 = http2.clone();
    let mut client = h2_sync::client::Config::default();
    client.http2 = http2.clone();
    let near = || duplex(64 * KIB).0;
    let refusals = [
        Session::with_config(near(), Role::Client, http2.clone()).err(),
        Session::with_config(near(), Role::Server, http2.clone()).err(),
        Session::accept_h2c(near(), http2.clone(), &Options::default()).err(),
        Connection::start(near(), http2).err(),
        Client::with_config(client).err(),
        Server::bind("127.0.0.1:0").unwrap().config(server.clone()).serve(hello).err(),
        serve_connection(near(), server, hello).err(),
    ];
    for (door, refusal) in refusals.into_iter().enumerate() {
        let error = refusal.unwrap_or_else(|| panic!("entry point {door} accepts it"));
        assert_eq!(error.kind(), ErrorKind::Caller, "entry point {door}: {error}");
        assert!(
            error.to_string().contains("`max_frame_size` must be"),
            "entry point {door}: {error}"
        );
    }
}

// Threads.

/// Each thread would need a stack larger than any address space.
#[test]
fn a_server_without_any_threads_closes_its_connections_and_can_be_shut_down() {
    bounded(|| {
        let mut config = Config::default();
        config.stack_size = 1 << 50;
        let answer = |request: &mut Request, response: &mut Response| -> Result<(), BoxError> {
            hello(request, response)
        };
        let handle = Server::bind("127.0.0.1:0").unwrap().config(config).serve(answer).unwrap();
        for failed in 1..=5 {
            let mut peer = Peer::connect(handle.local_addr().unwrap());
            peer.until_closed();
            eventually(|| handle.stats().connections_failed == failed);
        }
        let stats = handle.stats();
        assert_eq!((stats.connections, stats.threads, stats.requests), (0, 0, 0));
        handle.shutdown(LONG);
    });
}
