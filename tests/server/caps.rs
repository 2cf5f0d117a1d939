//! The limit of running handlers, and the fate of waiting requests.

use std::io::Write;
use std::time::Duration;

use h2_sync::{ErrorCode, StreamId};

use crate::client::Client;
use crate::support::{Bolt, Gate, bounded, config, eventually, gate, serve_with};

fn caps(all: usize, each: usize, queue_timeout: Duration) -> (h2_sync::server::Handle, Bolt) {
    let (at, bolt) = gate();
    let config = config(|config| {
        config.max_handlers = all;
        config.max_handlers_per_connection = each;
        config.queue_timeout = queue_timeout;
    });
    (serve_with(config, handler(at)), bolt)
}

fn handler(
    at: Gate,
) -> impl Fn(
    &mut h2_sync::server::Request,
    &mut h2_sync::server::Response,
) -> Result<(), crate::support::BoxError> {
    move |request, response| {
        at.wait(request.path());
        Ok(response.write_all(request.path().as_bytes())?)
    }
}

fn assert_all_answered(client: &mut Client, ids: &[StreamId]) {
    for &id in ids {
        let reply = client.reply(id);
        assert_eq!((reply.status(), reply.reset), (Some(200), None));
    }
}

#[test]
fn requests_over_the_cap_wait_and_run_when_one_ends() {
    bounded(|| {
        let (server, bolt) = caps(3, 128, Duration::MAX);
        let mut client = Client::of(&server);
        let ids: Vec<_> = (0..10).map(|n| client.get(&format!("/{n}"))).collect();
        for _ in 0..3 {
            bolt.comes();
        }
        client.ping();
        assert_eq!(server.stats().handlers_running, 3);
        assert_eq!(bolt.has_come(), None);
        // In order of arrival.
        for n in 3..10 {
            bolt.let_one();
            assert_eq!(bolt.comes(), format!("/{n}"));
        }
        bolt.open();
        assert_all_answered(&mut client, &ids);
        assert_eq!(server.stats().requests_refused, 0);
    });
}

#[test]
fn requests_that_have_waited_for_too_long_are_refused_and_ping_is_answered_meanwhile() {
    bounded(|| {
        let (server, bolt) = caps(2, 128, Duration::from_millis(20));
        let mut client = Client::of(&server);
        let running = [client.get("/"), client.get("/")];
        bolt.comes();
        bolt.comes();
        for _ in 0..3 {
            let waiting = client.get("/");
            client.ping();
            let reply = client.reply(waiting);
            assert_eq!((reply.reset, reply.retry_safe), (Some(ErrorCode::RefusedStream), true));
        }
        assert_eq!(server.stats().requests_refused, 3);
        assert_eq!(server.stats().requests, 2);
        bolt.open();
        assert_all_answered(&mut client, &running);
        assert_eq!(client.fetch("/").status(), Some(200));
    });
}

#[test]
fn a_connection_has_a_cap_of_its_own() {
    bounded(|| {
        let (server, bolt) = caps(100, 2, Duration::MAX);
        let mut client = Client::of(&server);
        let ids: Vec<_> = (0..5).map(|_| client.get("/mine")).collect();
        bolt.comes();
        bolt.comes();
        client.ping();
        assert_eq!(server.stats().handlers_running, 2);
        // Another connection is not affected.
        let mut other = Client::of(&server);
        let id = other.get("/other");
        assert_eq!(bolt.comes(), "/other");
        bolt.open();
        assert_all_answered(&mut client, &ids);
        assert_all_answered(&mut other, &[id]);
    });
}

#[test]
fn a_place_that_the_first_in_line_has_no_use_for_goes_to_the_next() {
    bounded(|| {
        let (server, bolt) = caps(1, 128, Duration::MAX);
        let mut clients: Vec<_> = (0..4).map(|_| Client::of(&server)).collect();
        let running = clients[0].get("/running");
        bolt.comes();
        // Three wait in line, of which the first two time out.
        let mut ids = Vec::new();
        for client in &mut clients[1..] {
            ids.push(client.get("/waits"));
            client.ping();
        }
        for (client, &id) in clients[1..3].iter_mut().zip(&ids) {
            client.reset(id, ErrorCode::Cancel);
            client.ping();
        }
        bolt.let_one();
        assert_eq!(clients[0].reply(running).status(), Some(200));
        assert_eq!(bolt.comes(), "/waits");
        bolt.open();
        assert_eq!(clients[3].reply(ids[2]).status(), Some(200));
        assert_eq!(server.stats().requests, 2);
    });
}

