//! Section 4.2: frame sizes.

use h2_sync::frame::{Frame, Settings};
use h2_sync::{ErrorCode, headers};

use crate::live::{Live, both, client_with, server, server_with};
use crate::wire::*;

const MAX: usize = 16_384;

/// A connection error FRAME_SIZE_ERROR for these octets.
#[track_caller]
fn assert_wrong_size(run: impl Fn(&dyn Fn(&mut Live)), label: &str, octets: Vec<u8>) {
    run(&|live: &mut Live| {
        live.case(label);
        live.send(&octets);
        live.assert_goaway(ErrorCode::FrameSizeError);
    });
}

/// Section 4.2: all implementations take payloads of up to 2^14 octets.
#[test]
fn payloads_of_2_to_the_14_octets_are_taken() {
    server(|live| {
        live.request(1);
        live.send(data(1, END_STREAM, vec![b'x'; MAX]));
        assert_eq!(live.content(1).len(), MAX);
        live.answer(1);
        let value = "v".repeat(MAX - get().len() - 8);
        let block = and(get(), &[("a", &value)]);
        assert!(block.len() <= MAX);
        live.send(headers(3, END, block));
        assert_eq!(live.accept(3).get("a").map(str::len), Some(value.len()));
        live.answer(3);
        live.assert_goes_on();
    });
}

/// Section 4.2: a payload over SETTINGS_MAX_FRAME_SIZE is a FRAME_SIZE_ERROR; of the connection
/// where the frame could change its state, and wherever it is larger than anything known.
#[test]
fn payloads_over_the_largest_size_end_the_connection() {
    let too_long = MAX as u32 + 1;
    for (kind, stream) in [
        (DATA, 1),
        (HEADERS, 3),
        (PRIORITY, 1),
        (RST_STREAM, 1),
        (SETTINGS, 0),
        (PUSH_PROMISE, 1),
        (PING, 0),
        (GOAWAY, 0),
        (WINDOW_UPDATE, 0),
        (UNKNOWN, 0),
    ] {
        server(|live| {
            live.case(format!("kind {kind:#x}"));
            live.request(1);
            // The head says it; the payload need not come.
            live.send(head(too_long, kind, 0, stream));
            live.assert_goaway(ErrorCode::FrameSizeError);
        });
    }
}

/// Section 4.2: also in the middle of a field block.
#[test]
fn a_continuation_over_the_largest_size_ends_the_connection() {
    server(|live| {
        live.send(headers(1, END_STREAM, get()));
        live.send(head(MAX as u32 + 1, CONTINUATION, END_HEADERS, 1));
        live.assert_goaway(ErrorCode::FrameSizeError);
    });
}

/// Section 4.2: a live client has the same limit.
#[test]
fn payloads_over_the_largest_size_end_the_connection_of_a_client() {
    for kind in [DATA, HEADERS, PUSH_PROMISE] {
        client_with(
            |config| config.enable_push = true,
            |live| {
                live.case(format!("kind {kind:#x}"));
                let stream = live.open(true);
                live.send(head(MAX as u32 + 1, kind, 0, stream));
                live.assert_goaway(ErrorCode::FrameSizeError);
            },
        );
    }
}

/// Section 4.2: a frame that is not as long as its kind has to be is a connection error
/// FRAME_SIZE_ERROR, if it is of the connection or could change its state.
#[test]
fn frames_of_the_connection_have_the_size_of_their_kind() {
    for (label, octets) in [
        ("SETTINGS of 5", frame(SETTINGS, 0, 0, [0; 5])),
        ("SETTINGS of 7", frame(SETTINGS, 0, 0, [0; 7])),
        ("acknowledgement of 1", frame(SETTINGS, ACK, 0, [0; 1])),
        ("acknowledgement of 6", frame(SETTINGS, ACK, 0, [0, 3, 0, 0, 0, 100])),
        ("PING of 0", frame(PING, 0, 0, [])),
        ("PING of 7", frame(PING, 0, 0, [0; 7])),
        ("PING of 9", frame(PING, 0, 0, [0; 9])),
        ("PING with ACK of 7", frame(PING, ACK, 0, [0; 7])),
        ("GOAWAY of 0", frame(GOAWAY, 0, 0, [])),
        ("GOAWAY of 7", frame(GOAWAY, 0, 0, [0; 7])),
        ("WINDOW_UPDATE of 0", frame(WINDOW_UPDATE, 0, 0, [])),
        ("WINDOW_UPDATE of 3", frame(WINDOW_UPDATE, 0, 0, [0; 3])),
        ("WINDOW_UPDATE of 5", frame(WINDOW_UPDATE, 0, 0, [0, 0, 0, 1, 0])),
    ] {
        assert_wrong_size(|exchange| both(exchange), label, octets);
    }
}

