//! Input in pieces, several frames at once, oversized frames, and shared buffers.

use bytes::{Bytes, BytesMut};

use super::super::*;
use super::{encode, id, octets};

/// One frame of each type, with a value in every field.
fn one_of_each() -> Vec<Frame> {
    let fragment = || Bytes::from_static(&[0x82, 0x84, 0x86]);
    let dependency = Dependency { stream_id: id(1), exclusive: true, weight: 15 };
    vec![
        Data {
            stream_id: id(1),
            data: Bytes::from_static(b"hello"),
            end_stream: true,
            padding: Some(3),
        }
        .into(),
        Headers {
            stream_id: id(3),
            fragment: fragment(),
            end_stream: false,
            end_headers: false,
            priority: Some(dependency),
            padding: Some(1),
        }
        .into(),
        Priority { stream_id: id(3), dependency }.into(),
        RstStream { stream_id: id(3), error_code: ErrorCode::Cancel }.into(),
        Settings { ack: false, entries: vec![Setting::EnablePush(false)] }.into(),
        PushPromise {
            stream_id: id(1),
            promised_stream_id: id(2),
            fragment: fragment(),
            end_headers: true,
            padding: Some(2),
        }
        .into(),
        Ping { ack: true, payload: *b"01234567" }.into(),
        Goaway {
            last_stream_id: id(5),
            error_code: ErrorCode::NoError,
            debug_data: Bytes::from_static(b"bye"),
        }
        .into(),
        WindowUpdate { stream_id: StreamId::CONNECTION, increment: 1 }.into(),
        Continuation { stream_id: id(3), fragment: fragment(), end_headers: true }.into(),
        PriorityUpdate { prioritized_stream_id: id(3), field_value: Bytes::from_static(b"u=1") }
            .into(),
        AltSvc {
            stream_id: StreamId::CONNECTION,
            origin: Bytes::from_static(b"https://a"),
            field_value: Bytes::from_static(b"clear"),
        }
        .into(),
        Origin { origins: vec![Bytes::from_static(b"https://a")] }.into(),
        Unknown {
            kind: Kind(0x2a),
            flags: Flags(0xff),
            stream_id: id(9),
            payload: Bytes::from_static(b"?"),
        }
        .into(),
    ]
}

#[test]
fn a_frame_that_is_not_whole_is_left_at_every_split() {
    for frame in one_of_each() {
        let wire = encode(&frame);
        for split in 0..wire.len() {
            let mut input = BytesMut::from(&wire[..split]);
            assert_eq!(Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE), Ok(None), "at {split}");
            assert_eq!(input, wire[..split], "nothing is consumed at {split}");
            input.extend_from_slice(&wire[split..]);
            let decoded = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE);
            assert_eq!(decoded, Ok(Some(frame.clone())), "at {split}");
            assert!(input.is_empty());
        }
    }
}

#[test]
fn octet_by_octet_gives_the_same_frames() {
    let frames = one_of_each();
    let mut input = BytesMut::new();
    let mut decoded = Vec::new();
    for octet in frames.iter().flat_map(encode) {
        input.extend_from_slice(&[octet]);
        decoded.extend(Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE).unwrap());
    }
    assert_eq!(decoded, frames);
}

#[test]
fn many_frames_at_once_are_taken_one_at_a_time() {
    let frames = one_of_each();
    let wire: Vec<u8> = frames.iter().flat_map(encode).collect();
    let mut input = BytesMut::from(&wire[..]);
    for frame in &frames {
        let decoded = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE);
        assert_eq!(decoded.as_ref(), Ok(&Some(frame.clone())));
    }
    assert_eq!(Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE), Ok(None));
}

#[test]
fn head_and_payload_apart_give_the_same_frames() {
    for frame in one_of_each() {
        let wire = Bytes::from(encode(&frame));
        let decoded = Frame::decode_payload(frame.head(), wire.slice(Head::LEN..));
        assert_eq!(decoded, Ok(frame));
    }
}

#[test]
fn a_frame_that_will_be_too_long_is_an_error_before_its_payload() {
    let over = octets(Kind::DATA, 0, 1, &[0; DEFAULT_MAX_FRAME_SIZE as usize + 1]);
    for arrived in 0..Head::LEN {
        let mut input = BytesMut::from(&over[..arrived]);
        assert_eq!(Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE), Ok(None));
    }
    let mut input = BytesMut::from(&over[..Head::LEN]);
    let error = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE).unwrap_err();
    assert_eq!((error.scope, error.code), (Scope::Connection, ErrorCode::FrameSizeError));
    assert_eq!(error.head().length, DEFAULT_MAX_FRAME_SIZE + 1);
}

#[test]
fn a_larger_max_frame_size_lets_longer_frames_in() {
    let long = octets(Kind::DATA, 0, 1, &[0; DEFAULT_MAX_FRAME_SIZE as usize + 1]);
    let mut input = BytesMut::from(&long[..]);
    let frame = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE + 1).unwrap().unwrap();
    assert_eq!(frame.head().length, DEFAULT_MAX_FRAME_SIZE + 1);
}

#[test]
fn the_longest_frame_there_can_be_goes_both_ways() {
    let frame = Frame::from(Data {
        stream_id: id(1),
        data: Bytes::from(vec![7; MAX_MAX_FRAME_SIZE as usize]),
        end_stream: false,
        padding: None,
    });
    let mut input = BytesMut::from(&encode(&frame)[..]);
    let decoded = Frame::decode(&mut input, MAX_MAX_FRAME_SIZE);
    assert!(decoded == Ok(Some(frame)), "not printed: it is 16 MiB");
}

#[test]
fn data_is_a_slice_of_the_input_and_not_a_copy() {
    let wire = octets(Kind::DATA, 0x08, 1, b"\x01hello\x00");
    let mut input = BytesMut::from(&wire[..]);
    let place = input[Head::LEN + 1..].as_ptr();
    match Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE) {
        Ok(Some(Frame::Data(frame))) => assert_eq!(frame.data.as_ptr(), place),
        other => panic!("{other:?}"),
    }
}

#[test]
fn frames_without_slices_leave_the_buffer_unshared() {
    let by_value =
        [Kind::PRIORITY, Kind::RST_STREAM, Kind::SETTINGS, Kind::PING, Kind::WINDOW_UPDATE];
    let mut input = BytesMut::new();
    for frame in one_of_each().iter().filter(|frame| by_value.contains(&frame.kind())) {
        input.extend_from_slice(&encode(frame));
    }
    input.extend_from_slice(&octets(Kind::DATA, 0x01, 1, b""));
    let mut frames = Vec::new();
    while let Some(frame) = Frame::decode(&mut input, DEFAULT_MAX_FRAME_SIZE).unwrap() {
        frames.push(frame);
    }
    assert_eq!(frames.len(), 6);
    // Only a buffer without other handles can be reclaimed from its first octet.
    assert!(input.try_reclaim(Head::LEN * 6));
}
