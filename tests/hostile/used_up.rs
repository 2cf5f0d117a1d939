//! Exhausted file descriptors and threads.
//!
//! These limits apply to a whole process, so each test runs in a separate process of this program,
//! under a `ulimit` of the shell.

use std::env;
use std::fs::File;
use std::io::Read;
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use h2_sync::server::{Request, Response};
use h2_sync::transport::duplex;
use h2_sync::{Act, ErrorKind, Evt, Session, new_connection};

use crate::client_stage::client;
use crate::memory::{KIB, MIB, bounded};
use crate::neighbour::Neighbour;
use crate::support::{LONG, Peer, eventually, listener};
use crate::victim::{Victim, gate, get, hello};

/// A short deadline, which does not affect the other connections.
const SOON: Duration = Duration::from_millis(200);

/// The environment variable that selects the child process.
const CHILD: &str = "H2_SYNC_HOSTILE_CHILD";

/// Runs the test again under a limit of `ulimit`.
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
            // Memory that the C library reserves would count against the limit.
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

/// All remaining file descriptors of the process.
struct Descriptors(Vec<File>);

impl Descriptors {
    fn all() -> Self {
        Descriptors(std::iter::from_fn(|| File::open("/dev/null").ok()).collect())
    }

    /// Leaves `free` descriptors free.
    fn leave(&mut self, free: usize) {
        self.0.extend(Descriptors::all().0);
        self.0.truncate(self.0.len().checked_sub(free).expect("enough descriptors"));
    }
}

#[test]
fn a_server_without_descriptors_accepts_again_when_there_are_some() {
    let name = "used_up::a_server_without_descriptors_accepts_again_when_there_are_some";
    with_limit("-n 100", name, || {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let mut descriptors = Descriptors::all();
        // None of them closes before all have connected, since that would free a descriptor.
        let mut peers = Vec::new();
        for _ in 0..3 {
            let errors = victim.handle.stats().accept_errors;
            // One for this end, none for the server's.
            descriptors.leave(1);
            let stream = TcpStream::connect(victim.address()).unwrap();
            eventually(|| victim.handle.stats().accept_errors > errors);
            neighbour.is_served();
            // It has been waiting since then.
            descriptors.0.clear();
            stream.set_read_timeout(Some(LONG)).unwrap();
            let mut peer = Peer::client(stream, Vec::new());
            assert_eq!(peer.fetch(&get("/")), (200, b"hello".to_vec()));
            peers.push(peer);
        }
        drop(peers);
        neighbour.was_served();
        victim.comes_to_rest();
    });
}

