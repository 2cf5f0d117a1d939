//! Idle connections without a thread each.

use std::io::Write;
use std::time::Duration;

use h2_sync::client;
use h2_sync::server::{Config, Handle, Response, SendHalf};
use h2_sync::{ErrorCode, Reason};

use crate::client::Client;
use crate::frames::http1::Raw;
use crate::http1::raw;
use crate::support::{LONG, bounded, config, eventually, serve_with};

const CONNECTIONS: usize = 12;

/// The thread that waits for all of them.
const POLLER: usize = 1;

/// A server whose idle threads end at once, with the greeting as its answer.
fn greeter(change: impl FnOnce(&mut Config)) -> Handle {
    let config = config(|config| {
        config.idle_thread_timeout = Duration::ZERO;
        change(config);
    });
    serve_with(config, |_, response: &mut Response| Ok(response.write_all(b"hello")?))
}

/// Connections of both versions that have had an answer, and have given their threads back.
fn idle(server: &Handle) -> (Vec<Client>, Vec<Raw>) {
    let mut clients: Vec<_> = (0..CONNECTIONS / 2).map(|_| Client::of(server)).collect();
    let mut raws: Vec<_> = (0..CONNECTIONS / 2).map(|_| raw(server)).collect();
    clients.iter_mut().for_each(|client| assert_eq!(client.fetch("/").text(), "hello"));
    raws.iter_mut().for_each(|raw| assert_eq!(raw.get("/").text(), "hello"));
    eventually(|| server.stats().threads == POLLER);
    (clients, raws)
}

#[test]
fn idle_connections_give_their_threads_back_and_are_served_again() {
    bounded(|| {
        let server = greeter(|_| ());
        let (mut clients, mut raws) = idle(&server);
        for _ in 0..2 {
            clients.iter_mut().for_each(|client| assert_eq!(client.fetch("/").text(), "hello"));
            raws.iter_mut().for_each(|raw| assert_eq!(raw.get("/").text(), "hello"));
            eventually(|| server.stats().threads == POLLER);
        }
        assert_eq!(server.stats().connections, CONNECTIONS);
        drop((clients, raws));
        eventually(|| server.stats().connections == 0);
        eventually(|| server.stats().threads == 0);
    });
}

#[test]
fn idle_connection_answers_a_ping() {
    bounded(|| {
        let server = greeter(|_| ());
        let (mut clients, _raws) = idle(&server);
        clients.iter_mut().for_each(Client::ping);
    });
}

#[test]
fn idle_connections_receive_goaway_at_shutdown() {
    bounded(|| {
        let server = greeter(|_| ());
        let (mut clients, mut raws) = idle(&server);
        let cut = server.shutdown(LONG);
        assert_eq!((cut.connections, cut.requests), (0, 0));
        for client in &mut clients {
            let reason = client.until_closed();
            let is_told = matches!(reason, Reason::Peer { goaway: Some(ErrorCode::NoError), .. });
            assert!(is_told, "{reason:?}");
        }
        raws.iter_mut().for_each(Raw::assert_closed);
        eventually(|| server.stats().threads == 0);
    });
}

#[test]
fn idle_connections_end_with_a_server_that_does_not_wait() {
    bounded(|| {
        let server = greeter(|_| ());
        let (mut clients, mut raws) = idle(&server);
        server.shutdown(Duration::ZERO);
        clients.iter_mut().for_each(|client| drop(client.until_closed()));
        raws.iter_mut().for_each(Raw::assert_closed);
        eventually(|| server.stats().threads == 0);
    });
}

#[test]
fn idle_timeout_ends_connections_without_a_thread() {
    bounded(|| {
        let server =
            greeter(|config| config.http2.idle_timeout = Some(Duration::from_millis(1_500)));
        let (mut clients, mut raws) = idle(&server);
        clients.iter_mut().for_each(|client| drop(client.until_closed()));
        raws.iter_mut().for_each(Raw::assert_closed);
        eventually(|| server.stats().connections == 0);
        eventually(|| server.stats().threads == 0);
    });
}

#[test]
fn half_of_an_idle_connection_sends_without_a_thread_of_its_own() {
    bounded(|| {
        let (sender, halves) = crossbeam_channel::unbounded::<SendHalf>();
        let config = config(|config| config.idle_thread_timeout = Duration::ZERO);
        let server = serve_with(config, move |request, response| {
            let (_, half) = response.split(request)?;
            Ok(sender.send(half)?)
        });
        let mut client = Client::of(&server);
        let id = client.get("/");
        let mut half = halves.recv_timeout(LONG).unwrap();
        eventually(|| server.stats().threads == POLLER);
        half.try_send("one").unwrap();
        client.until_body(id, b"one");
        eventually(|| server.stats().threads == POLLER);
        half.send("two").unwrap();
        client.until_body(id, b"onetwo");
        client.reset(id, ErrorCode::Cancel);
        eventually(|| half.try_send("three").is_err());
    });
}

/// A pooled client reads only while one of its threads waits.
#[test]
fn shutdown_ends_an_idle_connection_whose_client_does_not_read() {
    bounded(|| {
        let server = greeter(|_| ());
        let config = client::Config::default().with(|config| config.prior_knowledge = true);
        let client = client::Client::with_config(config).unwrap();
        let url = format!("http://{}/", server.local_addr().unwrap());
        assert_eq!(client.get(&url).send().unwrap().text().unwrap(), "hello");
        eventually(|| server.stats().threads == POLLER);
        assert_eq!(server.shutdown(LONG).requests, 0);
        eventually(|| server.stats().threads == 0);
    });
}
