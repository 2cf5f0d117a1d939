//! Nothing of a client is left behind. In a program of its own, whose threads and descriptors are all
//! known.
#![cfg(target_os = "linux")]

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Body, Client, Config, Proxies, Resolver, Versions};
use h2_sync::server::{Request, Response, Server};

/// By hand, `H2_SYNC_ROUNDS=1000` for the whole of it.
fn rounds() -> usize {
    std::env::var("H2_SYNC_ROUNDS").map_or(40, |rounds| rounds.parse().unwrap())
}

fn count(what: &str) -> usize {
    fs::read_dir(format!("/proc/self/{what}")).unwrap().count()
}

fn handler(request: &mut Request, response: &mut Response) -> std::io::Result<()> {
    match request.path() {
        "/big" => response.write_all(&vec![7; 4 << 20]),
        "/late" => request.read(&mut [0]).map(drop),
        _ => response.write_all(b"hello"),
    }
}

/// Requests that end in several ways.
fn round(url: &str, silent: &TcpListener, way: usize) {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    let client = Client::with_config(config.clone()).unwrap();
    let get =
        |path: &str| client.get(format!("{url}{path}")).timeout(Duration::from_secs(50)).send();
    assert_eq!(get("/").unwrap().status(), 200);
    match way % 5 {
        0 => drop(get("/")),
        // A response that outlives its client, and is dropped unread.
        1 => {
            let response = get("/big").unwrap();
            drop(client);
            drop(response);
        }
        2 => {
            let body = Body::from_reader(std::io::repeat(7).take(1 << 20));
            assert!(client.post(format!("{url}/late")).body(body).send().is_ok());
        }
        3 => {
            let threads: Vec<_> = (0..4)
                .map(|_| {
                    let (client, url) = (client.clone(), url.to_owned());
                    thread::spawn(move || client.get(url).send().map(drop))
                })
                .collect();
            threads.into_iter().for_each(|thread| drop(thread.join().unwrap()));
        }
        // A server that accepts and says nothing.
        _ => {
            config.response_timeout = Some(Duration::from_millis(5));
            let client = Client::with_config(config).unwrap();
            let unanswered = format!("http://{}/", silent.local_addr().unwrap());
            assert!(client.get(unanswered).send().unwrap_err().is_timeout());
            drop(silent.accept().unwrap());
        }
    }
}

/// Connections to that many origins, with one server behind all of them.
const ORIGINS: usize = 400;

/// A client that keeps a connection to each origin.
fn wide_client(server: SocketAddr) -> Client {
    let mut config = Config::default();
    config.proxies = Proxies::Never;
    config.versions = Versions::Http2;
    config.max_idle_connections = ORIGINS;
    config.resolver = Resolver::from_fn(move |_, _| Ok(vec![server]));
    let client = Client::with_config(config).unwrap();
    for number in 0..ORIGINS {
        let response = client.get(format!("http://host-{number}.invalid/")).send().unwrap();
        assert_eq!(response.text().unwrap(), "hello");
    }
    assert_eq!(client.connections().len(), ORIGINS);
    client
}

#[test]
fn no_thread_and_no_descriptor_is_left() {
    let (threads, descriptors) = (count("task"), count("fd"));
    let server = Server::bind("127.0.0.1:0").unwrap().serve(handler).unwrap();
    let url = format!("http://{}", server.local_addr().unwrap());
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    drop(wide_client(server.local_addr().unwrap()));
    for n in 0..rounds() {
        round(&url, &silent, n);
    }
    server.shutdown(Duration::from_secs(60));
    drop((server, silent));
    // The system may take a moment to clear a joined thread away.
    let deadline = Instant::now() + Duration::from_secs(40);
    while (count("task"), count("fd")) != (threads, descriptors) {
        assert!(
            Instant::now() < deadline,
            "{} threads, {} descriptors, and there were {threads} and {descriptors}",
            count("task"),
            count("fd")
        );
        thread::yield_now();
    }
}
