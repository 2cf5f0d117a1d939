//! The order of DATA by priority (RFC 9218).

use bytes::Bytes;

use super::super::{CommandError, Config, Event, Priority, Role};
use super::{Peer, Sent, get, id, status};
use crate::frame::{ErrorCode, Frame, PriorityUpdate, Setting};

const FRAME: usize = 16_384;

/// Returns a server with responses in progress for requests with these `priority` fields, on
/// streams 1, 3, ….
fn server(priorities: &[&str]) -> Peer {
    let entries = vec![Setting::InitialWindowSize(1 << 20)];
    let mut peer = Peer::greeted(Role::Server, Config::default(), entries);
    peer.send_window(0, 1 << 24);
    for (index, priority) in priorities.iter().enumerate() {
        let mut request = get();
        if !priority.is_empty() {
            request.push("priority", priority);
        }
        let n = 2 * index as u32 + 1;
        peer.send_headers(n, &request, true);
        respond(&mut peer, n);
    }
    peer.events();
    peer
}

fn respond(peer: &mut Peer, n: u32) {
    peer.ask(|core, now| core.send_headers(id(n), &status(200), false, now)).unwrap();
    peer.sent();
}

/// Queues two frames of DATA on each stream.
fn fill(peer: &mut Peer, streams: &[u32]) {
    for &n in streams {
        let data = Bytes::from(vec![0; 2 * FRAME]);
        peer.ask(|core, now| core.send_data(id(n), data.clone(), true, now)).unwrap();
    }
}

/// Returns the streams of all DATA frames.
fn order(peer: &mut Peer) -> Vec<u32> {
    peer.sent()
        .iter()
        .map(|sent| match sent {
            Sent::Frame(Frame::Data(data)) => data.stream_id.get(),
            other => panic!("{other:?}"),
        })
        .collect()
}

fn update(n: u32, value: &'static str) -> PriorityUpdate {
    PriorityUpdate { prioritized_stream_id: id(n), field_value: value.into() }
}

#[test]
fn streams_without_priority_take_turns() {
    let mut peer = server(&["", "", ""]);
    fill(&mut peer, &[1, 3, 5]);
    assert_eq!(order(&mut peer), [1, 3, 5, 1, 3, 5]);
}

#[test]
fn a_more_urgent_stream_goes_first() {
    let mut peer = server(&["u=5", "u=0", "u=3"]);
    fill(&mut peer, &[1, 3, 5]);
    assert_eq!(order(&mut peer), [3, 3, 5, 5, 1, 1]);
}

#[test]
fn a_stream_that_is_not_incremental_is_sent_whole() {
    let mut peer = server(&["u=3", "u=3", "u=3, i", "u=3, i"]);
    fill(&mut peer, &[1, 3, 5, 7]);
    assert_eq!(order(&mut peer), [1, 1, 3, 3, 5, 7, 5, 7]);
}

#[test]
fn a_stream_with_a_closed_window_yields_its_turn() {
    let mut peer = server(&["u=0", "u=5"]);
    peer.send_settings(vec![Setting::InitialWindowSize(FRAME as u32)]);
    peer.sent();
    fill(&mut peer, &[1, 3]);
    assert_eq!(order(&mut peer), [1, 3]);
    peer.send_window(3, 10);
    peer.send_window(1, 10);
    assert_eq!(order(&mut peer), [1, 3]);
}

#[test]
fn an_update_moves_a_queued_stream() {
    let mut peer = server(&["u=5", "u=4"]);
    fill(&mut peer, &[1, 3]);
    peer.send(update(1, "u=1"));
    assert_eq!(order(&mut peer), [1, 1, 3, 3]);
    let event = Event::PriorityUpdate { stream_id: id(1), priority: Priority::new(1, false) };
    assert!(peer.events().contains(&event));
}

#[test]
fn an_update_applies_to_a_stream_that_waits_for_its_window() {
    let mut peer = server(&["u=5", "u=4"]);
    peer.send_settings(vec![Setting::InitialWindowSize(0)]);
    fill(&mut peer, &[1, 3]);
    peer.sent();
    peer.send(update(1, "u=1"));
    peer.send_settings(vec![Setting::InitialWindowSize(1 << 20)]);
    let sent = peer.sent();
    assert!(matches!(&sent[1], Sent::Frame(Frame::Data(data)) if data.stream_id == 1));
}

