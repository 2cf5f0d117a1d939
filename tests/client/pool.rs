//! The pool: connections that are kept, shared, probed and abandoned.

use std::io::{self, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Client, ConnectHook};
use h2_sync::frame::Setting;
use h2_sync::headers;

use crate::frames::eventually;
use crate::peer::{Peer, listener};
use crate::support::{LONG, bounded, client, config, serve};

#[test]
fn threads_share_one_attempt_and_one_connection() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let client = client();
        let start = Arc::new(Barrier::new(16));
        let threads: Vec<_> = (0..16)
            .map(|_| {
                let (client, start, url) = (client.clone(), Arc::clone(&start), server.at("/"));
                thread::spawn(move || {
                    start.wait();
                    client.get(url).send().unwrap().text().unwrap()
                })
            })
            .collect();
        for thread in threads {
            assert_eq!(thread.join().unwrap(), "hello");
        }
        assert_eq!(client.connections().len(), 1);
        assert_eq!(server.handle.stats().connections_accepted, 1);
    });
}

#[test]
fn each_origin_has_its_connection() {
    bounded(|| {
        let one = serve(|_, response| response.write_all(b"one"));
        let other = serve(|_, response| response.write_all(b"other"));
        let client = client();
        assert_eq!(client.get(one.at("/")).send().unwrap().text().unwrap(), "one");
        assert_eq!(client.get(other.at("/")).send().unwrap().text().unwrap(), "other");
        assert_eq!(client.connections().len(), 2);
    });
}

/// Lets the client see the settings of a peer that offers one stream, and leaves that stream free.
fn warm_up(client: &Client, url: &str, listener: &std::net::TcpListener) -> Peer {
    let (sender, url) = (client.clone(), url.to_owned());
    let sending = thread::spawn(move || sender.get(url).send().unwrap().status());
    let mut peer = Peer::accept_with(listener, vec![Setting::MaxConcurrentStreams(1)]);
    let (id, _) = peer.receive_headers();
    peer.answer(id, 200, "");
    sending.join().unwrap();
    peer
}

#[test]
fn a_second_connection_is_made_when_the_first_has_no_stream_left() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let mut first = warm_up(&client, &url, &listener);
        let requests: Vec<_> = (0..2)
            .map(|_| {
                let (client, url) = (client.clone(), url.clone());
                thread::spawn(move || client.get(url).send().unwrap().status())
            })
            .collect();
        let (id, _) = first.receive_headers();
        let mut second = Peer::accept(&listener);
        let (other, _) = second.receive_headers();
        first.answer(id, 200, "");
        second.answer(other, 200, "");
        for request in requests {
            assert_eq!(request.join().unwrap(), 200);
        }
        assert_eq!(client.connections().len(), 2);
    });
}

#[test]
fn with_one_connection_allowed_requests_wait_for_a_stream() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.max_connections_per_origin = 1;
        let client = Client::with_config(config).unwrap();
        let mut peer = warm_up(&client, &url, &listener);
        let requests: Vec<_> = (0..4)
            .map(|_| {
                let (client, url) = (client.clone(), url.clone());
                thread::spawn(move || client.get(url).send().unwrap().status())
            })
            .collect();
        for _ in 0..4 {
            let (id, _) = peer.receive_headers();
            peer.answer(id, 200, "");
        }
        for request in requests {
            assert_eq!(request.join().unwrap(), 200);
        }
        assert_eq!(client.connections().len(), 1);
    });
}

#[test]
fn after_goaway_the_next_request_goes_over_a_new_connection() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let requester = client.clone();
        let requests = thread::spawn(move || {
            let first = requester.get(&*url).send().unwrap();
            let second = requester.get(&*url).send().unwrap();
            (first.text().unwrap(), second.text().unwrap())
        });
        let mut first = Peer::accept(&listener);
        let (id, _) = first.receive_headers();
        first.goaway(id, h2_sync::ErrorCode::NoError);
        first.send_headers(id, &h2_sync::headers!(":status" => "200"), false);
        let mut second = Peer::accept(&listener);
        let (other, _) = second.receive_headers();
        second.answer(other, 200, "second");
        // Streams that are open on the first connection finish.
        first.send_data(id, "first", true);
        assert_eq!(requests.join().unwrap(), ("first".to_owned(), "second".to_owned()));
        assert!(first.until_goes_away());
    });
}

#[test]
fn idle_connection_answers_pings_and_notices_the_end() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let mut peer = warm_up(&client, &url, &listener);
        peer.ping(b"are you?");
        peer.until_pong(b"are you?");
        drop(peer);
        let deadline = Instant::now() + LONG;
        while !client.connections().is_empty() {
            assert!(Instant::now() < deadline);
            thread::yield_now();
        }
    });
}

#[test]
fn a_connection_without_requests_is_closed_after_its_time() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.idle_timeout = Duration::ZERO;
        let client = Client::with_config(config).unwrap();
        let mut peer = warm_up(&client, &url, &listener);
        assert!(peer.until_goes_away());
        assert!(client.connections().is_empty());
    });
}

