//! Section 6.9: WINDOW_UPDATE, and windows to their edges.

use h2_sync::frame::{Frame, Setting};
use h2_sync::{Act, ErrorCode, headers};

use crate::live::{Live, both, client, server, server_with, twice};
use crate::wire::*;

/// A live server has promised so much content on stream 1 as `len`, which waits for the window.
#[track_caller]
fn body_waits(live: &mut Live, len: usize) {
    live.whole_request(1);
    live.respond(1, &headers!(":status" => "200"), false);
    live.assert_headers(1, false);
    live.put_data(1, vec![b'x'; len], true);
}

/// Section 6.9: an increment of 0 is a stream error PROTOCOL_ERROR.
#[test]
fn an_increment_of_0_resets_the_stream() {
    server(|live| {
        live.request(1);
        live.send(window_update(1, 0));
        live.assert_reset(1, ErrorCode::ProtocolError);
    });
    client(|live| {
        let stream = live.open(false);
        live.send(window_update(stream, 0));
        live.assert_reset(stream, ErrorCode::ProtocolError);
    });
}

/// Section 6.9: the reserved bit is not part of the increment.
#[test]
fn an_increment_of_0_with_the_reserved_bit_is_0() {
    server(|live| {
        live.request(1);
        live.send(window_update(1, RESERVED));
        live.assert_reset(1, ErrorCode::ProtocolError);
    });
}

/// Section 6.9: on stream 0 it is a connection error.
#[test]
fn an_increment_of_0_for_the_connection_ends_it() {
    both(|live| {
        live.send(window_update(0, 0));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.9: a length other than 4 is a connection error FRAME_SIZE_ERROR, on a stream as well.
#[test]
fn window_update_of_a_wrong_length_ends_the_connection() {
    for (stream, len) in [(0, 0), (0, 3), (0, 5), (1, 3), (1, 5), (1, 8)] {
        server(|live| {
            live.case(format!("stream {stream}, length {len}"));
            live.request(1);
            live.send(frame(WINDOW_UPDATE, 0, stream, vec![1; len]));
            live.assert_goaway(ErrorCode::FrameSizeError);
        });
    }
}

/// Section 6.9: it may come after END_STREAM of its sender, and on a stream that has just ended.
#[test]
fn window_update_may_come_late() {
    server(|live| {
        live.whole_request(1);
        live.send(window_update(1, 1));
        live.answer(1);
        live.send(window_update(1, 1));
        live.assert_goes_on();
    });
}

/// Section 6.9.1: a window of 2^31-1 octets is the largest.
#[test]
fn a_window_can_be_opened_to_its_maximum() {
    server(|live| {
        live.request(1);
        live.send(window_update(0, MAX_WINDOW - 65_535));
        live.send(window_update(1, MAX_WINDOW - 65_535));
        live.assert_goes_on();
    });
}

/// Section 6.9.1: more is a stream error FLOW_CONTROL_ERROR for a stream.
#[test]
fn a_stream_window_over_its_maximum_resets_the_stream() {
    for increment in [MAX_WINDOW - 65_535 + 1, MAX_WINDOW] {
        server(|live| {
            live.case(format!("{increment}"));
            live.request(1);
            live.send(window_update(1, increment));
            live.assert_reset(1, ErrorCode::FlowControlError);
        });
        client(|live| {
            live.case(format!("{increment}"));
            let stream = live.open(false);
            live.send(window_update(stream, increment));
            live.assert_reset(stream, ErrorCode::FlowControlError);
        });
    }
}

/// Section 6.9.1: it is the sum that counts.
#[test]
fn a_stream_window_over_its_maximum_in_steps_resets_the_stream() {
    server(|live| {
        live.request(1);
        live.send(window_update(1, MAX_WINDOW - 65_535));
        live.send(window_update(1, 1));
        live.assert_reset(1, ErrorCode::FlowControlError);
    });
}

/// Section 6.9.1: and a connection error for the connection.
#[test]
fn a_connection_window_over_its_maximum_ends_the_connection() {
    for increments in [&[MAX_WINDOW][..], &[MAX_WINDOW - 65_535, 1]] {
        both(|live| {
            for &increment in increments {
                live.send(window_update(0, increment));
            }
            live.assert_goaway(ErrorCode::FlowControlError);
        });
    }
}

/// Section 6.9.1: after an error of one stream its neighbours have their windows.
#[test]
fn an_overflow_of_one_stream_leaves_the_others_alone() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 0)]);
        body_waits(live, 3);
        live.request(3);
        live.send(window_update(3, MAX_WINDOW));
        live.send(window_update(3, 1));
        live.expect_reset(3, ErrorCode::FlowControlError);
        live.send(window_update(1, 3));
        live.assert_data(1, 3, true);
        live.assert_goes_on();
    });
}

