//! Section 6.1: DATA. Windows are in `section_6_9.rs`, states in `section_5_1.rs`.

use h2_sync::{ErrorCode, headers};

use crate::live::{both, client, server, server_with};
use crate::wire::*;

/// Section 6.1: DATA belongs to a stream.
#[test]
fn data_on_stream_0_ends_the_connection() {
    both(|live| {
        live.send(data(0, 0, b"x"));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.1: content comes through as it was sent, to END_STREAM.
#[test]
fn content_comes_in_order_to_its_end() {
    server(|live| {
        live.request(1);
        for piece in ["one ", "", "two ", "three"] {
            live.send(data(1, 0, piece));
        }
        live.send(data(1, END_STREAM, []));
        assert_eq!(live.content(1), b"one two three");
        live.answer(1);
    });
}

/// Section 6.1: padding is taken off; also padding of no octets, and padding alone.
#[test]
fn padding_is_no_content() {
    server(|live| {
        live.request(1);
        for (content, padding) in [("a", 0), ("b", 1), ("", 0), ("", 255), ("c", 255)] {
            live.send(data(1, PADDED, padded(content, padding)));
        }
        live.send(data(1, PADDED | END_STREAM, padded("d", 7)));
        assert_eq!(live.content(1), b"abcd");
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 6.1: what padding holds is not looked at.
#[test]
fn padding_that_is_not_zero_is_taken_off_all_the_same() {
    server(|live| {
        live.request(1);
        live.send(data(1, PADDED | END_STREAM, b"\x03content\xff\xff\xff"));
        assert_eq!(live.content(1), b"content");
        live.answer(1);
    });
}

/// Section 6.1: padding as long as the payload or longer is a connection error PROTOCOL_ERROR.
#[test]
fn padding_that_does_not_fit_ends_the_connection() {
    for payload in [&[1][..], &[255], &[5, 0, 0, 0, 0], &[6, 1, 2, 3, 4, 5]] {
        server(|live| {
            live.case(format!("{payload:?}"));
            live.request(1);
            live.send(data(1, PADDED, payload));
            live.assert_goaway(ErrorCode::ProtocolError);
        });
    }
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END_HEADERS, ok()));
        live.send(data(stream, PADDED, [2, 0]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.1: padding counts for flow control, the octet of its length included.
#[test]
fn padding_counts_for_flow_control() {
    server_with(
        |config| config.initial_window_size = 100,
        |live| {
            live.request(1);
            // 1 + 1 + 98 octets fill the window.
            live.send(data(1, PADDED, padded("x", 98)));
            live.assert_ping();
            live.request(3);
            live.send(data(3, PADDED, padded("x", 99)));
            live.assert_reset(3, ErrorCode::FlowControlError);
        },
    );
}

/// Section 6.1: DATA on a stream that is neither open nor half-closed (local) is STREAM_CLOSED.
#[test]
fn data_after_end_stream_resets_the_stream() {
    server(|live| {
        live.whole_request(1);
        live.send(data(1, 0, b"more"));
        live.assert_reset(1, ErrorCode::StreamClosed);
    });
}

/// Section 6.1: END_STREAM on DATA ends the request: no trailers follow.
#[test]
fn end_stream_on_data_is_the_end() {
    server(|live| {
        live.request(1);
        live.send(data(1, END_STREAM, b"all"));
        assert_eq!(live.content(1), b"all");
        live.send(headers(1, END, block(&[("a", "trailer")])));
        live.assert_reset(1, ErrorCode::StreamClosed);
    });
}

/// Section 6.1: a live side ends its content with END_STREAM, on an empty frame if need be.
#[test]
fn live_content_ends_with_end_stream() {
    server(|live| {
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.assert_headers(1, false);
        live.put_data(1, "content", false);
        live.assert_data(1, 7, false);
        live.put_data(1, "", true);
        live.assert_data(1, 0, true);
        live.assert_goes_on();
    });
}
