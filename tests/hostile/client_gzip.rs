//! Compressed bodies that expand excessively, or are damaged.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;
use h2_sync::{ErrorKind, Headers, headers};

use crate::client_stage::{Stage, next_request};
use crate::memory::{KIB, MIB, bounded, measured};
use crate::support::Peer;

fn zeros(octets: usize) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let piece = vec![0; MIB];
    (0..octets / MIB).for_each(|_| encoder.write_all(&piece).unwrap());
    encoder.finish().unwrap()
}

fn compressed() -> Headers {
    headers!(":status" => "200", "content-encoding" => "gzip")
}

/// Sends the body, as far as the client accepts it.
fn send_body(peer: &mut Peer, id: h2_sync::StreamId, body: &[u8]) {
    peer.send_headers(id, &compressed(), false);
    // Less than the window of a stream.
    assert!(body.len() < MIB);
    for piece in body.chunks(16 * KIB) {
        peer.send_data(id, piece.to_vec(), false);
    }
    peer.send_data(id, "", true);
}

#[test]
fn a_gzip_bomb_is_read_up_to_the_bound() {
    let bomb = zeros(16 * MIB);
    measured(move |memory| {
        let stage = Stage::with(|config| {
            config.max_body = MIB;
            config.max_inflated = 8 * MIB as u64;
        });
        let measured = memory.start();
        // Read into memory, and as a stream.
        let whole = stage.asks(|client, url| client.get(url).send()?.bytes());
        let (mut peer, id) = stage.meets();
        send_body(&mut peer, id, &bomb);
        let error = whole.join().unwrap().unwrap_err();
        assert!(error.is_body_too_large(), "{error}");
        assert_eq!(error.kind(), ErrorKind::Limit);

        let streamed = stage.asks(|client, url| {
            let mut response = client.get(url).send()?;
            Ok(std::io::copy(&mut response, &mut std::io::sink())?)
        });
        let id = next_request(&mut peer);
        send_body(&mut peer, id, &bomb);
        let error = streamed.join().unwrap().unwrap_err();
        assert!(error.is_body_too_large(), "{error}");
        // The bomb exists several times: here, in the stream's window and in the read buffers.
        measured.assert_peak(8 * MIB);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_damaged_gzip_body_is_an_error_of_the_server() {
    bounded(|| {
        let whole = zeros(MIB);
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        send_body(&mut peer, id, b"this is not gzip, nor anything else");
        let error = asked.join().unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Peer, "{error}");
        for len in [1, 5, 20, whole.len() - 1] {
            let asked = stage.gets();
            let id = next_request(&mut peer);
            send_body(&mut peer, id, &whole[..len]);
            let error = asked.join().unwrap().unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Peer, "{error}");
        }
        stage.goes_on(&mut peer);
    });
}
