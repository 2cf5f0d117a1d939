//! SETTINGS of a server that are invalid, or that leave the client unable to send.

use std::time::Duration;

use h2_sync::{ErrorCode, ErrorKind};

use crate::client_stage::{Stage, assert_failed, assert_reset, next_request};
use crate::memory::bounded;
use crate::support::{Peer, wire};

const SHORT: Duration = Duration::from_millis(200);

/// Sends these SETTINGS as the first ones, and on another connection as later ones while a body
/// waits to be sent.
fn ends_the_connection(entries: &[(u16, u32)], kind: ErrorKind, code: ErrorCode) {
    let stage = Stage::new();
    let asked = stage.gets();
    let mut peer = Peer::accept_silent(&stage.listener);
    peer.write(wire::settings(entries));
    peer.expect_goaway(code);
    assert_failed(asked, kind, code);

    let asked = stage.posts(1 << 20);
    let (mut peer, _) = stage.meets();
    peer.receive_data(65_535);
    peer.write(wire::settings(entries));
    peer.expect_goaway(code);
    assert_failed(asked, kind, code);
    stage.begins_anew();
}

#[test]
fn a_max_frame_size_out_of_range_ends_the_connection() {
    bounded(|| {
        for size in [0, 1, 16_383, 16_777_216, u32::MAX] {
            let entries = [(wire::MAX_FRAME_SIZE, size)];
            ends_the_connection(&entries, ErrorKind::Peer, ErrorCode::ProtocolError);
        }
    });
}

#[test]
fn a_setting_that_a_server_must_not_send_ends_the_connection() {
    bounded(|| {
        for entry in [
            (wire::ENABLE_PUSH, 1),
            (wire::ENABLE_PUSH, 2),
            (wire::ENABLE_CONNECT_PROTOCOL, 2),
            (wire::NO_RFC7540_PRIORITIES, 2),
        ] {
            ends_the_connection(&[entry], ErrorKind::Peer, ErrorCode::ProtocolError);
        }
        let entries = [(wire::INITIAL_WINDOW_SIZE, 1 << 31)];
        ends_the_connection(&entries, ErrorKind::Peer, ErrorCode::FlowControlError);
    });
}

#[test]
fn settings_with_too_many_entries_end_the_connection() {
    bounded(|| {
        let entries = [(wire::MAX_CONCURRENT_STREAMS, 100); 33];
        ends_the_connection(&entries, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
    });
}

#[test]
fn unknown_settings_are_ignored() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        for first in (0x0a..0xff0a_u16).step_by(0xff00 / 16) {
            let entries: Vec<_> = (first..).take(32).map(|id| (id, u32::MAX)).collect();
            peer.write(wire::settings(&entries));
        }
        peer.answer(id, 200, "hello");
        assert_eq!(asked.join().unwrap().unwrap(), "hello");
        stage.goes_on(&mut peer);
    });
}

#[test]
fn table_sizes_that_go_up_and_down_leave_the_field_blocks_valid() {
    bounded(|| {
        let stage = Stage::new();
        for round in 0..20 {
            let asked = stage.gets();
            let mut peer = Peer::accept(&stage.listener);
            // All in one frame, and so before a single field block.
            let sizes = [u32::MAX, 0, 1, 4_096, 31, 0, 4_096];
            let sizes = sizes.iter().cycle().skip(round).take(32);
            let entries: Vec<_> = sizes.map(|&size| (wire::HEADER_TABLE_SIZE, size)).collect();
            peer.write(wire::settings(&entries));
            let id = next_request(&mut peer);
            peer.answer(id, 200, "hello");
            assert_eq!(asked.join().unwrap().unwrap(), "hello");
            // The next request uses the table size that now applies.
            let asked = stage.gets();
            let id = next_request(&mut peer);
            peer.reset(id, ErrorCode::Cancel);
            assert_reset(asked, ErrorCode::Cancel);
            peer.goaway(id, ErrorCode::NoError);
        }
        stage.begins_anew();
    });
}

#[test]
fn a_server_that_never_accepts_a_request_is_given_up() {
    bounded(|| {
        // One of them has a body that no buffer holds.
        for octets in [0, 1 << 10, 8 << 20] {
            let stage = Stage::hasty(|config| {
                config.response_timeout = Some(SHORT);
                // A request waits for a slot as long as for a connection and a response.
                config.tls_timeout = SHORT;
                config.connect_timeout = Duration::from_secs(2);
                config.max_connections_per_origin = 1;
            });
            // The first request only learns of the limit: it need not be answered in time.
            let first = stage.gets();
            let (mut peer, id) = stage.meets();
            peer.write(wire::settings(&[(wire::MAX_CONCURRENT_STREAMS, 0)]));
            peer.answer(id, 200, "");
            drop(first.join().unwrap());
            let error = stage.posts(octets).join().unwrap().unwrap_err();
            assert!(error.is_timeout(), "{octets}: {error}");
            stage.ends();
        }
    });
}

#[test]
fn a_field_section_limit_below_every_request_is_reported_to_the_caller() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        peer.write(wire::settings(&[(wire::MAX_HEADER_LIST_SIZE, 0)]));
        peer.answer(id, 200, "");
        asked.join().unwrap().unwrap();
        let error = stage.gets().join().unwrap().unwrap_err();
        assert!(error.to_string().contains("the peer accepts 0"), "{error}");
        stage.ends();
    });
}
