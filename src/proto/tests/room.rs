//! Queued output is bounded, refused senders are notified of room, and no stream waits
//! indefinitely.

use bytes::Bytes;

use super::super::{CommandError, Config, Event, Role};
use super::{Peer, get, id, post, status, trailers};
use crate::frame::{ErrorCode, Setting, Settings, StreamId};

const FULL_CONNECTION: CommandError = CommandError::Full { stream_id: StreamId::CONNECTION };

fn full(n: u32) -> CommandError {
    CommandError::Full { stream_id: id(n) }
}

fn room(n: u32) -> Event {
    Event::SendRoom { stream_id: id(n) }
}

/// Returns a client with closed windows, these limits, and this many started uploads.
fn client(config: Config, uploads: u32) -> Peer {
    let entries = vec![Setting::InitialWindowSize(0)];
    let mut peer = Peer::greeted(Role::Client, config, entries);
    for _ in 0..uploads {
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    }
    peer.sent();
    peer
}

fn bounds(connection: usize, stream: usize) -> Config {
    Config { max_send_buffer: connection, max_stream_send_buffer: stream, ..Config::default() }
}

fn send(peer: &mut Peer, n: u32, octets: usize) -> Result<(), CommandError> {
    let data = Bytes::from(vec![0; octets]);
    peer.ask(|core, now| core.send_data(id(n), data.clone(), false, now))
}

#[test]
fn a_stream_is_full_at_its_limit_and_reports_when_half_of_it_is_free() {
    let mut peer = client(bounds(1 << 20, 1_000), 1);
    send(&mut peer, 1, 600).unwrap();
    send(&mut peer, 1, 400).unwrap();
    assert_eq!(send(&mut peer, 1, 1), Err(full(1)));
    peer.send_window(1, 499);
    peer.sent();
    assert_eq!(peer.events(), []);
    peer.send_window(1, 1);
    peer.sent();
    assert_eq!(peer.events(), [room(1)]);
    send(&mut peer, 1, 500).unwrap();
    peer.send_window(1, 10_000);
    peer.sent();
    assert_eq!(peer.events(), [], "told once");
}

#[test]
fn an_empty_stream_takes_one_piece_of_any_size() {
    let mut peer = client(bounds(1 << 20, 1_000), 1);
    send(&mut peer, 1, 100_000).unwrap();
    assert_eq!(send(&mut peer, 1, 1), Err(full(1)));
}

#[test]
fn room_is_reported_when_it_suffices_for_the_refused_data() {
    let mut peer = client(bounds(1 << 20, 1_000), 1);
    send(&mut peer, 1, 500).unwrap();
    // Half of the buffer is free, which is still too little.
    assert_eq!(send(&mut peer, 1, 5_000), Err(full(1)));
    peer.send_window(1, 499);
    peer.sent();
    assert_eq!(peer.events(), []);
    peer.send_window(1, 1);
    peer.sent();
    assert_eq!(peer.events(), [room(1)]);
    send(&mut peer, 1, 5_000).unwrap();
}

#[test]
fn the_connection_is_full_at_its_limit_and_notifies_each_refused_stream() {
    let mut peer = client(bounds(100_000, 50_000), 4);
    send(&mut peer, 1, 50_000).unwrap();
    send(&mut peer, 3, 50_000).unwrap();
    assert_eq!(send(&mut peer, 5, 50_000), Err(full(5)));
    assert_eq!(send(&mut peer, 7, 50_000), Err(full(7)));
    peer.send_window(1, 49_000);
    peer.sent();
    assert_eq!(peer.events(), []);
    peer.send_window(3, 10_000);
    peer.sent();
    assert_eq!(peer.events(), [room(5), room(7)]);
}

#[test]
fn streams_that_fill_the_buffer_leave_each_other_stream_a_guaranteed_piece() {
    // Streams 1 and 3 have closed windows. If 5 had to wait for them, and their readers for the end
    // of 5, none would make progress.
    let mut peer = client(bounds(1 << 20, 1 << 19), 3);
    send(&mut peer, 1, 1 << 19).unwrap();
    send(&mut peer, 3, 1 << 19).unwrap();
    peer.send_window(5, 1 << 20);
    for _ in 0..10 {
        send(&mut peer, 5, 60_000).unwrap();
        assert_eq!(send(&mut peer, 5, 60_000), Err(full(5)));
        // The remaining window of the connection; the stream's own window decides.
        peer.send_window(0, 60_000);
        peer.sent();
        assert_eq!(peer.events(), [room(5)]);
    }
}

#[test]
fn a_stream_that_is_opened_late_is_notified_of_its_guaranteed_piece() {
    let entries = vec![Setting::InitialWindowSize(0), Setting::MaxConcurrentStreams(3)];
    let mut peer = Peer::greeted(Role::Client, bounds(1 << 20, 1 << 19), entries);
    for _ in 0..4 {
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    }
    send(&mut peer, 1, 1 << 19).unwrap();
    send(&mut peer, 3, 1 << 19).unwrap();
    assert_eq!(send(&mut peer, 7, 1_000), Err(full(7)));
    peer.send_headers(5, &status(200), false);
    peer.send_reset(5, ErrorCode::Cancel);
    assert_eq!(peer.events().last(), Some(&room(7)));
    send(&mut peer, 7, 1_000).unwrap();
}

#[test]
fn the_end_of_a_stream_needs_no_room() {
    let mut peer = client(bounds(1_000, 1_000), 2);
    send(&mut peer, 1, 5_000).unwrap();
    peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
    send(&mut peer, 3, 100).unwrap_err();
    peer.ask(|core, now| core.send_headers(id(3), &trailers(), true, now)).unwrap();
    peer.expect_headers(3, true);
}

