//! Section 6.10: CONTINUATION. What may not come within a field block is in `section_4_3.rs`.

use h2_sync::ErrorCode;

use crate::live::{both, client, server};
use crate::wire::*;

/// Section 6.10: any number of frames may follow, up to a limit; also empty ones.
#[test]
fn a_field_block_may_go_on_for_many_frames() {
    server(|live| {
        live.send(headers(1, END_STREAM, []));
        for piece in get().chunks(2) {
            live.send(continuation(1, 0, piece));
            live.send(continuation(1, 0, []));
        }
        live.send(continuation(1, END_HEADERS, []));
        assert_eq!(live.accept(1).path(), Some("/"));
        live.answer(1);
        live.assert_goes_on();
    });
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END_STREAM, []));
        live.send(continuation(stream, 0, ok()));
        live.send(continuation(stream, END_HEADERS, block(&[("a", "b")])));
        assert_eq!(live.accept(stream).get("a"), Some("b"));
        live.assert_goes_on();
    });
}

/// Section 6.10: trailers may go on in CONTINUATION as well.
#[test]
fn trailers_may_go_on_in_continuation() {
    server(|live| {
        live.request(1);
        live.send(headers(1, END_STREAM, []));
        live.send(continuation(1, END_HEADERS, block(&[("a", "trailer")])));
        assert_eq!(live.accept(1).get("a"), Some("trailer"));
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 6.10: CONTINUATION belongs to a stream.
#[test]
fn continuation_on_stream_0_ends_the_connection() {
    both(|live| {
        live.send(continuation(0, END_HEADERS, []));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
    server(|live| {
        live.send(headers(1, END_STREAM, get()));
        live.send(continuation(0, END_HEADERS, []));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.10: it comes behind HEADERS, PUSH_PROMISE or CONTINUATION without END_HEADERS.
#[test]
fn continuation_behind_anything_else_ends_the_connection() {
    let nothing: fn() -> Vec<u8> = Vec::new;
    let whole = || headers(1, END, get());
    let ended = || [headers(1, END_STREAM, get()), continuation(1, END_HEADERS, [])].concat();
    let data = || [headers(1, END_HEADERS, post()), data(1, 0, b"x")].concat();
    for (label, before) in [
        ("nothing", nothing),
        ("whole HEADERS", whole),
        ("the last CONTINUATION", ended),
        ("DATA", data),
    ] {
        server(|live| {
            live.case(label);
            live.send(before());
            live.send(continuation(1, END_HEADERS, block(&[("a", "b")])));
            live.assert_goaway(ErrorCode::ProtocolError);
        });
    }
}

/// Section 6.10: it has to be of the same stream.
#[test]
fn continuation_of_another_stream_ends_the_connection() {
    server(|live| {
        live.request(1);
        live.send(headers(3, END_STREAM, get()));
        live.send(continuation(1, END_HEADERS, []));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.10: END_STREAM is no flag of CONTINUATION.
#[test]
fn end_stream_means_nothing_on_continuation() {
    server(|live| {
        live.send(headers(1, 0, []));
        live.send(continuation(1, END_HEADERS | END_STREAM, post()));
        live.accept(1);
        live.send(data(1, END_STREAM, b"content"));
        assert_eq!(live.content(1), b"content");
        live.answer(1);
    });
}

/// Sections 6.10 and 10.5.1: a field block without end is cut off.
#[test]
fn continuation_without_end_is_too_much() {
    server(|live| {
        live.send(headers(1, END_STREAM, get()));
        for _ in 0..17 {
            live.send(continuation(1, 0, []));
        }
        live.assert_goaway(ErrorCode::EnhanceYourCalm);
    });
}

/// Section 5.4.3: a connection that ends within a field block has not got the message.
#[test]
fn a_field_block_that_breaks_off_is_no_message() {
    server(|live| {
        live.send(headers(1, END_STREAM, get()));
        live.peer.shut();
        live.end();
        live.assert_untold(1);
    });
}
