//! HTTP/1.1 at both ends: the halves of a connection, a server, and a client's pool.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use modelled_std::model::{self, Time};

use super::text::Peer;
use crate::client::{Client, Config as ClientConfig, Proxies, Versions};
use crate::error::Error;
use crate::h1::{Codec, Limits, Link, RecvHalf, SendHalf};
use crate::http1::{BodySize, ClientConnection, Config};
use crate::server::{self, Handle, Request, Response, Server};
use crate::transport::Transport;
use crate::wire::Owner;

const MS: Duration = Duration::from_millis(1);

/// An owner that never writes: the callers of the link flush.
struct Callers;

impl Owner for Callers {
    fn find_writer(&self, _: &mut Vec<thread::Thread>) -> bool {
        false
    }

    fn has_clock(&self) -> bool {
        false
    }

    fn call_at(&self, _: Instant, _: &mut Vec<thread::Thread>) {}
}

fn link(address: SocketAddr) -> Arc<Link> {
    let limits = Limits { stall_timeout: None, max_send_buffer: 64 };
    let halves = TcpStream::connect(address).unwrap().split().unwrap();
    let codec = Codec::Client(ClientConnection::new(Config::default()));
    Arc::new(Link::new(codec, halves, Bytes::new(), limits, Box::new(Callers)))
}

fn post(link: &Arc<Link>) -> (SendHalf, RecvHalf) {
    let (uri, none) = (Uri::from_static("http://a/b"), HeaderMap::new());
    link.open(&Method::POST, &uri, &none, BodySize::Unknown).unwrap().unwrap()
}

/// One thread sends a body to a slow peer, another reads, a third waits for the peer's close, and a
/// fourth cuts the connection: all of them return, with the reason of the cut.
pub fn a_cut_wakes_both_halves() {
    model::check(300, Time::Waits, || {
        modelled_std::net::set_buffer(100);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let link = link(listener.local_addr().unwrap());
        let mut peer = Peer::new(listener.accept().unwrap().0);
        // Reads the head, answers with part of a body, and reads no more.
        let peer = thread::spawn(move || {
            peer.head();
            peer.send("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\npart");
            peer
        });
        let (mut send, mut recv) = post(&link);
        let sends = thread::spawn(move || {
            loop {
                if let Err(error) = send.send(Bytes::from_static(&[b'.'; 60])) {
                    return error;
                }
            }
        });
        let reads = thread::spawn(move || {
            let result = recv.next_response();
            result.and_then(|_| {
                loop {
                    let chunk = recv.next_chunk()?;
                    model::assert(chunk.is_some(), "a body that was cut short looks whole");
                }
            })
        });
        let (asks, cuts) = (Arc::clone(&link), Arc::clone(&link));
        let asks = thread::spawn(move || asks.wait_cancelled(Duration::MAX));
        let cuts = thread::spawn(move || cuts.cut(Error::timeout("enough")));
        assert_eq!(sends.join().unwrap().to_string(), "enough");
        let reason: Result<(), Error> = reads.join().unwrap();
        assert_eq!(reason.unwrap_err().to_string(), "enough");
        assert!(asks.join().unwrap());
        cuts.join().unwrap();
        assert!(link.is_cut());
        drop(peer.join().unwrap());
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    });
}

fn serve<H>(handler: H) -> (Handle, SocketAddr)
where
    H: Fn(&mut Request, &mut Response) -> Result<(), Error> + Send + Sync + 'static,
{
    let config = server::Config { date: false, ..server::Config::default() };
    let server = Server::bind("127.0.0.1:0").unwrap().config(config);
    let address = server.local_addr().unwrap();
    (server.serve(handler).unwrap(), address)
}

fn echo_path(request: &mut Request, response: &mut Response) -> Result<(), Error> {
    response.send(request.path().to_owned())
}

/// Shuts the server down, and asserts that nothing is left of it.
fn end(handle: Handle) {
    let cut = handle.shutdown(Duration::from_secs(5));
    assert_eq!((cut.connections, cut.requests), (0, 0));
    let stats = handle.stats();
    assert_eq!((stats.connections, stats.handlers_running), (0, 0));
}

/// The server is shut down at any moment of persistent connections with pipelined requests: each
/// connection gets complete answers to its first requests, then its end.
pub fn a_shutdown_ends_kept_connections() {
    model::check(200, Time::Waits, || {
        let (handle, address) = serve(echo_path);
        let mut idle = Peer::new(TcpStream::connect(address).unwrap());
        idle.send("GET /a HTTP/1.1\r\nhost: a\r\n\r\n");
        assert_eq!(idle.body().as_deref(), Some("/a"));
        let clients = [idle, Peer::new(TcpStream::connect(address).unwrap())].map(|mut peer| {
            thread::spawn(move || {
                peer.send("GET /b HTTP/1.1\r\nhost: a\r\n\r\nGET /c HTTP/1.1\r\nhost: a\r\n\r\n");
                let bodies: Vec<_> = std::iter::from_fn(|| peer.body()).collect();
                assert!(
                    ["/b", "/c"].starts_with(&bodies.iter().map(|it| &**it).collect::<Vec<_>>())
                );
                assert!(peer.is_empty());
            })
        });
        thread::yield_now();
        end(handle);
        clients.into_iter().for_each(|client| client.join().unwrap());
    });
}

