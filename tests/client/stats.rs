//! What the statistics of a client count.

use std::io::Write;
use std::thread;

use h2_sync::ErrorCode;
use h2_sync::client::Client;

use crate::frames::eventually;
use crate::peer::{Peer, listener};
use crate::support::{LONG, bounded, client, config, serve};

#[test]
fn connections_are_counted_by_state() {
    bounded(|| {
        let server = serve(|request, response| match request.path() {
            "/waits" => {
                request.wait_cancelled(LONG);
                Ok(())
            }
            _ => response.write_all(b"hello"),
        });
        let client = client();
        assert_eq!(client.stats(), Default::default());
        client.get(server.at("/")).send().unwrap().text().unwrap();
        let stats = client.stats();
        assert_eq!((stats.connections_idle, stats.connections_active), (1, 0));
        assert_eq!((stats.attempts, stats.attempts_running, stats.attempts_failed), (1, 0, 0));
        assert_eq!((stats.requests, stats.wait_time.count()), (1, 1));
        assert!(!stats.wait_time.sum().is_zero());

        let halves = client.open(http::Request::get(server.at("/waits")).body(()).unwrap());
        eventually(|| client.stats().connections_active == 1);
        assert_eq!(client.stats().connections_idle, 0);
        drop(halves);
        eventually(|| client.stats().connections_idle == 1);
        assert_eq!((client.stats().requests, client.stats().requests_failed), (2, 0));
    });
}

#[test]
fn failed_attempts_and_requests_are_counted() {
    bounded(|| {
        let (listener, url) = listener();
        drop(listener);
        let mut config = config();
        config.max_retries = 0;
        let client = Client::with_config(config).unwrap();
        client.get(url).send().unwrap_err();
        let stats = client.stats();
        assert_eq!((stats.requests, stats.requests_failed, stats.retries), (1, 1, 0));
        assert_eq!(stats.attempts, stats.attempts_failed);
        assert!(stats.attempts > 0);
        assert_eq!((stats.requests_waiting, stats.wait_time.count()), (0, 0));
    });
}

#[test]
fn retries_are_counted() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let sending = thread::spawn({
            let client = client.clone();
            move || client.get(url).send().unwrap().text().unwrap()
        });
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        peer.reset(stream_id, ErrorCode::RefusedStream);
        let (stream_id, _) = peer.receive_headers();
        peer.answer(stream_id, 200, "hello");
        assert_eq!(sending.join().unwrap(), "hello");
        let stats = client.stats();
        assert_eq!((stats.requests, stats.retries, stats.requests_failed), (1, 1, 0));
    });
}
