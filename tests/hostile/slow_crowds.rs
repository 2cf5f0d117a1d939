//! A thousand slow peers at once.

use std::fs;
use std::time::Duration;

use h2_sync::frame::{PREFACE, Setting};
use h2_sync::server::Config;

use crate::memory::{KIB, MIB, measured};
use crate::neighbour::Neighbour;
use crate::slow::{ends_in_peace, handle};
use crate::support::{LONG, Peer, eventually, wire};
use crate::victim::{Victim, get, post};

/// A short deadline.
const SOON: Duration = Duration::from_millis(200);

/// The limit of file descriptors of the process.
fn descriptors() -> usize {
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().nth(3)?.parse().ok());
    soft.unwrap_or(1_024)
}

/// A thousand, as far as there are descriptors: each needs one here and up to three at the server.
fn crowd() -> usize {
    (descriptors().saturating_sub(300) / 4).min(1_000)
}

/// Enough time for a thousand peers to connect, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);

fn patient(config: &mut Config) {
    config.handshake_timeout = PATIENCE;
    config.read_timeout = Some(PATIENCE);
    config.idle_thread_timeout = SOON;
    config.http2.handshake_timeout = Some(PATIENCE);
    config.http2.settings_timeout = Some(PATIENCE);
    config.http2.header_timeout = Some(PATIENCE);
    config.http2.stall_timeout = Some(PATIENCE);
    config.http2.idle_timeout = Some(PATIENCE);
    // The default, times the number of peers, would exceed the memory of some machines.
    config.http2.max_stream_send_buffer = 64 * KIB;
}

#[test]
fn a_thousand_slow_peers_are_cut_without_affecting_others() {
    measured(|memory| {
        let victim = Victim::with(patient, handle);
        let neighbour = Neighbour::of(&victim.url);
        let threads = victim.handle.stats().threads;
        let measured = memory.start();
        let crowd = crowd();
        let peers: Vec<_> = (0..crowd).map(|n| slow_peer(n, &victim)).collect();
        neighbour.is_served();
        // Only the server closes connections, and it only keeps the neighbour's.
        eventually(|| victim.handle.stats().connections == 1);
        neighbour.is_served();
        assert!(victim.handle.stats().connections_accepted > crowd as u64);
        drop(peers);
        measured.assert_kept(MIB);
        eventually(|| victim.handle.stats().threads <= threads + 2);
        ends_in_peace(&victim, neighbour);
    });
}

fn slow_peer(n: usize, victim: &Victim) -> Peer {
    match n % 5 {
        0 => {
            let mut peer = Peer::connect_silent(victim.address());
            peer.write(&PREFACE[..n % 24]);
            peer
        }
        1 => {
            let mut peer = Peer::connect_silent(victim.address());
            peer.write(PREFACE);
            peer.write(&wire::head(6, wire::SETTINGS, 0, 0)[..n % 9]);
            peer
        }
        2 => {
            let mut peer = victim.peer();
            peer.write(wire::headers(1, wire::END_STREAM, &wire::get()[..1]));
            peer
        }
        3 => slow_writer(victim),
        _ => slow_reader(victim),
    }
}

fn slow_writer(victim: &Victim) -> Peer {
    let mut peer = victim.peer();
    let stream_id = peer.open(&post("/"), false);
    peer.send_data(stream_id, "a little", false);
    peer
}

fn slow_reader(victim: &Victim) -> Peer {
    let mut peer = Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(1)]);
    peer.open(&get("/large"), true);
    peer
}

/// Each peer has a handler that waits for it, and there are more peers than permits. They are still
/// there when the neighbour has been served: the deadlines are the defaults.
fn check_waiting(begin: fn(&Victim) -> Peer) {
    measured(move |_| {
        let crowd = crowd();
        let victim = Victim::with(
            |config| {
                // The default, unless that is more than there are peers.
                config.max_handlers = config.max_handlers.min(crowd / 2);
                // How soon that many threads start depends on the machine.
                config.queue_timeout = LONG;
                config.http2.max_stream_send_buffer = 64 * KIB;
            },
            handle,
        );
        let neighbour = Neighbour::of(&victim.url);
        let peers: Vec<_> = (0..crowd).map(|_| begin(&victim)).collect();
        // All of their handlers wait, and their permits are lent to others.
        eventually(|| victim.handle.stats().handlers_running >= crowd);
        neighbour.is_served();
        assert_eq!(victim.handle.stats().requests_refused, 0);
        assert_eq!(victim.handle.stats().connections, crowd + 1);
        drop(peers);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn a_thousand_missing_bodies_do_not_affect_others() {
    check_waiting(slow_writer);
}

#[test]
fn a_thousand_unread_responses_do_not_affect_others() {
    check_waiting(slow_reader);
}
