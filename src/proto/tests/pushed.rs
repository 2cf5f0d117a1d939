//! Server push received by a client (RFC 9113, Section 8.4).

use super::super::{Config, Event, HeadersKind, ResetBy};
use super::{Peer, get, id, post, status};
use crate::frame::{ErrorCode, Setting, Settings};

/// Returns a client that accepts pushed streams and has sent a request on stream 1.
fn client(config: Config) -> Peer {
    let mut peer = Peer::of_client(Config { enable_push: true, ..config });
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer
}

#[test]
fn a_promised_response_is_reported_like_any_other() {
    let mut peer = client(Config::default());
    peer.send_promise(1, 2, &get());
    peer.send_headers(2, &status(200), false);
    peer.send_data(2, b"pushed", true);
    assert_eq!(
        peer.events(),
        [
            Event::Promise { stream_id: id(1), promised_stream_id: id(2), headers: get() },
            Event::Headers {
                stream_id: id(2),
                headers: status(200),
                kind: HeadersKind::Response,
                end_stream: false
            },
            Event::Data { stream_id: id(2), data: "pushed".into(), end_stream: true },
            Event::StreamClosed { stream_id: id(2), held_slot: false },
        ]
    );
}

#[test]
fn a_client_disables_push_and_cancels_promises_in_flight() {
    let config = Config::default();
    let mut peer = Peer::before_handshake(super::super::Role::Client, config);
    peer.send(Settings::default());
    peer.ask(|core, now| core.open(&get(), true, now)).unwrap();
    peer.sent();
    peer.send_promise(1, 2, &get());
    peer.expect_reset(2, ErrorCode::Cancel);
    // Frames in flight on it are ignored, and keep the HPACK tables in sync.
    peer.send_headers(2, &status(200).with("a", "b"), false);
    peer.send_data(2, b"pushed", true);
    peer.send(Settings::acknowledgement());
    peer.expect_nothing();
    // Now the server knows the setting.
    peer.send_promise(1, 4, &get());
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn push_can_be_disabled_on_a_running_connection() {
    let mut peer = client(Config::default());
    let off = vec![Setting::EnablePush(false)];
    peer.ask(|core, now| core.update_settings(off.clone(), now)).unwrap();
    peer.sent();
    peer.send_promise(1, 2, &get());
    peer.expect_reset(2, ErrorCode::Cancel);
    peer.send(Settings::acknowledgement());
    peer.send_promise(1, 4, &get());
    peer.expect_failure(ErrorCode::ProtocolError);
}

#[test]
fn a_promise_is_for_a_new_even_stream() {
    for promised in [1, 3, 101] {
        let mut peer = client(Config::default());
        peer.send_promise(1, promised, &get());
        peer.expect_failure(ErrorCode::ProtocolError);
    }
    for promised in [4, 2] {
        let mut peer = client(Config::default());
        peer.send_promise(1, 4, &get());
        peer.send_promise(1, promised, &get());
        peer.expect_failure(ErrorCode::ProtocolError);
    }
}

#[test]
fn a_promised_request_is_safe_and_has_no_body() {
    for request in [post(), get().with("content-length", "1"), get().with("Bad", "")] {
        let mut peer = client(Config::default());
        peer.send_promise(1, 2, &request);
        peer.expect_reset(2, ErrorCode::ProtocolError);
        assert_eq!(peer.events(), []);
        peer.expect_alive();
    }
}

#[test]
fn a_promise_of_a_section_over_the_limit_is_cancelled() {
    let mut peer = client(Config { max_header_list_size: 1_024, ..Config::default() });
    peer.send_promise(1, 2, &get().with("x", "y".repeat(1_000)));
    peer.expect_reset(2, ErrorCode::Cancel);
}

#[test]
fn more_promises_than_the_limit_are_cancelled() {
    let mut peer = client(Config { max_promised_streams: 1, ..Config::default() });
    peer.send_promise(1, 2, &get());
    peer.expect_nothing();
    peer.send_promise(1, 4, &get());
    peer.expect_reset(4, ErrorCode::Cancel);
    peer.send_headers(2, &status(200), true);
    peer.send_promise(1, 6, &get());
    peer.expect_nothing();
}

#[test]
fn pushed_responses_beyond_the_limit_of_streams_are_refused() {
    let mut peer = client(Config { max_concurrent_streams: 1, ..Config::default() });
    peer.send_promise(1, 2, &get());
    peer.send_promise(1, 4, &get());
    peer.send_headers(2, &status(200), false);
    peer.expect_nothing();
    peer.send_headers(4, &status(200), false);
    peer.expect_reset(4, ErrorCode::RefusedStream);
    peer.send_data(2, b"", true);
    peer.send_promise(1, 6, &get());
    peer.send_headers(6, &status(200), false);
    peer.expect_nothing();
}

#[test]
fn a_promised_stream_that_is_complete_counts_until_its_events_are_taken() {
    let mut peer = client(Config {
        hold_slots: true,
        max_promised_streams: 2,
        max_concurrent_streams: 1,
        ..Config::default()
    });
    // One is complete and one withdrawn: neither counts as open.
    peer.send_promise(1, 2, &get());
    peer.send_headers(2, &status(200), true);
    peer.send_promise(1, 4, &get());
    peer.send_headers(4, &status(200), false);
    peer.send_reset(4, ErrorCode::Cancel);
    peer.expect_nothing();
    peer.send_promise(1, 6, &get());
    peer.expect_reset(6, ErrorCode::Cancel);
    assert!(peer.ask(|core, _| core.release_slot(id(2))));
    peer.send_promise(1, 8, &get());
    peer.send_headers(8, &status(200), true);
    peer.expect_nothing();
    peer.send_promise(1, 10, &get());
    peer.expect_reset(10, ErrorCode::Cancel);
}

#[test]
fn endless_promises_are_abuse() {
    let mut peer = client(Config { max_promised_streams: 0, ..Config::default() });
    for promised in (2..=1_000).step_by(2) {
        peer.send_promise(1, promised, &get());
        peer.expect_reset(promised, ErrorCode::Cancel);
    }
    peer.send_promise(1, 1_002, &get());
    peer.expect_failure(ErrorCode::EnhanceYourCalm);
}

#[test]
fn a_client_may_cancel_a_promised_stream_at_any_time() {
    let mut peer = client(Config::default());
    peer.send_promise(1, 2, &get());
    peer.ask(|core, now| core.reset(id(2), ErrorCode::Cancel, now)).unwrap();
    peer.expect_reset(2, ErrorCode::Cancel);
    peer.send_headers(2, &status(200), false);
    peer.send_data(2, b"late", true);
    peer.expect_nothing();
    peer.expect_alive();
}

#[test]
fn a_server_may_withdraw_a_promise() {
    let mut peer = client(Config::default());
    peer.send_promise(1, 2, &get());
    peer.events();
    peer.send_reset(2, ErrorCode::InternalError);
    let reset = Event::Reset {
        stream_id: id(2),
        code: ErrorCode::InternalError,
        by: ResetBy::Peer,
        retry_safe: false,
        detail: None,
    };
    assert_eq!(peer.events(), [reset, Event::StreamClosed { stream_id: id(2), held_slot: false }]);
}

#[test]
fn nothing_can_be_sent_on_a_pushed_stream() {
    let mut peer = client(Config::default());
    peer.send_promise(1, 2, &get());
    for answer in [
        peer.ask(|core, now| core.send_headers(id(2), &status(200), true, now)),
        peer.ask(|core, now| core.send_data(id(2), "x".into(), true, now)),
    ] {
        assert_eq!(answer, Err(super::super::CommandError::SendClosed(id(2))));
    }
    peer.expect_nothing();
}

#[test]
fn an_interim_response_opens_a_pushed_stream() {
    let mut peer = client(Config::default());
    peer.send_promise(1, 2, &get());
    peer.send_headers(2, &status(103), false);
    peer.send_headers(2, &status(200), true);
    peer.expect_nothing();
    assert_eq!(peer.events().len(), 4);
}