#[test]
fn a_connection_with_many_requests_does_not_starve_another() {
    bounded(|| {
        let (server, bolt) = caps(1, 128, Duration::MAX);
        let mut greedy = Client::of(&server);
        let ids: Vec<_> = (0..100).map(|_| greedy.get("/greedy")).collect();
        bolt.comes();
        greedy.ping();
        let mut other = Client::of(&server);
        let id = other.get("/other");
        other.ping();
        let mut before = 0;
        loop {
            bolt.let_one();
            if bolt.comes() == "/other" {
                break;
            }
            before += 1;
        }
        assert!(before <= 1, "{before} came first");
        bolt.open();
        assert_all_answered(&mut greedy, &ids);
        assert_all_answered(&mut other, &[id]);
    });
}

#[test]
fn a_request_that_is_reset_while_it_waits_never_runs() {
    bounded(|| {
        let (server, bolt) = caps(1, 128, Duration::MAX);
        let mut client = Client::of(&server);
        let running = client.get("/running");
        bolt.comes();
        for _ in 0..10 {
            let id = client.get("/reset");
            client.reset(id, ErrorCode::Cancel);
        }
        client.ping();
        bolt.let_one();
        client.reply(running);
        let last = client.get("/last");
        assert_eq!(bolt.comes(), "/last");
        bolt.open();
        assert_all_answered(&mut client, &[last]);
        assert_eq!(server.stats().requests, 2);
    });
}

#[test]
fn places_go_round_among_many_connections() {
    bounded(|| {
        let config = config(|config| {
            config.max_handlers = 3;
            config.max_handlers_per_connection = 2;
        });
        let server = serve_with(config, |_, response| {
            std::thread::yield_now();
            Ok(response.write_all(b"hello")?)
        });
        let clients: Vec<_> = (0..8).map(|_| Client::of(&server)).collect();
        std::thread::scope(|scope| {
            for mut client in clients {
                scope.spawn(move || {
                    for _ in 0..20 {
                        let ids: Vec<_> = (0..10).map(|_| client.get("/")).collect();
                        assert_all_answered(&mut client, &ids);
                    }
                });
            }
        });
        assert_eq!(server.stats().requests, 8 * 20 * 10);
        assert_eq!(server.stats().requests_refused, 0);
        eventually(|| server.stats().handlers_running == 0);
    });
}

/// A server with one permit, held by a handler that reads its body.
fn reads_its_body(max_waiting_handlers: usize) -> h2_sync::server::Handle {
    let config = config(|config| {
        config.max_handlers = 1;
        config.max_waiting_handlers = max_waiting_handlers;
        config.queue_timeout = Duration::from_millis(300);
    });
    serve_with(config, |request, response| {
        std::io::copy(request, response)?;
        Ok(())
    })
}

#[test]
fn a_handler_that_waits_for_its_peer_lends_its_place() {
    bounded(|| {
        let server = reads_its_body(1);
        let mut client = Client::of(&server);
        let waits = client.post("/");
        eventually(|| server.stats().handlers_running == 1);
        let mut other = Client::of(&server);
        // On a slow machine, some may arrive before the permit is lent.
        while other.fetch("/").status().is_none() {}
        client.send(waits, "at last", true);
        assert_eq!(client.reply(waits).text(), "at last");
        eventually(|| server.stats().handlers_running == 0);
        assert_eq!(other.fetch("/").status(), Some(200));
    });
}

#[test]
fn places_are_not_lent_where_that_is_not_wanted() {
    bounded(|| {
        let server = reads_its_body(0);
        let client = Client::of(&server);
        client.post("/");
        eventually(|| server.stats().handlers_running == 1);
        let mut other = Client::of(&server);
        for refused in 1..=3 {
            assert_eq!(other.fetch("/").reset, Some(ErrorCode::RefusedStream));
            assert_eq!(server.stats().requests_refused, refused);
        }
    });
}
