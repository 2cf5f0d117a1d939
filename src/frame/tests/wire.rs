//! The octets of each frame type, encoded and decoded.

use bytes::Bytes;

use super::super::*;
use super::{decode, encode, id};

/// Asserts that the frame encodes to these octets and that they decode to the frame.
#[track_caller]
fn assert_wire(frame: impl Into<Frame>, octets: &[u8]) {
    let frame = frame.into();
    assert_eq!(encode(&frame), octets);
    assert_eq!(decode(octets), Ok(frame));
}

#[test]
fn data() {
    assert_wire(
        Data {
            stream_id: id(1),
            data: Bytes::from_static(b"hello"),
            end_stream: true,
            padding: None,
        },
        b"\x00\x00\x05\x00\x01\x00\x00\x00\x01hello",
    );
}

#[test]
fn data_with_padding() {
    assert_wire(
        Data {
            stream_id: id(0x01_02_03),
            data: Bytes::from_static(b"hello"),
            end_stream: false,
            padding: Some(3),
        },
        b"\x00\x00\x09\x00\x08\x00\x01\x02\x03\x03hello\0\0\0",
    );
}

#[test]
fn data_with_a_pad_length_of_zero() {
    assert_wire(
        Data { stream_id: id(1), data: Bytes::new(), end_stream: true, padding: Some(0) },
        b"\x00\x00\x01\x00\x09\x00\x00\x00\x01\x00",
    );
}

#[test]
fn data_in_three_pieces_is_the_same_as_in_one() {
    let frame = Data {
        stream_id: id(1),
        data: Bytes::from_static(b"hello"),
        end_stream: true,
        padding: Some(7),
    };
    let mut pieces = Vec::new();
    frame.encode_head(&mut pieces);
    pieces.extend_from_slice(&frame.data);
    pieces.extend_from_slice(frame.zeros());
    assert_eq!(pieces, encode(&frame.into()));
}

#[test]
fn flow_control_counts_padding_and_the_pad_length() {
    let frame = |padding| Data {
        stream_id: id(1),
        data: Bytes::from_static(b"hello"),
        end_stream: false,
        padding,
    };
    assert_eq!(frame(None).flow_len(), 5);
    assert_eq!(frame(Some(0)).flow_len(), 6);
    assert_eq!(frame(Some(255)).flow_len(), 261);
}

#[test]
fn headers() {
    assert_wire(
        Headers {
            stream_id: id(1),
            fragment: Bytes::from_static(&[0x82, 0x84]),
            end_stream: true,
            end_headers: true,
            priority: None,
            padding: None,
        },
        &[0, 0, 2, 0x01, 0x05, 0, 0, 0, 1, 0x82, 0x84],
    );
}

#[test]
fn headers_with_dependency_and_padding() {
    assert_wire(
        Headers {
            stream_id: id(3),
            fragment: Bytes::from_static(&[0x82, 0x84]),
            end_stream: false,
            end_headers: false,
            priority: Some(Dependency { stream_id: id(1), exclusive: true, weight: 15 }),
            padding: Some(2),
        },
        &[0, 0, 10, 0x01, 0x28, 0, 0, 0, 3, 2, 0x80, 0, 0, 1, 15, 0x82, 0x84, 0, 0],
    );
}

#[test]
fn priority() {
    assert_wire(
        Priority {
            stream_id: id(5),
            dependency: Dependency { stream_id: id(3), exclusive: false, weight: 255 },
        },
        &[0, 0, 5, 0x02, 0, 0, 0, 0, 5, 0, 0, 0, 3, 0xff],
    );
}

#[test]
fn rst_stream() {
    assert_wire(
        RstStream { stream_id: id(1), error_code: ErrorCode::Cancel },
        &[0, 0, 4, 0x03, 0, 0, 0, 0, 1, 0, 0, 0, 8],
    );
}

#[test]
fn settings_of_every_kind() {
    assert_wire(
        Settings {
            ack: false,
            entries: vec![
                Setting::HeaderTableSize(4096),
                Setting::EnablePush(false),
                Setting::MaxConcurrentStreams(100),
                Setting::InitialWindowSize(0x7fff_ffff),
                Setting::MaxFrameSize(0xff_ffff),
                Setting::MaxHeaderListSize(u32::MAX),
                Setting::EnableConnectProtocol(true),
                Setting::NoRfc7540Priorities(true),
                Setting::Unknown { id: 0x0a0a, value: 7 },
            ],
        },
        &[
            [0, 0, 54, 0x04, 0, 0].as_slice(),
            &[0, 0, 0],
            &[0, 1, 0, 0, 0x10, 0],
            &[0, 2, 0, 0, 0, 0],
            &[0, 3, 0, 0, 0, 100],
            &[0, 4, 0x7f, 0xff, 0xff, 0xff],
            &[0, 5, 0, 0xff, 0xff, 0xff],
            &[0, 6, 0xff, 0xff, 0xff, 0xff],
            &[0, 8, 0, 0, 0, 1],
            &[0, 9, 0, 0, 0, 1],
            &[0x0a, 0x0a, 0, 0, 0, 7],
        ]
        .concat(),
    );
}

