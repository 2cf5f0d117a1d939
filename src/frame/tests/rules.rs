//! Every rule that decoding checks, by RFC section.

use super::super::*;
use super::{decode, encode, id, octets};

#[track_caller]
fn assert_connection_error(octets: &[u8], code: ErrorCode) {
    let error = decode(octets).unwrap_err();
    assert_eq!((error.scope, error.code), (Scope::Connection, code), "{error}");
}

/// Asserts a stream error, and that the next frame decodes.
#[track_caller]
fn assert_stream_error(octets: &[u8], stream: u32, code: ErrorCode) {
    let settings = encode(&Settings::default().into());
    let mut input = bytes::BytesMut::from([octets, &settings].concat().as_slice());
    let error = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE).unwrap_err();
    assert_eq!((error.scope, error.code), (Scope::Stream(id(stream)), code), "{error}");
    let next = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE);
    assert_eq!(next, Ok(Some(Settings::default().into())));
}

/// Asserts that the frame is kept as received, to be ignored.
#[track_caller]
fn assert_ignored(octets: &[u8]) {
    let frame = decode(octets).unwrap();
    assert!(matches!(frame, Frame::Unknown(_)), "{frame}");
    assert_eq!(encode(&frame), octets);
}

// RFC 9113, Section 4.1

#[test]
fn flags_without_a_meaning_are_ignored_and_not_kept() {
    for (kind, flags, stream, payload) in [
        (Kind::DATA, 0x01 | 0x08, 1, vec![0]),
        (Kind::HEADERS, 0x01 | 0x04 | 0x08 | 0x20, 1, vec![0; 6]),
        (Kind::PRIORITY, 0, 1, vec![0; 5]),
        (Kind::RST_STREAM, 0, 1, vec![0; 4]),
        (Kind::SETTINGS, 0x01, 0, vec![]),
        (Kind::PUSH_PROMISE, 0x04 | 0x08, 1, vec![0, 0, 0, 0, 2]),
        (Kind::PING, 0x01, 0, vec![0; 8]),
        (Kind::GOAWAY, 0, 0, vec![0; 8]),
        (Kind::WINDOW_UPDATE, 0, 0, vec![0, 0, 0, 1]),
        (Kind::CONTINUATION, 0x04, 1, vec![]),
        (Kind::PRIORITY_UPDATE, 0, 0, vec![0, 0, 0, 1]),
        (Kind::ALTSVC, 0, 1, vec![0, 0]),
    ] {
        let frame = decode(&octets(kind, 0xff, stream, &payload)).unwrap();
        assert_eq!(frame, decode(&octets(kind, flags, stream, &payload)).unwrap());
        assert_eq!(frame.head().flags, Flags(flags), "{kind}");
    }
}

#[test]
fn the_reserved_bit_of_the_stream_is_ignored() {
    let frame = decode(&octets(Kind::DATA, 0, 0x8000_0001, b"")).unwrap();
    assert_eq!(frame.stream_id(), id(1));
    // Stream 0 with the reserved bit is still stream 0.
    decode(&octets(Kind::PING, 0, 0x8000_0000, &[0; 8])).unwrap();
}

// RFC 9113, Section 4.2

#[test]
fn a_frame_of_the_largest_size_is_fine_and_one_octet_more_is_not() {
    let largest = octets(Kind::DATA, 0, 1, &[0; DEFAULT_MAX_FRAME_SIZE as usize]);
    decode(&largest).unwrap();
    let over = octets(Kind::DATA, 0, 1, &[0; DEFAULT_MAX_FRAME_SIZE as usize + 1]);
    assert_connection_error(&over, ErrorCode::FrameSizeError);
}

#[test]
fn a_frame_of_an_unknown_kind_may_not_be_too_long_either() {
    let over = octets(Kind(0x2a), 0, 1, &[0; DEFAULT_MAX_FRAME_SIZE as usize + 1]);
    assert_connection_error(&over, ErrorCode::FrameSizeError);
}

#[test]
fn a_padded_frame_without_pad_length_is_a_frame_size_error() {
    for kind in [Kind::DATA, Kind::HEADERS, Kind::PUSH_PROMISE] {
        assert_connection_error(&octets(kind, 0x08, 1, b""), ErrorCode::FrameSizeError);
    }
}

