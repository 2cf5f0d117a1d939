//! The pool of HTTP/1.1 connections: reuse, limits and retries.

use std::io::{self, Read};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use h2_sync::client::{Body, CancelHandle, Client};
use h2_sync::{ErrorKind, Phase};

use crate::http1_peer::{client, config, server};
use crate::support::bounded;

#[test]
fn connection_that_the_server_has_closed_is_not_used() {
    bounded(|| {
        let (closed, is_closed) = mpsc::channel();
        let (_peer, url) = server(move |server| {
            server.accept().answer("one");
            closed.send(()).unwrap();
            server.accept().answer("two");
        });
        let client = client();
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
        is_closed.recv().unwrap();
        // It must not use the old connection, since it could not be sent twice.
        let body = Body::from_reader_with_len(&b"body"[..], 4);
        let two = client.post(&*url).body(body).send().unwrap();
        assert_eq!((two.facts().retries, two.text().unwrap().as_str()), (0, "two"));
    });
}

#[test]
fn octets_behind_a_response_are_not_another_response() {
    for extra in ["HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil", "\r\n", "x"] {
        bounded(move || {
            let (peer, url) = server(move |server| {
                let mut first = server.accept();
                first.head();
                first.write(format!("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\none{extra}"));
                let mut second = server.accept();
                second.answer("two");
                first.rest()
            });
            let client = client();
            assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
            assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "two");
            assert!(peer.join().unwrap().is_empty());
        });
    }
}

#[test]
fn server_that_says_close_is_taken_at_its_word() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut first = server.accept();
            first.head();
            first.write("HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 3\r\n\r\none");
            assert!(first.rest().is_empty());
            server.accept().answer("two");
        });
        let client = client();
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "two");
        peer.join().unwrap();
    });
}

#[test]
fn requests_at_once_have_a_connection_each_up_to_the_bound() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peers = [(); 2].map(|()| {
                let mut peer = server.accept();
                peer.head();
                peer.write("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nha");
                peer
            });
            // The bodies are read in this order, so the third request has no free connection
            // before.
            peers.iter_mut().for_each(|peer| peer.write("lf"));
            peers[0].answer("third");
        });
        let mut config = config();
        config.max_http1_connections_per_origin = 2;
        let client = Client::with_config(config).unwrap();
        let kept = [(); 2].map(|()| client.get(&*url).send().unwrap());
        let late = client.get(&*url).timeout(Duration::from_millis(50)).send().unwrap_err();
        assert!(late.is_timeout() && late.phase() == Some(Phase::Slot), "{late:?}");
        let third = {
            let (client, url) = (client.clone(), url.clone());
            thread::spawn(move || client.get(url).send().unwrap().text().unwrap())
        };
        let bodies = kept.map(|response| response.text().unwrap());
        assert_eq!(
            (bodies, third.join().unwrap().as_str()),
            (["half", "half"].map(String::from), "third")
        );
    });
}

#[test]
fn get_is_sent_again_once_when_a_used_connection_ends_before_any_octet() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut first = server.accept();
            first.answer("one");
            // Closes while the request is on its way.
            first.head();
            drop(first);
            server.accept().answer("two");
        });
        let client = client();
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
        let two = client.get(&*url).send().unwrap();
        assert_eq!((two.facts().retries, two.text().unwrap().as_str()), (1, "two"));
        peer.join().unwrap();
    });
}

#[test]
fn get_is_sent_again_once_when_a_used_connection_is_reset() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut first = server.accept();
            first.answer("one");
            first.reset();
            server.accept().answer("two");
        });
        let client = client();
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
        let two = client.get(&*url).send().unwrap();
        assert_eq!((two.facts().retries, two.text().unwrap().as_str()), (1, "two"));
        peer.join().unwrap();
    });
}

#[test]
fn request_is_not_sent_again_once_an_octet_of_a_response_has_come() {
    for octets in ["H", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 103 Early Hints\r\n\r\n"] {
        bounded(move || {
            let (_peer, url) = server(move |server| {
                let mut first = server.accept();
                first.answer("one");
                first.head();
                first.write(octets);
                drop(first);
                server.accept().answer("never");
            });
            let client = client();
            assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
            let error = client.get(&*url).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Closed, "{octets:?}: {error:?}");
        });
    }
}

#[test]
fn post_is_not_sent_again_and_neither_is_a_get_on_a_new_connection() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            server.accept().head();
            let mut second = server.accept();
            second.answer("one");
            second.head();
            drop(second);
            server.accept().answer("never");
        });
        let client = client();
        let error = client.get(&*url).send().unwrap_err();
        assert_eq!((error.kind(), error.phase()), (ErrorKind::Closed, Some(Phase::Response)));
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "one");
        assert!(client.post(&*url).body("body").send().is_err());
    });
}

