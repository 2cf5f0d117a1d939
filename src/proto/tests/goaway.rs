//! GOAWAY, graceful shutdown, and the end of a connection (RFC 9113, Section 6.8).

use std::time::Duration;

use bytes::Bytes;

use super::super::{CloseReason, CommandError, Config, ConnectionError, Event, ResetBy};
use super::{Peer, Sent, get, id, post, status};
use crate::frame::{ErrorCode, Frame, Goaway, Ping, Setting, StreamId};

fn server() -> Peer {
    Peer::of_server(Config::default())
}

fn client() -> Peer {
    Peer::of_client(Config::default())
}

fn goaway(last: StreamId, error_code: ErrorCode) -> Goaway {
    Goaway { last_stream_id: last, error_code, debug_data: Bytes::new() }
}

fn retry_safe(n: u32) -> [Event; 2] {
    let (code, by) = (ErrorCode::RefusedStream, ResetBy::Goaway);
    let detail = Some("GOAWAY with NO_ERROR".into());
    [
        Event::Reset { stream_id: id(n), code, by, retry_safe: true, detail },
        Event::StreamClosed { stream_id: id(n), held_slot: false },
    ]
}

fn told(last: u32, code: ErrorCode) -> Event {
    Event::Goaway { last_stream_id: id(last), code, debug_data: Bytes::new() }
}

fn respond(peer: &mut Peer, n: u32) {
    peer.ask(|core, now| core.send_headers(id(n), &status(200), true, now)).unwrap();
}

#[test]
fn streams_above_the_last_are_safe_to_retry_and_the_others_go_on() {
    let mut peer = client();
    for _ in 0..3 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    }
    peer.sent();
    peer.send_goaway(3, ErrorCode::NoError);
    let [reset, closed] = retry_safe(5);
    assert_eq!(peer.events(), [reset, closed, told(3, ErrorCode::NoError)]);
    assert_eq!(peer.ask(|core, now| core.open(&get(), true, now)), Err(CommandError::GoingAway));
    peer.send_headers(3, &status(200), true);
    peer.send_headers(1, &status(200), true);
    assert!(peer.events().iter().any(|event| matches!(event, Event::StreamClosed { .. })));
}

#[test]
fn deferred_requests_are_safe_to_retry_whatever_the_last_is() {
    let entries = vec![Setting::MaxConcurrentStreams(1)];
    let mut peer = Peer::greeted(super::super::Role::Client, Config::default(), entries);
    for _ in 0..3 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    }
    peer.sent();
    peer.send(goaway(StreamId::MAX, ErrorCode::NoError));
    let events = peer.events();
    assert_eq!(events[..4], [retry_safe(3), retry_safe(5)].concat());
    peer.send_headers(1, &status(200), true);
    peer.expect_nothing();
}

#[test]
fn the_last_identifier_may_decrease_but_not_increase() {
    let mut peer = client();
    for _ in 0..3 {
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    }
    for last in [5, 3, 3] {
        peer.send_goaway(last, ErrorCode::NoError);
        assert_eq!(peer.result, Ok(()));
    }
    peer.send_goaway(5, ErrorCode::NoError);
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn after_goaway_the_peer_has_a_second_to_close_once_no_stream_is_left() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.send(Goaway {
        last_stream_id: id(1),
        error_code: ErrorCode::EnhanceYourCalm,
        debug_data: "tired".into(),
    });
    peer.pass(Duration::from_secs(100));
    peer.send_headers(1, &status(200), true);
    peer.sent();
    peer.pass(Duration::from_millis(999));
    peer.expect_alive();
    peer.pass(Duration::from_millis(1));
    peer.expect(goaway(id(0), ErrorCode::NoError));
    let reason = CloseReason::Peer(Some((ErrorCode::EnhanceYourCalm, "tired".into())));
    assert_eq!(peer.core().close_reason(), Some(&reason));
}

#[test]
fn client_that_has_announced_its_end_has_time_to_read_its_last_response() {
    let mut peer = server();
    peer.send_goaway(0, ErrorCode::NoError);
    peer.pass(Duration::from_millis(29_999));
    peer.expect_alive();
    peer.pass(Duration::from_millis(1));
    peer.expect(goaway(id(0), ErrorCode::NoError));
}

#[test]
fn repeated_goaways_do_not_extend_the_time_to_close() {
    let mut peer = client();
    peer.send_goaway(0, ErrorCode::NoError);
    for _ in 0..9 {
        peer.pass(Duration::from_millis(100));
        peer.send_goaway(0, ErrorCode::NoError);
    }
    peer.sent();
    peer.pass(Duration::from_millis(100));
    peer.expect(goaway(id(0), ErrorCode::NoError));
}

