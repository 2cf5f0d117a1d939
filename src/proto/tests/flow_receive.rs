//! Flow control of received DATA: windows are enforced, and no credit is lost (RFC 9113, Section
//! 6.9).

use super::super::{CommandError, Config, Event};
use super::peer::{Sent, data_frame};
use super::{Peer, get, id, post, status};
use crate::frame::{Data, ErrorCode, Frame, Setting, Settings, StreamId, WindowUpdate};

const CONNECTION: u32 = 0;

/// Returns a server with these windows for a stream and for the connection.
fn server(stream: u32, connection: u32) -> Peer {
    Peer::of_server(Config {
        initial_window_size: stream,
        connection_window_size: connection,
        window_budget: 0,
        ..Config::default()
    })
}

fn update(n: u32, increment: u32) -> WindowUpdate {
    WindowUpdate { stream_id: id(n), increment }
}

fn padded(n: u32, len: usize, padding: u8) -> Frame {
    Frame::Data(Data {
        stream_id: id(n),
        data: vec![0; len].into(),
        end_stream: false,
        padding: Some(padding),
    })
}

#[test]
fn an_octet_over_the_streams_window_resets_the_stream() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 1_000], false);
    peer.expect_nothing();
    peer.send_data(1, &[0; 1], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
}

#[test]
fn an_octet_over_the_connections_window_ends_the_connection() {
    // The connection's credit is returned at half its window, so a peer that exceeds it must send
    // that much in frames that are each larger than the rest.
    let config = Config {
        initial_window_size: 1 << 20,
        connection_window_size: 65_535,
        max_frame_size: 70_000,
        ..Config::default()
    };
    let mut peer = Peer::of_server(config);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 30_000], false);
    peer.expect_nothing();
    peer.send_data(1, &[0; 35_536], false);
    peer.expect_failure(ErrorCode::FlowControlError);
}

#[test]
fn unsent_credit_is_not_available_to_the_peer() {
    let mut peer = server(1 << 20, 65_535);
    peer.send_headers(1, &post(), false);
    peer.sent();
    // In one piece, so that the credit for the first ones is still queued.
    let frames = |n| (0..n).map(|_| data_frame(1, &[0; 16_000], false)).collect::<Vec<_>>();
    peer.send_all(frames(4));
    assert_eq!(peer.result, Ok(()));
    peer.expect(update(CONNECTION, 48_000));
    peer.send_all(frames(4));
    peer.expect_failure(ErrorCode::FlowControlError);
}

#[test]
fn a_peer_that_uses_up_all_credit_that_it_has_read_is_served() {
    let mut peer = server(1 << 30, 65_535);
    peer.send_headers(1, &post(), false);
    peer.sent();
    let mut window = 65_535;
    for _ in 0..50 {
        while window > 0 {
            let len = window.min(16_000);
            peer.send_data(1, &vec![0; len], false);
            window -= len;
        }
        assert_eq!(peer.result, Ok(()));
        for sent in peer.sent() {
            let Sent::Frame(Frame::WindowUpdate(update)) = sent else { panic!("{sent:?}") };
            assert_eq!(update.stream_id, StreamId::CONNECTION);
            window += update.increment as usize;
        }
        assert!(window > 0, "the peer waits for credit, and none comes");
    }
    peer.expect_alive();
}

#[test]
fn credit_goes_back_at_half_the_window_in_one_update() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 800], false);
    peer.ask(|core, now| core.release(id(1), 499, now)).unwrap();
    peer.expect_nothing();
    peer.ask(|core, now| core.release(id(1), 1, now)).unwrap();
    peer.expect(update(1, 500));
    // 800 of 1,000 used, 500 returned.
    peer.send_data(1, &[0; 700], false);
    peer.expect_nothing();
    peer.send_data(1, &[0; 1], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
}

#[test]
fn more_than_was_received_cannot_be_released() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 800], false);
    for octets in [801, usize::MAX, 1 << 32] {
        let answer = peer.ask(|core, now| core.release(id(1), octets, now));
        assert_eq!(answer, Err(CommandError::ReleasedTooMuch(id(1))));
    }
    peer.expect_nothing();
    peer.ask(|core, now| core.release(id(1), 800, now)).unwrap();
    peer.expect(update(1, 800));
}

#[test]
fn releasing_octets_of_a_stream_that_has_ended_is_fine() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 800], false);
    peer.send_reset(1, ErrorCode::Cancel);
    assert_eq!(peer.ask(|core, now| core.release(id(1), 800, now)), Ok(()));
    assert_eq!(
        peer.ask(|core, now| core.release(id(3), 1, now)),
        Err(CommandError::UnknownStream(id(3)))
    );
    peer.expect_nothing();
}

#[test]
fn no_credit_is_sent_for_a_complete_body() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 800], true);
    peer.ask(|core, now| core.release(id(1), 800, now)).unwrap();
    peer.expect_nothing();
}

#[test]
fn credit_that_waited_for_half_of_a_larger_window_goes_back_when_the_window_shrinks() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_data(1, &[0; 400], false);
    peer.ask(|core, now| core.release(id(1), 400, now)).unwrap();
    peer.expect_nothing();
    let entries = vec![Setting::InitialWindowSize(400)];
    peer.ask(|core, now| core.update_settings(entries.clone(), now)).unwrap();
    peer.expect(Settings { ack: false, entries });
    // The peer's window is 600 - 600 now: without an update it could never send again.
    peer.send(Settings { ack: true, entries: Vec::new() });
    peer.expect(update(1, 400));
}