#[test]
fn a_connection_that_was_idle_is_proven_before_it_is_used() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.verify_after = Duration::ZERO;
        config.verify_timeout = LONG;
        let client = Client::with_config(config).unwrap();
        let mut peer = warm_up(&client, &url, &listener);
        let requester = client.clone();
        let request =
            thread::spawn(move || requester.get(&*url).send().unwrap().facts().is_reused());
        peer.answer_ping();
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "");
        assert!(request.join().unwrap());
    });
}

#[test]
fn a_dead_connection_costs_no_request() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.verify_after = Duration::ZERO;
        config.verify_timeout = Duration::from_millis(10);
        let client = Client::with_config(config).unwrap();
        // It falls silent with an open socket.
        let _dead = warm_up(&client, &url, &listener);
        let requester = client.clone();
        let request =
            thread::spawn(move || requester.get(&*url).send().unwrap().facts().is_reused());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "");
        assert!(!request.join().unwrap());
        assert_eq!(client.connections().len(), 1);
    });
}

#[test]
fn a_busy_connection_whose_answer_stands_behind_data_is_not_taken_for_dead() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.verify_after = Duration::ZERO;
        config.verify_timeout = Duration::from_millis(100);
        let client = Client::with_config(config).unwrap();
        let (sender, there) = (client.clone(), url.clone());
        let first = thread::spawn(move || sender.get(&*there).send().unwrap());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &headers!(":status" => "200"), false);
        let first = first.join().unwrap();
        // It is read during the wait for the answer to the PING.
        peer.send_data(id, "body", true);
        let sender = client.clone();
        let second = thread::spawn(move || sender.get(&*url).send().unwrap().facts().is_reused());
        let (id, _) = peer.receive_headers();
        peer.answer(id, 200, "");
        assert!(second.join().unwrap());
        assert_eq!(first.text().unwrap(), "body");
    });
}

#[test]
fn waiters_for_one_attempt_share_its_failure() {
    bounded(|| {
        // It accepts nothing, and its queue is full.
        let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = client();
        let start = Arc::new(Barrier::new(8));
        let failed = Arc::new(AtomicUsize::new(0));
        let threads: Vec<_> = (0..8)
            .map(|_| {
                let (client, start, failed) =
                    (client.clone(), Arc::clone(&start), Arc::clone(&failed));
                thread::spawn(move || {
                    start.wait();
                    let error = client.get(format!("http://{closed}/")).send().unwrap_err();
                    assert!(error.to_string().contains("connecting to"), "{error}");
                    failed.fetch_add(1, Ordering::Relaxed);
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(failed.load(Ordering::Relaxed), 8);
    });
}

#[test]
fn dropping_the_client_goes_away_and_leaves_time_to_finish() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let requester = client.clone();
        let request = thread::spawn(move || requester.get(&*url).send().unwrap());
        let mut peer = Peer::accept(&listener);
        let (id, _) = peer.receive_headers();
        peer.send_headers(id, &h2_sync::headers!(":status" => "200"), false);
        let response = request.join().unwrap();
        drop(client);
        peer.send_data(id, "all of it", true);
        assert_eq!(response.text().unwrap(), "all of it");
        assert!(peer.until_goes_away());
    });
}

#[test]
fn silently_closed_connection_does_not_fail_the_next_request() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let (read, has_read) = mpsc::channel();
        let answering = thread::spawn(move || {
            for _ in 0..2 {
                let mut peer = Peer::accept(&listener);
                let (id, _) = peer.receive_headers();
                peer.answer(id, 200, "fine");
                // Closes the socket after the answer was read, without GOAWAY.
                has_read.recv().unwrap();
            }
        });
        for _ in 0..2 {
            assert_eq!(client.get(&*url).send().unwrap().text().unwrap(), "fine");
            read.send(()).unwrap();
        }
        answering.join().unwrap();
    });
}

/// A stream whose writes block while the gate is shut.
struct Gated(TcpStream, Arc<(Mutex<bool>, Condvar)>);

impl Write for Gated {
    fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
        let (is_shut, opens) = &*self.1;
        drop(opens.wait_while(is_shut.lock().unwrap(), |is_shut| *is_shut).unwrap());
        self.0.write(octets)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[test]
fn dropping_a_client_does_not_wait_for_writes_that_block() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let address = server.handle.local_addr().unwrap();
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let mut config = config();
        let of_writes = Arc::clone(&gate);
        config.connect_hook = Some(ConnectHook::new(move |_| {
            let stream = TcpStream::connect(address)?;
            Ok((stream.try_clone()?, Gated(stream, Arc::clone(&of_writes))))
        }));
        let client = Client::with_config(config).unwrap();
        for origin in 0..8 {
            let response = client.get(format!("http://host-{origin}.invalid/")).send().unwrap();
            assert_eq!(response.text().unwrap(), "hello");
        }
        *gate.0.lock().unwrap() = true;
        // Another thread writes GOAWAY, and blocks.
        drop(client);
        *gate.0.lock().unwrap() = false;
        gate.1.notify_all();
        eventually(|| server.handle.stats().connections == 0);
    });
}
