//! Section 6.6: PUSH_PROMISE. What may be promised is in `section_8_4.rs`.

use h2_sync::frame::{Frame, Setting};
use h2_sync::{Act, ErrorCode};

use crate::live::{Live, client, client_with, id, request, server, twice};
use crate::wire::*;

#[track_caller]
fn pushable(exchange: impl Fn(&mut Live)) {
    client_with(|config| config.enable_push = true, exchange);
}

/// Section 6.6: a client does not promise.
#[test]
fn a_server_takes_no_promises() {
    server(|live| {
        live.request(1);
        live.send(push_promise(1, 2, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
    server(|live| {
        live.send(push_promise(1, 3, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6: no promises where ENABLE_PUSH is 0 and that has been acknowledged.
#[test]
fn a_promise_where_push_is_off_ends_the_connection() {
    client(|live| {
        let stream = live.open(true);
        live.send(push_promise(stream, 2, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6 with Section 6.5.3: before the acknowledgement a promise may have been on its way: it
/// is refused by itself.
#[test]
fn promise_before_the_acknowledgement_resets_only_its_stream() {
    twice(
        h2_sync::Role::Client,
        |_| {},
        |live| {
            live.peer.read_exact(24);
            assert!(matches!(live.frame(), Frame::Settings(_)));
            live.send(settings(&[]));
            live.assert_settings_ack();
            let stream = live.open(true);
            live.send(push_promise(stream, 2, get()));
            live.expect_reset(2, ErrorCode::Cancel);
            live.assert_goes_on();
            live.assert_untold(2);
        },
    );
}

/// Section 6.6: push that is switched off while the connection runs, is off from the
/// acknowledgement on.
#[test]
fn push_that_is_switched_off_is_off_from_the_acknowledgement_on() {
    pushable(|live| {
        let stream = live.open(true);
        live.act(Act::Settings { settings: vec![Setting::EnablePush(false)] });
        assert!(matches!(live.frame(), Frame::Settings(_)));
        live.send(push_promise(stream, 2, get()));
        live.expect_reset(2, ErrorCode::Cancel);
        live.send(settings_ack());
        live.send(push_promise(stream, 4, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6: PUSH_PROMISE goes with a stream.
#[test]
fn a_promise_on_stream_0_ends_the_connection() {
    pushable(|live| {
        live.send(push_promise(0, 2, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6: and that is one that the client has opened.
#[test]
fn a_promise_on_a_pushed_stream_ends_the_connection() {
    pushable(|live| {
        let stream = live.open(true);
        live.send(push_promise(stream, 2, get()));
        live.send(headers(2, END_HEADERS, ok()));
        live.send(push_promise(2, 4, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6: the promised stream has to be one that the server can open now.
#[test]
fn a_promise_of_a_stream_that_cannot_be_opened_ends_the_connection() {
    for promised in [0, 1, 3, 101, MAX_WINDOW] {
        pushable(|live| {
            live.case(format!("stream {promised}"));
            let stream = live.open(true);
            live.send(push_promise(stream, promised, get()));
            live.assert_goaway(ErrorCode::ProtocolError);
        });
    }
}

/// Section 6.6: nor can one be promised that has been used.
#[test]
fn a_promise_of_a_stream_that_has_ended_ends_the_connection() {
    pushable(|live| {
        let stream = live.open(true);
        live.send(push_promise(stream, 2, get()));
        live.send(headers(2, END, ok()));
        live.accept(2);
        live.send(push_promise(stream, 2, get()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6: padding is taken off.
#[test]
fn a_padded_promise_is_a_promise() {
    pushable(|live| {
        let stream = live.open(true);
        for (promised, padding) in [(2, 0), (4, 255)] {
            let payload = padded([vec![0, 0, 0, promised], get()].concat(), padding);
            live.send(frame(PUSH_PROMISE, END_HEADERS | PADDED, stream, payload));
            live.send(headers(promised.into(), END, ok()));
            live.accept(promised.into());
        }
        live.send(headers(stream, END, ok()));
        live.assert_goes_on();
    });
}

/// Section 6.6: padding that does not fit is a connection error PROTOCOL_ERROR.
#[test]
fn padding_that_does_not_fit_into_a_promise_ends_the_connection() {
    for padding in [1, 255] {
        pushable(|live| {
            let stream = live.open(true);
            live.send(frame(PUSH_PROMISE, END_HEADERS | PADDED, stream, [padding, 0, 0, 0, 2]));
            live.assert_goaway(ErrorCode::ProtocolError);
        });
    }
}

/// Section 6.6: its field block goes on in CONTINUATION.
#[test]
fn a_promise_may_go_on_in_continuation() {
    pushable(|live| {
        let stream = live.open(true);
        let whole = push_promise(stream, 2, &get()[..3]);
        live.send(head(7, PUSH_PROMISE, 0, stream));
        live.send(&whole[9..]);
        live.send(continuation(stream, END_HEADERS, &get()[3..]));
        live.send(headers(2, END, ok()));
        live.accept(2);
        live.send(headers(stream, END, ok()));
        live.assert_goes_on();
    });
}

/// Section 6.6: and nothing else comes in between.
#[test]
fn promise_without_its_continuation_ends_the_connection() {
    pushable(|live| {
        let stream = live.open(true);
        live.send(frame(PUSH_PROMISE, 0, stream, [0, 0, 0, 2, 0x82]));
        live.send(headers(stream, END, ok()));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.6: a client may cancel a stream that was promised to it.
#[test]
fn a_live_client_may_cancel_a_promised_stream() {
    pushable(|live| {
        let stream = live.open(true);
        live.send(push_promise(stream, 2, get()));
        live.event(|evt| matches!(evt, h2_sync::Evt::Promise { .. }).then_some(()));
        live.act(Act::Reset { stream_identifier: id(2), error_code: ErrorCode::RefusedStream });
        live.expect_reset(2, ErrorCode::RefusedStream);
        // The response was on its way.
        live.send(headers(2, END, ok()));
        live.send(headers(stream, END, ok()));
        live.assert_goes_on();
    });
}

/// Section 6.6: a live server promises on streams that the client has opened and not yet got the
/// whole answer of.
#[test]
fn a_live_server_promises_on_open_streams_alone() {
    server(|live| {
        live.whole_request(1);
        live.answer(1);
        let promised_stream_identifier = live.session.next_free_stream_identifier().unwrap();
        let (stream_identifier, headers) = (id(1), request("GET"));
        live.refused(Act::Promise { stream_identifier, promised_stream_identifier, headers });
        live.assert_goes_on();
    });
}
