//! Frames that a peer sends after our GOAWAY with an error.

use h2_sync::frame::Kind;
use h2_sync::{ErrorCode, ErrorKind};

use crate::client_stage::{Stage, assert_failed};
use crate::memory::{MIB, measured};
use crate::neighbour::Neighbour;
use crate::support::{Peer, wire};
use crate::victim::{Victim, get};

/// A PING of seven octets: a connection error FRAME_SIZE_ERROR.
fn error() -> Vec<u8> {
    wire::frame(wire::PING, 0, 0, [0; 7])
}

/// Valid and invalid frames of all types, for open, new and closed streams.
fn all_sorts(stream: u32) -> Vec<u8> {
    [
        wire::data(stream, 0, [7; 100]),
        wire::data(stream + 100, 0, [7; 100]),
        wire::headers(stream, wire::END, wire::ok()),
        wire::headers(stream + 2, wire::END, wire::get()),
        wire::headers(stream + 4, wire::END, b"\xff\xff\xff\xff\xff\xff\xff\xff"),
        wire::headers(stream + 6, 0, wire::get()),
        wire::priority(stream, stream),
        wire::rst_stream(stream, 8),
        wire::rst_stream(stream + 200, 8),
        wire::settings(&[(wire::MAX_FRAME_SIZE, 0)]),
        wire::settings(&[(wire::INITIAL_WINDOW_SIZE, wire::MAX_WINDOW)]),
        wire::settings_ack(),
        wire::push_promise(stream, 2, wire::get()),
        wire::ping(b"are you?"),
        wire::goaway(u32::MAX, 0),
        wire::goaway(0, 0),
        wire::window_update(0, wire::MAX_WINDOW),
        wire::window_update(stream, wire::MAX_WINDOW),
        wire::continuation(stream, 0, wire::get()),
        wire::priority_update(stream, "u=0"),
        wire::frame(wire::UNKNOWN, 0xff, stream, [7; 100]),
        error(),
    ]
    .concat()
}

/// GOAWAY must be the last frame, and be sent only once.
#[track_caller]
fn expect_last_words(peer: &mut Peer) {
    peer.expect_goaway(ErrorCode::FrameSizeError);
    assert_eq!(peer.seen.frames(Kind::GOAWAY), 1);
    assert_eq!(peer.seen.acks(Kind::PING), 0);
}

#[test]
fn a_server_ignores_what_comes_after_its_goaway() {
    measured(|memory| {
        let victim = Victim::hello();
        let neighbour = Neighbour::of(&victim.url);
        let measured = memory.start();
        let mut peer = victim.peer();
        assert_eq!(peer.fetch(&get("/")).0, 200);
        let all_sorts = all_sorts(3);
        // In one piece with the error, then as much as the server accepts.
        peer.write([error(), all_sorts.clone()].concat());
        while peer.write(&all_sorts) {}
        expect_last_words(&mut peer);
        // No request after the error was answered.
        assert_eq!(peer.seen.frames(Kind::HEADERS), 1);
        measured.assert_peak(4 * MIB);
        neighbour.was_served();
        drop(peer);
        victim.comes_to_rest();
    });
}

#[test]
fn a_client_ignores_what_comes_after_its_goaway() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        let all_sorts = all_sorts(id.get());
        peer.write([error(), all_sorts.clone()].concat());
        while peer.write(&all_sorts) {}
        expect_last_words(&mut peer);
        assert_failed(asked, ErrorKind::Peer, ErrorCode::FrameSizeError);
        measured.assert_peak(4 * MIB);
        stage.begins_anew();
    });
}
