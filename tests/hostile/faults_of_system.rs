//! What the system and the application may do to a server, a client and a session: handlers that panic
//! or never return, descriptors and threads that run out.
//!
//! What is limited for a whole process is tested in one of its own: this program again, with one test
//! and a limit of the shell's.

use std::env;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use h2_sync::client::{Client, Connection};
use h2_sync::server::{serve_connection, Config, Request, Response, Server};
use h2_sync::transport::duplex;
use h2_sync::upgrade::Options;
use h2_sync::{new_connection, Act, ErrorCode, ErrorKind, Evt, Role, Session};

use crate::memory::{bounded, KIB, MIB};
use crate::neighbour::Neighbour;
use crate::support::{eventually, listener, Peer, LONG};
use crate::victim::{gate, get, hello, post, BoxError, Victim};

/// Soon. None of the others is concerned.
const SOON: Duration = Duration::from_millis(200);

// Handlers.

#[test]
fn a_handler_that_panics_is_500_and_others_are_served() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            assert_ne!(request.path(), "/panic", "as it is meant to be");
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        for _ in 0..50 {
            assert_eq!(peer.fetch(&get("/panic")).0, 500);
            assert_eq!(peer.fetch(&get("/")).0, 200);
        }
        assert_eq!(victim.handle.stats().handlers_panicked, 50);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_handler_that_panics_in_its_response_is_an_internal_error_and_others_are_served() {
    bounded(|| {
        let victim = Victim::new(|request, response| {
            response.write_all(b"so far")?;
            response.flush()?;
            assert_ne!(request.path(), "/panic", "as it is meant to be");
            Ok(())
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        for _ in 0..50 {
            let stream_id = peer.open(&get("/panic"), true);
            peer.expect_reset(stream_id, ErrorCode::InternalError);
            assert_eq!(peer.fetch(&get("/")).0, 200);
        }
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

/// All of the same connection, and more than there are places for one.
#[test]
fn handlers_that_never_return_keep_no_other_connection_from_being_served() {
    bounded(|| {
        let (gate, bolt) = gate();
        let victim = Victim::new(move |request, response| {
            if request.path() == "/never" {
                gate.wait();
            }
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        let ids: Vec<_> = (0..128).map(|_| peer.open(&get("/never"), true)).collect();
        for _ in &ids {
            bolt.comes();
        }
        neighbour.is_served();
        // They hold their slots, though the peer has given them up.
        for &stream_id in &ids {
            peer.reset(stream_id, ErrorCode::Cancel);
        }
        let one_more = peer.open(&get("/"), true);
        peer.expect_reset(one_more, ErrorCode::RefusedStream);
        neighbour.was_served();
        drop(bolt);
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_handler_that_takes_too_long_is_an_internal_error_and_others_are_served() {
    bounded(|| {
        let (gate, bolt) = gate();
        let (told, tells) = channel();
        let victim = Victim::with(
            |config| config.handler_timeout = Some(SOON),
            move |request, response| {
                if request.path() == "/never" {
                    gate.wait();
                    let written = response.write_all(b"too late");
                    let error = written.and_then(|()| response.flush()).unwrap_err();
                    told.send(h2_sync::Error::from(error).kind())?;
                }
                hello(request, response)
            },
        );
        let mut peer = victim.peer();
        let first = peer.open(&get("/never"), true);
        let second = peer.open(&post("/never"), false);
        for stream_id in [first, second] {
            bolt.comes();
            peer.expect_reset(stream_id, ErrorCode::InternalError);
        }
        assert_eq!(peer.fetch(&get("/")).0, 200);
        let stats = victim.handle.stats();
        assert_eq!((stats.handlers_given_up, stats.handlers_running), (2, 2));
        drop(bolt);
        for _ in 0..2 {
            assert_eq!(tells.recv_timeout(LONG).unwrap(), ErrorKind::Timeout);
        }
        drop(peer);
        victim.comes_to_rest();
    });
}

/// The body has come, and the response is on its way: the handler has done nothing wrong.
#[test]
fn a_handler_that_has_returned_has_not_taken_too_long() {
    bounded(|| {
        let victim = Victim::with(|config| config.handler_timeout = Some(SOON), hello);
        let closed = vec![h2_sync::frame::Setting::InitialWindowSize(0)];
        let mut peer = Peer::connect_with(victim.address(), closed);
        let slow = peer.open(&get("/"), true);
        eventually(|| victim.begun() == 1 && victim.handle.stats().handlers_running == 0);
        // Longer than a handler may take.
        thread::park_timeout(2 * SOON);
        peer.grant(slow, 5);
        assert_eq!(peer.response(slow), (200, b"hello".to_vec()));
        assert_eq!(victim.handle.stats().handlers_given_up, 0);
    });
}

// The application.

/// One value of it, that is; and the error names it.
#[test]
fn a_configuration_that_makes_no_sense_is_refused_at_every_door() {
    let mut http2 = h2_sync::Config::default();
    http2.max_frame_size = 0;
    let mut server = Config::default();
    server.http2 = http2.clone();
    let mut client = h2_sync::client::Config::default();
    client.http2 = http2.clone();
    let near = || duplex(64 * KIB).0;
    let refusals = [
        Session::with_config(near(), Role::Client, http2.clone()).err(),
        Session::with_config(near(), Role::Server, http2.clone()).err(),
        Session::accept_h2c(near(), http2.clone(), &Options::default()).err(),
        Connection::start(near(), http2).err(),
        Client::with_config(client).err(),
        Server::bind("127.0.0.1:0").unwrap().config(server.clone()).serve(hello).err(),
        serve_connection(near(), server, hello).err(),
    ];
    for (door, refusal) in refusals.into_iter().enumerate() {
        let error = refusal.unwrap_or_else(|| panic!("door {door} is open"));
        assert_eq!(error.kind(), ErrorKind::Caller, "door {door}: {error}");
        assert!(error.to_string().contains("`max_frame_size` must be"), "door {door}: {error}");
    }
}

// A process of its own.

/// Tells a process that it is the one.
const CHILD: &str = "H2_SYNC_HOSTILE_CHILD";

/// Runs the test again, under a limit of `ulimit`.
#[cfg(target_os = "linux")]
fn with_limit(limit: &str, name: &str, test: fn()) {
    if env::var_os(CHILD).is_some() {
        return test();
    }
    bounded({
        let (limit, name) = (limit.to_owned(), name.to_owned());
        move || {
            let mut command = Command::new("sh");
            command.args(["-c", &format!("ulimit {limit} && exec \"$0\" \"$@\"")]);
            command.arg(env::current_exe().unwrap());
            command.args([&name, "--exact", "--nocapture"]);
            command.env(CHILD, "1");
            // What the C library keeps, or takes beforehand, would be some of what is limited.
            command.env("MALLOC_ARENA_MAX", "1").env("MALLOC_TOP_PAD_", "33554432");
            command.env("GLIBC_TUNABLES", "glibc.pthread.stack_cache_size=0");
            let output = command.output().unwrap();
            let told = String::from_utf8_lossy(&output.stdout);
            let complaints = String::from_utf8_lossy(&output.stderr);
            let has_passed = output.status.success() && told.contains("1 passed");
            assert!(has_passed, "{}:\n{told}\n{complaints}", output.status);
        }
    });
}

// Descriptors.

/// All descriptors that the process may still have.
struct Descriptors(Vec<File>);

impl Descriptors {
    fn all() -> Self {
        Descriptors(std::iter::from_fn(|| File::open("/dev/null").ok()).collect())
    }

    /// Has so many free, whatever was free before.
    fn leave(&mut self, free: usize) {
        self.0.extend(Descriptors::all().0);
        self.0.truncate(self.0.len().checked_sub(free).expect("there are so many"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_without_descriptors_goes_on_and_accepts_when_there_are_some() {
    let name =
        "faults_of_system::a_server_without_descriptors_goes_on_and_accepts_when_there_are_some";
    with_limit("-n 100", name, || {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut descriptors = Descriptors::all();
        for _ in 0..3 {
            let errors = victim.handle.stats().accept_errors;
            // One for this end, none for the other.
            descriptors.leave(1);
            let stream = TcpStream::connect(victim.address()).unwrap();
            eventually(|| victim.handle.stats().accept_errors > errors);
            neighbour.is_served();
            // It has been waiting all the time.
            descriptors.0.clear();
            stream.set_read_timeout(Some(LONG)).unwrap();
            let mut peer = Peer::client(stream, Vec::new());
            assert_eq!(peer.fetch(&get("/")), (200, b"hello".to_vec()));
        }
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

/// There is one for it, and none beside.
#[cfg(target_os = "linux")]
#[test]
fn a_connection_takes_one_descriptor() {
    let name = "faults_of_system::a_connection_takes_one_descriptor";
    with_limit("-n 100", name, || {
        let victim = Victim::hello();
        let mut descriptors = Descriptors::all();
        // One for this end, one for the other.
        descriptors.leave(2);
        let stream = TcpStream::connect(victim.address()).unwrap();
        let mut peer = Peer::client(stream, Vec::new());
        assert_eq!(peer.fetch(&get("/")), (200, b"hello".to_vec()));
        descriptors.leave(0);
        assert_eq!(peer.fetch(&get("/")), (200, b"hello".to_vec()));
        drop(peer);
        victim.comes_to_rest();
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_without_descriptors_says_so_and_its_connections_go_on() {
    let name = "faults_of_system::a_client_without_descriptors_says_so_and_its_connections_go_on";
    with_limit("-n 100", name, || {
        let (one, other) = (Victim::hello(), Victim::hello());
        let client = Client::new().unwrap();
        let ask = |url: &str| client.get(url).send().and_then(|response| response.text());
        assert_eq!(ask(&one.url).unwrap(), "hello");
        let mut descriptors = Descriptors::all();
        for _ in 0..3 {
            descriptors.leave(0);
            let error = ask(&other.url).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Transport, "{error}");
            assert!(error.to_string().contains("open files"), "{error}");
            assert_eq!(ask(&one.url).unwrap(), "hello");
        }
        descriptors.0.clear();
        assert_eq!(ask(&other.url).unwrap(), "hello");
        drop(client);
        one.comes_to_rest();
        other.comes_to_rest();
    });
}

// Threads.

/// Address space that nothing else can have. There is so much left that threads with larger stacks
/// cannot be started.
struct Space(Vec<u8>);

impl Space {
    fn leave(octets: usize) -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split_whitespace().next().unwrap().parse().unwrap();
        let mut space = Vec::new();
        space.try_reserve_exact(SPACE_OCTETS - pages * PAGE - octets).unwrap();
        Space(space)
    }

    /// It can be had again.
    fn give_back(self) {
        drop(self.0);
    }
}

const PAGE: usize = 4 << 10;
const SPACE_OCTETS: usize = 4_000_000 << 10;

/// Octets of address space, in the words of the shell.
const SPACE: &str = "-v 4000000";

#[cfg(target_os = "linux")]
#[test]
fn a_session_without_threads_is_an_error_and_another_goes_on() {
    let name = "faults_of_system::a_session_without_threads_is_an_error_and_another_goes_on";
    with_limit(SPACE, name, || {
        let (near, far) = duplex(64 * KIB);
        let client = new_connection(near, true, false).unwrap();
        let _server = new_connection(far, false, false).unwrap();
        // For no thread of 256 KiB, and for one of two.
        for octets in [200 * KIB, 400 * KIB] {
            let (near, mut far) = duplex(64 * KIB);
            let mut said = Vec::with_capacity(KIB);
            let space = Space::leave(octets);
            let error = new_connection(near, true, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.to_string().starts_with("a thread could not be started: "), "{error}");
            // Nothing is left of it.
            far.read_to_end(&mut said).unwrap();
            is_alive(&client);
            space.give_back();
        }
        let (near, far) = duplex(64 * KIB);
        let one_more = new_connection(near, true, false).unwrap();
        let _its_peer = new_connection(far, false, false).unwrap();
        is_alive(&one_more);
    });
}

/// A PING of it is answered.
fn is_alive(session: &Session) {
    session.put_act(Act::Ping).unwrap();
    while !matches!(session.take_evt_timeout(LONG), Ok(Evt::Pong { .. })) {}
}

#[cfg(target_os = "linux")]
#[test]
fn a_client_without_threads_says_so_and_asks_again_when_there_are_some() {
    let name =
        "faults_of_system::a_client_without_threads_says_so_and_asks_again_when_there_are_some";
    with_limit(SPACE, name, || {
        let (listener, url) = listener();
        let client = Client::new().unwrap();
        // For no thread of 128 KiB.
        let space = Space::leave(100 * KIB);
        let error = client.get("http://localhost:1/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "looking up a name takes a thread: {error}");
        for _ in 0..3 {
            let error = client.get(&*url).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
            assert!(error.to_string().starts_with("a thread could not be started: "), "{error}");
            // There was a connection, and nobody who would have looked after it.
            Peer::accept(&listener).expect_goaway(ErrorCode::NoError);
            assert!(client.connections().iter().all(|connection| !connection.can_open()));
        }
        space.give_back();
        let asks = thread::spawn(move || client.get(&*url).send().unwrap().text().unwrap());
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asks.join().unwrap(), "hello");
    });
}

/// A handler that waits keeps the only thread of its connection, and there is no other.
#[cfg(target_os = "linux")]
#[test]
fn a_server_without_threads_serves_those_that_it_has() {
    let name = "faults_of_system::a_server_without_threads_serves_those_that_it_has";
    with_limit(SPACE, name, || {
        let (gate, bolt) = gate();
        let victim = Victim::with(
            |config| config.idle_thread_timeout = SOON,
            move |request: &mut Request, response: &mut Response| {
                if request.path() == "/slow" {
                    gate.wait();
                }
                hello(request, response)
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        assert_eq!(peer.fetch(&get("/")).0, 200);
        eventually(|| victim.handle.stats().threads == 2);
        // For no thread of 2 MiB.
        let space = Space::leave(MIB);
        // There is none for one more connection.
        let mut one_more = victim.peer();
        one_more.until_closed();
        eventually(|| victim.handle.stats().connections_failed == 1);
        neighbour.is_served();
        // Nor for what would be done meanwhile: it waits.
        let slow = peer.open(&get("/slow"), true);
        bolt.comes();
        let behind = peer.open(&get("/"), true);
        neighbour.is_served();
        bolt.let_one();
        assert_eq!(peer.response(slow).0, 200);
        assert_eq!(peer.response(behind).0, 200);
        // There are some again.
        space.give_back();
        assert_eq!(victim.peer().fetch(&get("/")).0, 200);
        neighbour.was_served();
        drop((peer, one_more, bolt));
        victim.comes_to_rest();
    });
}

/// More than any process may have.
#[test]
fn a_server_that_can_have_no_thread_at_all_closes_its_connections_and_can_be_shut_down() {
    bounded(|| {
        let mut config = Config::default();
        config.stack_size = 1 << 50;
        let answer = |request: &mut Request, response: &mut Response| -> Result<(), BoxError> {
            hello(request, response)
        };
        let handle = Server::bind("127.0.0.1:0").unwrap().config(config).serve(answer).unwrap();
        for failed in 1..=5 {
            let mut peer = Peer::connect(handle.local_addr().unwrap());
            peer.until_closed();
            eventually(|| handle.stats().connections_failed == failed);
        }
        let stats = handle.stats();
        assert_eq!((stats.connections, stats.threads, stats.requests), (0, 0, 0));
        handle.shutdown(LONG);
    });
}