#[test]
fn settings_keep_order_and_duplicates() {
    assert_wire(
        Settings {
            ack: false,
            entries: vec![
                Setting::MaxConcurrentStreams(2),
                Setting::EnablePush(true),
                Setting::MaxConcurrentStreams(1),
            ],
        },
        &[
            [0, 0, 18, 0x04, 0, 0].as_slice(),
            &[0, 0, 0],
            &[0, 3, 0, 0, 0, 2],
            &[0, 2, 0, 0, 0, 1],
            &[0, 3, 0, 0, 0, 1],
        ]
        .concat(),
    );
}

#[test]
fn settings_acknowledgement() {
    assert_wire(Settings::acknowledgement(), &[0, 0, 0, 0x04, 0x01, 0, 0, 0, 0]);
}

#[test]
fn settings_payload_alone() {
    let settings = Settings { ack: false, entries: vec![Setting::EnablePush(false)] };
    let mut payload = Vec::new();
    settings.encode_payload(&mut payload);
    assert_eq!(payload, encode(&settings.into())[Head::LEN..]);
}

#[test]
fn push_promise() {
    assert_wire(
        PushPromise {
            stream_id: id(1),
            promised_stream_id: id(2),
            fragment: Bytes::from_static(&[0x82]),
            end_headers: true,
            padding: None,
        },
        &[0, 0, 5, 0x05, 0x04, 0, 0, 0, 1, 0, 0, 0, 2, 0x82],
    );
}

#[test]
fn push_promise_with_padding() {
    assert_wire(
        PushPromise {
            stream_id: id(1),
            promised_stream_id: id(2),
            fragment: Bytes::from_static(&[0x82]),
            end_headers: false,
            padding: Some(1),
        },
        &[0, 0, 7, 0x05, 0x08, 0, 0, 0, 1, 1, 0, 0, 0, 2, 0x82, 0],
    );
}

#[test]
fn ping() {
    let ping = Ping { ack: false, payload: *b"\x01\x02\x03\x04\x05\x06\x07\x08" };
    assert_wire(ping, &[0, 0, 8, 0x06, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8]);
    assert_wire(
        Ping { ack: true, ..ping },
        &[0, 0, 8, 0x06, 1, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8],
    );
}

#[test]
fn goaway() {
    assert_wire(
        Goaway {
            last_stream_id: id(7),
            error_code: ErrorCode::Other(0x0102_0304),
            debug_data: Bytes::from_static(b"bye"),
        },
        b"\x00\x00\x0b\x07\x00\x00\x00\x00\x00\x00\x00\x00\x07\x01\x02\x03\x04bye",
    );
}

#[test]
fn window_update() {
    assert_wire(
        WindowUpdate { stream_id: id(1), increment: 0x7fff_ffff },
        &[0, 0, 4, 0x08, 0, 0, 0, 0, 1, 0x7f, 0xff, 0xff, 0xff],
    );
}

#[test]
fn continuation() {
    assert_wire(
        Continuation { stream_id: id(1), fragment: Bytes::from_static(&[0x84]), end_headers: true },
        &[0, 0, 1, 0x09, 0x04, 0, 0, 0, 1, 0x84],
    );
}

#[test]
fn priority_update() {
    assert_wire(
        PriorityUpdate { prioritized_stream_id: id(3), field_value: Bytes::from_static(b"u=1") },
        b"\x00\x00\x07\x10\x00\x00\x00\x00\x00\x00\x00\x00\x03u=1",
    );
}

#[test]
fn altsvc_of_an_origin() {
    assert_wire(
        AltSvc {
            stream_id: StreamId::CONNECTION,
            origin: Bytes::from_static(b"https://a"),
            field_value: Bytes::from_static(b"clear"),
        },
        b"\x00\x00\x10\x0a\x00\x00\x00\x00\x00\x00\x09https://aclear",
    );
}

#[test]
fn altsvc_of_a_stream() {
    assert_wire(
        AltSvc {
            stream_id: id(1),
            origin: Bytes::new(),
            field_value: Bytes::from_static(b"clear"),
        },
        b"\x00\x00\x07\x0a\x00\x00\x00\x00\x01\x00\x00clear",
    );
}

#[test]
fn origin() {
    assert_wire(
        Origin { origins: vec![Bytes::from_static(b"https://a"), Bytes::from_static(b"b")] },
        b"\x00\x00\x0e\x0c\x00\x00\x00\x00\x00\x00\x09https://a\x00\x01b",
    );
    assert_wire(Origin { origins: vec![] }, &[0, 0, 0, 0x0c, 0, 0, 0, 0, 0]);
}

#[test]
fn every_unknown_kind_is_kept_octet_for_octet() {
    let known = (0x00..=0x0a).chain([0x0c, 0x10]).collect::<Vec<u8>>();
    for kind in (0..=u8::MAX).filter(|kind| !known.contains(kind)) {
        assert_wire(
            Unknown {
                kind: Kind(kind),
                flags: Flags(0xff),
                stream_id: id(9),
                payload: Bytes::from_static(b"\x01\x02\x03"),
            },
            &[0, 0, 3, kind, 0xff, 0, 0, 0, 9, 1, 2, 3],
        );
    }
}

#[test]
fn an_increment_is_sent_with_its_reserved_bit_zero() {
    let frame = WindowUpdate { stream_id: id(1), increment: 0x8000_0005 };
    assert_eq!(encode(&frame.into())[Head::LEN..], [0, 0, 0, 5]);
}

#[test]
fn encoding_appends() {
    let mut out = vec![0xaa];
    Frame::from(Settings::default()).encode(&mut out);
    assert_eq!(out, [0xaa, 0, 0, 0, 0x04, 0, 0, 0, 0, 0]);
}