#[test]
fn headers_too_short_for_its_dependency_is_a_frame_size_error() {
    for length in 0..5 {
        let short = octets(Kind::HEADERS, 0x20, 1, &vec![0; length]);
        assert_connection_error(&short, ErrorCode::FrameSizeError);
        let padded = octets(Kind::HEADERS, 0x28, 1, &vec![0; 1 + length]);
        assert_connection_error(&padded, ErrorCode::FrameSizeError);
    }
    decode(&octets(Kind::HEADERS, 0x28, 1, &[0; 6])).unwrap();
}

#[test]
fn push_promise_too_short_for_its_promise_is_a_frame_size_error() {
    for length in 0..4 {
        let short = octets(Kind::PUSH_PROMISE, 0, 1, &vec![0; length]);
        assert_connection_error(&short, ErrorCode::FrameSizeError);
        let padded = octets(Kind::PUSH_PROMISE, 0x08, 1, &vec![0; 1 + length]);
        assert_connection_error(&padded, ErrorCode::FrameSizeError);
    }
}

// RFC 9113, Section 6: which kinds are on stream 0

#[test]
fn frames_of_a_stream_on_stream_0_are_a_protocol_error() {
    for (kind, payload) in [
        (Kind::DATA, vec![]),
        (Kind::HEADERS, vec![]),
        (Kind::PRIORITY, vec![0; 5]),
        (Kind::RST_STREAM, vec![0; 4]),
        (Kind::PUSH_PROMISE, vec![0, 0, 0, 2]),
        (Kind::CONTINUATION, vec![]),
    ] {
        assert_connection_error(&octets(kind, 0, 0, &payload), ErrorCode::ProtocolError);
    }
}

#[test]
fn frames_of_the_connection_on_a_stream_are_a_protocol_error() {
    for (kind, payload) in [
        (Kind::SETTINGS, vec![]),
        (Kind::PING, vec![0; 8]),
        (Kind::GOAWAY, vec![0; 8]),
        (Kind::PRIORITY_UPDATE, vec![0, 0, 0, 1]),
    ] {
        assert_connection_error(&octets(kind, 0, 1, &payload), ErrorCode::ProtocolError);
    }
}

// RFC 9113, Sections 6.1, 6.2 and 6.6: padding

#[test]
fn padding_longer_than_what_is_left_is_a_protocol_error() {
    for octets in [
        octets(Kind::DATA, 0x08, 1, &[3, 0, 0]),
        octets(Kind::DATA, 0x08, 1, &[1]),
        octets(Kind::HEADERS, 0x08, 1, &[3, 0, 0]),
        octets(Kind::HEADERS, 0x28, 1, &[2, 0, 0, 0, 0, 0, 0]),
        octets(Kind::PUSH_PROMISE, 0x08, 1, &[2, 0, 0, 0, 2, 0]),
    ] {
        assert_connection_error(&octets, ErrorCode::ProtocolError);
    }
}

#[test]
fn padding_may_be_all_that_is_left() {
    for octets in [
        octets(Kind::DATA, 0x08, 1, &[2, 0, 0]),
        octets(Kind::HEADERS, 0x08, 1, &[2, 0, 0]),
        octets(Kind::HEADERS, 0x28, 1, &[1, 0, 0, 0, 0, 0, 0]),
        octets(Kind::PUSH_PROMISE, 0x08, 1, &[1, 0, 0, 0, 2, 0]),
    ] {
        assert_eq!(encode(&decode(&octets).unwrap()), octets);
    }
}

#[test]
fn padding_that_is_not_zero_is_accepted() {
    let frame = decode(&octets(Kind::DATA, 0x08, 1, &[2, b'x', 0xff, 0xff])).unwrap();
    assert_eq!(encode(&frame)[Head::LEN..], [2, b'x', 0, 0]);
}

// RFC 9113, Section 6.3: PRIORITY

#[test]
fn priority_of_another_length_is_a_frame_size_error_of_its_stream() {
    for length in (0..=64).filter(|length| *length != 5) {
        let wrong = octets(Kind::PRIORITY, 0, 3, &vec![0; length]);
        assert_stream_error(&wrong, 3, ErrorCode::FrameSizeError);
    }
}

#[test]
fn a_stream_that_depends_on_itself_is_left_to_the_core() {
    decode(&octets(Kind::PRIORITY, 0, 3, &[0, 0, 0, 3, 0])).unwrap();
    decode(&octets(Kind::HEADERS, 0x20, 3, &[0, 0, 0, 3, 0])).unwrap();
}

