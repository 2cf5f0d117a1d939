//! Peers that keep windows closed (CVE-2019-9511, CVE-2019-9517).

use std::time::Duration;

use bytes::Bytes;

use super::super::{Config, Event, Fault, ResetBy, Role};
use super::{Peer, get, id, status, trailers};
use crate::frame::{ErrorCode, Setting, Settings};

const SECOND: Duration = Duration::from_secs(1);

/// Returns a server with a response on stream 1, whose client has opened its windows by `window`.
fn server(window: u32) -> Peer {
    let entries = vec![Setting::InitialWindowSize(window)];
    let mut peer = Peer::greeted(Role::Server, Config::default(), entries);
    begin(&mut peer, 1);
    peer
}

fn begin(peer: &mut Peer, n: u32) {
    peer.send_headers(n, &get(), true);
    peer.ask(|core, now| core.send_headers(id(n), &status(200), false, now)).unwrap();
    peer.sent();
    peer.events();
}

fn send(peer: &mut Peer, n: u32, octets: usize) {
    let data = Bytes::from(vec![0; octets]);
    peer.ask(|core, now| core.send_data(id(n), data.clone(), false, now)).unwrap();
    peer.sent();
}

fn expect_stalled(peer: &mut Peer, n: u32) {
    peer.expect_reset(n, ErrorCode::Cancel);
    let events = peer.events();
    let reset = Event::Reset {
        stream_id: id(n),
        code: ErrorCode::Cancel,
        by: ResetBy::Stall,
        retry_safe: false,
        detail: None,
    };
    assert!(events.contains(&reset), "{events:?}");
}

#[test]
fn a_stream_whose_window_stays_closed_is_reset() {
    let mut peer = server(0);
    peer.pass(100 * SECOND);
    send(&mut peer, 1, 10);
    peer.pass(29 * SECOND);
    peer.expect_nothing();
    peer.pass(SECOND);
    expect_stalled(&mut peer, 1);
    assert_eq!(peer.core().stats().blocked_on_windows, 30 * SECOND);
    assert_eq!(peer.core().stats().send_buffered, 0);
}

#[test]
fn only_the_stalled_stream_is_reset() {
    let mut peer = server(0);
    begin(&mut peer, 3);
    send(&mut peer, 1, 10);
    peer.pass(20 * SECOND);
    send(&mut peer, 3, 10);
    peer.pass(10 * SECOND);
    expect_stalled(&mut peer, 1);
    peer.send_window(3, 10);
    assert_eq!(peer.sent().len(), 1);
    peer.pass(100 * SECOND);
    peer.expect_nothing();
}

#[test]
fn an_occasional_octet_does_not_end_a_stall() {
    let mut peer = server(0);
    send(&mut peer, 1, 10_000);
    for _ in 0..29 {
        peer.pass(SECOND);
        peer.send_window(1, 1);
        assert_eq!(peer.sent().len(), 1);
    }
    peer.pass(SECOND);
    expect_stalled(&mut peer, 1);
}

#[test]
fn an_occasional_octet_by_settings_does_not_end_a_stall() {
    let mut peer = server(0);
    send(&mut peer, 1, 10_000);
    for size in 1..30 {
        peer.pass(SECOND);
        peer.send_settings(vec![Setting::InitialWindowSize(size)]);
        assert_eq!(peer.sent().len(), 2);
    }
    peer.pass(SECOND);
    expect_stalled(&mut peer, 1);
}

#[test]
fn a_substantial_window_ends_a_stall() {
    let mut peer = server(0);
    send(&mut peer, 1, 20_000);
    peer.pass(29 * SECOND);
    peer.send_window(1, 4_096);
    peer.sent();
    peer.pass(29 * SECOND);
    peer.expect_nothing();
    peer.pass(SECOND);
    expect_stalled(&mut peer, 1);
}

