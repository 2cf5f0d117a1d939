use std::hint;
use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use super::super::clock::{Clock, Ticking};
use super::super::poller::{Poller, Stay, Watched};
use super::super::pool::{Pool, Scratch};
use super::LONG;
use super::pool::wait_for_threads;
use crate::transport::{Epoll, Halves, ReadHalf, Transport, WriteHalf};

/// A connection that tells on which thread it is served, and is served until it is told to stop.
struct Conn {
    halves: Halves<ReadHalf<TcpStream>, WriteHalf<TcpStream>>,
    served: Sender<ThreadId>,
    stop: Mutex<Receiver<()>>,
    /// Whether its thread computes until then, and does not block.
    computes: bool,
}

/// The other end of a connection.
struct Peer {
    conn: Arc<Conn>,
    stream: TcpStream,
    served: Receiver<ThreadId>,
    stop: Sender<()>,
}

impl Watched for Conn {
    fn watch(&self, epoll: &Epoll, token: u64) -> io::Result<()> {
        self.halves.closer.watch(epoll, token)
    }

    fn is_left(&self, _: u64) -> bool {
        true
    }

    fn has_input(&self, _: u64) -> bool {
        true
    }

    fn serve(self: Arc<Self>, _: u64, _: Stay, _: &mut Scratch) {
        self.served.send(thread::current().id()).unwrap();
        let stop = self.stop.lock().unwrap();
        while self.computes && stop.try_recv() == Err(TryRecvError::Empty) {
            hint::spin_loop();
        }
        if !self.computes {
            // Fails if the test is over.
            let _ = stop.recv();
        }
    }
}

impl Peer {
    /// A connection that is left to the poller, and blocks the thread that serves it.
    fn new(poller: &Arc<Poller>) -> Self {
        Peer::with(poller, false)
    }

    fn with(poller: &Arc<Poller>, computes: bool) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let halves = listener.accept().unwrap().0.split().unwrap();
        let ((say, served), (stop, stops)) = (channel(), channel());
        let conn = Arc::new(Conn { halves, served: say, stop: Mutex::new(stops), computes });
        assert!(poller.add(poller.token(), &conn));
        Peer { conn, stream, served, stop }
    }

    fn send(&mut self) {
        self.stream.write_all(b"input").unwrap();
    }

    /// Waits until it is served, and returns the thread.
    fn comes(&self) -> ThreadId {
        self.served.recv_timeout(LONG).unwrap()
    }

    /// Lets the thread that serves it go on.
    fn stop(&self) {
        self.stop.send(()).unwrap();
    }
}

fn poller() -> (Arc<Pool>, Arc<Ticking>, Arc<Poller>) {
    poller_of(1)
}

fn poller_of(cores: usize) -> (Arc<Pool>, Arc<Ticking>, Arc<Poller>) {
    let (pool, clock) = (Pool::new(64 << 10, Duration::ZERO), Arc::new(Clock::start().unwrap()));
    let poller = Poller::with_cores(&pool, &clock, cores);
    (pool, clock, poller)
}

#[test]
fn quick_connections_are_served_by_the_thread_that_polls() {
    let (pool, clock, poller) = poller();
    let mut peers: Vec<_> = (0..20).map(|_| Peer::new(&poller)).collect();
    // No tick, so that no thread is replaced on a slow machine.
    clock.close();
    peers.iter_mut().for_each(Peer::send);
    peers.iter().for_each(Peer::stop);
    let threads: Vec<_> = peers.iter().map(Peer::comes).collect();
    assert!(threads.iter().all(|thread| *thread == threads[0]), "{threads:?}");
    assert!(pool.threads() <= 1);
}

#[test]
fn connection_that_blocks_the_polling_thread_does_not_delay_the_others() {
    let (_pool, _clock, poller) = poller();
    let mut peers: Vec<_> = (0..4).map(|_| Peer::new(&poller)).collect();
    peers.iter_mut().for_each(Peer::send);
    let mut threads: Vec<_> = peers.iter().map(Peer::comes).collect();
    threads.dedup();
    assert_eq!(threads.len(), peers.len());
    peers.iter().for_each(Peer::stop);
}

#[test]
fn connection_that_computes_on_the_polling_thread_does_not_delay_the_others() {
    let (_pool, _clock, poller) = poller();
    let mut peers: Vec<_> = (0..4).map(|_| Peer::with(&poller, true)).collect();
    peers.iter_mut().for_each(Peer::send);
    let mut threads: Vec<_> = peers.iter().map(Peer::comes).collect();
    threads.dedup();
    assert_eq!(threads.len(), peers.len());
    peers.iter().for_each(Peer::stop);
}

