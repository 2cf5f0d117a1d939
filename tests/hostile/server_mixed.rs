//! Many concurrent attackers, and a shutdown under attack.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use crate::memory::{KIB, MIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{Peer, eventually, wire};
use crate::victim::{Victim, hello};

/// An attack on a connection of its own.
type Attack = fn(&mut Peer);

const ATTACKS: [Attack; 8] = [
    rapid_reset,
    made_you_reset,
    continuation_flood,
    bomb,
    ping_flood,
    priority_flood,
    empty_data,
    garbage,
];

fn rapid_reset(peer: &mut Peer) {
    let _ =
        peer.flood((1..).step_by(2).take(3_000).map(|id| {
            [wire::headers(id, wire::END, wire::get()), wire::rst_stream(id, 8)].concat()
        }));
}

fn made_you_reset(peer: &mut Peer) {
    let _ = peer.flood((1..).step_by(2).take(3_000).map(|id| {
        [wire::headers(id, wire::END_HEADERS, wire::post()), wire::window_update(id, 0)].concat()
    }));
}

fn continuation_flood(peer: &mut Peer) {
    peer.write(wire::headers(1, wire::END_STREAM, wire::get()));
    let frame = wire::continuation(1, 0, wire::block(&[("a", "x".repeat(1_000))]));
    let _ = peer.flood(std::iter::repeat_n(frame, 100));
}

fn bomb(peer: &mut Peer) {
    let mut block = wire::get();
    block.extend(wire::indexed_literal("a", &"x".repeat(4_000)));
    block.extend([0xbe; 4_000]);
    let _ = peer.flood([wire::headers(1, wire::END, block)]);
}

fn ping_flood(peer: &mut Peer) {
    let _ = peer.flood(std::iter::repeat_n(wire::ping(b"flooding"), 5_000));
}

fn priority_flood(peer: &mut Peer) {
    let _ = peer.flood((1..).step_by(2).take(30_000).map(|id| wire::priority(id, 0)));
}

fn empty_data(peer: &mut Peer) {
    peer.write(wire::headers(1, wire::END_HEADERS, wire::post()));
    let _ = peer.flood(std::iter::repeat_n(wire::data(1, 0, ""), 30_000));
}

fn garbage(peer: &mut Peer) {
    let _ = peer.flood([[0xa5; 64 * KIB]]);
}

/// Attackers that repeat their attack on new connections until they are stopped.
struct Attackers {
    end: Arc<AtomicBool>,
    threads: Vec<JoinHandle<usize>>,
}

impl Attackers {
    fn begin(address: SocketAddr) -> Self {
        let end = Arc::new(AtomicBool::new(false));
        let begin = |attack: Attack| {
            let is_over = Arc::clone(&end);
            thread::spawn(move || {
                let mut times = 0;
                while !is_over.load(Ordering::SeqCst) {
                    let Ok(stream) = std::net::TcpStream::connect(address) else { break };
                    let mut peer = Peer::of_stream(stream);
                    attack(&mut peer);
                    times += 1;
                }
                times
            })
        };
        let threads = ATTACKS.into_iter().map(begin).collect();
        Attackers { end, threads }
    }

    /// Stops the attackers, and returns the number of attacks of each.
    fn end(self) -> Vec<usize> {
        self.end.store(true, Ordering::SeqCst);
        self.threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    }
}

#[test]
fn all_attacks_at_once_leave_the_neighbours_served_and_nothing_behind() {
    measured(|memory| {
        let victim = Victim::with(
            |config| config.idle_thread_timeout = Duration::from_millis(50),
            |request, response| {
                std::io::copy(request, &mut std::io::sink())?;
                hello(request, response)
            },
        );
        let neighbours: Vec<_> = (0..4).map(|_| Neighbour::of(&victim.url)).collect();
        let measured = memory.start();
        let attackers = Attackers::begin(victim.address());
        for _ in 0..20 {
            neighbours.iter().for_each(Neighbour::is_served);
        }
        let times = attackers.end();
        assert!(times.iter().all(|times| *times > 0), "{times:?}");
        neighbours.into_iter().for_each(Neighbour::was_served);
        // Eight connections, and earlier ones that are not fully closed.
        measured.assert_peak(8 * MIB);
        victim.comes_to_rest();
        eventually(|| victim.handle.stats().threads == 0);
        measured.assert_kept(MIB);
        let stats = victim.handle.stats();
        assert_eq!((stats.handlers_panicked, stats.accept_errors), (0, 0));
    });
}

#[test]
fn a_server_under_attack_can_be_shut_down() {
    measured(|_| {
        let victim = Victim::new(|request, response| {
            std::io::copy(request, &mut std::io::sink())?;
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let attackers = Attackers::begin(victim.address());
        for _ in 0..5 {
            neighbour.is_served();
        }
        // After this, the neighbour could not connect.
        neighbour.was_served();
        victim.handle.shutdown(Duration::from_millis(100));
        attackers.end();
        victim.comes_to_rest();
        eventually(|| victim.handle.stats().threads == 0);
    });
}