// RFC 9113, Section 6.4: RST_STREAM

#[test]
fn rst_stream_of_another_length_is_a_frame_size_error() {
    for length in (0..=64).filter(|length| *length != 4) {
        let wrong = octets(Kind::RST_STREAM, 0, 1, &vec![0; length]);
        assert_connection_error(&wrong, ErrorCode::FrameSizeError);
    }
}

// RFC 9113, Section 6.5: SETTINGS

#[test]
fn settings_of_broken_entries_are_a_frame_size_error() {
    for length in (0..=64).filter(|length| length % 6 != 0) {
        let wrong = octets(Kind::SETTINGS, 0, 0, &vec![0; length]);
        assert_connection_error(&wrong, ErrorCode::FrameSizeError);
    }
}

#[test]
fn an_acknowledgement_with_entries_is_a_frame_size_error() {
    let wrong = octets(Kind::SETTINGS, 0x01, 0, &[0; 6]);
    assert_connection_error(&wrong, ErrorCode::FrameSizeError);
}

/// SETTINGS with one entry.
fn setting(id: u16, value: u32) -> Vec<u8> {
    let payload = [&id.to_be_bytes()[..], &value.to_be_bytes()[..]].concat();
    octets(Kind::SETTINGS, 0, 0, &payload)
}

#[test]
fn boolean_settings_are_0_or_1() {
    for id in [0x02, 0x08, 0x09] {
        decode(&setting(id, 0)).unwrap();
        decode(&setting(id, 1)).unwrap();
        assert_connection_error(&setting(id, 2), ErrorCode::ProtocolError);
        assert_connection_error(&setting(id, u32::MAX), ErrorCode::ProtocolError);
    }
}

#[test]
fn an_initial_window_over_31_bits_is_a_flow_control_error() {
    decode(&setting(0x04, 0)).unwrap();
    decode(&setting(0x04, MAX_WINDOW)).unwrap();
    assert_connection_error(&setting(0x04, MAX_WINDOW + 1), ErrorCode::FlowControlError);
}

#[test]
fn a_max_frame_size_out_of_range_is_a_protocol_error() {
    decode(&setting(0x05, DEFAULT_MAX_FRAME_SIZE)).unwrap();
    decode(&setting(0x05, MAX_MAX_FRAME_SIZE)).unwrap();
    for value in [0, DEFAULT_MAX_FRAME_SIZE - 1, MAX_MAX_FRAME_SIZE + 1, u32::MAX] {
        assert_connection_error(&setting(0x05, value), ErrorCode::ProtocolError);
    }
}

#[test]
fn other_settings_take_any_value() {
    for id in [0x00, 0x01, 0x03, 0x06, 0x07, 0x0a, 0xffff] {
        decode(&setting(id, 0)).unwrap();
        decode(&setting(id, u32::MAX)).unwrap();
    }
}

// RFC 9113, Section 6.6: PUSH_PROMISE

#[test]
fn a_promise_of_stream_0_is_a_protocol_error() {
    let wrong = octets(Kind::PUSH_PROMISE, 0x04, 1, &[0; 4]);
    assert_connection_error(&wrong, ErrorCode::ProtocolError);
    let reserved = octets(Kind::PUSH_PROMISE, 0x04, 1, &[0x80, 0, 0, 0]);
    assert_connection_error(&reserved, ErrorCode::ProtocolError);
}

#[test]
fn the_reserved_bit_of_a_promise_is_ignored() {
    let promise = |first| octets(Kind::PUSH_PROMISE, 0x04, 1, &[first, 0, 0, 2]);
    assert_eq!(decode(&promise(0x80)), decode(&promise(0)));
}

// RFC 9113, Section 6.7: PING

#[test]
fn ping_of_another_length_is_a_frame_size_error() {
    for length in (0..=64).filter(|length| *length != 8) {
        let wrong = octets(Kind::PING, 0, 0, &vec![0; length]);
        assert_connection_error(&wrong, ErrorCode::FrameSizeError);
    }
}

// RFC 9113, Section 6.8: GOAWAY

#[test]
fn goaway_shorter_than_its_fields_is_a_frame_size_error() {
    for length in 0..8 {
        let short = octets(Kind::GOAWAY, 0, 0, &vec![0; length]);
        assert_connection_error(&short, ErrorCode::FrameSizeError);
    }
}