#[test]
fn a_peer_that_closes_after_its_goaway_is_the_reason() {
    let mut peer = client();
    peer.send_goaway(0, ErrorCode::InternalError);
    peer.ask(|core, _| core.end_of_input());
    let reason = CloseReason::Peer(Some((ErrorCode::InternalError, Bytes::new())));
    assert_eq!(peer.core().close_reason(), Some(&reason));
    peer.expect_nothing();
}

#[test]
fn the_end_of_the_input_is_the_end_of_the_connection() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.ask(|core, _| core.end_of_input());
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Peer(None)));
    assert_eq!(peer.ask(|core, now| core.open(&get(), true, now)), Err(CommandError::Closed));
}

#[test]
fn a_server_shuts_down_in_two_steps() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.shutdown(now));
    peer.expect(goaway(StreamId::MAX, ErrorCode::NoError));
    let sent = peer.sent();
    let [Sent::Frame(Frame::Ping(Ping { ack: false, payload }))] = sent[..] else {
        panic!("{sent:?}")
    };
    // In flight when the warning was sent.
    peer.send_headers(3, &get(), true);
    peer.send(Ping { ack: true, payload });
    peer.expect(goaway(id(3), ErrorCode::NoError));
    // Sent despite the GOAWAY.
    peer.events();
    peer.send_headers(5, &post(), false);
    peer.send_data(5, b"ignored", true);
    assert_eq!(peer.events(), []);
    respond(&mut peer, 1);
    assert_eq!(peer.core().close_reason(), None);
    respond(&mut peer, 3);
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Local));
    peer.expect_headers(1, true);
    peer.expect_headers(3, true);
}

#[test]
fn the_second_step_does_not_wait_indefinitely_for_the_acknowledgment() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.ask(|core, now| core.shutdown(now));
    assert_eq!(peer.sent().len(), 2);
    peer.pass(Duration::from_millis(999));
    peer.expect_nothing();
    peer.pass(Duration::from_millis(1));
    peer.expect(goaway(id(1), ErrorCode::NoError));
    peer.pass(Duration::from_secs(100));
    peer.expect_nothing();
}

#[test]
fn an_idle_server_ends_after_the_second_step() {
    let mut peer = server();
    peer.ask(|core, now| core.shutdown(now));
    peer.pass(Duration::from_secs(1));
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Local));
    assert_eq!(peer.sent().len(), 3);
}

#[test]
fn when_both_sides_go_away_the_connection_ends_once() {
    let mut peer = server();
    peer.send_goaway(0, ErrorCode::NoError);
    peer.ask(|core, now| core.shutdown(now));
    peer.pass(Duration::from_secs(1));
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Local));
    assert_eq!(peer.sent().len(), 3, "GOAWAY, PING, GOAWAY");
}

#[test]
fn a_client_shuts_down_in_one_step() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer.ask(|core, now| core.shutdown(now));
    peer.ask(|core, now| core.shutdown(now));
    peer.expect(goaway(id(0), ErrorCode::NoError));
    peer.expect_nothing();
    let answer = peer.ask(|core, now| core.open(&get(), true, now));
    assert_eq!(answer, Err(CommandError::GoingAway));
    peer.send_headers(1, &status(200), true);
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Local));
    let mut idle = client();
    idle.ask(|core, now| core.shutdown(now));
    assert_eq!(idle.core().close_reason(), Some(&CloseReason::Local));
    idle.expect(goaway(id(0), ErrorCode::NoError));
}

#[test]
fn requests_deferred_at_a_shutdown_are_still_sent() {
    let entries = vec![Setting::MaxConcurrentStreams(1)];
    let mut peer = Peer::greeted(super::super::Role::Client, Config::default(), entries);
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.ask(|core, now| core.shutdown(now));
    peer.sent();
    peer.send_headers(1, &status(200), true);
    peer.expect_headers(3, true);
    peer.send_headers(3, &status(200), true);
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Local));
}

#[test]
fn our_goaway_names_the_last_stream_that_was_accepted() {
    let mut peer = Peer::of_server(Config { max_concurrent_streams: 1, ..Config::default() });
    peer.send_headers(1, &get(), true);
    peer.send_headers(3, &get(), true);
    peer.expect_reset(3, ErrorCode::RefusedStream);
    peer.ask(|core, _| core.goaway(ErrorCode::NoError, "bye".into())).unwrap();
    peer.expect(Goaway {
        last_stream_id: id(1),
        error_code: ErrorCode::NoError,
        debug_data: "bye".into(),
    });
    respond(&mut peer, 1);
    peer.expect_headers(1, true);
    peer.expect_alive();
}

