//! Requests that wait for a connection with a free slot.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use h2_sync::client::{Body, Client, Proxies, Proxy};
use h2_sync::frame::{Frame, Setting, Settings};
use h2_sync::{ErrorCode, server};

use crate::frames::eventually;
use crate::peer::{Peer, listener};
use crate::support::{LONG, bounded, client, config, serve, serve_with};

const SHORT: Duration = Duration::from_millis(20);

/// A proxy that opens its first `open` tunnels when `may_open` allows; the others hang.
struct Tunnels {
    address: String,
    begun: Arc<AtomicUsize>,
    may_open: mpsc::Sender<()>,
}

fn tunnels(open: usize) -> Tunnels {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let begun = Arc::new(AtomicUsize::new(0));
    let (may_open, opens) = mpsc::channel();
    let count = Arc::clone(&begun);
    thread::spawn(move || {
        let mut hanging = Vec::new();
        for near in listener.incoming() {
            let mut near = near.unwrap();
            if count.fetch_add(1, Ordering::SeqCst) >= open {
                hanging.push(near);
                continue;
            }
            let target = connect_target(&mut near);
            if opens.recv().is_err() {
                return;
            }
            near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").unwrap();
            relay(near, TcpStream::connect(target).unwrap());
        }
    });
    Tunnels { address, begun, may_open }
}

/// Reads a CONNECT request, and returns its target.
fn connect_target(near: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut octet = [0];
        near.read_exact(&mut octet).unwrap();
        head.push(octet[0]);
    }
    let head = String::from_utf8(head).unwrap();
    head.split(' ').nth(1).unwrap().to_owned()
}

fn relay(near: TcpStream, far: TcpStream) {
    let (mut near_reads, mut far_writes) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    thread::spawn(move || drop(io::copy(&mut near_reads, &mut far_writes)));
    let (mut near, mut far) = (near, far);
    thread::spawn(move || drop(io::copy(&mut far, &mut near)));
}

fn through(tunnels: &Tunnels, change: impl FnOnce(&mut h2_sync::client::Config)) -> Client {
    let mut config = config();
    config.proxies = Proxies::All(Proxy::parse(&format!("http://{}", tunnels.address)).unwrap());
    config.connect_timeout = LONG;
    change(&mut config);
    Client::with_config(config).unwrap()
}

#[test]
fn requests_take_turns_on_one_stream_while_further_connections_hang() {
    bounded(|| {
        let mut limits = server::Config::default();
        limits.http2.max_concurrent_streams = 1;
        let server = serve_with(limits, |_, response| response.write_all(b"hello"));
        let tunnels = tunnels(1);
        tunnels.may_open.send(()).unwrap();
        let client = through(&tunnels, |_| {});
        let threads: Vec<_> = (0..3)
            .map(|_| {
                let (client, url) = (client.clone(), server.at("/"));
                thread::spawn(move || {
                    for _ in 0..4 {
                        let response = client.get(&*url).send().unwrap();
                        assert_eq!(response.text().unwrap(), "hello");
                    }
                })
            })
            .collect();
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(server.handle.stats().connections_accepted, 1);
    });
}

#[test]
fn a_connection_being_made_outlives_the_requests_that_gave_up() {
    bounded(|| {
        let server = serve(|_, response| response.write_all(b"hello"));
        let tunnels = tunnels(1);
        let client = through(&tunnels, |_| {});
        for _ in 0..3 {
            let error = client.get(server.at("/")).timeout(SHORT).send().unwrap_err();
            assert!(error.is_timeout() && error.is_retry_safe(), "{error}");
        }
        tunnels.may_open.send(()).unwrap();
        assert_eq!(client.get(server.at("/")).send().unwrap().text().unwrap(), "hello");
        assert_eq!(tunnels.begun.load(Ordering::SeqCst), 1);
    });
}

/// Sends a request on a thread of its own, which returns the status.
fn get(client: &Client, url: &str) -> thread::JoinHandle<u16> {
    let (client, url) = (client.clone(), url.to_owned());
    thread::spawn(move || client.get(url).send().unwrap().status().as_u16())
}