#[test]
fn an_early_update_is_kept_and_overrides_the_field() {
    let mut peer = server(&["u=4"]);
    peer.send(update(3, "u=0"));
    peer.send_headers(3, &get().with("priority", "u=7"), true);
    respond(&mut peer, 3);
    fill(&mut peer, &[1, 3]);
    assert_eq!(order(&mut peer), [3, 3, 1, 1]);
}

#[test]
fn of_many_early_updates_the_last_are_kept() {
    let mut peer = server(&["u=4"]);
    for n in 1..=33 {
        peer.send(update(2 * n + 1, "u=0"));
        peer.send(update(2 * n + 1, "u=1"));
    }
    peer.send_headers(3, &get(), true);
    peer.send_headers(5, &get(), true);
    peer.events();
    respond(&mut peer, 3);
    respond(&mut peer, 5);
    fill(&mut peer, &[1, 3, 5]);
    // The first update was dropped, so its stream has urgency 3.
    assert_eq!(order(&mut peer), [5, 5, 3, 3, 1, 1]);
}

#[test]
fn an_update_for_a_stream_that_has_ended_is_ignored() {
    let mut peer = server(&[""]);
    fill(&mut peer, &[1]);
    peer.sent();
    peer.events();
    peer.send(update(1, "u=0"));
    assert_eq!(peer.events(), []);
    peer.expect_alive();
}

#[test]
fn an_update_moves_promised_streams_only() {
    let mut peer = server(&["u=4"]);
    let promised = peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
    peer.ask(|core, now| core.promise(id(1), promised, &get(), now)).unwrap();
    respond(&mut peer, 2);
    peer.send(update(2, "u=7"));
    fill(&mut peer, &[2, 1]);
    assert_eq!(order(&mut peer), [1, 1, 2, 2]);
    peer.send(update(4, "u=7"));
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn a_server_has_no_updates_to_send() {
    let mut peer = Peer::of_client(Config::default());
    peer.send(update(1, "u=7"));
    peer.expect_failure(ErrorCode::ProtocolError);
    let mut peer = server(&[""]);
    let answer = peer.ask(|core, _| core.update_priority(id(1), Priority::default()));
    assert_eq!(answer, Err(CommandError::ClientOnly));
}

#[test]
fn a_client_sends_updates_for_streams_it_has_or_has_reserved() {
    let mut peer = Peer::of_client(Config::default());
    let one = peer.ask(|core, now| core.reserve_stream_id(now)).unwrap();
    peer.ask(|core, _| core.update_priority(one, Priority::new(1, true))).unwrap();
    peer.expect(update(1, "u=1, i"));
    peer.ask(|core, now| core.send_headers(one, &get(), true, now)).unwrap();
    peer.expect_headers(1, true);
    peer.ask(|core, _| core.update_priority(one, Priority::new(2, false))).unwrap();
    peer.expect(update(1, "u=2"));
    let answer = peer.ask(|core, _| core.update_priority(id(3), Priority::default()));
    assert_eq!(answer, Err(CommandError::NotReserved(id(3))));
}

#[test]
fn the_old_priorities_change_nothing() {
    let mut peer = server(&["", ""]);
    let dependency = crate::frame::Dependency { stream_id: id(3), exclusive: true, weight: 255 };
    peer.send(crate::frame::Priority { stream_id: id(1), dependency });
    fill(&mut peer, &[1, 3]);
    assert_eq!(order(&mut peer), [1, 3, 1, 3]);
}

#[test]
fn control_frames_and_headers_go_before_data() {
    let mut peer = server(&["u=0"]);
    fill(&mut peer, &[1]);
    peer.send_headers(3, &get(), true);
    peer.ask(|core, now| core.send_headers(id(3), &status(200), true, now)).unwrap();
    peer.expect_headers(3, true);
    assert_eq!(order(&mut peer), [1, 1]);
}

#[test]
fn the_lines_of_a_priority_field_are_one_dictionary() {
    let mut peer = server(&["u=1", "u=2"]);
    let request = get().with("priority", "u=3").with("priority", "u=0");
    peer.send_headers(5, &request, true);
    respond(&mut peer, 5);
    fill(&mut peer, &[1, 3, 5]);
    assert_eq!(order(&mut peer), [5, 5, 1, 1, 3, 3]);
}

#[test]
fn an_invalid_priority_is_ignored() {
    // As without the field: urgency 3, round robin.
    let mut peer = server(&["u=0,", "u=0, x=\"", "u=2"]);
    peer.send(update(5, "u=7;"));
    fill(&mut peer, &[1, 3, 5]);
    assert_eq!(order(&mut peer), [5, 5, 1, 3, 1, 3]);
}