/// One descriptor is left for it.
#[test]
fn a_connection_takes_one_descriptor() {
    let name = "used_up::a_connection_takes_one_descriptor";
    with_limit("-n 100", name, || {
        let victim = Victim::hello();
        let mut descriptors = Descriptors::all();
        // One for this end, one for the server's.
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

#[test]
fn a_client_without_descriptors_reports_it_and_its_connections_continue() {
    let name = "used_up::a_client_without_descriptors_reports_it_and_its_connections_continue";
    with_limit("-n 100", name, || {
        let (one, other) = (Victim::hello(), Victim::hello());
        let client = client(|_| {});
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

/// Occupied address space. The rest is too small for threads with larger stacks.
struct Space(Vec<u8>);

impl Space {
    fn leave(octets: usize) -> Self {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        let pages: usize = statm.split_whitespace().next().unwrap().parse().unwrap();
        let mut space = Vec::new();
        space.try_reserve_exact(SPACE_OCTETS - pages * PAGE - octets).unwrap();
        Space(space)
    }

    /// Frees the address space.
    fn give_back(self) {
        drop(self.0);
    }
}

const PAGE: usize = 4 << 10;
const SPACE_OCTETS: usize = 4_000_000 << 10;

/// The limit of address space, as an argument of `ulimit`.
const SPACE: &str = "-v 4000000";

#[test]
fn a_session_without_threads_is_an_error_and_others_continue() {
    let name = "used_up::a_session_without_threads_is_an_error_and_others_continue";
    with_limit(SPACE, name, || {
        let (near, far) = duplex(64 * KIB);
        let client = new_connection(near, true, false).unwrap();
        let _server = new_connection(far, false, false).unwrap();
        // Too little for one thread of 256 KiB, and for two.
        for octets in [200 * KIB, 400 * KIB] {
            let (near, mut far) = duplex(64 * KIB);
            let mut said = Vec::with_capacity(KIB);
            let space = Space::leave(octets);
            let error = new_connection(near, true, false).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal);
            assert!(error.to_string().starts_with("cannot start a thread: "), "{error}");
            // No part of it is left.
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

/// Checks that it answers a PING.
fn is_alive(session: &Session) {
    session.put_act(Act::Ping).unwrap();
    while !matches!(session.take_evt_timeout(LONG), Ok(Evt::Pong { .. })) {}
}

#[test]
fn a_client_without_threads_reports_it_and_recovers() {
    let name = "used_up::a_client_without_threads_reports_it_and_recovers";
    with_limit(SPACE, name, || {
        let (listener, url) = listener();
        let client = client(|_| {});
        // Too little for a thread of 128 KiB.
        let space = Space::leave(100 * KIB);
        let error = client.get("http://localhost:1/").send().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal, "looking up a name takes a thread: {error}");
        for _ in 0..3 {
            let error = client.get(&*url).send().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
            let told = format!("{url}: cannot start a thread: ");
            assert!(error.to_string().starts_with(&told), "{error}");
            assert!(client.connections().is_empty());
        }
        space.give_back();
        let asks = thread::spawn(move || client.get(&*url).send().unwrap().text().unwrap());
        let mut peer = Peer::accept(&listener);
        let (stream_id, _) = peer.receive_headers();
        peer.answer(stream_id, 200, "hello");
        assert_eq!(asks.join().unwrap(), "hello");
    });
}

/// Handlers occupy all threads but the one that idle connections wait on, and no other can be started.
#[test]
fn a_server_without_threads_serves_existing_connections() {
    let name = "used_up::a_server_without_threads_serves_existing_connections";
    with_limit(SPACE, name, || {
        let (gate, bolt) = gate();
        let (held_gate, held_bolt) = self::gate();
        let held = Arc::new(AtomicUsize::new(0));
        let holds = Arc::clone(&held);
        let victim = Victim::with(
            |config| config.idle_thread_timeout = SOON,
            move |request: &mut Request, response: &mut Response| {
                match request.path() {
                    "/slow" => gate.wait(),
                    "/held" => {
                        holds.fetch_add(1, Ordering::SeqCst);
                        held_gate.wait();
                    }
                    _ => {}
                }
                hello(request, response)
            },
        );
        let neighbour = Neighbour::of(&victim.url);
        let mut peer = victim.peer();
        assert_eq!(peer.fetch(&get("/")).0, 200);
        // Too little for a thread of 2 MiB.
        let space = Space::leave(MIB);
        // There is no thread for another connection, once others have taken those that were idle, and
        // the stack that a thread which has ended may have left.
        let mut others = Vec::new();
        while victim.handle.stats().connections_failed == 0 {
            let mut other = victim.peer();
            other.open(&get("/held"), true);
            others.push(other);
            eventually(|| {
                let is_refused = victim.handle.stats().connections_failed == 1;
                is_refused || held.load(Ordering::SeqCst) == others.len()
            });
        }
        others.last_mut().unwrap().until_closed();
        neighbour.is_served();
        // One thread is free again, but there is no second one for other work of this connection.
        if held.load(Ordering::SeqCst) > 0 {
            held_bolt.let_one();
        }
        let slow = peer.open(&get("/slow"), true);
        bolt.comes();
        let behind = peer.open(&get("/"), true);
        neighbour.is_served();
        bolt.let_one();
        assert_eq!(peer.response(slow).0, 200);
        assert_eq!(peer.response(behind).0, 200);
        // Threads can be started again.
        space.give_back();
        assert_eq!(victim.peer().fetch(&get("/")).0, 200);
        neighbour.was_served();
        drop((peer, others, bolt, held_bolt));
        victim.comes_to_rest();
    });
}
