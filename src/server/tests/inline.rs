//! Requests that the polling thread answers itself.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::super::{Config, Handle, Request, Response, Server};
use super::LONG;
use crate::frame::PREFACE;

/// SETTINGS, the acknowledgement of those of the server, and the priming of a request.
const SETTINGS: &[u8] = b"\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0";

/// HEADERS with END_STREAM and END_HEADERS of this stream: GET, http, and a path.
fn headers(id: u8, path: &str) -> Vec<u8> {
    let mut block = vec![0x82, 0x86, 0x04, path.len() as u8];
    block.extend(path.as_bytes());
    block.extend(b"\x41\x01x");
    let mut frame = vec![0, 0, block.len() as u8, 1, 5, 0, 0, 0, id];
    frame.extend(block);
    frame
}

/// A client of either version.
struct Client {
    stream: TcpStream,
    /// The stream of the next request, in HTTP/2.
    next: Option<u8>,
}

impl Client {
    fn new(server: &Handle, is_http2: bool) -> Self {
        let mut stream = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        stream.set_read_timeout(Some(LONG)).unwrap();
        if is_http2 {
            stream.write_all(&[PREFACE, SETTINGS].concat()).unwrap();
        }
        Client { stream, next: is_http2.then_some(1) }
    }

    fn send(&mut self, path: &str) {
        let request = match &mut self.next {
            Some(id) => {
                *id += 2;
                headers(*id - 2, path)
            }
            None => format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").into_bytes(),
        };
        self.stream.write_all(&request).unwrap();
    }

    /// Reads up to the end of the response.
    fn receive(&mut self) {
        let mut last = Vec::new();
        while !last.ends_with(b"hello") {
            let mut octet = [0];
            self.stream.read_exact(&mut octet).unwrap();
            last.push(octet[0]);
        }
    }
}

/// A server that tells the threads of its handlers, which wait for a word at `/slow`.
fn server() -> (Handle, Receiver<ThreadId>, Sender<()>) {
    let ((threads, ran), (open, gate)) = (channel(), channel::<()>());
    let (threads, gate) = (Mutex::new(threads), Mutex::new(gate));
    let handler = move |request: &mut Request, response: &mut Response| {
        threads.lock().unwrap().send(thread::current().id()).unwrap();
        if request.path() == "/slow" {
            let _ = gate.lock().unwrap().recv();
        }
        response.send("hello")
    };
    let config = Config::default().with(|config| config.idle_thread_timeout = Duration::ZERO);
    let server = Server::bind("127.0.0.1:0").unwrap().config(config).serve(handler).unwrap();
    (server, ran, open)
}

/// Connections of both versions that wait without threads, after a request each.
fn idle(server: &Handle, ran: &Receiver<ThreadId>) -> Vec<Client> {
    let mut clients: Vec<_> = (0..8).map(|n| Client::new(server, n % 2 == 0)).collect();
    for client in &mut clients {
        client.send("/");
        client.receive();
        ran.recv_timeout(LONG).unwrap();
    }
    let began = Instant::now();
    // The one that polls.
    while server.engine.pool.threads() != 1 {
        assert!(began.elapsed() < LONG);
        thread::yield_now();
    }
    clients
}

#[test]
fn polling_thread_answers_requests_of_both_versions() {
    let (server, ran, _open) = server();
    // No tick, so that no thread is replaced on a slow machine.
    server.engine.clock.close();
    let mut clients = idle(&server, &ran);
    let mut threads = Vec::new();
    for _ in 0..3 {
        for client in &mut clients {
            client.send("/");
            client.receive();
            threads.push(ran.recv_timeout(LONG).unwrap());
        }
    }
    assert!(threads.iter().all(|thread| *thread == threads[0]), "{threads:?}");
    assert_eq!(server.stats().threads, 1);
}

#[test]
fn handler_that_blocks_the_polling_thread_delays_no_other_connection() {
    for slow in [0, 1] {
        let (server, ran, open) = server();
        let mut clients = idle(&server, &ran);
        clients[slow].send("/slow");
        let blocked = ran.recv_timeout(LONG).unwrap();
        for _ in 0..2 {
            for client in &mut clients[2..] {
                client.send("/");
                client.receive();
                assert_ne!(ran.recv_timeout(LONG).unwrap(), blocked);
            }
        }
        open.send(()).unwrap();
        clients[slow].receive();
    }
}

#[test]
fn request_in_pieces_does_not_block_the_polling_thread() {
    let (server, ran, _open) = server();
    server.engine.clock.close();
    let mut clients = idle(&server, &ran);
    clients[1].stream.write_all(b"GET / HT").unwrap();
    clients[0].stream.write_all(&headers(3, "/")[..12]).unwrap();
    for client in &mut clients[2..] {
        client.send("/");
        client.receive();
        ran.recv_timeout(LONG).unwrap();
    }
    clients[1].stream.write_all(b"TP/1.1\r\nhost: x\r\n\r\n").unwrap();
    clients[1].receive();
    clients[0].stream.write_all(&headers(3, "/")[12..]).unwrap();
    clients[0].receive();
}

#[test]
fn end_of_a_connection_does_not_block_the_polling_thread() {
    let (server, ran, _open) = server();
    server.engine.clock.close();
    let mut clients = idle(&server, &ran);
    // The server waits for its end.
    let last = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    clients[1].stream.write_all(last).unwrap();
    clients[1].receive();
    ran.recv_timeout(LONG).unwrap();
    for client in &mut clients[2..] {
        client.send("/");
        client.receive();
        ran.recv_timeout(LONG).unwrap();
    }
    clients[1].stream.read_to_end(&mut Vec::new()).unwrap();
}

#[test]
fn handlers_on_idle_connections_run_at_the_same_time() {
    let (server, ran, open) = server();
    let mut clients = idle(&server, &ran);
    clients[..4].iter_mut().for_each(|client| client.send("/slow"));
    let mut threads: Vec<_> = (0..4).map(|_| ran.recv_timeout(LONG).unwrap()).collect();
    threads.dedup();
    assert_eq!(threads.len(), 4);
    (0..4).for_each(|_| open.send(()).unwrap());
    clients[..4].iter_mut().for_each(Client::receive);
}

#[test]
fn only_busy_connection_gets_a_thread() {
    for busy in [0, 1] {
        let (server, ran, _open) = server();
        // No tick, so that no thread is replaced.
        server.engine.clock.close();
        let mut clients = idle(&server, &ran);
        let mut ask = || {
            clients[busy].send("/");
            clients[busy].receive();
            ran.recv_timeout(LONG).unwrap()
        };
        let (polls, began) = (ask(), Instant::now());
        while ask() == polls {
            assert!(began.elapsed() < LONG);
        }
    }
}
