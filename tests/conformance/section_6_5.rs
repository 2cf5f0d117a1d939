//! Section 6.5: SETTINGS.

use std::time::Duration;

use h2_sync::frame::{Frame, Setting};
use h2_sync::proto::CommandError;
use h2_sync::{Act, ErrorCode, Evt, Role, headers};

use crate::live::{Live, both, client, client_with, id, request, server, twice};
use crate::wire::*;

/// Section 6.5: SETTINGS are the connection's.
#[test]
fn settings_on_a_stream_end_the_connection() {
    both(|live| {
        live.send(frame(SETTINGS, 0, 1, []));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
    both(|live| {
        live.send(frame(SETTINGS, ACK, 1, []));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.5: an acknowledgement has no payload.
#[test]
fn an_acknowledgement_with_a_payload_ends_the_connection() {
    both(|live| {
        live.send(frame(SETTINGS, ACK, 0, [0, 3, 0, 0, 0, 1]));
        live.assert_goaway(ErrorCode::FrameSizeError);
    });
}

/// Section 6.5: a length that is not a multiple of 6.
#[test]
fn settings_that_are_cut_end_the_connection() {
    for len in [1, 5, 7, 11] {
        both(|live| {
            live.case(format!("length {len}"));
            live.send(frame(SETTINGS, 0, 0, vec![0; len]));
            live.assert_goaway(ErrorCode::FrameSizeError);
        });
    }
}

/// Section 6.5.1: several entries, also of one setting, are taken in their order.
#[test]
fn last_of_several_values_applies() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 100), (INITIAL_WINDOW_SIZE, 1)]);
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, "abc", true);
        live.assert_headers(1, false);
        live.assert_data(1, 1, false);
        live.assert_ping();
    });
}

/// Section 6.5: SETTINGS may come at any time; settings that are not named stay as they were.
#[test]
fn settings_that_are_not_named_stay() {
    server(|live| {
        live.settings(&[(INITIAL_WINDOW_SIZE, 1)]);
        live.settings(&[(MAX_CONCURRENT_STREAMS, 7)]);
        live.settings(&[]);
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.put_data(1, "abc", true);
        live.assert_headers(1, false);
        live.assert_data(1, 1, false);
        live.assert_ping();
    });
}

/// Section 6.5.2: values out of their range are connection errors, each with its code.
#[test]
fn values_out_of_range_end_the_connection() {
    for (setting, value, code) in [
        (ENABLE_PUSH, 2, ErrorCode::ProtocolError),
        (ENABLE_PUSH, u32::MAX, ErrorCode::ProtocolError),
        (INITIAL_WINDOW_SIZE, MAX_WINDOW + 1, ErrorCode::FlowControlError),
        (INITIAL_WINDOW_SIZE, u32::MAX, ErrorCode::FlowControlError),
        (MAX_FRAME_SIZE, 0, ErrorCode::ProtocolError),
        (MAX_FRAME_SIZE, 16_383, ErrorCode::ProtocolError),
        (MAX_FRAME_SIZE, 1 << 24, ErrorCode::ProtocolError),
        (MAX_FRAME_SIZE, u32::MAX, ErrorCode::ProtocolError),
        // RFC 8441, Section 3, and RFC 9218, Section 2.1.
        (ENABLE_CONNECT_PROTOCOL, 2, ErrorCode::ProtocolError),
        (NO_RFC7540_PRIORITIES, 2, ErrorCode::ProtocolError),
    ] {
        both(|live| {
            live.case(format!("{setting:#x} = {value}"));
            live.send(settings(&[(setting, value)]));
            live.assert_goaway(code);
        });
    }
}

/// Section 6.5.2: also in the first SETTINGS.
#[test]
fn a_value_out_of_range_in_the_first_settings_ends_the_connection() {
    twice(
        Role::Client,
        |_| {},
        |live| {
            live.peer.read_exact(24);
            live.send(settings(&[(MAX_FRAME_SIZE, 0)]));
            assert!(matches!(live.frame(), Frame::Settings(_)));
            live.assert_goaway(ErrorCode::ProtocolError);
        },
    );
}

/// Section 6.5.2: values at the ends of their range are fine.
#[test]
fn values_at_the_ends_of_their_range_are_taken() {
    both(|live| {
        for (setting, value) in [
            (HEADER_TABLE_SIZE, 0),
            (HEADER_TABLE_SIZE, u32::MAX),
            (ENABLE_PUSH, 0),
            (MAX_CONCURRENT_STREAMS, 0),
            (MAX_CONCURRENT_STREAMS, u32::MAX),
            (INITIAL_WINDOW_SIZE, 0),
            (INITIAL_WINDOW_SIZE, MAX_WINDOW),
            (MAX_FRAME_SIZE, 16_384),
            (MAX_FRAME_SIZE, (1 << 24) - 1),
            (MAX_HEADER_LIST_SIZE, 0),
            (MAX_HEADER_LIST_SIZE, u32::MAX),
        ] {
            live.case(format!("{setting:#x} = {value}"));
            live.settings(&[(setting, value)]);
        }
        live.assert_goes_on();
    });
}

/// Section 6.5.2: unknown settings are ignored.
#[test]
fn unknown_settings_are_ignored() {
    both(|live| {
        live.settings(&[
            (0, 1),
            (0x07, 5),
            (0x0a, 0),
            (0xf000, u32::MAX),
            (MAX_FRAME_SIZE, 16_384),
        ]);
        live.assert_goes_on();
    });
}

