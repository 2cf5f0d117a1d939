//! Connections that have ended, are draining, or may be dead.

use std::io::Read;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use h2_sync::client::Client;
use h2_sync::frame::Frame;
use h2_sync::{ErrorCode, StreamId, headers};

use crate::peer::{Peer, listener};
use crate::support::{LONG, bounded, client, config};

const SHORT: Duration = Duration::from_millis(50);

/// Sends two requests in a row, where the first server calls `end` after the first answer. Neither
/// request may be sent twice.
fn after_the_first_answer(end: impl FnOnce(&mut Peer, StreamId) + Send + 'static) {
    let (listener, url) = listener();
    let mut config = config();
    config.max_retries = 0;
    let client = Client::with_config(config).unwrap();
    let (ended, has_ended) = mpsc::channel();
    let serving = thread::spawn(move || {
        let mut first = Peer::accept(&listener);
        let (id, _) = first.receive_headers();
        first.answer(id, 200, "");
        end(&mut first, id);
        ended.send(()).unwrap();
        let mut second = Peer::accept(&listener);
        let (id, _) = second.receive_headers();
        second.answer(id, 200, "");
        first
    });
    assert_eq!(client.post(&*url).body("one").send().unwrap().status(), 200);
    has_ended.recv().unwrap();
    let response = client.post(&*url).body("two").send().unwrap();
    assert!(!response.facts().is_reused());
    drop(serving.join().unwrap());
}

#[test]
fn a_connection_that_the_server_has_closed_is_not_used_again() {
    bounded(|| after_the_first_answer(|peer, _| peer.shut()));
}

#[test]
fn a_goaway_that_has_come_is_noticed_before_the_next_request() {
    bounded(|| after_the_first_answer(|peer, id| peer.goaway(id, ErrorCode::NoError)));
}

#[test]
fn a_dead_connection_fails_only_the_request_that_found_it() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.verify_timeout = SHORT;
        // It applies to PINGs of `keepalive_interval`, which is not set.
        config.http2.keepalive_timeout = SHORT;
        let client = Client::with_config(config).unwrap();
        let (asking, there) = (client.clone(), url.clone());
        let warm = thread::spawn(move || asking.get(there).send().unwrap().status());
        let mut silent = Peer::accept(&listener);
        let (id, _) = silent.receive_headers();
        silent.answer(id, 200, "");
        assert_eq!(warm.join().unwrap(), 200);
        let (patient, there) = (client.clone(), url.clone());
        let under_way = thread::spawn(move || patient.get(there).send().unwrap().text().unwrap());
        // Reads, but sends nothing.
        let (first, _) = silent.receive_headers();
        let (impatient, there) = (client.clone(), url.clone());
        let error = thread::spawn(move || impatient.get(there).timeout(SHORT).send().unwrap_err());
        assert!(error.join().unwrap().is_timeout());
        // The pool sends a PING by itself, and later requests use another connection.
        silent.until(|frame| matches!(frame, Frame::Ping(ping) if !ping.ack).then_some(()));
        let (next, there) = (client.clone(), url);
        let next = thread::spawn(move || next.get(there).timeout(LONG).send().unwrap().status());
        let mut other = Peer::accept(&listener);
        let (id, _) = other.receive_headers();
        other.answer(id, 200, "");
        assert_eq!(next.join().unwrap(), 200);
        // The request in progress has its own timeout.
        silent.answer(first, 200, "late");
        assert_eq!(under_way.join().unwrap(), "late");
    });
}

#[test]
fn a_connection_that_goes_away_is_read_until_its_last_response_has_ended() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let asking = client.clone();
        let response = thread::spawn(move || asking.get(url).send().unwrap());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        let mut response = response.join().unwrap();
        peer.goaway(id, ErrorCode::NoError);
        // No thread waits for the response.
        peer.ping(b"are you?");
        peer.until_pong(b"are you?");
        peer.send_data(id, "all of it", true);
        let mut text = String::new();
        response.read_to_string(&mut text).unwrap();
        assert_eq!(text, "all of it");
        drop(response);
        peer.until_cut();
        assert!(client.connections().is_empty());
    });
}