#[test]
fn late_response_is_a_timeout_and_its_connection_is_closed() {
    bounded(|| {
        let (peer, url) = server(|server| {
            let mut first = server.accept();
            first.head();
            let rest = first.rest();
            server.accept().answer("two");
            rest
        });
        let client = client();
        let request = client.get(&*url).response_timeout(Duration::from_millis(50));
        let error = request.send().unwrap_err();
        assert!(error.is_timeout() && error.phase() == Some(Phase::Response), "{error:?}");
        assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "two");
        assert!(peer.join().unwrap().is_empty());
    });
}

#[test]
fn body_that_stops_coming_is_a_timeout() {
    bounded(|| {
        let (_peer, url) = server(|server| {
            let mut peer = server.accept();
            peer.head();
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
            peer.rest();
        });
        let client = client();
        let response = client.get(url).read_timeout(Duration::from_millis(50)).send().unwrap();
        let error = response.text().unwrap_err();
        assert!(error.is_timeout() && error.phase() == Some(Phase::Body), "{error:?}");
    });
}

#[test]
fn cancelling_ends_the_wait_for_a_response_and_for_its_body() {
    bounded(|| {
        let (has_request, requests) = mpsc::channel();
        let (_peer, url) = server(move |server| {
            let mut silent = server.accept();
            silent.head();
            has_request.send(()).unwrap();
            assert!(silent.rest().is_empty());
            let mut slow = server.accept();
            slow.head();
            slow.write("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
            assert!(slow.rest().is_empty());
        });
        let client = client();
        let handle = CancelHandle::new();
        let waiting = {
            let (client, url, handle) = (client.clone(), url.clone(), handle.clone());
            thread::spawn(move || client.get(url).cancel_with(&handle).send().map(drop))
        };
        requests.recv().unwrap();
        handle.cancel();
        assert!(waiting.join().unwrap().unwrap_err().is_cancelled());
        let handle = CancelHandle::new();
        let response = client.get(&*url).cancel_with(&handle).send().unwrap();
        let reading = thread::spawn(move || response.text());
        handle.cancel();
        assert!(reading.join().unwrap().unwrap_err().is_cancelled());
    });
}

#[test]
fn cancelling_a_request_that_is_over_leaves_the_connection_to_the_next() {
    bounded(|| {
        let (cancelled, is_cancelled) = mpsc::channel::<()>();
        let (has_request, requests) = mpsc::channel();
        let (_peer, url) = server(move |server| {
            let mut peer = server.accept();
            peer.answer("one");
            peer.head();
            has_request.send(()).unwrap();
            is_cancelled.recv().unwrap();
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\ntwo");
        });
        let client = client();
        let handle = CancelHandle::new();
        let mut one = client.get(&*url).cancel_with(&handle).send().unwrap();
        io::copy(&mut one, &mut io::sink()).unwrap();
        let other = {
            let (client, url) = (client.clone(), url.clone());
            thread::spawn(move || client.get(url).send().unwrap().text().unwrap())
        };
        requests.recv().unwrap();
        handle.cancel();
        cancelled.send(()).unwrap();
        assert_eq!(other.join().unwrap(), "two");
        drop(one);
    });
}

#[test]
fn response_can_be_read_after_the_client_was_dropped() {
    bounded(|| {
        let (gone, is_gone) = mpsc::channel::<()>();
        let (_peer, url) = server(move |server| {
            let mut peer = server.accept();
            peer.head();
            peer.write("HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\npart");
            is_gone.recv().unwrap();
            peer.write("rest");
        });
        let client = client();
        let mut response = client.get(url).send().unwrap();
        drop(client);
        gone.send(()).unwrap();
        let mut text = String::new();
        response.read_to_string(&mut text).unwrap();
        assert_eq!(text, "partrest");
    });
}

#[test]
fn idle_connection_is_closed_when_the_client_is_dropped_and_after_the_idle_timeout() {
    bounded(|| {
        let (peer, url) = server(|server| {
            for _ in 0..2 {
                let mut peer = server.accept();
                peer.answer("hello");
                assert!(peer.rest().is_empty());
            }
        });
        let first = client();
        first.get(&*url).send().unwrap().text().unwrap();
        drop(first);
        let mut config = config();
        config.idle_timeout = Duration::from_millis(10);
        let second = Client::with_config(config).unwrap();
        second.get(&*url).send().unwrap().text().unwrap();
        peer.join().unwrap();
    });
}