#[test]
fn the_reserved_bit_of_a_last_stream_is_ignored() {
    let goaway = |first| octets(Kind::GOAWAY, 0, 0, &[first, 0, 0, 7, 0, 0, 0, 0]);
    assert_eq!(decode(&goaway(0x80)), decode(&goaway(0)));
}

// RFC 9113, Section 6.9: WINDOW_UPDATE

#[test]
fn window_update_of_another_length_is_a_frame_size_error() {
    for length in (0..=64).filter(|length| *length != 4) {
        for stream in [0, 1] {
            let wrong = octets(Kind::WINDOW_UPDATE, 0, stream, &vec![1; length]);
            assert_connection_error(&wrong, ErrorCode::FrameSizeError);
        }
    }
}

#[test]
fn an_increment_of_0_on_a_stream_is_a_protocol_error_of_the_stream() {
    let zero = octets(Kind::WINDOW_UPDATE, 0, 5, &[0; 4]);
    assert_stream_error(&zero, 5, ErrorCode::ProtocolError);
    let reserved = octets(Kind::WINDOW_UPDATE, 0, 5, &[0x80, 0, 0, 0]);
    assert_stream_error(&reserved, 5, ErrorCode::ProtocolError);
}

#[test]
fn an_increment_of_0_on_stream_0_is_a_protocol_error_of_the_connection() {
    let zero = octets(Kind::WINDOW_UPDATE, 0, 0, &[0; 4]);
    assert_connection_error(&zero, ErrorCode::ProtocolError);
}

#[test]
fn the_reserved_bit_of_an_increment_is_ignored() {
    let update = |first| octets(Kind::WINDOW_UPDATE, 0, 0, &[first, 0, 0, 7]);
    assert_eq!(decode(&update(0x80)), decode(&update(0)));
}

// RFC 9218, Section 7.1: PRIORITY_UPDATE

#[test]
fn a_priority_update_about_stream_0_is_a_protocol_error() {
    for first in [0, 0x80] {
        let wrong = octets(Kind::PRIORITY_UPDATE, 0, 0, &[first, 0, 0, 0, b'u']);
        assert_connection_error(&wrong, ErrorCode::ProtocolError);
    }
}

#[test]
fn a_priority_update_without_its_stream_is_a_frame_size_error() {
    for length in 0..4 {
        let short = octets(Kind::PRIORITY_UPDATE, 0, 0, &vec![0; length]);
        assert_connection_error(&short, ErrorCode::FrameSizeError);
    }
}

// RFC 7838, Section 4: ALTSVC

#[test]
fn altsvc_of_the_connection_without_an_origin_is_ignored() {
    assert_ignored(&octets(Kind::ALTSVC, 0, 0, b"\x00\x00clear"));
}

#[test]
fn altsvc_of_a_stream_with_an_origin_is_ignored() {
    assert_ignored(&octets(Kind::ALTSVC, 0, 1, b"\x00\x01aclear"));
}

#[test]
fn altsvc_shorter_than_it_says_is_ignored() {
    for payload in [&b""[..], b"\x00", b"\x00\x02a", b"\xff\xff"] {
        assert_ignored(&octets(Kind::ALTSVC, 0, 0, payload));
        assert_ignored(&octets(Kind::ALTSVC, 0xff, 1, payload));
    }
}

// RFC 8336, Section 2: ORIGIN

#[test]
fn origin_on_a_stream_is_ignored() {
    assert_ignored(&octets(Kind::ORIGIN, 0, 1, b"\x00\x01a"));
}

#[test]
fn origin_with_a_reserved_flag_is_ignored() {
    for flag in [0x01, 0x02, 0x04, 0x08] {
        assert_ignored(&octets(Kind::ORIGIN, flag, 0, b"\x00\x01a"));
    }
    let frame = decode(&octets(Kind::ORIGIN, 0xf0, 0, b"\x00\x01a")).unwrap();
    assert!(matches!(frame, Frame::Origin(_)));
}

#[test]
fn origin_with_an_entry_shorter_than_it_says_is_ignored() {
    for payload in [&b"\x00"[..], b"\x00\x02a", b"\x00\x01a\x00", b"\x00\x01a\x00\x01"] {
        assert_ignored(&octets(Kind::ORIGIN, 0, 0, payload));
    }
}