#[test]
fn a_request_takes_the_stream_that_is_free_first_on_any_connection() {
    bounded(|| {
        let (listener, url) = listener();
        let mut config = config();
        config.max_connections_per_origin = 2;
        let client = Client::with_config(config).unwrap();
        let one_stream = || vec![Setting::MaxConcurrentStreams(1)];
        let warm = get(&client, &url);
        let mut first = Peer::accept_with(&listener, one_stream());
        let (id, _) = first.receive_headers();
        first.answer(id, 200, "");
        assert_eq!(warm.join().unwrap(), 200);

        let one = get(&client, &url);
        let (busy, _) = first.receive_headers();
        let other = get(&client, &url);
        let mut second = Peer::accept_with(&listener, one_stream());
        let (id, _) = second.receive_headers();
        let waiting = get(&client, &url);
        second.answer(id, 200, "");
        // The first connection is still busy.
        let (id, _) = second.receive_headers();
        second.answer(id, 200, "");
        assert_eq!((other.join().unwrap(), waiting.join().unwrap()), (200, 200));
        first.answer(busy, 200, "");
        assert_eq!(one.join().unwrap(), 200);
    });
}

#[test]
fn a_reader_waits_for_the_limits_of_a_new_connection() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let post = |client: &Client| {
            let (client, url) = (client.clone(), url.clone());
            thread::spawn(move || {
                let body = Body::from_reader(io::Cursor::new("once"));
                client.post(url).body(body).send().unwrap().status().as_u16()
            })
        };
        let first = post(&client);
        let mut peer = Peer::accept_silent(&listener);
        // SETTINGS arrive first, their acknowledgement later.
        peer.acknowledges = false;
        let (one, _) = peer.receive_headers();
        let second = post(&client);
        // The request might be refused there, so the client waits for the limits, with a PING.
        let payload = peer.until(|frame| match frame {
            Frame::Ping(ping) => Some(ping.payload),
            Frame::Headers(_) => panic!("the limits are not known"),
            _ => None,
        });
        peer.send(Settings { ack: false, entries: vec![Setting::MaxConcurrentStreams(2)] });
        peer.send(Settings { ack: true, entries: Vec::new() });
        peer.send(h2_sync::frame::Ping { ack: true, payload });
        let (other, _) = peer.receive_headers();
        peer.answer(one, 200, "");
        peer.answer(other, 200, "");
        assert_eq!((first.join().unwrap(), second.join().unwrap()), (200, 200));
    });
}

#[test]
fn idle_connections_are_bounded_over_all_origins() {
    bounded(|| {
        let servers: Vec<_> = (0..8).map(|_| serve(|_, _| Ok(()))).collect();
        let mut config = config();
        config.max_idle_connections = 3;
        let client = Client::with_config(config).unwrap();
        for server in &servers {
            assert_eq!(client.get(server.at("/")).send().unwrap().status(), 200);
        }
        eventually(|| client.connections().len() <= 3);
        // The last one is still remembered.
        let last = servers.last().unwrap();
        assert!(client.get(last.at("/")).send().unwrap().facts().is_reused());
    });
}

#[test]
fn a_connection_that_refuses_everything_is_retired() {
    bounded(|| {
        let (listener, url) = listener();
        let client = client();
        let warm = get(&client, &url);
        let mut first = Peer::accept(&listener);
        let (id, _) = first.receive_headers();
        first.answer(id, 200, "");
        warm.join().unwrap();
        let asking = thread::spawn(move || client.get(url).send().unwrap().facts().retries);
        for _ in 0..3 {
            let (id, _) = first.receive_headers();
            first.reset(id, ErrorCode::RefusedStream);
        }
        let mut second = Peer::accept(&listener);
        let (id, _) = second.receive_headers();
        second.answer(id, 200, "");
        assert_eq!(asking.join().unwrap(), 3);
    });
}