/// The shutdown ends an idle connection, without waiting for its idle timeout.
pub fn a_shutdown_does_not_wait_for_an_idle_connection() {
    model::check(200, Time::Waits, || {
        let (handle, address) = serve(echo_path);
        let mut peer = Peer::new(TcpStream::connect(address).unwrap());
        let idle = thread::spawn(move || {
            peer.send("GET /a HTTP/1.1\r\nhost: a\r\n\r\n");
            let first = peer.body();
            assert_eq!((peer.body(), peer.is_empty()), (None, true));
            first
        });
        thread::yield_now();
        let since = Instant::now();
        end(handle);
        assert!(since.elapsed() < Duration::from_secs(1), "the shutdown has waited");
        let first = idle.join().unwrap();
        assert!(first.is_none_or(|body| body == "/a"));
    });
}

/// Two threads use the halves of an exchange after its handler has returned, when the server is
/// shut down with a timeout of zero: both learn of it.
pub fn a_cut_wakes_halves_that_outlive_their_handler() {
    let body = || {
        let (sends, ends) = mpsc::channel();
        let (handle, address) = serve(move |request, response| {
            let (mut recv, mut send) = response.split(request)?;
            let (passes, pieces) = mpsc::channel();
            let reads = thread::spawn(move || {
                while let Ok(Some(piece)) = recv.next_chunk() {
                    if passes.send(piece).is_err() {
                        break;
                    }
                }
            });
            let writes = thread::spawn(move || {
                while let Ok(piece) = pieces.recv() {
                    if send.send(piece).is_err() {
                        break;
                    }
                }
            });
            let _ = sends.send([reads, writes]);
            Ok(())
        });
        let mut peer = Peer::new(TcpStream::connect(address).unwrap());
        peer.send("POST / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n");
        let client = thread::spawn(move || {
            peer.send("3\r\ntwo\r\n");
            while peer.read().is_some() {}
            let text = String::from_utf8(peer.input).unwrap();
            assert!(!text.ends_with("0\r\n\r\n"), "a response that was cut looks whole");
        });
        thread::yield_now();
        handle.shutdown(MS);
        assert_eq!(handle.stats().connections, 0);
        drop(handle);
        client.join().unwrap();
        while let Ok(threads) = ends.recv() {
            threads.into_iter().for_each(|thread| thread.join().unwrap());
        }
    };
    model::check(100, Time::Waits, body);
    model::check(100, Time::RunsFor(20 * MS), body);
}

/// A thread holds a half without using it when the server is shut down with a timeout of zero: the
/// connection does not wait for it.
pub fn a_cut_does_not_wait_for_a_half_that_is_held() {
    model::check(200, Time::Waits, || {
        let (holds, held) = mpsc::channel();
        let (handle, address) = serve(move |request, response| {
            let _ = holds.send(response.split(request)?);
            Ok(())
        });
        let mut peer = Peer::new(TcpStream::connect(address).unwrap());
        peer.send("POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n");
        let (mut recv, send) = held.recv().unwrap();
        handle.shutdown(MS);
        assert_eq!(handle.stats().connections, 0);
        model::assert(recv.next_chunk().is_err(), "a body that was cut short looks whole");
        drop((recv, send));
    });
}

/// A server that accepts `count` connections, and adds `field` to its first answer on all but the
/// last.
fn servers(connections: usize, field: &'static str) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let accept = move || {
        let threads: Vec<_> = (1..=connections)
            .map(|number| {
                let mut peer = Peer::new(listener.accept().unwrap().0);
                thread::spawn(move || {
                    if number < connections {
                        peer.answer(field);
                        return;
                    }
                    while peer.answer("") {}
                })
            })
            .collect();
        drop(listener);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    (address, thread::spawn(accept))
}

fn client(max_retries: u32) -> Arc<Client> {
    let config = ClientConfig {
        proxies: Proxies::Never,
        versions: Versions::Http1,
        max_connections_per_origin: 1,
        max_http1_connections_per_origin: 1,
        max_retries,
        ..ClientConfig::default()
    };
    Arc::new(Client::with_config(config).unwrap())
}

fn get(client: &Client, address: SocketAddr, path: &str) -> Result<String, Error> {
    client.get(format!("http://{address}{path}")).send()?.text()
}

fn get_at_once<const N: usize>(
    client: &Arc<Client>,
    address: SocketAddr,
    paths: [&'static str; N],
) {
    let threads = paths.map(|path| {
        let client = Arc::clone(client);
        thread::spawn(move || assert_eq!(get(&client, address, path).unwrap(), path))
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Threads share one connection, which takes one request at a time: each gets it in turn, and no
/// wake-up is lost.
pub fn a_connection_is_handed_to_the_next_in_line() {
    model::check(200, Time::Waits, || {
        let (address, server) = servers(1, "");
        let client = client(0);
        get_at_once(&client, address, ["/a", "/b", "/c"]);
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
        drop(client);
        server.join().unwrap();
    });
}

/// The server ends its first connection after one answer: waiting requests get another one.
pub fn requests_in_line_leave_a_connection_that_ends() {
    model::check(200, Time::Waits, || {
        let (address, server) = servers(2, "connection: close\r\n");
        let client = client(5);
        get_at_once(&client, address, ["/a", "/b", "/c"]);
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
        drop(client);
        server.join().unwrap();
    });
}
