//! The limit of concurrent streams, and work that holds its slot (CVE-2023-44487).

use super::super::{Config, Event};
use super::{Peer, get, id, post, status};
use crate::frame::ErrorCode;

fn server(limit: u32, hold_slots: bool) -> Peer {
    Peer::of_server(Config { max_concurrent_streams: limit, hold_slots, ..Config::default() })
}

fn respond(peer: &mut Peer, n: u32) {
    peer.ask(|core, now| core.send_headers(id(n), &status(200), true, now)).unwrap();
    peer.expect_headers(n, true);
}

fn closed(n: u32, held_slot: bool) -> Option<Event> {
    Some(Event::StreamClosed { stream_id: id(n), held_slot })
}

#[test]
fn streams_over_the_limit_are_refused_and_can_be_retried() {
    let mut peer = server(2, false);
    peer.send_headers(1, &get(), true);
    peer.send_headers(3, &post(), false);
    peer.send_headers(5, &get(), true);
    peer.expect_reset(5, ErrorCode::RefusedStream);
    assert_eq!(peer.events().len(), 2);
    assert_eq!(peer.core().stats().streams_refused, 1);
    respond(&mut peer, 1);
    peer.send_headers(7, &get(), true);
    peer.send_headers(9, &get(), true);
    peer.expect_reset(9, ErrorCode::RefusedStream);
}

#[test]
fn a_stream_counts_until_both_sides_have_ended_it() {
    let mut peer = server(1, false);
    peer.send_headers(1, &post(), false);
    respond(&mut peer, 1);
    peer.send_headers(3, &get(), true);
    peer.expect_reset(3, ErrorCode::RefusedStream);
    peer.send_data(1, b"", true);
    peer.send_headers(5, &get(), true);
    peer.expect_nothing();
}

#[test]
fn without_held_slots_a_reset_frees_the_slot_at_once() {
    let mut peer = server(1, false);
    peer.send_headers(1, &get(), true);
    peer.send_reset(1, ErrorCode::Cancel);
    assert_eq!(peer.events().pop(), closed(1, false));
    peer.send_headers(3, &get(), true);
    peer.expect_nothing();
}

#[test]
fn with_held_slots_a_stream_that_was_reset_counts_until_its_work_is_done() {
    let mut peer = server(2, true);
    peer.send_headers(1, &get(), true);
    peer.send_reset(1, ErrorCode::Cancel);
    assert_eq!(peer.events().pop(), closed(1, true));
    peer.send_headers(3, &get(), true);
    peer.ask(|core, now| core.reset(id(3), ErrorCode::Cancel, now)).unwrap();
    peer.expect_reset(3, ErrorCode::Cancel);
    assert_eq!(peer.events().pop(), closed(3, true));
    peer.send_headers(5, &get(), true);
    peer.expect_reset(5, ErrorCode::RefusedStream);
    assert!(peer.ask(|core, _| core.release_slot(id(1))));
    peer.send_headers(7, &get(), true);
    peer.expect_nothing();
    peer.send_headers(9, &get(), true);
    peer.expect_reset(9, ErrorCode::RefusedStream);
}

#[test]
fn with_held_slots_a_stream_that_we_reset_counts_until_its_work_is_done() {
    let mut peer = server(1, true);
    peer.send_headers(1, &get(), true);
    peer.send_data(1, b"after the end", false);
    peer.expect_reset(1, ErrorCode::StreamClosed);
    assert_eq!(peer.events().pop(), closed(1, true));
    peer.send_headers(3, &get(), true);
    peer.expect_reset(3, ErrorCode::RefusedStream);
}

#[test]
fn a_complete_response_frees_the_slot_at_once() {
    let mut peer = server(1, true);
    peer.send_headers(1, &get(), true);
    respond(&mut peer, 1);
    assert_eq!(peer.events().pop(), closed(1, false));
    peer.send_headers(3, &get(), true);
    peer.expect_nothing();
}

#[test]
fn streams_that_never_reached_the_application_hold_no_slot() {
    let mut peer = server(1, true);
    for n in [1, 3, 5] {
        peer.send_headers(n, &get().with("Bad", ""), true);
        peer.expect_reset(n, ErrorCode::ProtocolError);
    }
    assert_eq!(peer.events(), []);
    peer.send_headers(7, &get(), true);
    peer.expect_nothing();
}

#[test]
fn a_slot_is_released_once_by_its_stream() {
    for hold_slots in [false, true] {
        let mut peer = server(1, hold_slots);
        assert!(!peer.ask(|core, _| core.release_slot(id(1))), "it was never taken");
        peer.send_headers(1, &get(), true);
        assert!(!peer.ask(|core, _| core.release_slot(id(1))), "the stream still has it");
        peer.send_headers(3, &get(), true);
        peer.expect_reset(3, ErrorCode::RefusedStream);
        peer.send_reset(1, ErrorCode::Cancel);
        assert_eq!(peer.ask(|core, _| core.release_slot(id(1))), hold_slots);
        assert!(!peer.ask(|core, _| core.release_slot(id(1))), "it was released");
        peer.send_headers(5, &get(), true);
        peer.send_headers(7, &get(), true);
        peer.expect_reset(7, ErrorCode::RefusedStream);
    }
}