/// Section 6.9.1: no more is sent than both windows allow, to the octet.
#[test]
fn content_goes_out_as_the_window_opens_octet_by_octet() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 0)]);
        body_waits(live, 3);
        live.assert_ping();
        for (increment, len, is_end) in [(1, 1, false), (2, 2, true)] {
            live.send(window_update(1, increment));
            live.assert_data(1, len, is_end);
        }
        live.assert_goes_on();
    });
}

/// Section 6.9.1: frames of no octets with END_STREAM need no window.
#[test]
fn the_end_of_content_needs_no_window() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 0)]);
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.assert_headers(1, false);
        live.put_data(1, "", true);
        live.assert_data(1, 0, true);
        live.assert_goes_on();
    });
}

/// Section 6.9.1: DATA beyond the window of its stream is a FLOW_CONTROL_ERROR.
#[test]
fn data_beyond_the_streams_window_resets_the_stream() {
    server_with(
        |config| config.initial_window_size = 10,
        |live| {
            live.request(1);
            live.send(data(1, 0, [0; 10]));
            live.send(data(1, 0, [0; 1]));
            live.assert_reset(1, ErrorCode::FlowControlError);
            let stream = live.next_id();
            live.request(stream);
            live.send(data(stream, END_STREAM, [0; 11]));
            live.assert_reset(stream, ErrorCode::FlowControlError);
        },
    );
}

/// Section 6.9.1: and beyond that of the connection, a connection error.
#[test]
fn data_beyond_the_connections_window_ends_the_connection() {
    let configure = |config: &mut h2_sync::Config| {
        config.connection_window_size = 65_535;
        config.max_frame_size = 70_000;
    };
    server_with(configure, |live| {
        live.request(1);
        live.send(data(1, 0, vec![0; 65_536]));
        live.assert_goaway(ErrorCode::FlowControlError);
    });
    server_with(configure, |live| {
        live.request(1);
        live.send(data(1, END_STREAM, vec![0; 65_535]));
        assert_eq!(live.content(1).len(), 65_535);
        live.answer(1);
    });
}

/// Section 6.9.1: DATA for a stream that is gone counts for the connection all the same.
#[test]
fn data_for_no_stream_counts_for_the_connection() {
    let configure = |config: &mut h2_sync::Config| {
        config.connection_window_size = 65_535;
        config.max_frame_size = 70_000;
    };
    server_with(configure, |live| {
        live.request(1);
        live.send(window_update(1, 0));
        live.expect_reset(1, ErrorCode::ProtocolError);
        live.send(data(1, 0, vec![0; 65_536]));
        live.assert_goaway(ErrorCode::FlowControlError);
    });
}

/// Section 6.9.2: a new size moves the windows of open streams by the difference.
#[test]
fn a_higher_initial_size_opens_the_windows_of_open_streams() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 1)]);
        body_waits(live, 4);
        live.assert_data(1, 1, false);
        live.settings(&[(INITIAL_WINDOW_SIZE, 3)]);
        live.assert_data(1, 2, false);
        live.settings(&[(INITIAL_WINDOW_SIZE, 4)]);
        live.assert_data(1, 1, true);
    });
}

