//! The poller of a server by itself: connections that wait for input without a thread.

use std::fs;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use modelled_std::model::{self, Time};

use crate::logging::Lock;
use crate::transport::{Closer, Epoll, Halves, ReadHalf, Transport, WriteHalf};

// Private files of the crate's server.
#[allow(dead_code)]
#[path = "../../../../src/server/clock.rs"]
mod clock;
#[allow(dead_code)]
#[path = "../../../../src/server/fields.rs"]
mod fields;
#[allow(dead_code)]
#[path = "../../../../src/server/poller.rs"]
#[allow(clippy::module_inception)]
mod poller;
#[allow(dead_code)]
#[path = "../../../../src/server/polling.rs"]
mod polling;
#[allow(dead_code)]
#[path = "../../../../src/server/pool.rs"]
mod pool;
#[allow(dead_code)]
#[path = "../../../../src/server/shortage.rs"]
mod shortage;
#[allow(dead_code)]
#[path = "../../../../src/server/suspect.rs"]
mod suspect;

use clock::{Clock, Ticking};
use poller::{IDLE_MIN, Poller, Stay, Watched};
use pool::{Pool, Scratch};

const MS: Duration = Duration::from_millis(1);

/// Longer than a few ticks, and shorter than the timeouts that could make up for a lost wake-up.
const SOON: Duration = Duration::from_millis(50);

/// The same where time also passes while threads run.
const LATE: Duration = Duration::from_secs(1);

/// A request is one octet, which is echoed.
const QUICK: u8 = b'q';
/// It is echoed after this time.
const SLOW: u8 = b's';
const SLOW_TIME: Duration = Duration::from_millis(3);
/// It is echoed when all members of a meeting have come.
const MEET: u8 = b'm';
/// It is echoed. Then the thread panics, and the connection is lost.
const PANIC: u8 = b'p';

/// Handlers that wait for one another.
struct Meeting {
    missing: Mutex<usize>,
    complete: Condvar,
}

impl Meeting {
    fn of(members: usize) -> Arc<Self> {
        Arc::new(Meeting { missing: Mutex::new(members), complete: Condvar::new() })
    }

    fn attend(&self) {
        let mut missing = self.missing.lock().unwrap();
        *missing -= 1;
        self.complete.notify_all();
        drop(self.complete.wait_while(missing, |missing| *missing > 0).unwrap());
    }
}

/// A server without anything but its poller.
struct Parts {
    pool: Arc<Pool>,
    clock: Arc<Ticking>,
    poller: Arc<Poller>,
}

impl Parts {
    fn new(cores: usize) -> Self {
        let (pool, clock) = (Pool::new(64 << 10, 3 * MS), Arc::new(Clock::start().unwrap()));
        let poller = Poller::with_cores(&pool, &clock, cores);
        Parts { pool, clock, poller }
    }

    /// Connections that are left to the poller.
    fn connections<const N: usize>(&self, meeting: &Arc<Meeting>) -> [Peer; N] {
        [(); N].map(|()| {
            let peer = self.connection(meeting);
            assert!(peer.conn.leave());
            peer
        })
    }

    fn connection(&self, meeting: &Arc<Meeting>) -> Peer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let Halves { reader, writer, closer } = listener.accept().unwrap().0.split().unwrap();
        let conn = Arc::new(Conn {
            poller: Arc::clone(&self.poller),
            meeting: Arc::clone(meeting),
            halves: Lock::new(Some((reader, writer))),
            closer,
            left: Lock::new(None),
            ends: AtomicUsize::new(0),
        });
        Peer { stream, conn }
    }

    /// Waits for all threads, which end by themselves when no connection is left, within this time.
    fn end(self, conns: &[Arc<Conn>], time: Duration) {
        let since = Instant::now();
        while self.pool.threads() > 0 {
            thread::sleep(MS);
            assert!(since.elapsed() < time, "a polling thread does not end");
        }
        for conn in conns {
            assert_eq!(conn.ends.load(Ordering::SeqCst), 1, "a connection ends once");
        }
        self.pool.close();
        self.clock.close();
    }
}

type Both = (ReadHalf<TcpStream>, WriteHalf<TcpStream>);

/// A connection, which follows the rules that those of a server follow.
struct Conn {
    poller: Arc<Poller>,
    meeting: Arc<Meeting>,
    /// Taken by the thread that serves it, and dropped at the end.
    halves: Lock<Option<Both>>,
    closer: Closer,
    left: Lock<Option<u64>>,
    /// How often it has ended.
    ends: AtomicUsize,
}

