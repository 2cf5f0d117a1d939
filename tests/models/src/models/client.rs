//! A client with its pool of connections and its maintenance thread.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use modelled_std::model::{self, Time};

use super::peer::{Peer, respond};
use crate::client::{CancelHandle, Client, Config, Proxies, Versions};
use crate::error::Error;
use crate::proto::{self, Event, Role};

const MS: Duration = Duration::from_millis(1);

/// A server that accepts `count` connections, and calls `serve` with each.
fn servers(
    connections: usize,
    serve: impl Fn(usize, Peer) + Send + Sync + 'static,
) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = Arc::new(serve);
    let accept = move || {
        let threads = (0..connections).map(|number| {
            let (stream, _) = listener.accept().unwrap();
            let serve = Arc::clone(&serve);
            let config = proto::Config { max_concurrent_streams: 2, ..proto::Config::default() };
            thread::spawn(move || serve(number, Peer::new(Role::Server, stream, config)))
        });
        let threads: Vec<_> = threads.collect();
        drop(listener);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    };
    (address, thread::spawn(accept))
}

/// Answers each request with its path.
fn answer(mut peer: Peer) {
    peer.run(|core, event| {
        if let Event::Headers { stream_id, headers, .. } = event {
            respond(core, stream_id, headers.path().unwrap().as_bytes().to_vec());
        }
        true
    });
}

fn client(config: Config) -> Client {
    Client::with_config(Config { proxies: Proxies::Never, versions: Versions::Http2, ..config })
        .unwrap()
}

fn get(client: &Client, address: SocketAddr, path: &str) -> Result<String, Error> {
    client.get(format!("http://{address}{path}")).send()?.text()
}

/// Threads that send at once share one connection, which one of them makes.
pub fn one_connection_is_made_for_all() {
    model::check(300, Time::Waits, || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let client = Arc::new(client(Config::default()));
        let threads = ["/a", "/b"].map(|path| {
            let client = Arc::clone(&client);
            thread::spawn(move || assert_eq!(get(&client, address, path).unwrap(), path))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(client.connections().len(), 1);
        drop(client);
        server.join().unwrap();
    });
}

/// A call times out just as its answer arrives: the connection continues, without the stream.
pub fn a_call_is_cancelled_while_its_answer_arrives() {
    model::check(300, Time::RunsFor(30 * MS), || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let client = Arc::new(client(Config::default()));
        let impatient = Arc::clone(&client);
        let cancelled = thread::spawn(move || {
            let url = format!("http://{address}/a");
            let result = impatient.get(url).timeout(10 * MS).send().and_then(|it| it.text());
            match result {
                Ok(body) => assert_eq!(body, "/a"),
                Err(error) => assert!(error.is_timeout(), "{error}"),
            }
        });
        assert_eq!(get(&client, address, "/b").unwrap(), "/b");
        cancelled.join().unwrap();
        for connection in client.connections() {
            assert_eq!(connection.open_streams(), 0);
        }
        drop(client);
        server.join().unwrap();
    });
}

/// The server ends its first connection after one answer, while further requests are on their way:
/// they are sent again on the next one.
pub fn requests_move_to_another_connection() {
    model::check(300, Time::Waits, || {
        let (address, server) = servers(2, |number, mut peer| {
            if number > 0 {
                return answer(peer);
            }
            peer.run(|core, event| {
                if let Event::Headers { stream_id, headers, .. } = event {
                    respond(core, stream_id, headers.path().unwrap().as_bytes().to_vec());
                    core.shutdown(std::time::Instant::now());
                }
                true
            });
        });
        let client = Arc::new(client(Config { max_retries: 5, ..Config::default() }));
        let other = Arc::clone(&client);
        let thread = thread::spawn(move || {
            for path in ["/a", "/b"] {
                assert_eq!(get(&other, address, path).unwrap(), path);
            }
        });
        assert_eq!(get(&client, address, "/c").unwrap(), "/c");
        thread.join().unwrap();
        // The second connection is made even if it is no longer needed.
        assert_eq!(get(&client, address, "/d").unwrap(), "/d");
        drop(client);
        server.join().unwrap();
    });
}

/// The client is dropped during a call and during maintenance: everything ends.
pub fn the_client_goes_away_meanwhile() {
    model::check(300, Time::RunsFor(Duration::from_secs(2)), || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let config = Config { idle_timeout: 700 * MS, ..Config::default() };
        let client = client(config);
        let (body, connections) = thread::scope(|scope| {
            let call = scope.spawn(|| get(&client, address, "/a"));
            let looks = scope.spawn(|| client.connections().len());
            (call.join().unwrap(), looks.join().unwrap())
        });
        assert_eq!(body.unwrap(), "/a");
        assert!(connections <= 1);
        drop(client);
        server.join().unwrap();
    });
}

