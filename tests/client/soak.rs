//! Many threads on few connections to a server that closes, refuses, hangs and restarts.
//!
//! A longer run, by hand: `H2_SYNC_ROUNDS=200`.

use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use h2_sync::client::{Body, CancelHandle, Client};
use h2_sync::server::{self, Request, Response, Server};
use h2_sync::tls::{Acceptor, Connector};
use h2_sync::{Error, ErrorKind, Phase};

use crate::support::{bounded, config};

const THREADS: u64 = 48;

const MS: Duration = Duration::from_millis(1);

fn rounds() -> u64 {
    std::env::var("H2_SYNC_ROUNDS").map_or(6, |rounds| rounds.parse().unwrap())
}

/// Pseudo-random numbers.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % bound
    }
}

/// Answers with the path, at once or late, and reads bodies.
fn answer(request: &mut Request, response: &mut Response) -> io::Result<()> {
    let path = request.path().to_owned();
    io::copy(request, &mut io::sink())?;
    if path.contains("late") {
        thread::sleep(60 * MS);
    }
    response.write_all(path.as_bytes())
}

/// A relay in front of the server that fails connections in turn.
fn trouble(server: std::net::SocketAddr) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let mut hanging = Vec::new();
        let mut numbers = Numbers(99);
        for (number, near) in listener.incoming().enumerate() {
            let near = near.unwrap();
            match number % 6 {
                // Refuses.
                2 => drop(near),
                // Hangs before the handshake.
                4 => hanging.push(near),
                _ => {
                    let far = TcpStream::connect(server).unwrap();
                    let octets = 2_000 + numbers.below(60_000);
                    let ends = [1, 3].contains(&(number % 6));
                    thread::spawn(move || {
                        relay(near, far, ends.then_some(octets), number % 12 == 3)
                    });
                }
            }
        }
    });
    address
}

/// Relays octets both ways. After `after` octets from the server it closes or falls silent.
fn relay(near: TcpStream, far: TcpStream, octets: Option<u64>, hangs: bool) {
    let (mut near_reads, mut far_writes) = (near.try_clone().unwrap(), far.try_clone().unwrap());
    let up = thread::spawn(move || drop(io::copy(&mut near_reads, &mut far_writes)));
    let mut near_writes = near.try_clone().unwrap();
    let left = octets.unwrap_or(u64::MAX);
    drop(io::copy(&mut (&far).take(left), &mut near_writes));
    if hangs {
        // The client closes it after its timeout.
        drop(up.join());
    }
    drop(near.shutdown(Shutdown::Both));
    drop(far.shutdown(Shutdown::Both));
}

/// Sends one request with a timeout of its own. Another thread may cancel it.
fn ask(client: &Client, url: &str, numbers: &mut Numbers, name: &str) -> Result<bool, Error> {
    let timeout = [8, 40, 200, 1_000][numbers.below(4) as usize] * MS;
    let kind = if numbers.below(3) == 0 { "late" } else { "now" };
    let path = format!("/{kind}/{name}");
    let url = format!("{url}{path}");
    let request = match numbers.below(3) {
        0 => client.get(url),
        1 => client.post(url).body("body"),
        _ => client.put(url).body(Body::from_reader(io::repeat(7).take(3_000))),
    };
    let handle = CancelHandle::new();
    if numbers.below(8) == 0 {
        let (handle, turns) = (handle.clone(), numbers.below(200));
        thread::spawn(move || {
            (0..turns).for_each(|_| thread::yield_now());
            handle.cancel();
        });
    }
    let began = Instant::now();
    let request = request.timeout(timeout).cancel_with(&handle);
    match request.send().and_then(|response| response.text()) {
        Ok(text) => assert_eq!(text, path, "the answer is that to the request"),
        Err(error) if error.is_cancelled() => {
            assert!(handle.is_cancelled(), "{error}");
            return Err(error);
        }
        Err(error) => {
            assert_own_cause(&error, began.elapsed(), timeout);
            return Err(error);
        }
    }
    Ok(true)
}

/// Asserts that a timeout was the request's own, and that all other errors were the server's.
fn assert_own_cause(error: &Error, took: Duration, timeout: Duration) {
    let is_connecting = matches!(error.phase(), Some(Phase::Connect | Phase::Handshake));
    match error.kind() {
        ErrorKind::Timeout => assert!(is_connecting || took >= timeout, "{error} after {took:?}"),
        ErrorKind::Closed | ErrorKind::Transport => {}
        ErrorKind::Reset => assert!(error.is_retry_safe(), "{error}"),
        ErrorKind::Tls => assert!(is_connecting, "{error}"),
        _ => panic!("{error:?}"),
    }
}

#[test]
fn every_request_ends_in_an_answer_or_in_an_error_of_its_own_cause() {
    bounded(|| {
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let (certificate, key) = (made.cert.pem(), made.signing_key.serialize_pem());
        let acceptor = Acceptor::from_pem(certificate.as_bytes(), key.as_bytes()).unwrap();
        let mut limits = server::Config::default();
        limits.http2.max_concurrent_streams = 4;
        let server = Server::bind("127.0.0.1:0").unwrap().config(limits).tls(acceptor);
        let server = server.serve(answer).unwrap();
        let url = format!("https://{}", trouble(server.local_addr().unwrap()));

        let mut config = config();
        config.tls = Some(Connector::with_only_roots(certificate.as_bytes()).unwrap());
        config.max_connections_per_origin = 2;
        config.tls_timeout = 300 * MS;
        config.verify_timeout = 200 * MS;
        let client = Client::with_config(config).unwrap();
        let url = Arc::new(url);
        let threads: Vec<_> = (1..=THREADS)
            .map(|thread| {
                let (client, url) = (client.clone(), Arc::clone(&url));
                thread::spawn(move || {
                    let mut numbers = Numbers(thread * 7919);
                    let one =
                        |round| ask(&client, &url, &mut numbers, &format!("{thread}-{round}"));
                    (0..rounds()).map(one).filter(Result::is_ok).count()
                })
            })
            .collect();
        let answers: usize = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
        println!("{answers} of {} requests have an answer", THREADS * rounds());
        assert!(answers > 0);
        // Once the server is healthy, so is the client.
        let again = client.get(format!("{url}/now/again")).timeout(20_000 * MS);
        assert_eq!(again.send().unwrap().text().unwrap(), "/now/again");
    });
}
