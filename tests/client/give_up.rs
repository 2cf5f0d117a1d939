//! Hundreds of threads that cancel at random, against a server with four slots. Most requests wait
//! for a slot when they are cancelled, so that their streams have never been opened.

use std::io::{Read, Write};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use bytes::Bytes;
use h2_sync::client::{Client, Connection};
use h2_sync::{Error, ErrorKind, server};

use crate::frames::numbers::Numbers;
use crate::support::{LONG, Running, config, get, octets, post, serve_with};

const THREADS: u64 = 200;

/// The requests of each thread, unless a duration is given.
const TURNS: usize = 30;

/// A minute of each test, by hand: `H2_SYNC_GIVE_UP=60`.
fn length() -> Option<Duration> {
    let seconds = std::env::var("H2_SYNC_GIVE_UP").ok()?;
    Some(Duration::from_secs(seconds.parse().expect("a number of seconds")))
}

/// A server with four slots. `/read` echoes the body, other requests are answered at once.
fn narrow() -> Running {
    let mut config = server::Config::default();
    config.http2.max_concurrent_streams = 4;
    serve_with(config, |request, response| {
        let mut body = b"not read".to_vec();
        if request.path() == "/read" {
            body.clear();
            request.read_to_end(&mut body)?;
        }
        response.write_all(&body)
    })
}

/// Runs `turn` repeatedly on each thread, with its own random numbers.
fn run(turn: impl Fn(&mut Numbers) + Send + Sync + 'static) {
    let turn = Arc::new(turn);
    let end = length().map(|length| Instant::now() + length);
    let threads: Vec<_> = (0..THREADS)
        .map(|seed| {
            let turn = Arc::clone(&turn);
            thread::spawn(move || {
                let mut numbers = Numbers(seed);
                for n in 0.. {
                    let is_over = end.map_or(n == TURNS, |end| Instant::now() >= end);
                    if is_over {
                        return;
                    }
                    turn(&mut numbers);
                }
            })
        })
        .collect();
    let ended: Vec<_> = threads.into_iter().map(|thread| thread.join()).collect();
    assert!(ended.iter().all(Result::is_ok), "a thread has failed");
}

/// Ignores the errors of a cancelled request. Errors of the connection have other kinds.
#[track_caller]
fn assert_given_up<T>(result: Result<T, Error>) {
    if let Err(error) = result {
        assert!(matches!(error.kind(), ErrorKind::Timeout | ErrorKind::Reset), "{error}");
        assert!(!error.is_closed(), "{error}");
    }
}

#[test]
fn a_client_whose_threads_give_up_at_random_keeps_its_connection() {
    let server = narrow();
    let mut config = config();
    config.max_connections_per_origin = 1;
    config.response_timeout = None;
    // On a busy machine, PINGs may be answered late.
    config.verify_timeout = LONG;
    let client = Client::with_config(config).unwrap();
    // From here on the client knows the server's limit.
    client.get(&*server.url).send().unwrap().bytes().unwrap();
    let body = octets(50_000);
    let again = client.clone();
    let url = server.url.clone();
    run(move |numbers| {
        let post = |path: &str| client.post(format!("{url}{path}")).body(body.clone());
        let soon = Duration::from_millis(1 + numbers.next(30));
        match numbers.next(8) {
            // Requests that wait are served beside cancelled ones.
            0 | 1 => assert_eq!(post("/read").send().unwrap().bytes().unwrap(), body),
            2 => drop(post("/read").send().unwrap()),
            3 => drop(post("/not-read").send().unwrap()),
            4 => assert_given_up(post("/read").timeout(soon).send()),
            5 => assert_given_up(post("/not-read").timeout(soon).send()),
            6 => assert_given_up(client.get(format!("{url}/read")).timeout(soon).send()),
            _ => assert_given_up(post("/read").timeout(soon).send().and_then(|r| r.bytes())),
        }
    });
    assert_eq!(server.handle.stats().connections_accepted, 1);
    assert_eq!(again.connections().len(), 1);
    assert_eq!(again.connections()[0].open_streams(), 0);
}

#[test]
fn a_connection_whose_halves_are_dropped_at_random_goes_on() {
    let server = narrow();
    let stream = std::net::TcpStream::connect(server.handle.local_addr().unwrap()).unwrap();
    let connection = Arc::new(Connection::start(stream, h2_sync::Config::default()).unwrap());
    // From here on the client knows the server's limit.
    connection.send(&get("/")).unwrap().response().unwrap();
    let body = octets(50_000);
    let again = Arc::clone(&connection);
    run(move |numbers| {
        let soon = Instant::now() + Duration::from_millis(1 + numbers.next(30));
        match numbers.next(6) {
            // Requests that wait are served beside cancelled ones.
            0 | 1 => assert_eq!(served(&connection), "not read"),
            2 => drop(connection.send(&get("/read")).unwrap()),
            // The response is declined while the request continues.
            3 => {
                let (mut upload, response) = connection.open(&post("/read")).unwrap();
                drop(response);
                let _ = upload.write_all(&body);
            }
            4 => {
                let (mut upload, response) = connection.open(&post("/read")).unwrap();
                let _ = upload.write_all(&body[..numbers.next(50_000) as usize]);
                drop(upload);
                drop(response);
            }
            _ => {
                let mut response = connection.send(&get("/read")).unwrap();
                response.set_deadline(Some(soon));
                assert_given_up(response.response());
            }
        }
    });
    assert!(!again.is_closed());
    assert_eq!(served(&again), "not read");
}

/// Gets a response. The server may still be busy with a cancelled stream and refuse the request,
/// which is then sent again.
fn served(connection: &Connection) -> Bytes {
    loop {
        let mut response = connection.send(&get("/not-read")).unwrap();
        match response.response() {
            Ok(head) => assert_eq!(head.status(), 200),
            Err(error) if error.is_retry_safe() && !error.is_closed() => continue,
            Err(error) => panic!("{error}"),
        }
        return response.next_chunk().unwrap().expect("a body");
    }
}
