//! A server with its accepting thread, pool, clock and permits.

use std::collections::HashMap;
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use modelled_std::model::{self, Time};

use super::peer::{Peer, request};
use crate::error::Error;
use crate::frame::{ErrorCode, StreamId};
use crate::proto::{self, Event, Role};
use crate::server::{Config, Handle, Request, Response, Server};

const MS: Duration = Duration::from_millis(1);

pub(super) fn config() -> Config {
    Config { date: false, ..Config::default() }
}

pub(super) fn serve<H>(config: Config, handler: H) -> (Handle, SocketAddr)
where
    H: Fn(&mut Request, &mut Response) -> Result<(), Error> + Send + Sync + 'static,
{
    let server = Server::bind("127.0.0.1:0").unwrap().config(config);
    let address = server.local_addr().unwrap();
    (server.serve(handler).unwrap(), address)
}

pub(super) fn connect(address: SocketAddr) -> Peer {
    Peer::new(Role::Client, TcpStream::connect(address).unwrap(), proto::Config::default())
}

/// The outcome of a request: its body, or `None` after a reset.
pub(super) type Answers = HashMap<StreamId, Option<String>>;

/// Sends these requests at once, and waits for all outcomes or the end of the connection.
fn ask(address: SocketAddr, paths: &[&str]) -> Vec<Option<String>> {
    ask_on(connect(address), paths)
}

fn ask_on(mut peer: Peer, paths: &[&str]) -> Vec<Option<String>> {
    let ids =
        paths.iter().map(|path| peer.core.open(&request(path), true, Instant::now()).unwrap());
    let ids: Vec<_> = ids.collect();
    let mut answers = Answers::new();
    wait(&mut peer, &mut answers, &ids);
    peer.core.close(ErrorCode::NoError, Default::default());
    peer.write();
    ids.iter().map(|id| answers.remove(id).flatten()).collect()
}

pub(super) fn wait(peer: &mut Peer, answers: &mut Answers, ids: &[StreamId]) {
    let mut bodies = HashMap::<StreamId, Vec<u8>>::new();
    peer.run(|_, event| {
        match event {
            Event::Data { stream_id, data, end_stream } => {
                let body = bodies.entry(stream_id).or_default();
                body.extend_from_slice(&data);
                if end_stream {
                    let body = String::from_utf8(std::mem::take(body)).unwrap();
                    answers.insert(stream_id, Some(body));
                }
            }
            Event::Headers { stream_id, end_stream: true, .. } => {
                answers.insert(stream_id, Some(String::new()));
            }
            Event::Reset { stream_id, .. } => {
                answers.entry(stream_id).or_insert(None);
            }
            _ => {}
        }
        !ids.iter().all(|id| answers.contains_key(id))
    });
}

fn answered(paths: &[&str]) -> Vec<Option<String>> {
    paths.iter().map(|path| Some((*path).to_owned())).collect()
}

/// Counts the running handlers, and asserts their limit.
#[derive(Clone)]
struct Gauge(Arc<AtomicUsize>, usize);

struct Running(Gauge);

impl Gauge {
    fn new(most: usize) -> Self {
        Gauge(Arc::new(AtomicUsize::new(0)), most)
    }

