//! Uploads that no handler reads: what they hold, on one connection and over a server.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use h2_sync::frame::PREFACE;

use crate::client_stage::client;
use crate::memory::{KIB, MIB, measured};
use crate::neighbour::Neighbour;
use crate::slow::ends_in_peace;
use crate::support::{eventually, wire};
use crate::victim::{Bolt, Victim, gate, hello, post};

/// The content of one DATA frame. It is static, so that only the server's memory is measured.
static CONTENT: [u8; 16 * KIB] = [b'x'; 16 * KIB];

/// What one read brings, twice: octets that are read and not decoded, and those that are.
const READ_BUFFERS: usize = 512 * KIB;

/// A server whose handlers wait at a gate before they read, but for the neighbour's.
fn victim(change: impl FnOnce(&mut h2_sync::server::Config)) -> (Victim, Bolt) {
    let (at, bolt) = gate();
    let change = |config: &mut h2_sync::server::Config| {
        config.idle_thread_timeout = Duration::from_millis(50);
        change(config);
    };
    let victim = Victim::with(change, move |request, response| match request.method().as_str() {
        "POST" => {
            at.wait();
            Ok(())
        }
        _ => hello(request, response),
    });
    (victim, bolt)
}

/// Begins uploads on a connection of its own, each of `octets` octets. Gives up where the server takes
/// nothing more for a second.
fn upload(victim: &Victim, streams: u32, octets: usize) -> TcpStream {
    let mut peer = TcpStream::connect(victim.address()).unwrap();
    peer.set_write_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut start = PREFACE.to_vec();
    start.extend(wire::settings(&[]));
    start.extend(wire::settings_ack());
    let ids = (0..streams).map(|n| 2 * n + 1);
    ids.clone().for_each(|id| start.extend(wire::headers(id, wire::END_HEADERS, wire::post())));
    peer.write_all(&start).unwrap();
    let head = |id| wire::head(CONTENT.len() as u32, wire::DATA, 0, id);
    for _ in 0..octets / CONTENT.len() {
        for id in ids.clone() {
            if peer.write_all(&head(id)).and_then(|()| peer.write_all(&CONTENT)).is_err() {
                return peer;
            }
        }
    }
    peer
}

/// Uploads on this number of connections at once.
fn upload_on_each(
    victim: &Victim,
    connections: usize,
    streams: u32,
    octets: usize,
) -> Vec<TcpStream> {
    thread::scope(|scope| {
        let begin = || scope.spawn(|| upload(victim, streams, octets));
        let peers: Vec<_> = (0..connections).map(|_| begin()).collect();
        peers.into_iter().map(|peer| peer.join().unwrap()).collect()
    })
}

