//! Sections 6.2 to 6.4: HEADERS, PRIORITY and RST_STREAM.

use h2_sync::{Act, ErrorCode, headers};

use crate::live::{both, client, id, server};
use crate::wire::*;

/// Section 6.2: HEADERS belong to a stream.
#[test]
fn headers_on_stream_0_end_the_connection() {
    both(|live| {
        live.send(headers(0, END, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.2: padding is taken off, with and without a dependency.
#[test]
fn padding_is_not_part_of_a_field_block() {
    server(|live| {
        for padding in [0, 1, 255] {
            let stream = live.next_id();
            live.send(headers(stream, END | PADDED, padded(get(), padding)));
            live.accept(stream);
            live.answer(stream);
            let stream = live.next_id();
            let payload = padded([dependency(0), get()].concat(), padding);
            live.send(headers(stream, END | PADDED | WITH_PRIORITY, payload));
            live.accept(stream);
            live.answer(stream);
        }
    });
}

/// Section 6.2: padding that leaves no room for the field block, or takes more than there is, is a
/// connection error PROTOCOL_ERROR.
#[test]
fn padding_that_does_not_fit_into_headers_ends_the_connection() {
    let long = [vec![10], get()].concat();
    let with_priority = [vec![1], dependency(0)].concat();
    for (flags, payload) in
        [(0, vec![1]), (0, vec![255, 0]), (0, long), (WITH_PRIORITY, with_priority)]
    {
        server(|live| {
            live.case(format!("{payload:?}"));
            live.send(headers(1, END | PADDED | flags, &payload));
            live.assert_goaway(ErrorCode::ProtocolError);
        });
        client(|live| {
            live.case(format!("{payload:?}"));
            let stream = live.open(true);
            live.send(headers(stream, END | PADDED | flags, &payload));
            live.assert_goaway(ErrorCode::ProtocolError);
        });
    }
}

/// Section 6.2: END_STREAM ends the stream though CONTINUATION still belongs to the field block.
#[test]
fn end_stream_on_headers_holds_though_continuation_follows() {
    server(|live| {
        live.send(headers(1, END_STREAM, &get()[..3]));
        live.send(continuation(1, END_HEADERS, &get()[3..]));
        live.accept(1);
        live.send(data(1, 0, b"more"));
        live.assert_reset(1, ErrorCode::StreamClosed);
    });
}

/// Section 6.3: PRIORITY belongs to a stream.
#[test]
fn priority_on_stream_0_ends_the_connection() {
    both(|live| {
        live.send(priority(0, 1));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.3: a length other than 5 is a stream error FRAME_SIZE_ERROR.
#[test]
fn priority_of_a_wrong_length_resets_its_stream() {
    for len in [0, 4, 6] {
        server(|live| {
            live.case(format!("length {len}"));
            live.request(1);
            live.send(frame(PRIORITY, 0, 1, vec![0; len]));
            live.assert_reset(1, ErrorCode::FrameSizeError);
        });
        client(|live| {
            live.case(format!("length {len}"));
            let stream = live.open(true);
            live.send(frame(PRIORITY, 0, stream, vec![0; len]));
            live.assert_reset(stream, ErrorCode::FrameSizeError);
        });
    }
}

/// Sections 5.4.1 and 6.4: an idle stream cannot be reset, so there the error is the connection's.
#[test]
fn priority_of_a_wrong_length_on_an_idle_stream_ends_the_connection() {
    server(|live| {
        live.send(frame(PRIORITY, 0, 1, [0; 4]));
        live.assert_goaway(ErrorCode::FrameSizeError);
    });
}

/// Section 6.4: RST_STREAM belongs to a stream.
#[test]
fn rst_stream_on_stream_0_ends_the_connection() {
    both(|live| {
        live.send(rst_stream(0, 8));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.4: an idle stream cannot be reset.
#[test]
fn rst_stream_of_an_idle_stream_ends_the_connection() {
    both(|live| {
        live.send(rst_stream(1, 8));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.4: RST_STREAM ends the stream at once, and the application hears of it.
#[test]
fn rst_stream_ends_a_stream() {
    server(|live| {
        live.request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.assert_headers(1, false);
        live.send(rst_stream(1, 8));
        assert_eq!(live.reset(1), (ErrorCode::Cancel, false));
        let (stream_identifier, is_end_stream) = (id(1), true);
        live.refused(Act::SendData { stream_identifier, data: "x".into(), is_end_stream });
        live.assert_goes_on();
    });
    client(|live| {
        let stream = live.open(false);
        live.send(rst_stream(stream, 2));
        assert_eq!(live.reset(stream), (ErrorCode::InternalError, false));
        live.assert_goes_on();
    });
}

/// Section 6.4: content that waits for the window is dropped with its stream.
#[test]
fn rst_stream_discards_queued_frames() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 0)]);
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, "content", true);
        live.assert_headers(1, false);
        live.send(rst_stream(1, 8));
        live.reset(1);
        live.send(window_update(1, 100));
        live.assert_goes_on();
    });
}

/// Section 6.4: RST_STREAM carries the code that the application gave it.
#[test]
fn a_live_rst_stream_carries_its_code() {
    client(|live| {
        for code in [ErrorCode::Cancel, ErrorCode::ConnectError, ErrorCode::Other(0x2a)] {
            let stream = live.open(false);
            live.act(Act::Reset { stream_identifier: id(stream), error_code: code });
            live.expect_reset(stream, code);
        }
        live.assert_goes_on();
    });
}

/// Section 6.4: a live side does not reset a stream that is idle.
#[test]
fn a_live_client_does_not_reset_an_idle_stream() {
    client(|live| {
        let reserved = live.session.next_free_stream_identifier().unwrap();
        live.act(Act::Reset { stream_identifier: reserved, error_code: ErrorCode::Cancel });
        live.assert_goes_on();
    });
}