    fn enter(&self) -> Running {
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        model::assert(before < self.1, "more handlers run than may");
        Running(self.clone())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Shuts the server down, and asserts that nothing is left of it.
pub(super) fn end(handle: Handle) {
    let cut = handle.shutdown(Duration::from_secs(5));
    assert_eq!((cut.connections, cut.requests), (0, 0));
    assert_ended(&handle);
}

/// Asserts that no connection and no handler is left.
pub(super) fn assert_ended(handle: &Handle) {
    assert_eq!(handle.stats().connections, 0);
    // A thread may give its permit back a moment after its response was sent.
    for _ in 0..1_000 {
        if handle.stats().handlers_running == 0 {
            return;
        }
        thread::sleep(MS);
    }
    panic!("a permit is lost");
}

fn requests_of_two_connections(handlers: usize, time: Duration) {
    let gauge = Gauge::new(handlers);
    let config = Config { max_handlers: handlers, ..config() };
    let (handle, address) = serve(config, move |request, response| {
        let _running = gauge.enter();
        if !time.is_zero() && request.path() != "/quick" {
            thread::sleep(time);
        }
        response.send(request.path().to_owned())
    });
    let clients = [["/a", "/b"], ["/c", "/quick"]]
        .map(|paths| thread::spawn(move || assert_eq!(ask(address, &paths), answered(&paths))));
    clients.into_iter().for_each(|client| client.join().unwrap());
    end(handle);
}

/// More quick handlers than permits: all requests are answered, and no permit is lost.
pub fn every_request_is_answered() {
    model::check(150, Time::Waits, || requests_of_two_connections(2, Duration::ZERO));
    model::check(150, Time::RunsFor(20 * MS), || requests_of_two_connections(1, Duration::ZERO));
}

/// Slow handlers with one permit: another thread takes the lead, and requests wait in line.
pub fn requests_stand_in_line_for_slow_handlers() {
    model::check(150, Time::Waits, || requests_of_two_connections(1, 5 * MS));
    model::check(150, Time::RunsFor(20 * MS), || requests_of_two_connections(2, 5 * MS));
}

/// A handler waits for a later request on the same connection: the clock makes another thread lead.
pub fn a_stuck_leader_loses_the_lead() {
    model::check(300, Time::Waits, || {
        let gate = Arc::new((Mutex::new(false), Condvar::new()));
        let (handle, address) = serve(config(), move |request, response| {
            let (is_open, opened) = &*gate;
            if request.path() == "/go" {
                *is_open.lock().unwrap() = true;
                opened.notify_all();
            } else {
                drop(opened.wait_while(is_open.lock().unwrap(), |is_open| !*is_open).unwrap());
            }
            response.send(request.path().to_owned())
        });
        let paths = ["/wait", "/wait", "/go"];
        assert_eq!(ask(address, &paths), answered(&paths));
        end(handle);
    });
}

/// A handler that waits for its body leads meanwhile, and hands over the lead for other requests.
pub fn a_handler_that_reads_gives_way() {
    model::check(300, Time::Waits, || {
        let (handle, address) = serve(config(), |request, response| {
            let mut octets = 0;
            while let Some(chunk) = request.next_chunk()? {
                octets += chunk.len();
            }
            response.send(format!("{octets}"))
        });
        let mut peer = connect(address);
        let now = Instant::now();
        let upload = crate::headers!(
            ":method" => "POST", ":scheme" => "http", ":authority" => "a.example", ":path" => "/"
        );
        let first = peer.core.open(&upload, false, now).unwrap();
        let second = peer.core.open(&request("/"), true, now).unwrap();
        let mut answers = Answers::new();
        // The body is sent when the other request has been answered.
        wait(&mut peer, &mut answers, &[second]);
        peer.core.send_data(first, vec![7; 9].into(), true, Instant::now()).unwrap();
        wait(&mut peer, &mut answers, &[first]);
        assert_eq!(answers.remove(&first), Some(Some("9".to_owned())));
        assert_eq!(answers.remove(&second), Some(Some("0".to_owned())));
        drop(peer);
        end(handle);
    });
}

/// Handlers wait for bodies, one of them in a read, when the client closes: all of them learn of
/// it.
pub fn the_clients_end_wakes_all_handlers() {
    let config = || Config { read_timeout: None, body_timeout: None, ..config() };
    model::check(300, Time::Waits, move || {
        let (handle, address) = serve(config(), |request, _| {
            let result = request.next_chunk();
            model::assert(result.is_err(), "a body that was cut short looks whole");
            result.map(drop)
        });
        let mut peer = connect(address);
        let upload = crate::headers!(
            ":method" => "POST", ":scheme" => "http", ":authority" => "a.example", ":path" => "/"
        );
        for _ in 0..3 {
            peer.core.open(&upload, false, Instant::now()).unwrap();
        }
        peer.write();
        // Long enough for handlers to be waiting, or about to wait.
        thread::sleep(Duration::from_secs(2));
        drop(peer);
        end(handle);
    });
}

/// Requests are reset while they wait for permits, and a connection closes with waiting requests:
/// the permits go to others.
pub fn places_pass_by_requests_that_are_gone() {
    let body = || {
        let gauge = Gauge::new(1);
        let config = Config { max_handlers: 1, ..config() };
        let (handle, address) = serve(config, move |request, response| {
            let _running = gauge.enter();
            thread::sleep(5 * MS);
            response.send(request.path().to_owned())
        });
        let leaves = thread::spawn(move || {
            let mut peer = connect(address);
            let now = Instant::now();
            let ids =
                ["/a", "/b", "/c"].map(|path| peer.core.open(&request(path), true, now).unwrap());
            peer.write();
            for id in ids {
                let _ = peer.core.reset(id, ErrorCode::Cancel, Instant::now());
            }
            peer.write();
        });
        assert_eq!(ask(address, &["/d", "/e"]), answered(&["/d", "/e"]));
        leaves.join().unwrap();
        end(handle);
    };
    model::check(150, Time::Waits, body);
    model::check(150, Time::RunsFor(30 * MS), body);
}

/// Idle threads time out just as a new task arrives.
pub fn no_task_is_lost_to_a_thread_that_ends() {
    let config = || Config { idle_thread_timeout: 3 * MS, ..config() };
    model::check(300, Time::RunsFor(100 * MS), move || {
        let (handle, address) = serve(config(), |request, response| {
            thread::sleep(4 * MS);
            response.send(request.path().to_owned())
        });
        let other = thread::spawn(move || {
            for _ in 0..2 {
                assert_eq!(ask(address, &["/a", "/b"]), answered(&["/a", "/b"]));
                thread::sleep(3 * MS);
            }
        });
        assert_eq!(ask(address, &["/c"]), answered(&["/c"]));
        other.join().unwrap();
        end(handle);
    });
}

/// The system sometimes refuses a thread: each request still has an outcome, and nothing is lost.
pub fn threads_that_do_not_start_lose_nothing() {
    let body = |config: fn() -> Config| {
        move || {
            let (handle, address) = serve(config(), |request, response| {
                if request.path() == "/slow" {
                    thread::sleep(5 * MS);
                }
                response.send(request.path().to_owned())
            });
            modelled_std::thread::set_fails(true);
            let clients = [["/a", "/slow", "/b"], ["/slow", "/c", "/d"]].map(|paths| {
                thread::spawn(move || {
                    for (answer, path) in ask(address, &paths).iter().zip(paths) {
                        assert!(answer.as_ref().is_none_or(|answer| answer == path));
                    }
                })
            });
            clients.into_iter().for_each(|client| client.join().unwrap());
            modelled_std::thread::set_fails(false);
            end(handle);
        }
    };
    model::check(300, Time::Waits, body(config));
    model::check(300, Time::Waits, body(|| Config { max_handlers: 1, ..config() }));
}

/// The server is shut down at any moment: it ends, and each request has an outcome.
pub fn shutdown_ends_with_requests_under_way() {
    let body = |patience: Duration| {
        move || {
            let (handle, address) = serve(config(), |request, response| {
                if request.path() == "/slow" {
                    thread::sleep(5 * MS);
                }
                response.send(request.path().to_owned())
            });
            let peer = connect(address);
            let client = thread::spawn(move || {
                let paths = ["/a", "/slow", "/b"];
                for (answer, path) in ask_on(peer, &paths).iter().zip(paths) {
                    assert!(answer.as_ref().is_none_or(|answer| answer == path));
                }
            });
            thread::yield_now();
            handle.shutdown(patience);
            assert_ended(&handle);
            drop(handle);
            client.join().unwrap();
        }
    };
    model::check(150, Time::Waits, body(Duration::from_secs(5)));
    model::check(150, Time::RunsFor(20 * MS), body(Duration::from_secs(5)));
}

/// A client without requests learns that the server shuts down.
pub fn shutdown_tells_idle_connections() {
    model::check(300, Time::Waits, || {
        let (handle, address) = serve(config(), |_, response| response.send("x"));
        let mut peer = connect(address);
        let idle = thread::spawn(move || {
            let mut is_told = false;
            peer.run(|_, event| {
                is_told |= matches!(event, Event::Goaway { .. });
                true
            });
            assert!(is_told);
        });
        thread::sleep(MS);
        end(handle);
        idle.join().unwrap();
    });
}

/// The same with a timeout of zero: running requests are cut.
pub fn shutdown_cuts_what_takes_too_long() {
    let body = || {
        let (handle, address) = serve(config(), |request, response| {
            if request.path() == "/slow" {
                thread::sleep(50 * MS);
            }
            response.send(request.path().to_owned())
        });
        let peer = connect(address);
        let client = thread::spawn(move || drop(ask_on(peer, &["/a", "/slow", "/b"])));
        thread::yield_now();
        handle.shutdown(MS);
        assert_eq!(handle.stats().connections, 0);
        drop(handle);
        client.join().unwrap();
    };
    model::check(150, Time::Waits, body);
    model::check(150, Time::RunsFor(20 * MS), body);
}