#[test]
fn padding_is_counted_and_credited_automatically() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send(padded(1, 0, 255));
    peer.expect_nothing();
    peer.send(padded(1, 10, 255));
    // Twice the padding and its length octet; the ten octets belong to the application.
    peer.expect(update(1, 512));
    // The remainder is 1,000 - 10.
    peer.send_data(1, &[0; 990], false);
    peer.expect_nothing();
    peer.send_data(1, &[0; 1], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
}

#[test]
fn padding_over_the_window_is_too_much_as_well() {
    let mut peer = server(10, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send(padded(1, 0, 10));
    peer.expect_reset(1, ErrorCode::FlowControlError);
}

#[test]
fn an_unread_stream_never_blocks_the_others() {
    // More octets are unread than the connection's window allows.
    let mut peer = server(60_000, 65_535);
    let mut sent = Vec::new();
    for n in [1, 3, 5, 7] {
        peer.send_headers(n, &post(), false);
        for _ in 0..6 {
            peer.send_data(n, &[0; 10_000], false);
            assert_eq!(peer.result, Ok(()));
            sent.extend(peer.sent());
        }
    }
    let given_back: u32 = sent
        .iter()
        .map(|sent| match sent {
            super::Sent::Frame(Frame::WindowUpdate(update)) if update.stream_id == CONNECTION => {
                update.increment
            }
            other => panic!("{other:?}"),
        })
        .sum();
    assert!(240_000 - given_back < 65_535 / 2);
}

#[test]
fn octets_for_dead_refused_and_ignored_streams_are_credited_to_the_connection() {
    let config = Config {
        max_concurrent_streams: 2,
        initial_window_size: 60_000,
        connection_window_size: 65_535,
        ..Config::default()
    };
    let mut peer = Peer::of_server(config);
    peer.send_headers(1, &post(), false);
    peer.send_headers(3, &post(), false);
    peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
    peer.send_headers(5, &post(), false);
    peer.send_headers(7, &post(), false);
    peer.expect_reset(1, ErrorCode::Cancel);
    peer.expect_reset(7, ErrorCode::RefusedStream);
    peer.ask(|core, _| core.goaway(ErrorCode::NoError, "".into())).unwrap();
    peer.send_headers(9, &post(), false);
    peer.sent();
    let mut given_back = 0;
    for (count, n) in [1, 7, 9].repeat(20).into_iter().enumerate() {
        peer.send(padded(n, 9_000, 255));
        assert_eq!(peer.result, Ok(()));
        for sent in peer.sent() {
            let super::Sent::Frame(Frame::WindowUpdate(update)) = sent else { panic!("{sent:?}") };
            assert_eq!(update.stream_id, StreamId::CONNECTION);
            given_back += update.increment as usize;
        }
        let received = (count + 1) * 9_256;
        assert!(received - given_back <= 65_535 / 2, "{received} - {given_back}");
    }
}

#[test]
fn a_frame_that_violates_a_rule_is_credited_to_the_connection_as_well() {
    let mut peer = server(1 << 20, 65_535);
    peer.send_headers(1, &get().with("content-length", "0"), false);
    peer.send_data(1, &[0; 16_000], false);
    peer.expect_reset(1, ErrorCode::ProtocolError);
    peer.send_data(1, &[0; 16_000], false);
    peer.send_data(1, &[0; 16_000], false);
    peer.expect(update(CONNECTION, 48_000));
}

#[test]
fn the_connections_window_is_raised_at_the_start() {
    let mut peer = Peer::before_handshake(super::super::Role::Server, Config::default());
    let sent = peer.sent();
    assert_eq!(
        sent.last(),
        Some(&super::Sent::Frame(update(CONNECTION, (32 << 20) - 65_535).into()))
    );
}

#[test]
fn adjacent_small_pieces_become_one_event() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.send_headers(3, &post(), false);
    peer.events();
    peer.send_all([
        data_frame(1, b"he", false),
        data_frame(3, b"wo", false),
        data_frame(1, b"llo", true),
        data_frame(3, b"rld", true),
    ]);
    let event = |n, data: &'static str| Event::Data {
        stream_id: id(n),
        data: data.into(),
        end_stream: true,
    };
    assert_eq!(peer.events(), [event(1, "hello"), event(3, "world")]);
}

#[test]
fn an_empty_frame_is_reported_at_the_end_only() {
    let mut peer = server(1_000, 65_535);
    peer.send_headers(1, &post(), false);
    peer.events();
    peer.send_data(1, b"", false);
    assert_eq!(peer.events(), []);
    peer.send_data(1, b"", true);
    let end = Event::Data { stream_id: id(1), data: "".into(), end_stream: true };
    assert_eq!(peer.events(), [end]);
}

#[test]
fn a_response_body_is_flow_controlled_like_a_request_body() {
    let config = Config { initial_window_size: 10, window_budget: 0, ..Config::default() };
    let mut peer = Peer::of_client(config);
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send_headers(1, &status(200), false);
    peer.sent();
    peer.send_data(1, &[0; 10], false);
    peer.expect_nothing();
    peer.ask(|core, now| core.release(id(1), 10, now)).unwrap();
    peer.expect(update(1, 10));
    peer.send_data(1, &[0; 11], false);
    peer.expect_reset(1, ErrorCode::FlowControlError);
}
