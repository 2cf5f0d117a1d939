//! Peers that take as many permits as possible, with responses that they do not read.

use bytes::Bytes;
use h2_sync::frame::Setting;
use h2_sync::server::{Config, Request, Response};

use crate::support::{Peer, bounded, eventually};
use crate::victim::{BoxError, Victim, get};

/// An eighth of the former defaults, and of the requests that used them up: 36 connections with 128
/// requests each. The full number would be 4,600 threads, whose memory would count in the measuring
/// tests of this process.
const HANDLERS: usize = 64;
const WAITING: usize = 512;
const PEERS: usize = 36;
const REQUESTS: usize = 16;

fn scarce(config: &mut Config) {
    config.max_handlers = HANDLERS;
    config.max_waiting_handlers = WAITING;
    // Each handler waits after its first piece.
    config.http2.max_stream_send_buffer = 1 << 10;
}

fn answer(request: &mut Request, response: &mut Response) -> Result<(), BoxError> {
    if request.path() == "/large" {
        for _ in 0..100 {
            response.send(Bytes::from_static(&[b'.'; 64 << 10]))?;
        }
    }
    Ok(response.send("hello")?)
}

#[test]
fn a_client_gets_a_permit_beside_peers_that_take_all_they_can() {
    bounded(|| {
        let victim = Victim::with(scarce, answer);
        let mut greedy: Vec<_> = (0..PEERS)
            .map(|_| Peer::connect_with(victim.address(), vec![Setting::InitialWindowSize(0)]))
            .collect();
        for peer in &mut greedy {
            for _ in 0..REQUESTS {
                peer.open(&get("/large"), true);
            }
        }
        // Nearly all permits are taken: each peer has its share.
        eventually(|| victim.handle.stats().handlers_running > (HANDLERS + WAITING) * 9 / 10);
        for _ in 0..10 {
            let mut honest = Peer::connect(victim.address());
            for _ in 0..3 {
                assert_eq!(honest.fetch(&get("/")).0, 200);
            }
        }
        drop(greedy);
        eventually(|| victim.handle.stats().handlers_running == 0);
    });
}