/// Section 6.5.2: a server does not switch push on, and a client that is told so ends the
/// connection.
#[test]
fn enable_push_of_a_server_ends_the_connection() {
    client(|live| {
        live.send(settings(&[(ENABLE_PUSH, 1)]));
        live.assert_goaway(ErrorCode::ProtocolError);
    });
}

/// Section 6.5.2: a server may say that there is no push.
#[test]
fn enable_push_0_of_a_server_is_fine() {
    client(|live| {
        live.settings(&[(ENABLE_PUSH, 0)]);
        live.assert_goes_on();
    });
}

/// Section 6.5.2: a live server says nothing about push, or 0.
#[test]
fn a_live_server_does_not_announce_push() {
    server(|live| {
        assert!(!live.peer.transcript[0].contains("ENABLE_PUSH"));
        let settings = vec![Setting::EnablePush(true)];
        live.refused(Act::Settings { settings });
        live.assert_goes_on();
    });
}

/// Section 6.5.2: a live client says that it takes no pushed streams, unless it does.
#[test]
fn a_live_client_says_whether_it_takes_pushed_streams() {
    client(|live| assert!(live.peer.transcript[0].contains("ENABLE_PUSH=0")));
    client_with(
        |config| config.enable_push = true,
        |live| {
            assert!(live.peer.transcript[0].contains("ENABLE_PUSH=1"));
        },
    );
}

/// Section 6.5.2: a live server does not push to a client that takes no pushed streams.
#[test]
fn a_live_server_does_not_push_where_push_is_off() {
    server(|live| {
        live.settings(&[(ENABLE_PUSH, 0)]);
        live.whole_request(1);
        let promised_stream_identifier = live.session.next_free_stream_identifier().unwrap();
        let (stream_identifier, headers) = (id(1), request("GET"));
        let promise = Act::Promise { stream_identifier, promised_stream_identifier, headers };
        assert_eq!(live.refused(promise), CommandError::PushDisabled);
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 6.5.2: SETTINGS_MAX_HEADER_LIST_SIZE is advice that a live side takes.
#[test]
fn a_field_section_over_the_peers_limit_is_not_sent() {
    client(|live| {
        live.settings(&[(MAX_HEADER_LIST_SIZE, 200)]);
        let big = request("GET").with("a", "v".repeat(200));
        let error = live.session.open(&big, true).unwrap_err();
        assert!(matches!(
            error.as_command_error(),
            Some(CommandError::SectionTooLarge { limit: 200, .. })
        ));
        live.assert_goes_on();
    });
}

/// Section 6.5.2: no value may be announced by a live side that its peer would have to refuse.
#[test]
fn a_live_side_announces_nothing_out_of_range() {
    both(|live| {
        for setting in [
            Setting::InitialWindowSize(MAX_WINDOW + 1),
            Setting::MaxFrameSize(16_383),
            Setting::MaxFrameSize(1 << 24),
        ] {
            live.case(format!("{setting:?}"));
            let error = live.refused(Act::Settings { settings: vec![setting] });
            assert!(matches!(error, CommandError::InvalidSetting(_)));
        }
        live.assert_goes_on();
    });
}

/// Section 6.5.3: each SETTINGS frame is acknowledged, in order, and behind what came before.
#[test]
fn each_settings_frame_is_acknowledged_in_order() {
    both(|live| {
        live.send(settings(&[]));
        live.send(ping(b"12345678"));
        live.send(settings(&[(MAX_CONCURRENT_STREAMS, 100)]));
        live.assert_settings_ack();
        assert!(matches!(live.frame(), Frame::Ping(ping) if ping.ack));
        live.assert_settings_ack();
        live.assert_goes_on();
    });
}

/// Section 6.5.3: settings are in force when they are acknowledged: what is sent after that keeps
/// to them.
#[test]
fn settings_apply_after_their_acknowledgement() {
    server(|live| {
        live.whole_request(1);
        live.respond(1, &headers!(":status" => "200"), false);
        live.assert_headers(1, false);
        live.settings(&[(INITIAL_WINDOW_SIZE, 2)]);
        live.put_data(1, "abc", true);
        live.assert_data(1, 2, false);
        live.assert_ping();
    });
}

/// Section 6.5.3: an acknowledgement of nothing changes nothing.
#[test]
fn unexpected_acknowledgement_is_ignored() {
    both(|live| {
        live.send(settings_ack());
        live.send(settings_ack());
        live.assert_goes_on();
    });
}

/// Section 6.5.3: the application is told when its settings are acknowledged.
#[test]
fn live_side_reports_acknowledged_settings() {
    both(|live: &mut Live| {
        live.event(|evt| matches!(evt, Evt::SettingsAcknowledged).then_some(()));
        live.act(Act::Settings { settings: vec![Setting::MaxConcurrentStreams(5)] });
        assert!(matches!(live.frame(), Frame::Settings(frame) if !frame.ack));
        live.send(settings_ack());
        live.event(|evt| matches!(evt, Evt::SettingsAcknowledged).then_some(()));
        live.assert_goes_on();
    });
}

/// Section 6.5.3: a peer that does not acknowledge in time may be told SETTINGS_TIMEOUT.
#[test]
fn settings_that_are_never_acknowledged_end_the_connection() {
    twice(
        Role::Server,
        |config| config.settings_timeout = Some(Duration::from_millis(300)),
        |live| {
            live.send(h2_sync::frame::PREFACE);
            live.send(settings(&[]));
            assert!(matches!(live.frame(), Frame::Settings(frame) if !frame.ack));
            live.assert_settings_ack();
            live.assert_goaway(ErrorCode::SettingsTimeout);
        },
    );
}