#[test]
fn frames_of_ignored_streams_change_nothing() {
    let mut peer = server();
    peer.ask(|core, _| core.goaway(ErrorCode::NoError, Bytes::new())).unwrap();
    peer.sent();
    peer.send_headers(1, &post(), false);
    peer.send_data(1, b"x", false);
    peer.send_window(1, 1);
    peer.send_reset(1, ErrorCode::Cancel);
    assert_eq!(peer.events(), []);
    peer.expect_nothing();
    peer.expect_alive();
}

#[test]
fn close_ends_everything_and_sends_the_reason() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.ask(|core, _| core.close(ErrorCode::Cancel, "enough".into()));
    peer.expect(Goaway {
        last_stream_id: id(1),
        error_code: ErrorCode::Cancel,
        debug_data: "enough".into(),
    });
    assert_eq!(peer.core().close_reason(), Some(&CloseReason::Local));
    peer.send_octets(b"whatever");
    assert_eq!(peer.result, Ok(()));
    peer.ask(|core, _| core.close(ErrorCode::NoError, Bytes::new()));
    peer.expect_nothing();
}

#[test]
fn an_error_from_outside_ends_the_connection_once() {
    let mut peer = server();
    let error = ConnectionError::internal("a thread panicked");
    peer.ask(|core, _| core.abort(error.clone()));
    peer.ask(|core, _| core.abort(ConnectionError::internal("another")));
    peer.send_octets(b"x");
    assert_eq!(peer.expect_failure(ErrorCode::InternalError), error);
}

#[test]
fn input_after_our_goaway_with_an_error_is_ignored() {
    let mut peer = server();
    peer.send_data(1, b"x", false);
    let failed = peer.expect_failure(ErrorCode::ProtocolError);
    let request = peer.headers(3, &get(), true);
    peer.send(request);
    assert_eq!(peer.result, Err(failed.clone()));
    peer.pass(Duration::from_secs(1_000));
    assert_eq!(peer.result, Err(failed));
    assert_eq!(peer.events(), []);
    peer.expect_nothing();
}

#[test]
fn frames_before_an_error_in_the_same_input_are_reported() {
    let mut peer = server();
    let request = peer.headers(1, &get(), true);
    peer.send_all([request, super::peer::data_frame(3, b"idle", false)]);
    assert!(matches!(peer.events()[..], [Event::Headers { .. }]));
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn a_client_that_goes_away_still_gets_its_responses() {
    let mut peer = server();
    peer.send_headers(1, &get(), true);
    peer.send_goaway(0, ErrorCode::NoError);
    respond(&mut peer, 1);
    peer.expect_headers(1, true);
    assert_eq!(peer.core().close_reason(), None);
}

#[test]
fn a_request_refused_by_goaway_reports_its_code_and_text() {
    for (text, told) in [
        (&b"too many pings"[..], "GOAWAY with ENHANCE_YOUR_CALM, \"too many pings\""),
        (b"\xff\n", "GOAWAY with ENHANCE_YOUR_CALM, \"\u{fffd}\\n\""),
        (b"", "GOAWAY with ENHANCE_YOUR_CALM"),
    ] {
        let mut peer = client();
        peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
        peer.events();
        let mut frame = goaway(StreamId::CONNECTION, ErrorCode::EnhanceYourCalm);
        frame.debug_data = Bytes::copy_from_slice(text);
        peer.send(frame);
        let events = peer.events();
        let Event::Reset { detail: Some(detail), .. } = &events[0] else { panic!("{events:?}") };
        assert_eq!(&**detail, told);
    }
}

#[test]
fn the_text_of_a_goaway_is_truncated_and_shared() {
    let mut peer = client();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.events();
    let mut frame = goaway(StreamId::CONNECTION, ErrorCode::NoError);
    frame.debug_data = Bytes::from(vec![b'a'; 16_000]);
    peer.send(frame);
    let details = peer.events().into_iter().filter_map(|event| match event {
        Event::Reset { detail, .. } => detail,
        _ => None,
    });
    let details: Vec<_> = details.collect();
    assert!(details[0].len() < 300, "{}", details[0].len());
    assert!(std::sync::Arc::ptr_eq(&details[0], &details[1]));
}
