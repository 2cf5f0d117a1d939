//! Section 4.1: the frame format. What is reserved or unknown is ignored on receipt.
//!
//! That the live side itself sends the reserved bit and unknown flags as 0 is checked on every
//! frame of every exchange: see `peer.rs`.

use h2_sync::ErrorCode;
use h2_sync::frame::{Frame, Ping};

use crate::live::{Live, both, client, client_with, id, server};
use crate::wire::*;

/// Kinds that neither RFC 9113 nor its extensions here define.
fn unknown_kinds() -> impl Iterator<Item = u8> {
    (0x0b..=0xff).filter(|kind| ![0x0c, PRIORITY_UPDATE].contains(kind))
}

/// Section 4.1: frames of unknown kinds are ignored and discarded.
#[test]
fn frames_of_unknown_kinds_are_ignored() {
    both(|live| {
        for kind in unknown_kinds() {
            for stream in [0, 1, 2] {
                live.send(frame(kind, 0xff, stream, [0xa5; 3]));
            }
        }
        live.assert_goes_on();
    });
}

/// Section 4.1: an unknown frame opens no stream and ends none.
#[test]
fn an_unknown_frame_on_a_stream_leaves_it_as_it_was() {
    server(|live| {
        live.request(1);
        live.send(frame(UNKNOWN, 0xff, 1, []));
        live.send(data(1, END_STREAM, b"still here"));
        assert_eq!(live.content(1), b"still here");
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 4.1: flags that a kind does not define are ignored.
#[test]
fn unknown_flags_of_frames_of_the_connection_are_ignored() {
    both(|live| {
        live.send(frame(PING, 0xfe, 0, b"12345678"));
        assert_eq!(live.frame(), Ping { ack: true, payload: *b"12345678" }.into());
        live.send(frame(SETTINGS, 0xfe, 0, []));
        live.assert_settings_ack();
        live.send(frame(WINDOW_UPDATE, 0xff, 0, [0, 0, 0, 1]));
        live.assert_goes_on();
    });
}

/// Section 4.1: so are those of frames of a stream.
#[test]
fn unknown_flags_of_frames_of_a_stream_are_ignored() {
    server(|live| {
        live.send(headers(1, END_HEADERS | 0xd2, post()));
        live.accept(1);
        live.send(frame(PRIORITY, 0xff, 1, dependency(0)));
        live.send(frame(WINDOW_UPDATE, 0xff, 1, [0, 0, 0, 1]));
        live.send(data(1, 0xf6, b"some"));
        live.send(headers(1, END_STREAM | 0xd2, []));
        live.send(continuation(1, 0xff, block(&[("a", "b")])));
        assert_eq!(live.accept(1).get("a"), Some("b"));
        live.answer(1);
        live.request(3);
        live.send(frame(RST_STREAM, 0xff, 3, [0, 0, 0, 8]));
        assert_eq!(live.reset(3).0, ErrorCode::Cancel);
        live.assert_goes_on();
    });
}

/// Section 4.1: and those of PUSH_PROMISE.
#[test]
fn unknown_flags_of_push_promise_are_ignored() {
    client_with(
        |config| config.enable_push = true,
        |live| {
            let parent = live.open(true);
            let mut promise = push_promise(parent, 2, get());
            promise[4] |= 0xf3;
            live.send(promise);
            live.send(headers(2, END, ok()));
            assert_eq!(live.accept(2).status(), Some(200));
            live.send(headers(parent, END, ok()));
            live.assert_goes_on();
        },
    );
}

/// Section 4.1: the reserved bit before the stream identifier is ignored.
#[test]
fn the_reserved_bit_of_a_frame_is_ignored() {
    both(|live| {
        live.send(frame(PING, 0, RESERVED, b"12345678"));
        assert_eq!(live.frame(), Ping { ack: true, payload: *b"12345678" }.into());
        live.send(frame(SETTINGS, 0, RESERVED, []));
        live.assert_settings_ack();
        live.assert_goes_on();
    });
    server(|live| {
        live.send(headers(RESERVED | 1, END, get()));
        live.accept(1);
        live.answer(1);
    });
    client(|live| {
        let stream = live.open(true);
        live.send(headers(RESERVED | stream, END, ok()));
        live.accept(stream);
    });
}

/// Sections 6.8 and 6.9: so are those inside GOAWAY and WINDOW_UPDATE.
#[test]
fn the_reserved_bits_inside_payloads_are_ignored() {
    both(|live| {
        // With the bit it would be an increment over 2^31-1.
        live.send(window_update(0, RESERVED | 1));
        live.assert_goes_on();
    });
    client(|live| {
        let stream = live.open(true);
        live.send(goaway(RESERVED | stream, 0));
        live.send(goaway(stream, 0));
        live.send(headers(stream, END, ok()));
        live.accept(stream);
        live.assert_ping();
    });
}

/// Section 6.6: and the one before a promised stream.
#[test]
fn the_reserved_bit_of_a_promised_stream_is_ignored() {
    client_with(
        |config| config.enable_push = true,
        |live| {
            let parent = live.open(true);
            live.send(push_promise(parent, RESERVED | 2, get()));
            live.send(headers(2, END, ok()));
            live.accept(2);
        },
    );
}

/// Section 4.1: an ill-fitting length is found by the kind, whatever the stream is.
#[test]
fn an_unknown_frame_of_the_largest_size_is_ignored() {
    both(|live: &mut Live| {
        live.send(frame(UNKNOWN, 0, 0, [0; 16_384]));
        live.assert_goes_on();
    });
}

/// Section 4.1: the stream identifier has 31 bits, all of which count.
#[test]
fn the_largest_stream_identifier_can_be_used() {
    server(|live| {
        live.whole_request(MAX_WINDOW);
        live.answer(MAX_WINDOW);
        live.assert_ping();
        assert!(matches!(live.peer.transcript.first(), Some(line) if line.starts_with("SETTINGS")));
        assert_eq!(id(MAX_WINDOW).next(), None);
        live.send(headers(MAX_WINDOW - 2, END, get()));
        let frame = live.frame();
        assert!(matches!(&frame, Frame::Goaway(frame) if frame.last_stream_id == MAX_WINDOW));
    });
}