/// Section 6.9.2: a window can become negative, and the sender has to wait until it is positive.
#[test]
fn a_negative_window_has_to_be_made_good() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 10)]);
        body_waits(live, 12);
        live.assert_data(1, 10, false);
        // 0 is left; 7 less is -7.
        live.settings(&[(INITIAL_WINDOW_SIZE, 3)]);
        live.send(window_update(1, 7));
        live.assert_ping();
        live.send(window_update(1, 1));
        live.assert_data(1, 1, false);
        live.send(window_update(1, 1));
        live.assert_data(1, 1, true);
    });
}

/// Section 6.9.2: the connection's window is not touched by SETTINGS.
#[test]
fn the_initial_size_leaves_the_connections_window_alone() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 100_000)]);
        body_waits(live, 65_536);
        let mut left = 65_535;
        while left > 0 {
            let Frame::Data(data) = live.frame() else { panic!("not DATA") };
            left -= data.data.len();
        }
        live.assert_ping();
        live.settings(&[(INITIAL_WINDOW_SIZE, 200_000)]);
        live.assert_ping();
        live.send(window_update(0, 1));
        live.assert_data(1, 1, true);
    });
}

/// Section 6.9.2: a size that takes any window over 2^31-1 is a connection error.
#[test]
fn an_initial_size_that_overflows_a_window_ends_the_connection() {
    server(|live| {
        live.request(1);
        live.send(window_update(1, 1));
        live.send(settings(&[(INITIAL_WINDOW_SIZE, MAX_WINDOW)]));
        live.assert_goaway(ErrorCode::FlowControlError);
    });
    client(|live| {
        let stream = live.open(false);
        live.send(window_update(stream, MAX_WINDOW - 65_535));
        live.send(settings(&[(INITIAL_WINDOW_SIZE, 65_536)]));
        live.assert_goaway(ErrorCode::FlowControlError);
    });
}

/// Section 6.9.2: up to 2^31-1 all is well.
#[test]
fn an_initial_size_may_take_windows_to_their_maximum() {
    server(|live| {
        live.request(1);
        live.send(window_update(1, MAX_WINDOW - 65_535));
        live.send(settings(&[(INITIAL_WINDOW_SIZE, 65_535)]));
        live.assert_settings_ack();
        live.request(3);
        live.settings(&[(INITIAL_WINDOW_SIZE, 0)]);
        live.settings(&[(INITIAL_WINDOW_SIZE, 65_535)]);
        live.assert_goes_on();
    });
}

/// Section 6.9.2: before the SETTINGS of the other side have come, a stream has 65,535 octets.
#[test]
fn a_live_client_that_has_heard_nothing_sends_65535_octets() {
    twice(
        h2_sync::Role::Client,
        |_| {},
        |live| {
            live.peer.read_exact(24);
            assert!(matches!(live.frame(), Frame::Settings(_)));
            let stream = live.open(false);
            live.put_data(stream, vec![b'x'; 65_536], true);
            let mut left = 65_535;
            while left > 0 {
                let Frame::Data(data) = live.frame() else { panic!("not DATA") };
                left -= data.data.len();
            }
            live.send(settings(&[(INITIAL_WINDOW_SIZE, 65_536)]));
            live.assert_settings_ack();
            live.send(window_update(0, 1));
            live.assert_data(stream, 1, true);
        },
    );
}

/// Section 6.9.3: a receiver that makes its windows smaller takes what was sent before its peer has
/// acknowledged that, and holds it to the new size from then on.
#[test]
fn smaller_window_applies_after_its_acknowledgement() {
    server(|live| {
        live.request(1);
        live.act(Act::Settings { settings: vec![Setting::InitialWindowSize(10)] });
        assert!(matches!(live.frame(), Frame::Settings(_)));
        live.send(data(1, END_STREAM, [0; 100]));
        live.send(settings_ack());
        assert_eq!(live.content(1).len(), 100);
        live.answer(1);
        live.request(3);
        live.send(data(3, 0, [0; 11]));
        live.assert_reset(3, ErrorCode::FlowControlError);
    });
}