/// Section 4.2: so is one too short for the fields that it must have, padding length and
/// dependency included.
#[test]
fn frames_of_a_stream_have_room_for_their_fields() {
    let open = headers(1, END_HEADERS, post());
    for (label, octets) in [
        ("RST_STREAM of 0", frame(RST_STREAM, 0, 1, [])),
        ("RST_STREAM of 3", frame(RST_STREAM, 0, 1, [0; 3])),
        ("RST_STREAM of 5", frame(RST_STREAM, 0, 1, [0; 5])),
        ("WINDOW_UPDATE of 3", frame(WINDOW_UPDATE, 0, 1, [0; 3])),
        ("WINDOW_UPDATE of 5", frame(WINDOW_UPDATE, 0, 1, [0, 0, 0, 1, 0])),
        ("padded DATA of 0", frame(DATA, PADDED, 1, [])),
        ("padded HEADERS of 0", frame(HEADERS, END | PADDED, 3, [])),
        ("HEADERS with PRIORITY of 4", frame(HEADERS, END | WITH_PRIORITY, 3, [0; 4])),
    ] {
        let octets = [open.clone(), octets].concat();
        assert_wrong_size(|exchange| server(exchange), label, octets);
    }
}

/// Section 4.2: and PUSH_PROMISE too short to promise a stream.
#[test]
fn push_promise_has_room_for_the_promised_stream() {
    for (flags, payload) in [(END_HEADERS, &[0; 3][..]), (END_HEADERS | PADDED, &[]), (0, &[])] {
        client_with(
            |config| config.enable_push = true,
            |live| {
                live.case(format!("{payload:?}"));
                let stream = live.open(true);
                live.send(frame(PUSH_PROMISE, flags, stream, payload));
                live.assert_goaway(ErrorCode::FrameSizeError);
            },
        );
    }
}

/// Section 4.2: a larger size that was announced is good from its acknowledgement on at the latest.
#[test]
fn a_larger_size_that_was_announced_is_taken() {
    server_with(
        |config| config.max_frame_size = 20_000,
        |live| {
            live.request(1);
            live.send(data(1, END_STREAM, vec![b'x'; 20_000]));
            assert_eq!(live.content(1).len(), 20_000);
            live.answer(1);
            live.send(head(20_001, DATA, 0, 1));
            live.assert_goaway(ErrorCode::FrameSizeError);
        },
    );
}

/// Section 4.2: content is cut into frames of no more than the receiver takes.
#[test]
fn a_large_body_is_cut_into_frames_of_the_size_that_the_peer_takes() {
    server(|live| {
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, vec![b'x'; 40_000], true);
        live.assert_headers(1, false);
        for (len, is_end) in [(MAX, false), (MAX, false), (40_000 - 2 * MAX, true)] {
            live.assert_data(1, len, is_end);
        }
        live.assert_goes_on();
    });
}

/// Section 4.2: and so are field blocks, into CONTINUATION.
#[test]
fn a_large_field_section_is_cut_into_frames_of_the_size_that_the_peer_takes() {
    server(|live| {
        live.whole_request(1);
        let value = "~".repeat(30_000);
        live.respond(1, &headers!(":status" => "200", "a" => &value), true);
        let first = live.frame();
        assert!(matches!(&first, Frame::Headers(frame) if !frame.end_headers), "{first}");
        let second = live.frame();
        assert!(matches!(&second, Frame::Continuation(frame) if frame.end_headers), "{second}");
        let fields = live.peer.section.clone().unwrap();
        assert_eq!(fields.get("a"), Some(&value[..]));
        live.assert_goes_on();
    });
}

/// Section 4.2: a sender may use a larger size once the receiver has announced it.
#[test]
fn a_peer_that_takes_more_may_get_more() {
    server(|live| {
        live.peer.max_frame_size = 30_000;
        live.settings(&[(MAX_FRAME_SIZE, 30_000)]);
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, vec![b'x'; 40_000], true);
        live.assert_headers(1, false);
        let mut left = 40_000;
        while left > 0 {
            let Frame::Data(data) = live.frame() else { panic!("not DATA") };
            assert!(data.data.len() <= 30_000);
            left -= data.data.len();
        }
        live.assert_goes_on();
    });
}

/// Section 4.2: an empty frame is large enough where its kind has no fields.
#[test]
fn empty_frames_are_fine_where_nothing_is_needed() {
    server(|live| {
        live.request(1);
        live.send(data(1, 0, []));
        live.send(frame(UNKNOWN, 0, 1, []));
        live.send(frame(SETTINGS, 0, 0, []));
        assert_eq!(live.frame(), Settings::acknowledgement().into());
        live.send(data(1, END_STREAM, []));
        assert_eq!(live.content(1), b"");
        live.answer(1);
        live.assert_goes_on();
    });
}