#[test]
fn unread_uploads_of_a_connection_hold_the_initial_windows_of_its_streams() {
    measured(|memory| {
        let (victim, bolt) = victim(|_| ());
        let neighbour = Neighbour::of(&victim.url);
        let (streams, window) = (128, 256 * KIB);
        let measured = memory.start();
        let peer = upload(&victim, streams as u32, window);
        (0..streams).for_each(|_| bolt.comes());
        // Some of it is in memory that other tests have left.
        eventually(|| measured.kept() > streams * window * 7 / 8);
        neighbour.is_served();
        measured.assert_peak(streams * (window + 8 * KIB) + READ_BUFFERS + MIB);
        drop((peer, bolt));
        measured.assert_kept(3 * MIB);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn unread_uploads_of_many_connections_stay_below_the_limit_of_the_server() {
    measured(|memory| {
        let (limit, connections, streams, window) = (16 * MIB, 10, 10, MIB);
        let (victim, bolt) = victim(|config| {
            config.max_unread = limit;
            config.http2.initial_window_size = window as u32;
        });
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let peers = upload_on_each(&victim, connections, streams, window);
        // What is sent is six times the limit, and most of it is held.
        eventually(|| measured.kept() > limit * 3 / 4);
        neighbour.is_served();
        measured.assert_peak(limit + connections * (READ_BUFFERS + 256 * KIB) + 2 * MIB);
        drop((peers, bolt));
        measured.assert_kept(3 * MIB);
        ends_in_peace(&victim, neighbour);
    });
}

/// With the default limits of memory. The requests are kept without a thread or a permit each.
#[test]
fn unread_uploads_of_a_hundred_connections_stay_below_a_gibibyte_by_default() {
    measured(|memory| {
        let (limit, connections, streams, window) = (1024 * MIB, 100, 48, 256 * KIB);
        let kept = Arc::new(Mutex::new(Vec::new()));
        let keeps = Arc::clone(&kept);
        let victim = Victim::new(move |request, response| {
            if request.method() == "POST" {
                keeps.lock().unwrap().push(response.split(request)?);
                return Ok(());
            }
            hello(request, response)
        });
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let peers = upload_on_each(&victim, connections, streams, window);
        // The streams have windows for more.
        assert!(connections * streams as usize * window > limit * 9 / 8);
        eventually(|| measured.kept() > limit * 3 / 4);
        neighbour.is_served();
        // The requests themselves are not unread octets.
        let requests = connections * streams as usize * 4 * KIB;
        measured.assert_peak(limit + connections * READ_BUFFERS / 2 + requests);
        drop(peers);
        kept.lock().unwrap().clear();
        measured.assert_kept(connections * 64 * KIB);
        ends_in_peace(&victim, neighbour);
    });
}

#[test]
fn only_the_connection_that_holds_the_most_is_slowed_down() {
    measured(|memory| {
        let limit = 16 * MIB;
        let (at, bolt) = gate();
        let victim = Victim::with(
            |config| {
                config.max_unread = limit;
                config.http2.initial_window_size = 64 * MIB as u32;
            },
            move |request, response| {
                if request.path() == "/unread" {
                    at.wait();
                }
                let read = std::io::copy(request, &mut std::io::sink())?;
                Ok(write!(response, "{read}")?)
            },
        );
        let measured = memory.start();
        // More than the limit and the buffers of the system.
        let octets = 48 * MIB;
        let (largest, url) = (client(|_| {}), format!("{}unread", victim.url));
        let largest = thread::spawn(move || {
            largest.post(url).body(vec![b'x'; octets]).send().unwrap().text().unwrap()
        });
        bolt.comes();
        // Half of the limit, as long as no other connection holds anything. The client has its body.
        eventually(|| measured.kept() > octets + limit / 4);
        // Another one holds less, and is read from to the end.
        let mut second = victim.peer();
        second.synchronize();
        let id = second.open(&post("/unread"), false);
        bolt.comes();
        for _ in 0..MIB / CONTENT.len() {
            second.send_data(id, &CONTENT[..], false);
        }
        second.synchronize();
        // So are those that are read.
        let response = client(|_| {}).post(&*victim.url).body(vec![b'y'; octets]).send().unwrap();
        assert_eq!(response.text().unwrap(), octets.to_string());
        assert!(!largest.is_finished());
        drop(bolt);
        assert_eq!(largest.join().unwrap(), octets.to_string());
        second.send_data(id, "", true);
        assert_eq!(second.response(id), (200, MIB.to_string().into_bytes()));
        drop(second);
        victim.comes_to_rest();
    });
}

#[test]
fn uploads_that_were_slowed_down_arrive_once_they_are_read() {
    measured(|_| {
        let (octets, connections) = (8 * MIB, 4);
        let change = |config: &mut h2_sync::server::Config| config.max_unread = MIB;
        let victim = Victim::with(change, |request, response| {
            let read = std::io::copy(request, &mut std::io::sink())?;
            Ok(write!(response, "{read}")?)
        });
        thread::scope(|scope| {
            for _ in 0..connections {
                scope.spawn(|| {
                    let client = client(|_| {});
                    let url = format!("{}/", victim.url);
                    let response = client.post(&url).body(vec![b'x'; octets]).send().unwrap();
                    assert_eq!(response.text().unwrap(), octets.to_string());
                });
            }
        });
    });
}
