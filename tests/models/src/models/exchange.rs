//! A client's connection, with its leader and followers.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use http::Request;
use modelled_std::model::{self, Time};
use modelled_std::net;

use super::peer::{Peer, respond};
use crate::client::{Connection, ResponseHalf, SendHalf};
use crate::error::Error;
use crate::frame::StreamId;
use crate::proto::{Config, Event, Role};

/// Long enough for writes to time out several times, and to be left to another thread.
const SLOW: Duration = Duration::from_secs(3);

fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let near = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (near, listener.accept().unwrap().0)
}

/// A client, and a server that answers each request with its path.
fn client() -> (Connection, JoinHandle<()>) {
    let (near, far) = pair();
    let server = thread::spawn(move || {
        let mut peer = Peer::new(Role::Server, far, Config::default());
        peer.run(|core, event| {
            if let Event::Headers { stream_id, headers, .. } = event {
                respond(core, stream_id, headers.path().unwrap().as_bytes().to_vec());
            }
            true
        });
    });
    (Connection::start(near, Config::default()).unwrap(), server)
}

fn get(connection: &Connection, path: &str) -> Result<ResponseHalf, Error> {
    let uri = format!("http://a.example{path}");
    connection.send(&Request::get(uri).body(()).unwrap())
}

fn read(mut response: ResponseHalf) -> io::Result<String> {
    let mut body = String::new();
    response.read_to_string(&mut body)?;
    Ok(body)
}

/// Threads that share a connection all get their responses, whichever of them reads, and no wake-up
/// is lost.
pub fn every_thread_gets_its_response() {
    model::check(600, Time::Waits, || {
        let (connection, server) = client();
        let ask = |path: &'static str| {
            let connection = connection.clone();
            thread::spawn(move || {
                for _ in 0..2 {
                    let response = get(&connection, path).unwrap();
                    assert_eq!(read(response).unwrap(), path);
                }
            })
        };
        let threads = ["/a", "/b", "/c"].map(ask);
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(connection);
        server.join().unwrap();
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    });
}

/// A leader that times out hands the lead to another waiting thread.
pub fn a_leader_that_gives_up_hands_over() {
    model::check(600, Time::Waits, || {
        let (near, far) = pair();
        // It answers the second request when the first has been reset.
        let server = thread::spawn(move || {
            let mut peer = Peer::new(Role::Server, far, Config::default());
            let mut waits = None;
            let mut is_reset = false;
            peer.run(|core, event| {
                match event {
                    Event::Headers { stream_id, headers, .. } if headers.path() == Some("/b") => {
                        waits = Some(stream_id);
                    }
                    Event::Reset { .. } => is_reset = true,
                    _ => {}
                }
                if let (Some(id), true) = (waits, is_reset) {
                    waits = None;
                    respond(core, id, b"/b".to_vec());
                }
                true
            });
        });
        let connection = Connection::start(near, Config::default()).unwrap();
        let first = get(&connection, "/a").unwrap();
        let second = get(&connection, "/b").unwrap();
        let gives_up = thread::spawn(move || {
            let mut response = first;
            response.set_read_timeout(Some(Duration::from_millis(5)));
            assert!(response.response().unwrap_err().is_timeout());
        });
        let waits = thread::spawn(move || assert_eq!(read(second).unwrap(), "/b"));
        gives_up.join().unwrap();
        waits.join().unwrap();
        drop(connection);
        server.join().unwrap();
        assert_eq!(model::leaps(), 1, "a wake-up was lost");
    });
}

/// An abandoned response is dropped while it arrives: the other threads get theirs.
pub fn dropped_response_does_not_delay_others() {
    model::check(600, Time::Waits, || {
        let (connection, server) = client();
        let dropped = get(&connection, "/a").unwrap();
        let second = get(&connection, "/b").unwrap();
        let waits = thread::spawn(move || assert_eq!(read(second).unwrap(), "/b"));
        let drops = thread::spawn(move || drop(dropped));
        assert_eq!(read(get(&connection, "/c").unwrap()).unwrap(), "/c");
        waits.join().unwrap();
        drops.join().unwrap();
        drop(connection);
        server.join().unwrap();
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    });
}

const PIECES: u8 = 3;
const PIECE: usize = 40;

/// Sends a body whose octets depend on their offsets.
fn upload(mut send: SendHalf) -> Result<(), Error> {
    for piece in 0..PIECES {
        send.send(vec![piece; PIECE])?;
    }
    send.finish()
}

/// A server that takes bodies and answers each with its length, if the octets are those of
/// [`upload`].
fn taker(far: TcpStream) -> JoinHandle<()> {
    thread::spawn(move || {
        let mut peer = Peer::new(Role::Server, far, Config::default());
        let mut bodies = std::collections::HashMap::<StreamId, Vec<u8>>::new();
        peer.run(|core, event| {
            if let Event::Data { stream_id, data, end_stream } = event {
                let body = bodies.entry(stream_id).or_default();
                body.extend_from_slice(&data);
                let _ = core.release(stream_id, data.len(), Instant::now());
                if end_stream {
                    let is_whole = (0..PIECES).flat_map(|piece| [piece; PIECE]).eq(body.drain(..));
                    let answer = if is_whole { "whole" } else { "spoilt" };
                    respond(core, stream_id, answer.as_bytes().to_vec());
                }
            }
            true
        });
    })
}

fn post(connection: &Connection) -> Result<(SendHalf, ResponseHalf), Error> {
    connection.open(&Request::post("http://a.example/").body(()).unwrap())
}

