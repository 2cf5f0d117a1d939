//! Flow control of sent DATA (RFC 9113, Sections 5.2 and 6.9).

use bytes::Bytes;

use super::super::{Config, Event, ResetBy, Role};
use super::{Peer, Sent, get, id, post, status, trailers};
use crate::frame::{ErrorCode, Frame, MAX_WINDOW, Setting, Settings};

const CONNECTION: u32 = 0;

/// Returns a server whose client has announced this initial window, with a request on each stream.
fn server(window: u32, streams: &[u32]) -> Peer {
    let entries = vec![Setting::InitialWindowSize(window)];
    let mut peer = Peer::greeted(Role::Server, Config::default(), entries);
    for &n in streams {
        peer.send_headers(n, &get(), true);
        peer.ask(|core, now| core.send_headers(id(n), &status(200), false, now)).unwrap();
        peer.expect_headers(n, false);
    }
    peer.events();
    peer
}

fn send(peer: &mut Peer, n: u32, data: &[u8], end: bool) {
    let data = Bytes::copy_from_slice(data);
    peer.ask(|core, now| core.send_data(id(n), data.clone(), end, now)).unwrap();
}

/// Octets of DATA sent.
fn octets(sent: &[Sent]) -> usize {
    sent.iter()
        .map(|sent| match sent {
            Sent::Frame(Frame::Data(data)) => data.data.len(),
            _ => 0,
        })
        .sum()
}

#[test]
fn no_more_than_the_streams_window_is_sent() {
    let mut peer = server(5, &[1]);
    send(&mut peer, 1, b"hello world", true);
    peer.expect_data(1, b"hello", false);
    peer.expect_nothing();
    peer.send_window(1, 3);
    peer.expect_data(1, b" wo", false);
    peer.send_window(1, 100);
    peer.expect_data(1, b"rld", true);
}

#[test]
fn no_more_than_the_connections_window_is_sent() {
    let mut peer = server(MAX_WINDOW, &[1, 3]);
    send(&mut peer, 1, &[1; 40_000], false);
    send(&mut peer, 3, &[3; 40_000], false);
    assert_eq!(octets(&peer.sent()), 65_535);
    peer.send_window(CONNECTION, 10);
    assert_eq!(octets(&peer.sent()), 10);
    peer.send_window(CONNECTION, MAX_WINDOW);
    assert_eq!(octets(&peer.sent()), 80_000 - 65_545);
}

#[test]
fn streams_with_open_windows_continue_while_others_wait() {
    let mut peer = server(5, &[1, 3]);
    send(&mut peer, 1, &[0; 100], false);
    peer.sent();
    send(&mut peer, 3, b"hi", true);
    peer.expect_data(3, b"hi", true);
}

#[test]
fn the_end_and_the_trailers_need_no_window_of_the_stream() {
    let mut peer = server(2, &[1, 3]);
    send(&mut peer, 1, b"hi", false);
    send(&mut peer, 3, b"hi", false);
    peer.sent();
    send(&mut peer, 1, b"", true);
    peer.expect_data(1, b"", true);
    peer.ask(|core, now| core.send_headers(id(3), &trailers(), true, now)).unwrap();
    assert_eq!(peer.expect_headers(3, true), trailers());
}

#[test]
fn nor_of_the_connection_even_if_other_streams_wait_for_it() {
    let mut peer = server(MAX_WINDOW, &[1, 3, 5]);
    send(&mut peer, 1, &[1; 65_535], false);
    peer.sent();
    send(&mut peer, 3, b"waits", false);
    peer.expect_nothing();
    send(&mut peer, 5, b"", true);
    peer.expect_data(5, b"", true);
    peer.ask(|core, now| core.send_headers(id(1), &trailers(), true, now)).unwrap();
    assert_eq!(peer.expect_headers(1, true), trailers());
    peer.expect_nothing();
}

#[test]
fn a_lower_initial_window_can_take_a_stream_below_zero() {
    let mut peer = server(100, &[1]);
    send(&mut peer, 1, &[0; 150], false);
    assert_eq!(octets(&peer.sent()), 100);
    peer.send_settings(vec![Setting::InitialWindowSize(20)]);
    peer.expect(Settings::acknowledgement());
    // The window is at -80.
    peer.send_window(1, 80);
    peer.expect_nothing();
    peer.send_window(1, 1);
    assert_eq!(octets(&peer.sent()), 1);
    peer.send_settings(vec![Setting::InitialWindowSize(30)]);
    assert_eq!(octets(&peer.sent()), 10);
}