#[test]
fn a_stream_that_has_sent_everything_is_no_longer_stalled() {
    // The last few octets.
    let mut peer = server(0);
    send(&mut peer, 1, 10);
    peer.pass(29 * SECOND);
    peer.send_window(1, 10);
    peer.sent();
    peer.pass(100 * SECOND);
    peer.expect_nothing();
    // They are followed by trailers, which need no window, and a request that continues.
    let mut peer = server(0);
    peer.send_headers(3, &super::post(), false);
    peer.ask(|core, now| core.send_headers(id(3), &status(200), false, now)).unwrap();
    send(&mut peer, 3, 10);
    peer.ask(|core, now| core.send_headers(id(3), &trailers(), true, now)).unwrap();
    peer.pass(SECOND);
    peer.send_window(3, 10);
    assert_eq!(peer.sent().len(), 2);
    peer.pass(100 * SECOND);
    peer.expect_nothing();
}

#[test]
fn a_stream_with_nothing_to_send_never_stalls() {
    let mut peer = server(0);
    peer.pass(1_000 * SECOND);
    peer.expect_nothing();
    assert_eq!(peer.core().poll_timeout(), None);
}

#[test]
fn a_window_that_is_lowered_stalls_a_stream_as_well() {
    let mut peer = server(100);
    send(&mut peer, 1, 100);
    peer.send_window(1, 50);
    peer.send_settings(vec![Setting::InitialWindowSize(0)]);
    peer.expect(Settings::acknowledgement());
    send(&mut peer, 1, 10);
    peer.pass(30 * SECOND);
    expect_stalled(&mut peer, 1);
}

#[test]
fn the_connection_ends_when_its_window_stays_closed() {
    let mut peer = server(1 << 20);
    send(&mut peer, 1, 70_000);
    peer.pass(29 * SECOND);
    peer.send_window(0, 100);
    assert_eq!(peer.sent().len(), 1);
    peer.pass(SECOND);
    assert_eq!(peer.result.as_ref().unwrap_err().fault(), Fault::Timeout);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn the_connection_ends_even_with_nothing_to_transmit() {
    // Both windows are used up, and only the stream's is reopened.
    let mut peer = server(65_535);
    send(&mut peer, 1, 100_000);
    peer.send_window(1, 100_000);
    peer.pass(29 * SECOND);
    peer.expect_alive();
    peer.pass(SECOND);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);

    // Another stream has used up the window, and DATA follows its HEADERS.
    let mut peer = server(65_535);
    send(&mut peer, 1, 65_535);
    begin(&mut peer, 3);
    send(&mut peer, 3, 1);
    peer.pass(30 * SECOND);
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_connection_that_has_sent_everything_continues_despite_a_closed_window() {
    let mut peer = server(1 << 20);
    send(&mut peer, 1, 65_545);
    peer.pass(29 * SECOND);
    peer.send_window(0, 10);
    peer.sent();
    peer.pass(100 * SECOND);
    peer.expect_alive();
    send(&mut peer, 1, 10);
    peer.pass(29 * SECOND);
    peer.send_window(0, 4_096);
    peer.sent();
    send(&mut peer, 1, 10_000);
    peer.pass(29 * SECOND);
    peer.expect_alive();
}

#[test]
fn the_end_of_a_stream_ends_its_wait_for_the_connection() {
    let mut peer = server(1 << 20);
    send(&mut peer, 1, 70_000);
    peer.pass(SECOND);
    peer.send_reset(1, ErrorCode::Cancel);
    peer.expect_nothing();
    peer.pass(100 * SECOND);
    peer.expect_alive();
}

#[test]
fn without_a_deadline_nothing_is_reset() {
    let entries = vec![Setting::InitialWindowSize(0)];
    let config = Config { stall_timeout: None, ..Config::default() };
    let mut peer = Peer::greeted(Role::Server, config, entries);
    begin(&mut peer, 1);
    send(&mut peer, 1, 10);
    peer.pass(10_000 * SECOND);
    peer.expect_nothing();
}
