//! Slow handlers, and the other requests of their connection.

use std::io::{Read, Write};
use std::sync::{Arc, Barrier};

use crate::client::Client;
use crate::support::{bounded, eventually, gate, serve};

#[test]
fn a_slow_handler_does_not_keep_the_others_waiting() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            if request.path() == "/slow" {
                at.wait("slow");
            }
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        let slow = client.get("/slow");
        bolt.comes();
        for _ in 0..1000 {
            assert_eq!(client.fetch("/").text(), "hello");
        }
        assert!(!client.so_far(slow).is_complete);
        bolt.open();
        assert_eq!(client.reply(slow).text(), "hello");
    });
}

#[test]
fn answers_that_were_ready_before_a_slow_handler_began_are_sent() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            if request.path() == "/slow" {
                at.wait("slow");
            }
            Ok(response.write_all(b"hello")?)
        });
        let mut peer = crate::peer::Peer::of(&server);
        // All of them come with one read.
        let (_, mut octets) = peer.opening(&crate::support::get("/"), true);
        octets.extend(peer.opening(&crate::support::get("/slow"), true).1);
        octets.extend(peer.opening(&crate::support::get("/"), true).1);
        peer.write(&octets);
        let mut ended = Vec::new();
        while ended.len() < 2 {
            peer.until(|frame| match frame {
                h2_sync::frame::Frame::Data(data) if data.end_stream => {
                    ended.push(data.stream_id.get());
                    Some(())
                }
                _ => None,
            });
        }
        ended.sort_unstable();
        assert_eq!(ended, [1, 5]);
        bolt.open();
    });
}

#[test]
fn a_hundred_handlers_of_one_connection_block_at_once() {
    bounded(|| {
        // None of them goes on before all have come.
        let all = Arc::new(Barrier::new(100));
        let server = serve(move |_, response| {
            all.wait();
            Ok(response.write_all(b"hello")?)
        });
        let mut client = Client::of(&server);
        let ids: Vec<_> = (0..100).map(|_| client.get("/")).collect();
        for id in ids {
            assert_eq!(client.reply(id).text(), "hello");
        }
        eventually(|| server.stats().handlers_running == 0);
    });
}

#[test]
fn a_handler_that_waits_for_its_body_delays_no_other_request() {
    bounded(|| {
        let server = serve(|request, response| {
            std::io::copy(request, response)?;
            Ok(())
        });
        let mut client = Client::of(&server);
        let waits = client.post("/");
        for _ in 0..100 {
            assert_eq!(client.fetch("/").status(), Some(200));
        }
        client.send(waits, "at last", true);
        assert_eq!(client.reply(waits).text(), "at last");
    });
}

/// The clock forgets a connection whose leader has been reading for a while.
#[test]
fn a_handler_that_becomes_slow_after_a_wait_for_its_body_delays_no_other_request() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            if request.path() == "/slow" {
                request.read_exact(&mut [0; 5])?;
                at.wait("slow");
            }
            Ok(response.write_all(b"hello")?)
        });
        for _ in 0..3 {
            let mut client = Client::of(&server);
            let slow = client.post("/slow");
            // Lets the clock find nothing to do for a while: there is no event to wait for.
            std::thread::park_timeout(std::time::Duration::from_millis(300));
            client.send(slow, "hello", false);
            bolt.comes();
            assert_eq!(client.fetch("/").text(), "hello");
            bolt.let_one();
            client.until(|client| client.so_far(slow).is_complete);
        }
    });
}

#[test]
fn a_handler_that_streams_does_not_hide_one_that_is_stuck() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |request, response| {
            match request.path() {
                "/streams" => {
                    while response.write_all(b"tick").and_then(|()| response.flush()).is_ok() {
                        std::thread::yield_now();
                    }
                }
                "/slow" => at.wait("slow"),
                _ => {}
            }
            Ok(response.write_all(b"hello")?)
        });
        // The window does not limit it.
        let mut config = h2_sync::Config::default();
        config.initial_window_size = h2_sync::frame::MAX_WINDOW;
        config.connection_window_size = h2_sync::frame::MAX_WINDOW;
        let mut client = Client::with(&server, config);
        let streams = client.get("/streams");
        client.until(|client| !client.so_far(streams).body.is_empty());
        assert_eq!(client.fetch("/").text(), "hello");
        for _ in 0..10 {
            client.get("/slow");
            bolt.comes();
            assert_eq!(client.fetch("/").text(), "hello");
        }
        client.reset(streams, h2_sync::ErrorCode::Cancel);
        bolt.open();
        eventually(|| server.stats().handlers_running == 0);
    });
}

#[test]
fn connection_without_a_client_has_no_leader_while_handlers_run() {
    bounded(|| {
        let (at, bolt) = gate();
        let server = serve(move |_, _| {
            at.wait("slow");
            Ok(())
        });
        let client = Client::of(&server);
        client.get("/");
        client.get("/");
        bolt.comes();
        bolt.comes();
        drop(client);
        eventually(|| server.stats().connections == 0);
        let before = server.stats().leaders_replaced;
        let mut other = Client::of(&server);
        other.ping();
        // Long enough for many ticks of the clock.
        std::thread::park_timeout(std::time::Duration::from_millis(100));
        assert!(server.stats().leaders_replaced <= before + 1);
        bolt.open();
    });
}
