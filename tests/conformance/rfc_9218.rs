//! RFC 9218: priorities as they are now.

use h2_sync::{ErrorCode, Evt};

use crate::live::{both, client, server};
use crate::wire::*;

/// RFC 9218, Section 7.1: PRIORITY_UPDATE comes on stream 0.
#[test]
fn priority_update_on_a_stream_ends_the_connection() {
    both(|live| {
        live.send(frame(PRIORITY_UPDATE, 0, 1, b"\0\0\0\x01u=1"));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// RFC 9218, Section 7.1: it is about a stream, not about stream 0.
#[test]
fn priority_update_about_stream_0_ends_the_connection() {
    server(|live| {
        live.send(priority_update(0, "u=1"));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// RFC 9113, Section 4.2: it has room for the stream that it is about.
#[test]
fn priority_update_about_nothing_ends_the_connection() {
    server(|live| {
        live.send(frame(PRIORITY_UPDATE, 0, 0, [0, 0, 1]));
        live.assert_goaway(ErrorCode::FrameSizeError);
    });
}

/// RFC 9218, Section 7.1: a server does not send it.
#[test]
fn priority_update_of_a_server_ends_the_connection() {
    client(|live| {
        live.open(true);
        live.send(priority_update(1, "u=1"));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// RFC 9218, Section 7.1: nor does a client send it for a push that was never promised.
#[test]
fn priority_update_about_a_push_that_was_not_promised_ends_the_connection() {
    server(|live| {
        live.send(priority_update(2, "u=1"));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// RFC 9218, Section 7.1: it may come before its stream, and after it; whatever it says.
#[test]
fn priority_update_may_come_at_any_time() {
    server(|live| {
        live.send(priority_update(1, "u=1, i"));
        live.whole_request(1);
        for value in ["u=7", "", "i", "u=99", "not a (dictionary", "u=1;x, y=2"] {
            live.send(priority_update(1, value));
        }
        live.event(|evt| matches!(evt, Evt::PriorityUpdate { .. }).then_some(()));
        live.answer(1);
        live.send(priority_update(1, "u=3"));
        live.assert_goes_on();
    });
}

/// RFC 9218, Section 2.1: NO_RFC7540_PRIORITIES does not change after the first SETTINGS.
#[test]
fn declining_the_old_priorities_later_ends_the_connection() {
    both(|live| {
        live.send(settings(&[(NO_RFC7540_PRIORITIES, 1)]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
    both(|live| {
        live.settings(&[(NO_RFC7540_PRIORITIES, 0)]);
        live.assert_goes_on();
    });
}
