//! Sections 5.4 and 5.5: errors of streams and of the connection, and extensions.

use h2_sync::frame::Frame;
use h2_sync::{Act, ErrorCode, Evt, Reason};

use crate::live::{both, client, id, server};
use crate::wire::*;

/// A frame that is a connection error wherever it comes.
fn bad_frame() -> Vec<u8> {
    frame(PING, 0, 1, [0; 8])
}

/// Section 5.4.1: a connection error is told with GOAWAY, which names the last stream that was
/// processed; then the connection is closed.
#[test]
fn goaway_of_a_connection_error_names_the_last_stream_that_was_processed() {
    server(|live| {
        live.send(bad_frame());
        assert_eq!(live.assert_goaway(ErrorCode::ProtocolError).last_stream_id, 0);
    });
    server(|live| {
        live.whole_request(1);
        live.whole_request(7);
        live.send(bad_frame());
        assert_eq!(live.assert_goaway(ErrorCode::ProtocolError).last_stream_id, 7);
    });
    client(|live| {
        // Streams of the client's own do not count: none of the server's has been processed.
        live.open(true);
        live.send(bad_frame());
        assert_eq!(live.assert_goaway(ErrorCode::ProtocolError).last_stream_id, 0);
    });
}

/// Section 5.4.1: nothing is processed after the error.
#[test]
fn frames_after_a_connection_error_are_not_processed() {
    server(|live| {
        live.send(bad_frame());
        live.send(ping(b"anybody?"));
        live.send(headers(1, END, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
        live.assert_untold(1);
    });
}

/// Section 5.4.1: and the application can do nothing more.
#[test]
fn no_action_is_taken_after_a_connection_error() {
    both(|live| {
        live.send(bad_frame());
        live.assert_goaway(ErrorCode::ProtocolError);
        live.refused(Act::Ping);
    });
}

/// Section 5.4.2: a stream error ends one stream and leaves the others alone.
#[test]
fn a_stream_error_leaves_other_streams_alone() {
    server(|live| {
        live.request(1);
        live.request(3);
        live.send(window_update(1, 0));
        live.expect_reset(1, ErrorCode::ProtocolError);
        assert_eq!(live.reset(1), (ErrorCode::ProtocolError, false));
        live.send(data(3, END_STREAM, b"fine"));
        assert_eq!(live.content(3), b"fine");
        live.answer(3);
        live.assert_goes_on();
    });
}

/// Section 5.4.2: frames of the stream that were on their way are ignored.
#[test]
fn frames_on_their_way_after_a_stream_error_are_ignored() {
    server(|live| {
        live.request(1);
        live.send(window_update(1, 0));
        live.send(data(1, 0, b"late"));
        live.send(window_update(1, 0));
        live.send(window_update(1, MAX_WINDOW));
        live.send(headers(1, END, block(&[("late", "too")])));
        live.send(rst_stream(1, 8));
        live.expect_reset(1, ErrorCode::ProtocolError);
        live.assert_goes_on();
    });
    client(|live| {
        let stream = live.open(false);
        live.send(data(stream, 0, b"too early"));
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(data(stream, END_STREAM, b"late"));
        live.expect_reset(stream, ErrorCode::ProtocolError);
        live.assert_goes_on();
        live.assert_untold(stream);
    });
}

/// Section 5.4.2: RST_STREAM is not answered with RST_STREAM.
#[test]
fn rst_stream_is_not_answered() {
    server(|live| {
        live.request(1);
        live.send(rst_stream(1, 8));
        live.send(rst_stream(1, 8));
        live.assert_goes_on();
        live.request(501);
        live.act(Act::Reset { stream_identifier: id(501), error_code: ErrorCode::Cancel });
        live.expect_reset(501, ErrorCode::Cancel);
        live.send(rst_stream(501, 8));
        live.assert_ping();
    });
}

/// Section 5.4.2: once RST_STREAM is out, nothing of the stream follows.
#[test]
fn nothing_of_a_stream_follows_its_rst_stream() {
    server(|live| {
        live.whole_request(1);
        live.respond(1, &h2_sync::headers!(":status" => "200"), false);
        live.assert_headers(1, false);
        live.act(Act::Reset { stream_identifier: id(1), error_code: ErrorCode::InternalError });
        live.expect_reset(1, ErrorCode::InternalError);
        let (stream_identifier, data, is_end_stream) = (id(1), "late".into(), true);
        live.refused(Act::SendData { stream_identifier, data, is_end_stream });
        live.assert_goes_on();
    });
}

/// Section 5.4.3: where the transport ends while streams are open, no more can come of them: the
/// application is told.
#[test]
fn the_end_of_the_transport_is_the_end_of_all_streams() {
    server(|live| {
        live.request(1);
        live.peer.shut();
        assert!(matches!(live.end(), Reason::Peer { goaway: None, .. }));
    });
    client(|live| {
        live.open(true);
        live.peer.shut();
        assert!(matches!(live.end(), Reason::Peer { goaway: None, .. }));
    });
}

/// Section 5.4.3: also in the middle of a frame.
#[test]
fn the_transport_may_end_within_a_frame() {
    both(|live| {
        live.send(&ping(b"12345678")[..12]);
        live.peer.shut();
        assert!(matches!(live.end(), Reason::Peer { goaway: None, .. }));
    });
}

/// Section 5.5: unknown frames and settings have no effect; the application may look at frames.
#[test]
fn extensions_are_ignored_and_the_application_may_look_at_them() {
    both(|live| {
        live.send(settings(&[(0xfa, 1), (0xffff, u32::MAX), (0, 0)]));
        live.assert_settings_ack();
        live.send(frame(UNKNOWN, 0, 0, b"extension"));
        live.event(|evt| matches!(evt, Evt::Extension(_)).then_some(()));
        live.assert_goes_on();
    });
}

/// Section 5.5: an unknown frame has no business inside a field block.
#[test]
fn an_extension_within_a_field_block_ends_the_connection() {
    server(|live| {
        live.send(headers(1, END_STREAM, get()));
        live.send(frame(UNKNOWN, 0, 0, []));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 5.5: an unknown frame may not be the first, where SETTINGS have to be.
#[test]
fn an_extension_before_settings_ends_the_connection() {
    crate::live::twice(
        h2_sync::Role::Server,
        |_| {},
        |live| {
            live.send(h2_sync::frame::PREFACE);
            live.send(frame(UNKNOWN, 0, 0, []));
            assert!(matches!(live.frame(), Frame::Settings(_)));
            live.assert_goaway(ErrorCode::ProtocolError);
        },
    );
}
