//! A server whose idle connections, of both versions, wait without threads.

use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use modelled_std::model::{self, Time};

use super::peer::{self, request};
use super::server::{Answers, assert_ended, config, connect, end, serve, wait};
use super::text;
use crate::error::Error;
use crate::frame::StreamId;
use crate::server::{Config, Handle, Request, Response};

const MS: Duration = Duration::from_millis(1);

/// After this time, an idle connection is left to the poller.
const IDLE: Duration = Duration::from_millis(201);

/// Longer than a few ticks, and shorter than the timeouts that could make up for a lost wake-up.
const SOON: Duration = Duration::from_millis(50);

/// A client's connection, on which requests follow one another.
enum Client {
    Http2(Box<peer::Peer>, StreamId),
    Http1(text::Peer),
}

impl Client {
    fn connect(address: SocketAddr, is_http2: bool) -> Self {
        if is_http2 {
            Client::Http2(Box::new(connect(address)), StreamId::CONNECTION)
        } else {
            Client::Http1(text::Peer::new(TcpStream::connect(address).unwrap()))
        }
    }

    /// Sends a request. Ignores an ended connection.
    fn send(&mut self, path: &str) {
        match self {
            Client::Http2(peer, id) => {
                if let Ok(new) = peer.core.open(&request(path), true, Instant::now()) {
                    *id = new;
                    peer.write();
                }
            }
            Client::Http1(peer) => peer.send(&format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n")),
        }
    }

    /// Sends the head of a request whose body has nine octets.
    fn send_head(&mut self) {
        match self {
            Client::Http2(peer, id) => {
                let fields = crate::headers!(
                    ":method" => "POST", ":scheme" => "http", ":authority" => "a.example",
                    ":path" => "/body"
                );
                *id = peer.core.open(&fields, false, Instant::now()).unwrap();
                peer.write();
            }
            Client::Http1(peer) => {
                peer.send("POST /body HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\n");
            }
        }
    }

    fn send_body(&mut self) {
        match self {
            Client::Http2(peer, id) => {
                peer.core.send_data(*id, vec![7; 9].into(), true, Instant::now()).unwrap();
                peer.write();
            }
            Client::Http1(peer) => peer.send("123456789"),
        }
    }

    /// Returns the body of the answer, or `None` if the connection has ended.
    fn receive(&mut self) -> Option<String> {
        match self {
            Client::Http2(peer, id) => {
                let mut answers = Answers::new();
                wait(peer, &mut answers, &[*id]);
                answers.remove(id).flatten()
            }
            Client::Http1(peer) => peer.body(),
        }
    }

    fn ask(&mut self, path: &str) {
        self.send(path);
        assert_eq!(self.receive().as_deref(), Some(path));
    }

    /// Like `ask` on a connection that may end meanwhile.
    fn may_ask(&mut self, path: &str) {
        self.send(path);
        let answer = self.receive();
        assert!(answer.as_ref().is_none_or(|answer| answer == path), "{answer:?}");
    }
}

/// Handlers that wait for one another at `/meet`.
struct Meeting {
    missing: Mutex<usize>,
    complete: Condvar,
}

impl Meeting {
    fn attend(&self) {
        let mut missing = self.missing.lock().unwrap();
        *missing -= 1;
        self.complete.notify_all();
        drop(self.complete.wait_while(missing, |missing| *missing > 0).unwrap());
    }
}

/// A server on a machine with this number of cores, where this many handlers meet.
fn server(cores: usize, config: Config, members: usize) -> (Handle, SocketAddr) {
    thread::set_cores(cores);
    let meeting = Arc::new(Meeting { missing: Mutex::new(members), complete: Condvar::new() });
    let handler = move |request: &mut Request, response: &mut Response| -> Result<(), Error> {
        match request.path() {
            "/slow" => thread::sleep(5 * MS),
            "/meet" => meeting.attend(),
            "/panic" => model::unwind(),
            "/body" => while request.next_chunk()?.is_some() {},
            _ => {}
        }
        response.send(request.path().to_owned())
    };
    serve(config, handler)
}

/// Clients that have been answered once; every other one speaks HTTP/2.
fn clients<const N: usize>(address: SocketAddr) -> [Client; N] {
    let mut is_http2 = false;
    [(); N].map(|()| {
        is_http2 = !is_http2;
        let mut client = Client::connect(address, is_http2);
        client.ask("/first");
        client
    })
}

/// Runs `act` for each of them on a thread of its own.
fn at_once<const N: usize>(
    clients: [Client; N],
    act: impl Fn(usize, Client) + Clone + Send + 'static,
) {
    while_each(clients, act, || ());
}

/// Runs `act` for each of them on a thread of its own, and `meanwhile` on this one.
fn while_each<const N: usize>(
    clients: [Client; N],
    act: impl Fn(usize, Client) + Clone + Send + 'static,
    meanwhile: impl FnOnce(),
) {
    let mut number = 0;
    let threads = clients.map(|client| {
        let (act, which) = (act.clone(), number);
        number += 1;
        thread::spawn(move || act(which, client))
    });
    meanwhile();
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Connections that go idle and come back are answered, whether handlers are quick, slow or panic.
pub fn input_on_idle_connections_is_answered() {
    let body = |cores| {
        move || {
            let (handle, address) = server(cores, config(), 0);
            let clients = clients::<3>(address);
            thread::sleep(IDLE);
            at_once(clients, |which, mut client| {
                match which {
                    0 => client.ask("/slow"),
                    1 => client.ask("/quick"),
                    _ => {
                        client.send("/panic");
                        assert!(client.receive().is_some());
                    }
                }
                thread::sleep(IDLE);
                client.ask("/last");
            });
            end(handle);
        }
    };
    model::check(20, Time::Waits, body(1));
    model::check(20, Time::Waits, body(2));
    model::check(20, Time::RunsFor(500 * MS), body(2));
}

/// Handlers on idle connections wait for one another: each gets a thread after a few ticks.
pub fn handlers_on_idle_connections_meet() {
    let body = |cores| {
        move || {
            let (handle, address) = server(cores, config(), 3);
            let clients = clients::<3>(address);
            thread::sleep(IDLE);
            let since = Instant::now();
            at_once(clients, |_, mut client| {
                client.ask("/quick");
                client.ask("/meet");
            });
            assert!(since.elapsed() < SOON, "a blocked handler delays other connections");
            end(handle);
        }
    };
    model::check(35, Time::Waits, body(1));
    model::check(35, Time::Waits, body(2));
}

/// Handlers on idle connections wait for bodies: other connections are answered meanwhile.
pub fn bodies_on_idle_connections_delay_no_other_connection() {
    model::check(40, Time::Waits, || {
        let (handle, address) = server(1, config(), 0);
        let [mut one, mut two, mut other] = clients(address);
        thread::sleep(IDLE);
        let since = Instant::now();
        one.send_head();
        two.send_head();
        other.ask("/other");
        for client in [&mut one, &mut two] {
            client.send_body();
            assert_eq!(client.receive().as_deref(), Some("/body"));
        }
        assert!(since.elapsed() < SOON, "a handler that reads delays other connections");
        drop((one, two, other));
        end(handle);
    });
}

/// The system refuses threads now and then while connections are idle: no request is lost.
pub fn threads_that_do_not_start_lose_no_idle_connection() {
    model::check(50, Time::Waits, || {
        let (handle, address) = server(2, config(), 2);
        let clients = clients::<3>(address);
        thread::set_fails(true);
        thread::sleep(IDLE);
        at_once(clients, |which, mut client| {
            client.ask(if which == 0 { "/slow" } else { "/meet" });
            thread::sleep(IDLE);
            client.ask("/last");
        });
        thread::set_fails(false);
        end(handle);
    });
}

/// More connections are busy than threads may block in reads: the others are left to the poller
/// after each request.
pub fn connections_are_left_again_and_again() {
    model::check(40, Time::Waits, || {
        let (handle, address) = server(1, config(), 0);
        let clients = clients::<4>(address);
        let since = Instant::now();
        at_once(clients, |_, mut client| {
            for path in ["/a", "/b", "/c"] {
                client.ask(path);
            }
        });
        assert!(since.elapsed() < SOON, "a wake-up was lost");
        end(handle);
    });
}

/// Requests arrive as the idle timeout of their connection ends: each is answered, or its connection
/// has ended.
pub fn idle_timeouts_meet_input() {
    let config = || config().with(|config| config.http2.idle_timeout = Some(2 * IDLE));
    model::check(50, Time::RunsFor(3 * IDLE), move || {
        let (handle, address) = server(2, config(), 0);
        let clients = clients::<2>(address);
        at_once(clients, |_, mut client| {
            thread::sleep(2 * IDLE - MS);
            client.may_ask("/last");
        });
        end(handle);
    });
}

/// The server is shut down while connections are idle or just have input: it ends in time, and cuts
/// none.
pub fn shutdown_ends_idle_connections() {
    let body = || {
        let (handle, address) = server(2, config(), 0);
        let clients = clients::<3>(address);
        thread::sleep(IDLE);
        let act = |_, mut client: Client| {
            client.may_ask("/slow");
            client.may_ask("/last");
            // Up to the end.
            client.receive();
        };
        while_each(clients, act, || {
            thread::yield_now();
            end(handle);
        });
    };
    model::check(30, Time::Waits, body);
    model::check(30, Time::RunsFor(300 * MS), body);
}

/// The same with a timeout of zero: connections are cut as input arrives, and nothing is left.
pub fn a_cut_meets_input_on_idle_connections() {
    let body = || {
        let (handle, address) = server(2, config(), 0);
        let clients = clients::<3>(address);
        thread::sleep(IDLE);
        let act = |_, mut client: Client| {
            client.may_ask("/quick");
            client.may_ask("/last");
        };
        while_each(clients, act, || {
            thread::yield_now();
            handle.shutdown(Duration::ZERO);
            assert_ended(&handle);
            drop(handle);
        });
    };
    model::check(35, Time::Waits, body);
    model::check(35, Time::RunsFor(300 * MS), body);
}

/// Clients keep their idle connections open: the shutdown cuts them in the end, and its threads end.
pub fn shutdown_cuts_idle_connections_that_stay_open() {
    let body = |timeout| {
        move || {
            let (handle, address) = server(2, config(), 0);
            let clients = clients::<3>(address);
            thread::sleep(IDLE);
            let cut = handle.shutdown(timeout);
            assert!(timeout == MS || cut.connections == 0, "the server does not end by itself");
            assert_ended(&handle);
            drop(handle);
            drop(clients);
        }
    };
    model::check(15, Time::Waits, body(MS));
    model::check(15, Time::Waits, body(Duration::from_secs(60)));
}