impl Conn {
    /// Leaves it to the poller. Returns `false` if the caller still serves it.
    fn leave(self: &Arc<Self>) -> bool {
        let token = self.poller.token();
        *self.left.lock() = Some(token);
        self.poller.add(token, self) || !self.take(token)
    }

    fn take(&self, token: u64) -> bool {
        self.left.lock().take_if(|left| *left == token).is_some()
    }

    /// Cuts the transport, and ends the connection if no thread serves it.
    fn cut(&self) {
        self.closer.close().unwrap();
        let token = self.left.lock().take();
        if let Some(token) = token {
            self.poller.forget(token);
            self.end();
        }
    }

    fn end(&self) {
        self.ends.fetch_add(1, Ordering::SeqCst);
        let halves = self.halves.lock().take();
        drop(halves);
    }

    /// Reads once, and answers. Returns whether there was input, or `None` at the end.
    fn read(&self, halves: &mut Both, time: Duration) -> Option<bool> {
        let _reads = self.poller.reads();
        let _ = self.closer.set_read_timeout(Some(time));
        let mut octets = [0; 8];
        let len = match halves.0.read(&mut octets) {
            Ok(0) => return None,
            Ok(len) => len,
            Err(error) if crate::transport::gave_up(&error) => return Some(false),
            Err(_) => return None,
        };
        drop(_reads);
        for octet in &octets[..len] {
            match *octet {
                SLOW => thread::sleep(SLOW_TIME),
                MEET => self.meeting.attend(),
                _ => {}
            }
            let _ = halves.1.write_all(&[*octet]);
            if *octet == PANIC {
                model::unwind();
            }
        }
        Some(true)
    }
}

/// Ends the connection, also after a panic.
struct Ends<'a> {
    conn: &'a Conn,
    is_left: bool,
}

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        if !self.is_left {
            self.conn.end();
        }
    }
}

impl Watched for Conn {
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.closer.watch(epoll, token)
    }

    fn is_left(&self, token: u64) -> bool {
        *self.left.lock() == Some(token)
    }

    fn has_input(&self, token: u64) -> bool {
        self.is_left(token)
    }

    fn serve(self: Arc<Self>, token: u64, mut stay: Stay, _: &mut Scratch) {
        if !self.take(token) {
            return;
        }
        let mut ends = Ends { conn: &self, is_left: false };
        loop {
            let halves = self.halves.lock().take();
            let Some(mut halves) = halves else { return };
            let Some(found) = self.read(&mut halves, IDLE_MIN) else { return };
            // Before another thread can serve it.
            *self.halves.lock() = Some(halves);
            if stay == Stay::Once || !found || self.poller.is_preferred() {
                ends.is_left = self.leave();
                if ends.is_left {
                    return;
                }
                stay = Stay::UntilIdle;
            }
        }
    }
}

/// The other end of a connection.
struct Peer {
    stream: TcpStream,
    conn: Arc<Conn>,
}

impl Peer {
    fn send(&mut self, request: u8) {
        // Fails after a cut.
        let _ = self.stream.write_all(&[request]);
    }

    /// Returns the echo, or `None` at the end of the connection.
    fn receive(&mut self) -> Option<u8> {
        let mut octet = [0];
        let len = self.stream.read(&mut octet).unwrap_or(0);
        (len > 0).then_some(octet[0])
    }

    /// Sends requests, and waits for the answer to each.
    fn ask(&mut self, requests: &[u8]) {
        for request in requests {
            self.send(*request);
            assert_eq!(self.receive(), Some(*request));
        }
    }
}

fn conns(peers: &[Peer]) -> Vec<Arc<Conn>> {
    peers.iter().map(|peer| Arc::clone(&peer.conn)).collect()
}