#[test]
fn a_window_lowered_below_zero_before_its_turn_stops_the_stream() {
    let mut peer = server(100, &[1]);
    send(&mut peer, 1, &[0; 80], false);
    peer.sent();
    send(&mut peer, 1, &[0; 20], false);
    peer.send_settings(vec![Setting::InitialWindowSize(10)]);
    peer.expect(Settings::acknowledgement());
    peer.expect_nothing();
    peer.send_window(1, 90);
    assert_eq!(octets(&peer.sent()), 20);
}

#[test]
fn a_higher_initial_window_opens_all_streams() {
    let mut peer = server(1, &[1, 3]);
    send(&mut peer, 1, b"abc", false);
    send(&mut peer, 3, b"abc", false);
    peer.sent();
    peer.send_settings(vec![Setting::InitialWindowSize(3)]);
    peer.expect(Settings::acknowledgement());
    peer.expect_data(1, b"bc", false);
    peer.expect_data(3, b"bc", false);
}

#[test]
fn the_initial_window_is_not_that_of_the_connection() {
    let mut peer = server(MAX_WINDOW, &[1]);
    send(&mut peer, 1, &[0; 70_000], false);
    assert_eq!(octets(&peer.sent()), 65_535);
    peer.send_settings(vec![Setting::InitialWindowSize(MAX_WINDOW - 1)]);
    peer.expect(Settings::acknowledgement());
    peer.expect_nothing();
}

#[test]
fn a_streams_window_over_its_maximum_resets_the_stream() {
    for mut peer in [server(1, &[1]), {
        let entries = vec![Setting::InitialWindowSize(1)];
        let mut peer = Peer::greeted(Role::Client, Config::default(), entries);
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
        peer.sent();
        peer
    }] {
        peer.send_window(1, MAX_WINDOW - 1);
        peer.expect_nothing();
        peer.send_window(1, 1);
        peer.expect_reset(1, ErrorCode::FlowControlError);
        let by = ResetBy::Violation;
        assert!(matches!(peer.events()[0], Event::Reset { by: cause, .. } if cause == by));
    }
}

#[test]
fn the_connections_window_over_its_maximum_ends_the_connection() {
    for mut peer in [server(1, &[1]), Peer::of_client(Config::default())] {
        peer.send_window(CONNECTION, MAX_WINDOW - 65_535);
        assert_eq!(peer.result, Ok(()));
        peer.send_window(CONNECTION, 1);
        peer.expect_failure(ErrorCode::FlowControlError);
    }
}

#[test]
fn a_setting_that_takes_a_stream_over_the_maximum_ends_the_connection() {
    let mut peer = server(1, &[1]);
    peer.send_window(1, 10);
    peer.send_settings(vec![Setting::InitialWindowSize(MAX_WINDOW)]);
    peer.expect_failure(ErrorCode::FlowControlError);
}

#[test]
fn a_stray_update_for_a_stream_that_has_ended_is_harmless() {
    let mut peer = server(1, &[1]);
    send(&mut peer, 1, b"x", true);
    peer.sent();
    peer.send_window(1, MAX_WINDOW);
    peer.expect_alive();
}

#[test]
fn frames_are_at_most_the_requested_size_and_never_tiny() {
    let mut peer = server(MAX_WINDOW, &[1]);
    send(&mut peer, 1, &[0; 10_000], false);
    peer.read_some(100);
    assert!(peer.core().wants_transmit());
    assert_eq!(octets(&peer.sent()), 10_000);
}

#[test]
fn the_window_of_a_promised_or_reserved_stream_can_be_opened_early() {
    let mut peer = server(0, &[1]);
    let promised = peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
    peer.ask(|core, now| core.promise(id(1), promised, &get(), now)).unwrap();
    peer.send_window(promised.get(), 5);
    peer.ask(|core, now| core.send_headers(promised, &status(200), false, now)).unwrap();
    send(&mut peer, promised.get(), b"hello!", true);
    peer.sent().iter().for_each(|_| ());
    assert_eq!(peer.core().stats().send_buffered, 1);
}