#[test]
fn full_streams_do_not_block_requests_and_responses() {
    let mut peer = client(bounds(1_000, 1_000), 2);
    send(&mut peer, 1, 5_000).unwrap();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.expect_headers(5, true);

    let entries = vec![Setting::InitialWindowSize(0)];
    let mut peer = Peer::greeted(Role::Server, bounds(1_000, 1_000), entries);
    for n in [1, 3] {
        peer.send_headers(n, &get(), true);
        peer.ask(|core, now| core.send_headers(id(n), &status(200), false, now)).unwrap();
        let _ = send(&mut peer, n, 5_000);
        peer.expect_headers(n, false);
    }
}

#[test]
fn room_is_reported_when_a_stream_that_took_it_is_reset() {
    for by_peer in [true, false] {
        let mut peer = client(bounds(100_000, 100_000), 2);
        send(&mut peer, 1, 100_000).unwrap();
        assert_eq!(send(&mut peer, 3, 50_000), Err(full(3)));
        if by_peer {
            peer.send_reset(1, ErrorCode::Cancel);
        } else {
            peer.ask(|core, now| core.reset(id(1), ErrorCode::Cancel, now)).unwrap();
        }
        assert_eq!(peer.events().last(), Some(&room(3)));
    }
}

#[test]
fn unread_field_sections_are_bounded() {
    let mut peer = client(bounds(100_000, 100_000), 0);
    let large = get().with("x", "y".repeat(20_000));
    let mut opened = 0;
    while peer.ask(|core, now| core.open(&large, true, now)).is_ok() {
        opened += 1;
        assert!(opened < 100);
    }
    let answer = peer.ask(|core, now| core.open(&large, true, now));
    assert_eq!(answer, Err(FULL_CONNECTION));
    assert_eq!(peer.sent().len(), opened);
    assert_eq!(peer.events(), [room(0)]);
    peer.ask(|core, now| core.open(&large, true, now)).unwrap();
}

#[test]
fn deferred_field_sections_are_bounded() {
    let entries = vec![Setting::MaxConcurrentStreams(1)];
    let mut peer = Peer::greeted(Role::Client, bounds(100_000, 100_000), entries);
    let large = get().with("x", "y".repeat(20_000));
    peer.ask(|core, now| core.open(&large, true, now)).unwrap();
    peer.sent();
    for _ in 0..4 {
        peer.ask(|core, now| core.open(&large, true, now)).unwrap();
    }
    assert_eq!(peer.ask(|core, now| core.open(&large, true, now)), Err(FULL_CONNECTION));
    peer.events();
    peer.ask(|core, now| core.reset(id(3), ErrorCode::Cancel, now)).unwrap();
    peer.ask(|core, now| core.reset(id(5), ErrorCode::Cancel, now)).unwrap();
    assert_eq!(peer.events().last(), Some(&room(0)));
    peer.ask(|core, now| core.open(&large, true, now)).unwrap();
}

#[test]
fn a_piece_above_the_limit_is_accepted_alone_and_never_causes_a_busy_loop() {
    let mut peer = client(bounds(10_000, 100_000), 2);
    send(&mut peer, 1, 9_000).unwrap();
    assert_eq!(send(&mut peer, 3, 50_000), Err(full(3)));
    // The driver checks after each command: nothing has changed, so nothing is reported.
    for _ in 0..3 {
        peer.expect_nothing();
        assert_eq!(peer.events(), []);
    }
    peer.send_window(1, 4_000);
    peer.sent();
    assert_eq!(peer.events(), []);
    peer.send_window(1, 2_000);
    peer.sent();
    assert_eq!(peer.events(), [room(3)]);
    send(&mut peer, 3, 50_000).unwrap();
}

#[test]
fn tiny_pieces_are_bounded_by_their_number() {
    let mut peer = client(Config::default(), 1);
    let mut pieces = 0;
    while send(&mut peer, 1, 1).is_ok() {
        pieces += 1;
    }
    assert_eq!(pieces, 1_024);
    peer.send_window(1, 512);
    peer.sent();
    assert_eq!(peer.events(), [room(1)]);
}

#[test]
fn a_refused_command_changes_nothing() {
    let mut peer = client(bounds(1 << 20, 1_000), 0);
    let request = post().with("content-length", "1500");
    peer.ask(|core, now| core.open(&request, false, now)).unwrap();
    send(&mut peer, 1, 1_000).unwrap();
    assert_eq!(send(&mut peer, 1, 500), Err(full(1)));
    peer.send_window(1, 2_000);
    peer.sent();
    // Refused octets do not count against the length.
    send(&mut peer, 1, 500).unwrap();
}

#[test]
fn a_stream_without_queued_octets_is_never_notified_of_room() {
    let mut peer = client(bounds(1 << 20, 1_000), 1);
    send(&mut peer, 1, 1_000).unwrap();
    send(&mut peer, 1, 1).unwrap_err();
    peer.ask(|core, now| core.send_data(id(1), "".into(), true, now)).unwrap();
    peer.send_window(1, 2_000);
    peer.sent();
    assert_eq!(peer.events(), []);
}

#[test]
fn queued_output_is_counted_in_the_statistics() {
    let mut peer = client(Config::default(), 1);
    send(&mut peer, 1, 1_000).unwrap();
    assert_eq!(peer.core().stats().send_buffered, 1_000);
    peer.send_settings(vec![Setting::InitialWindowSize(600)]);
    peer.expect(Settings::acknowledgement());
    peer.sent();
    assert_eq!(peer.core().stats().send_buffered, 400);
}
