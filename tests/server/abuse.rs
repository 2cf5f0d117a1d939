//! Peers that open streams and reset them.

use h2_sync::ErrorCode;
use h2_sync::frame::Frame;

use crate::client::Client;
use crate::peer::Peer;
use crate::support::{bounded, config, eventually, gate, get, serve_with};

#[test]
fn rapid_reset_keeps_the_handlers_under_the_cap_and_ends_in_calm() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| {
            config.max_handlers_per_connection = 8;
            config.http2.max_concurrent_streams = 16;
        });
        let server = serve_with(config, move |request, _| {
            if request.path() == "/attack" {
                at.wait("attacked");
            }
            Ok(())
        });
        let mut peer = Peer::of(&server);
        let mut most = 0;
        // Most of them find their slots held, which costs an eighth each.
        for _ in 0..20_000 {
            let (id, octets) = peer.opening(&get("/attack"), true);
            // The server may have closed the connection already.
            if !peer.write(&octets) {
                break;
            }
            peer.reset(id, ErrorCode::Cancel);
            most = most.max(server.stats().handlers_running);
        }
        let frames = peer.read_to_end();
        let calm = frames.iter().any(|frame| {
            matches!(frame, Frame::Goaway(goaway) if goaway.error_code == ErrorCode::EnhanceYourCalm)
        });
        assert!(calm || frames.is_empty(), "{frames:?}");
        assert!(most <= 8, "{most} handlers ran at once");
        // Another connection is served meanwhile.
        assert_eq!(Client::of(&server).fetch("/").status(), Some(200));
        bolt.open();
        eventually(|| server.stats().handlers_running == 0);
    });
}

#[test]
fn a_stream_that_was_reset_keeps_its_slot_until_its_handler_has_ended() {
    bounded(|| {
        let (at, bolt) = gate();
        let config = config(|config| config.http2.max_concurrent_streams = 4);
        let server = serve_with(config, move |_, _| {
            at.wait("handler");
            Ok(())
        });
        let mut peer = Peer::of(&server);
        for _ in 0..4 {
            let id = peer.open(&get("/"), true);
            bolt.comes();
            peer.reset(id, ErrorCode::Cancel);
        }
        let refused = peer.open(&get("/"), true);
        let code = peer.until(|frame| match frame {
            Frame::RstStream(frame) if frame.stream_id == refused => Some(frame.error_code),
            _ => None,
        });
        assert_eq!(code, ErrorCode::RefusedStream);
        bolt.let_one();
        eventually(|| server.stats().handlers_running == 3);
        peer.open(&get("/"), true);
        bolt.comes();
        bolt.open();
    });
}