#[test]
fn each_connection_gets_a_thread_after_one_that_was_slow() {
    let (_pool, clock, poller) = poller();
    let mut peers: Vec<_> = (0..6).map(|_| Peer::new(&poller)).collect();
    for peer in &mut peers[..2] {
        peer.send();
        peer.comes();
    }
    // Without a tick, no thread is replaced.
    clock.close();
    peers[2..].iter_mut().for_each(Peer::send);
    peers[2..].iter().for_each(|peer| _ = peer.comes());
    peers.iter().for_each(Peer::stop);
}

#[test]
fn polling_threads_use_all_cores() {
    const CORES: usize = 3;
    let (_pool, clock, poller) = poller_of(CORES);
    // No tick, so that no thread is replaced.
    clock.close();
    let mut first = Peer::new(&poller);
    first.send();
    // Nothing else is served before all have input.
    first.comes();
    let mut peers: Vec<_> = (0..20).map(|_| Peer::new(&poller)).collect();
    peers.iter_mut().for_each(Peer::send);
    first.stop();
    let began = Instant::now();
    let mut threads = Vec::new();
    while threads.len() < CORES {
        assert!(began.elapsed() < LONG, "{threads:?}");
        threads.extend(peers.iter().filter_map(|peer| peer.served.try_recv().ok()));
        thread::yield_now();
    }
    threads.dedup();
    assert_eq!(threads.len(), CORES);
    peers.iter().for_each(Peer::stop);
}

/// Connections that have been served, after all had input while the only polling thread was busy.
fn serve_at_once(poller: &Arc<Poller>, count: usize) -> Vec<Peer> {
    let mut first = Peer::new(poller);
    first.send();
    first.comes();
    let mut peers: Vec<_> = (0..count).map(|_| Peer::new(poller)).collect();
    peers.iter_mut().for_each(Peer::send);
    peers.iter().for_each(Peer::stop);
    first.stop();
    peers.iter().for_each(|peer| _ = peer.comes());
    peers.push(first);
    peers
}

#[test]
fn surplus_polling_threads_end() {
    let (pool, clock, poller) = poller_of(2);
    // No tick, so that no thread is replaced.
    clock.close();
    let _idle = Peer::new(&poller);
    let _served = serve_at_once(&poller, 20);
    wait_for_threads(&pool, 1);
}

#[test]
fn all_polling_threads_end_with_the_last_connection() {
    let (pool, clock, poller) = poller_of(4);
    // No tick, so that no thread is replaced.
    clock.close();
    let _served = serve_at_once(&poller, 40);
    wait_for_threads(&pool, 0);
}

#[test]
fn panic_of_a_polling_thread_makes_another_one_poll() {
    let (_pool, _clock, poller) = poller();
    let (first, mut second) = (Peer::new(&poller), Peer::new(&poller));
    let Peer { conn, mut stream, served, .. } = first;
    // Its connection cannot tell that it is served.
    drop(served);
    stream.write_all(b"input").unwrap();
    second.send();
    second.comes();
    second.stop();
    drop(conn);
}

#[test]
fn connection_served_by_the_poller_delays_the_others_only_while_there_is_no_thread() {
    let (pool, _clock, poller) = poller();
    let (mut one, mut two) = (Peer::new(&poller), Peer::new(&poller));
    pool.set_short(true);
    one.send();
    one.comes();
    two.send();
    pool.set_short(false);
    two.comes();
    one.stop();
    two.stop();
}

#[test]
fn poller_polls_again_after_it_has_served_a_connection() {
    let (pool, _clock, poller) = poller();
    let (mut one, mut two) = (Peer::new(&poller), Peer::new(&poller));
    pool.set_short(true);
    for peer in [&mut one, &mut two] {
        peer.send();
        peer.comes();
        peer.stop();
    }
}

#[test]
fn connection_keeps_its_thread_if_none_can_poll() {
    let (pool, _clock, poller) = poller();
    let first = Peer::new(&poller);
    poller.forget(0);
    wait_for_threads(&pool, 0);
    pool.set_short(true);
    assert!(!poller.add(poller.token(), &first.conn));
    pool.set_short(false);
    assert!(poller.add(poller.token(), &first.conn));
}