fn two_uploads(time: Time, buffer: usize) {
    net::set_buffer(buffer);
    let (near, far) = pair();
    let server = taker(far);
    let connection = Connection::start(near, Config::default()).unwrap();
    let threads = [0, 1].map(|_| {
        let connection = connection.clone();
        thread::spawn(move || {
            let (send, response) = post(&connection).unwrap();
            upload(send).unwrap();
            assert_eq!(read(response).unwrap(), "whole");
        })
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    drop(connection);
    server.join().unwrap();
    if time == Time::Waits {
        assert_eq!(model::leaps(), 0, "a wake-up was lost");
    }
}

/// The frames of two threads go out complete and in order, whichever of them writes, over a
/// transport that takes few octets at a time.
pub fn bodies_of_two_threads_go_out_whole() {
    model::check(300, Time::Waits, || two_uploads(Time::Waits, 50));
}

/// The same with writes that time out and are left to the writing thread.
pub fn bodies_go_out_whole_though_writes_give_up() {
    let time = Time::RunsFor(SLOW);
    model::check(300, time, move || two_uploads(time, 50));
}

/// Octets that a caller could not write in time go out, although no thread uses the connection
/// again.
pub fn what_a_caller_leaves_goes_out_without_it() {
    model::check(300, Time::Waits, || {
        net::set_buffer(30);
        let (near, far) = pair();
        let (is_whole, told) = mpsc::channel();
        let server = thread::spawn(move || {
            // Longer than a caller waits for a transport that takes nothing.
            thread::sleep(SLOW);
            let mut peer = Peer::new(Role::Server, far, Config::default());
            let mut octets = 0;
            // It sends nothing, since no thread would read it.
            peer.listen(|event| {
                if let Event::Data { data, .. } = event {
                    octets += data.len();
                    if octets == usize::from(PIECES) * PIECE {
                        is_whole.send(()).unwrap();
                    }
                }
            });
        });
        let connection = Connection::start(near, Config::default()).unwrap();
        let (mut send, response) = post(&connection).unwrap();
        send.write_all(&[7; PIECES as usize * PIECE]).unwrap();
        send.set_write_timeout(Some(Duration::from_millis(1)));
        // Handed to the connection, which has room for it.
        send.finish().unwrap();
        told.recv().unwrap();
        drop((send, response));
        drop(connection);
        server.join().unwrap();
    });
}

/// One thread's write stalls while another is blocked in a read: both learn of the end.
pub fn a_write_that_stalls_wakes_the_reader() {
    model::check(300, Time::Waits, || {
        net::set_buffer(200);
        let (near, far) = pair();
        let (done, is_done) = mpsc::channel::<()>();
        let server = thread::spawn(move || {
            let mut peer = Peer::new(Role::Server, far, Config::default());
            peer.run(|_, event| !matches!(event, Event::Headers { .. }));
            // From here it neither reads nor closes.
            is_done.recv().unwrap();
        });
        let config = Config { stall_timeout: Some(SLOW), ..Config::default() };
        let connection = Connection::start(near, config).unwrap();
        let response = get(&connection, "/").unwrap();
        let reads = thread::spawn(move || assert!(read(response).is_err()));
        let (mut send, response) = post(&connection).unwrap();
        while send.send(vec![7; 1000]).is_ok() {}
        drop((send, response));
        reads.join().unwrap();
        assert!(connection.is_closed());
        done.send(()).unwrap();
        drop(connection);
        server.join().unwrap();
    });
}

/// The connection is closed while threads read, write and wait: all of them learn of it.
pub fn the_end_wakes_all_readers_writers_and_waiters() {
    let body = || {
        net::set_buffer(60);
        let (near, far) = pair();
        let server = taker(far);
        let connection = Connection::start(near, Config::default()).unwrap();
        let ask = || {
            let connection = connection.clone();
            thread::spawn(move || {
                let Ok((send, response)) = post(&connection) else { return };
                let sent = upload(send);
                match (sent, read(response)) {
                    (_, Ok(body)) => assert_eq!(body, "whole"),
                    (Ok(()), Err(_)) => {}
                    (Err(error), Err(_)) => assert!(error.is_closed(), "{error}"),
                }
            })
        };
        let threads = [ask(), ask()];
        connection.close();
        assert!(connection.is_closed());
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(connection);
        server.join().unwrap();
    };
    model::check(300, Time::Waits, body);
    model::check(300, Time::RunsFor(SLOW), body);
}

/// The server closes the connection while threads wait: all of them learn of it.
pub fn the_peers_end_wakes_all_waiting_threads() {
    model::check(400, Time::Waits, || {
        let (near, far) = pair();
        let server = thread::spawn(move || {
            let mut peer = Peer::new(Role::Server, far, Config::default());
            let mut requests = 0;
            peer.run(|_, event| {
                requests += usize::from(matches!(event, Event::Headers { .. }));
                requests < 2
            });
        });
        let connection = Connection::start(near, Config::default()).unwrap();
        let threads = ["/a", "/b"].map(|path| {
            let connection = connection.clone();
            thread::spawn(move || {
                let response = get(&connection, path).unwrap();
                assert!(read(response).is_err());
            })
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        drop(connection);
        server.join().unwrap();
    });
}

/// Two threads send PINGs during maintenance: each gets its answer.
pub fn pings_are_answered_while_others_maintain() {
    model::check(400, Time::Waits, || {
        let (connection, server) = client();
        let ping = || {
            let connection = connection.clone();
            thread::spawn(move || connection.ping(Duration::from_secs(10)).unwrap())
        };
        let threads = [ping(), ping()];
        connection.maintain();
        assert_eq!(read(get(&connection, "/a").unwrap()).unwrap(), "/a");
        for thread in threads {
            thread.join().unwrap();
        }
        drop(connection);
        server.join().unwrap();
    });
}