/// Three threads share a connection with two slots: the waiting one gets the slot that is free
/// first, and no wake-up is lost.
pub fn requests_stand_in_line_for_a_stream() {
    model::check(300, Time::Waits, || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let config = Config { max_connections_per_origin: 1, ..Config::default() };
        let client = Arc::new(client(config));
        // The limit is known from now on.
        assert_eq!(get(&client, address, "/").unwrap(), "/");
        let threads = ["/a", "/b", "/c"].map(|path| {
            let client = Arc::clone(&client);
            thread::spawn(move || assert_eq!(get(&client, address, path).unwrap(), path))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(client.connections().len(), 1);
        drop(client);
        server.join().unwrap();
    });
}

/// A waiting request times out just as a slot becomes free: the next one gets the slot.
pub fn a_request_in_line_gives_up_as_its_turn_comes() {
    model::check(300, Time::RunsFor(30 * MS), || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let config = Config { max_connections_per_origin: 1, ..Config::default() };
        let client = Arc::new(client(config));
        assert_eq!(get(&client, address, "/").unwrap(), "/");
        let others = ["/a", "/b"].map(|path| {
            let client = Arc::clone(&client);
            thread::spawn(move || assert_eq!(get(&client, address, path).unwrap(), path))
        });
        let impatient = Arc::clone(&client);
        let gives_up = thread::spawn(move || {
            let url = format!("http://{address}/c");
            let result = impatient.get(url).timeout(10 * MS).send().and_then(|it| it.text());
            match result {
                Ok(body) => assert_eq!(body, "/c"),
                Err(error) => assert!(error.is_timeout(), "{error}"),
            }
        });
        others.into_iter().for_each(|thread| thread.join().unwrap());
        gives_up.join().unwrap();
        assert_eq!(get(&client, address, "/d").unwrap(), "/d");
        drop(client);
        server.join().unwrap();
    });
}

/// No server listens: all waiting requests get the error, after the last attempt has failed.
pub fn failed_attempts_end_all_that_wait() {
    model::check(200, Time::RunsFor(Duration::from_secs(20)), || {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let client = Arc::new(client(Config { max_retries: 1, ..Config::default() }));
        let threads = ["/a", "/b"].map(|path| {
            let client = Arc::clone(&client);
            thread::spawn(move || {
                let error = get(&client, address, path).unwrap_err();
                assert!(error.is_connect() && error.is_retry_safe(), "{error}");
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert!(client.connections().is_empty());
    });
}

/// The client is dropped while a request waits for a connection: both end, in either order.
pub fn the_client_goes_away_while_connecting() {
    model::check(300, Time::RunsFor(Duration::from_secs(2)), || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let client = client(Config::default());
        let url = format!("http://{address}/a");
        // It gives up before the connection is made, or has it.
        let result = client.get(url).timeout(MS).send().and_then(|it| it.text());
        drop(client);
        if let Err(error) = result {
            assert!(error.is_timeout(), "{error}");
        }
        server.join().unwrap();
    });
}

/// The server sends GOAWAY and delays its answer while requests wait: those get another connection,
/// and the open one is answered on the draining connection.
pub fn requests_in_line_leave_a_draining_connection() {
    model::check(300, Time::Waits, || {
        let (serves, served) = mpsc::channel();
        let ends = Mutex::new((serves, Some(served)));
        let (address, server) = servers(2, move |number, mut peer| {
            if number > 0 {
                let serves = ends.lock().unwrap().0.clone();
                return peer.run(move |core, event| {
                    if let Event::Headers { stream_id, headers, .. } = event {
                        respond(core, stream_id, headers.path().unwrap().as_bytes().to_vec());
                        // The other connection may be gone by now.
                        let _ = serves.send(());
                    }
                    true
                });
            }
            let mut held = None;
            peer.run(|core, event| {
                let Event::Headers { stream_id, headers, .. } = event else { return true };
                let path = headers.path().unwrap().as_bytes().to_vec();
                if path == b"/" {
                    respond(core, stream_id, path);
                    return true;
                }
                held = Some((stream_id, path));
                core.shutdown(std::time::Instant::now());
                false
            });
            let served = ends.lock().unwrap().1.take().unwrap();
            served.recv().unwrap();
            if let Some((stream_id, path)) = held {
                respond(&mut peer.core, stream_id, path);
            }
            answer(peer);
        });
        let config = Config { max_connections_per_origin: 1, ..Config::default() };
        let client = Arc::new(client(config));
        // The limit of two streams is known from now on.
        assert_eq!(get(&client, address, "/").unwrap(), "/");
        let threads = ["/a", "/b", "/c"].map(|path| {
            let client = Arc::clone(&client);
            thread::spawn(move || assert_eq!(get(&client, address, path).unwrap(), path))
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(client);
        server.join().unwrap();
    });
}

/// Another thread cancels a call at any of its steps: it ends, and another call on the same
/// connection gets its answer.
pub fn a_call_is_cancelled_by_another_thread() {
    model::check(300, Time::RunsFor(Duration::from_secs(1)), || {
        let (address, server) = servers(1, |_, peer| answer(peer));
        let config = Config { max_connections_per_origin: 1, ..Config::default() };
        let client = Arc::new(client(config));
        let handle = CancelHandle::new();
        let (asking, cancels) = (Arc::clone(&client), handle.clone());
        let cancelled = thread::spawn(move || {
            let request = asking.get(format!("http://{address}/a")).cancel_with(&handle);
            match request.send().and_then(|it| it.text()) {
                Ok(body) => assert_eq!(body, "/a"),
                Err(error) => assert!(error.is_cancelled(), "{error}"),
            }
        });
        let canceller = thread::spawn(move || cancels.cancel());
        assert_eq!(get(&client, address, "/b").unwrap(), "/b");
        cancelled.join().unwrap();
        canceller.join().unwrap();
        for connection in client.connections() {
            assert_eq!(connection.open_streams(), 0);
        }
        drop(client);
        server.join().unwrap();
    });
}
