//! Progress in one direction while the other is blocked.

use std::io::Read;
use std::thread;

use h2_sync::client::Connection;
use h2_sync::frame::{Setting, StreamId, WindowUpdate};
use h2_sync::headers;
use h2_sync::transport::{Duplex, duplex};

use crate::peer::Peer;
use crate::support::{LONG, bounded, get, octets, post};

/// A connection to a peer with large windows, over a transport with small buffers.
fn narrow(config: h2_sync::Config) -> (Connection, Peer<Duplex>) {
    let (near, far) = duplex(32 << 10);
    far.set_read_timeout(Some(LONG)).unwrap();
    far.set_write_timeout(Some(LONG)).unwrap();
    let connection = Connection::start(near, config).unwrap();
    let mut peer = Peer::server(far, vec![Setting::InitialWindowSize(8 << 20)]);
    peer.send(WindowUpdate { stream_id: StreamId::CONNECTION, increment: 8 << 20 });
    (connection, peer)
}

/// Without a timeout that would end it.
fn patient() -> h2_sync::Config {
    let mut config = h2_sync::Config::default();
    config.stall_timeout = None;
    config
}

#[test]
fn blocked_writer_reads_input_of_the_peer_first() {
    bounded(|| {
        let (connection, mut peer) = narrow(patient());
        let asking = thread::spawn(move || {
            let (mut send, mut response) = connection.open(&post("/")).unwrap();
            send.send(octets(1 << 20)).unwrap();
            send.finish().unwrap();
            let mut body = Vec::new();
            response.read_to_end(&mut body).unwrap();
            body.len()
        });
        let (id, _) = peer.receive_headers();
        // This peer reads no more of the request until its own octets have been sent.
        peer.send_headers(id, &headers!(":status" => "200"), false);
        for _ in 0..32 {
            peer.send_data(id, octets(16 << 10), false);
        }
        peer.receive_data(1 << 20);
        peer.send_data(id, "", true);
        assert_eq!(asking.join().unwrap(), 512 << 10);
    });
}

#[test]
fn thread_that_writes_for_others_continues_reading() {
    bounded(|| {
        let (connection, mut peer) = narrow(patient());
        // It waits for window, and continues when another thread reads the WINDOW_UPDATE.
        let (mut send, response) = connection.open(&post("/up")).unwrap();
        send.send(octets(1 << 20)).unwrap();
        let reading = thread::spawn(move || {
            let mut down = connection.send(&get("/down")).unwrap();
            let mut body = Vec::new();
            down.read_to_end(&mut body).unwrap();
            body.len()
        });
        peer.receive_headers();
        let (id, _) = loop {
            let (id, fields) = peer.receive_headers();
            if fields.path() == Some("/down") {
                break (id, fields);
            }
        };
        peer.send_headers(id, &headers!(":status" => "200"), false);
        for _ in 0..32 {
            peer.send_data(id, octets(16 << 10), false);
        }
        peer.send_data(id, "", true);
        assert_eq!(reading.join().unwrap(), 512 << 10);
        drop((send, response));
    });
}
