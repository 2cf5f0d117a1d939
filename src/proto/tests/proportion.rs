//! Frames that affect or skip many streams.

use super::super::{Config, Event, ResetBy, Role};
use super::{Peer, get, id, post};
use crate::frame::{ErrorCode, PriorityUpdate, Setting, Settings};

fn client_with_uploads(count: u32) -> Peer {
    let mut peer = Peer::of_client(Config::default());
    for n in 0..count {
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
        let send = move |core: &mut super::super::Connection, now| {
            core.send_data(id(2 * n + 1), vec![0; 10].into(), false, now)
        };
        peer.ask(send).unwrap();
    }
    peer
}

fn refused(peer: &mut Peer) -> Vec<u32> {
    let of_goaway = |event| match event {
        Event::Reset { stream_id, by: ResetBy::Goaway, retry_safe: true, .. } => {
            Some(stream_id.get())
        }
        _ => None,
    };
    peer.events().into_iter().filter_map(of_goaway).collect()
}

#[test]
fn each_goaway_ends_the_streams_above_it_in_order() {
    let mut peer = client_with_uploads(50);
    peer.send_goaway(u32::MAX >> 1, ErrorCode::NoError);
    assert_eq!(refused(&mut peer), [0; 0]);
    peer.send_goaway(90, ErrorCode::NoError);
    assert_eq!(refused(&mut peer), [91, 93, 95, 97, 99]);
    peer.send_goaway(90, ErrorCode::NoError);
    assert_eq!(refused(&mut peer), [0; 0]);
    peer.send_goaway(1, ErrorCode::NoError);
    assert_eq!(refused(&mut peer), (3..=89).step_by(2).collect::<Vec<_>>());
    assert_eq!(peer.sent().len(), 51, "the HEADERS, and what is left of the first upload");
}

#[test]
fn goaway_far_below_finds_the_few_streams_that_are_left() {
    let mut peer = Peer::of_client(Config::default());
    for n in 0..100 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        if n % 40 != 0 {
            peer.send_headers(2 * n + 1, &super::status(204), true);
        }
    }
    peer.sent();
    peer.events();
    peer.send_goaway(1, ErrorCode::NoError);
    assert_eq!(refused(&mut peer), [81, 161]);
}

#[test]
fn windows_move_once_by_the_sum_of_what_a_settings_frame_says() {
    let size = Setting::InitialWindowSize;
    let mut peer = Peer::greeted(Role::Client, Config::default(), vec![size(0)]);
    for _ in 0..3 {
        peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    }
    for n in [5, 1, 3] {
        peer.ask(move |core, now| core.send_data(id(n), "0123456789".into(), false, now)).unwrap();
    }
    peer.sent();
    peer.send_settings(vec![size(100), size(0), size(7)]);
    peer.expect(Settings::acknowledgement());
    for n in [1, 3, 5] {
        peer.expect_data(n, b"0123456", false);
    }
    peer.send_settings(vec![size(100), size(7)]);
    peer.expect(Settings::acknowledgement());
    peer.expect_nothing();
}

#[test]
fn window_that_overflows_within_a_settings_frame_ends_the_connection() {
    let size = Setting::InitialWindowSize;
    let mut peer = Peer::of_client(Config::default());
    peer.ask(|core, now| core.open(&post(), false, now)).unwrap();
    peer.send_window(1, 1);
    peer.send_settings(vec![size(u32::MAX >> 1), size(0)]);
    peer.expect_failure(ErrorCode::FlowControlError);
}

#[test]
fn stream_that_changes_its_priority_stands_in_its_new_line_alone() {
    let mut peer = Peer::of_server(Config { max_concurrent_streams: 1_000, ..Config::default() });
    peer.send_window(0, 1 << 20);
    for n in [1, 3, 5] {
        peer.send_headers(n, &get(), true);
        peer.ask(move |core, now| core.send_headers(id(n), &super::status(200), false, now))
            .unwrap();
        peer.ask(move |core, now| core.send_data(id(n), vec![1; 3_000].into(), true, now)).unwrap();
    }
    for urgency in ["u=7", "u=1", "u=6", "u=1"] {
        let prioritized_stream_id = id(5);
        peer.send(PriorityUpdate { prioritized_stream_id, field_value: urgency.into() });
    }
    for n in [1, 3, 5] {
        peer.expect_headers(n, false);
    }
    for n in [5, 1, 3] {
        peer.expect_data(n, &[1; 3_000], true);
    }
    peer.expect_nothing();
}

#[test]
fn identifiers_may_be_skipped_by_the_millions() {
    let config = Config { remembered_streams: 1 << 20, ..Config::default() };
    let mut peer = Peer::of_server(config);
    // Each would iterate over a million entries if skipping had to clear them.
    for n in 1..=20_000 {
        peer.send_headers(n * 100_000 + 1, &get(), true);
        peer.send_reset(n * 100_000 + 1, ErrorCode::Cancel);
        if peer.result.is_err() {
            break;
        }
    }
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}
