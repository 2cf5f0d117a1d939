use std::io::{self, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::super::clock::{Clock, Ticking};
use super::super::poller::{Poller, Watched};
use super::super::pool::{Pool, Scratch};
use super::LONG;
use super::pool::wait_for_threads;
use crate::transport::{Epoll, Halves, ReadHalf, Transport, WriteHalf};

/// A connection that says when it is served, and is served until it is told to stop.
struct Conn {
    halves: Halves<ReadHalf<TcpStream>, WriteHalf<TcpStream>>,
    served: Sender<()>,
    stop: Mutex<Receiver<()>>,
}

/// The other end of a connection.
struct Peer {
    conn: Arc<Conn>,
    stream: TcpStream,
    served: Receiver<()>,
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

    fn serve(self: Arc<Self>, _: u64, _: Duration, _: &mut Scratch) {
        self.served.send(()).unwrap();
        // Fails if the test is over.
        let _ = self.stop.lock().unwrap().recv();
    }
}

impl Peer {
    /// A connection that is left to the poller.
    fn new(poller: &Arc<Poller>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let halves = listener.accept().unwrap().0.split().unwrap();
        let ((say, served), (stop, stops)) = (channel(), channel());
        let conn = Arc::new(Conn { halves, served: say, stop: Mutex::new(stops) });
        assert!(poller.add(poller.token(), &conn));
        Peer { conn, stream, served, stop }
    }

    fn send(&mut self) {
        self.stream.write_all(b"input").unwrap();
    }
}

fn poller() -> (Arc<Pool>, Arc<Ticking>, Arc<Poller>) {
    let (pool, clock) = (Pool::new(64 << 10, Duration::ZERO), Arc::new(Clock::start().unwrap()));
    let poller = Poller::new(&pool, &clock);
    (pool, clock, poller)
}

#[test]
fn connection_served_by_the_poller_delays_the_others_only_while_there_is_no_thread() {
    let (pool, _clock, poller) = poller();
    let (mut one, mut two) = (Peer::new(&poller), Peer::new(&poller));
    pool.set_short(true);
    one.send();
    one.served.recv_timeout(LONG).unwrap();
    two.send();
    pool.set_short(false);
    two.served.recv_timeout(LONG).unwrap();
    one.stop.send(()).unwrap();
    two.stop.send(()).unwrap();
}

#[test]
fn poller_polls_again_after_it_has_served_a_connection() {
    let (pool, _clock, poller) = poller();
    let (mut one, mut two) = (Peer::new(&poller), Peer::new(&poller));
    pool.set_short(true);
    for peer in [&mut one, &mut two] {
        peer.send();
        peer.served.recv_timeout(LONG).unwrap();
        peer.stop.send(()).unwrap();
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