/// Runs `act` for each of them on a thread of its own.
fn at_once<const N: usize>(peers: [Peer; N], act: impl Fn(usize, Peer) + Clone + Send + 'static) {
    let mut number = 0;
    let threads = peers.map(|peer| {
        let (act, which) = (act.clone(), number);
        number += 1;
        thread::spawn(move || act(which, peer))
    });
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Connections with quick and slow requests are served whenever they have input, also after pauses,
/// and all polling threads end with the last one.
pub fn every_input_is_served() {
    let body = |cores, time| {
        move || {
            let parts = Parts::new(cores);
            let peers = parts.connections::<3>(&Meeting::of(0));
            let conns = conns(&peers);
            at_once(peers, |which, mut peer| {
                peer.ask(if which < 2 { &[SLOW, QUICK] } else { &[QUICK, QUICK] });
                // Surplus polling threads end meanwhile.
                thread::sleep(IDLE_MIN * (1 + which as u32 % 2));
                peer.ask(&[QUICK]);
            });
            parts.end(&conns, time);
        }
    };
    model::check(100, Time::Waits, body(1, SOON));
    model::check(100, Time::Waits, body(2, SOON));
    model::check(100, Time::RunsFor(500 * MS), body(2, LATE));
}

/// Handlers on connections that were all left to the poller wait for one another: the ticks find
/// a thread for each.
pub fn blocked_polling_threads_are_replaced() {
    let body = |cores| {
        move || {
            let parts = Parts::new(cores);
            let peers = parts.connections::<4>(&Meeting::of(4));
            let conns = conns(&peers);
            let since = Instant::now();
            at_once(peers, |which, mut peer| {
                peer.ask(if which % 2 == 0 { &[QUICK, MEET] } else { &[MEET, QUICK] });
            });
            assert!(since.elapsed() < SOON, "a blocked thread delays others");
            parts.end(&conns, SOON);
        }
    };
    model::check(200, Time::Waits, body(1));
    model::check(200, Time::Waits, body(2));
}

/// The kernel says now and then of a blocked thread that it waits for a processor: that delays others,
/// but not for ever, and nothing is lost.
pub fn threads_that_seem_to_wait_for_a_processor_lose_nothing() {
    let body = |cores| {
        move || {
            fs::tell_states();
            let parts = Parts::new(cores);
            let peers = parts.connections::<4>(&Meeting::of(2));
            let conns = conns(&peers);
            at_once(peers, |which, mut peer| {
                peer.ask(if which % 2 == 0 { &[QUICK, MEET] } else { &[SLOW, QUICK] });
                peer.ask(&[QUICK]);
            });
            parts.end(&conns, LATE);
        }
    };
    model::check(200, Time::Waits, body(1));
    model::check(200, Time::Waits, body(2));
}

/// The system refuses threads now and then while polling threads block: nothing is lost.
pub fn polling_threads_that_do_not_start_lose_nothing() {
    model::check(200, Time::Waits, || {
        let parts = Parts::new(2);
        let peers = parts.connections::<3>(&Meeting::of(2));
        let conns = conns(&peers);
        thread::set_fails(true);
        at_once(peers, |which, mut peer| {
            peer.ask(if which == 0 { &[QUICK] } else { &[MEET] });
            peer.ask(&[QUICK]);
        });
        thread::set_fails(false);
        parts.end(&conns, SOON);
    });
}

/// A polling thread panics while others wait or serve: another one polls in its place.
pub fn panic_of_a_polling_thread_loses_only_its_connection() {
    let body = |cores| {
        move || {
            let parts = Parts::new(cores);
            let peers = parts.connections::<3>(&Meeting::of(0));
            let conns = conns(&peers);
            let since = Instant::now();
            at_once(peers, |which, mut peer| match which {
                0 => {
                    peer.ask(&[PANIC]);
                    assert_eq!(peer.receive(), None);
                }
                _ => peer.ask(&[QUICK, QUICK]),
            });
            assert!(since.elapsed() < SOON, "a panic delays others");
            parts.end(&conns, SOON);
        }
    };
    model::check(200, Time::Waits, body(1));
    model::check(200, Time::Waits, body(2));
}

/// Connections are cut while they are left to the poller, have input or are served: each ends once,
/// and all polling threads end.
pub fn connections_are_cut_at_any_moment() {
    let body = |cores, time| {
        move || {
            let parts = Parts::new(cores);
            let peers = parts.connections::<3>(&Meeting::of(0));
            let conns = conns(&peers);
            let cuts = [0, 1].map(|which| {
                let conn = Arc::clone(&conns[which]);
                thread::spawn(move || conn.cut())
            });
            at_once(peers, |which, mut peer| {
                peer.send(QUICK);
                let answer = peer.receive();
                assert!(answer == Some(QUICK) || which < 2 && answer.is_none());
            });
            cuts.into_iter().for_each(|cut| cut.join().unwrap());
            parts.end(&conns, time);
        }
    };
    model::check(150, Time::Waits, body(1, SOON));
    model::check(150, Time::RunsFor(250 * MS), body(2, LATE));
}

/// A connection is cut at the moment at which it is left to the poller, which forgets it: it ends
/// once, and so does the polling thread.
pub fn a_connection_is_cut_as_it_is_left() {
    model::check(500, Time::Waits, || {
        let parts = Parts::new(1);
        let peer = parts.connection(&Meeting::of(0));
        let conn = Arc::clone(&peer.conn);
        let leaves = thread::spawn(move || {
            if !conn.leave() && conn.ends.load(Ordering::SeqCst) == 0 {
                // It was cut first.
                conn.end();
            }
        });
        peer.conn.cut();
        leaves.join().unwrap();
        parts.end(&[Arc::clone(&peer.conn)], SOON);
    });
}
