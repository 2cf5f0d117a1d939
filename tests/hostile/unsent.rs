//! Responses that the peer does not read: what they hold, over many connections.

use std::io::Write;

use h2_sync::frame::Setting;

use crate::memory::{KIB, MIB, measured};
use crate::neighbour::Neighbour;
use crate::slow::ends_in_peace;
use crate::support::http1::Raw;
use crate::support::{Peer, eventually};
use crate::victim::{Victim, get, hello};

/// The rest of a connection: its thread's read buffer, its tables, and the peer's side in this process.
const CONNECTION: usize = 96 * KIB;

/// A handler's own buffer.
const BUFFER: usize = 64 * KIB;

/// A server whose `/large` is endless, and written in pieces.
fn victim() -> Victim {
    Victim::with(
        |config| config.idle_thread_timeout = std::time::Duration::from_millis(50),
        |request, response| match request.path() {
            "/large" => loop {
                response.write_all(&[b'x'; KIB])?;
            },
            _ => hello(request, response),
        },
    )
}

#[test]
fn unread_responses_hold_the_send_buffers_of_their_connections() {
    measured(|memory| {
        let (connections, streams) = (16, 8);
        let victim = victim();
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let peers: Vec<_> = (0..connections)
            .map(|_| {
                let entries = vec![Setting::InitialWindowSize(0)];
                let mut peer = Peer::connect_with(victim.address(), entries);
                (0..streams).for_each(|_| _ = peer.open(&get("/large"), true));
                peer
            })
            .collect();
        eventually(|| measured.kept() > connections * 4 * MIB);
        neighbour.is_served();
        let streams = streams * (64 * KIB + BUFFER);
        measured.assert_peak(connections * (8 * MIB + streams + CONNECTION));
        drop(peers);
        ends_in_peace(&victim, neighbour);
        measured.assert_kept(2 * MIB);
    });
}

#[test]
fn unread_responses_of_http1_hold_one_buffer_for_each_connection() {
    measured(|memory| {
        let connections = 100;
        let victim = victim();
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let peers: Vec<_> = (0..connections)
            .map(|_| {
                let mut raw = Raw::connect(victim.address());
                raw.send("GET /large HTTP/1.1\r\nhost: test\r\n\r\n");
                raw
            })
            .collect();
        eventually(|| victim.handle.stats().handlers_running >= connections);
        neighbour.is_served();
        measured.assert_peak(connections * (BUFFER + CONNECTION));
        drop(peers);
        ends_in_peace(&victim, neighbour);
        measured.assert_kept(2 * MIB);
    });
}

#[test]
fn unread_uploads_of_http1_hold_one_read_buffer_for_each_connection() {
    measured(|memory| {
        let connections = 100;
        let (at, bolt) = crate::victim::gate();
        let victim = Victim::new(move |request, response| match request.method().as_str() {
            "POST" => {
                std::io::Read::read_exact(request, &mut [0])?;
                at.wait();
                Ok(())
            }
            _ => hello(request, response),
        });
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let piece = vec![b'x'; 256 * KIB];
        let peers: Vec<_> = (0..connections)
            .map(|_| {
                let mut raw = Raw::connect(victim.address());
                raw.send("POST / HTTP/1.1\r\nhost: test\r\ncontent-length: 1000000000\r\n\r\n");
                // As much as the system takes.
                raw.stream.set_nonblocking(true).unwrap();
                while raw.stream.write(&piece).is_ok() {}
                raw
            })
            .collect();
        (0..connections).for_each(|_| bolt.comes());
        neighbour.is_served();
        measured.assert_peak(piece.len() + connections * (256 * KIB + CONNECTION));
        drop((peers, bolt));
        ends_in_peace(&victim, neighbour);
        measured.assert_kept(2 * MIB);
    });
}
