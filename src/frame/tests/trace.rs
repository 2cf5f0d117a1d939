//! The trace line of each frame type, and of an error.

use bytes::Bytes;

use super::super::*;
use super::{decode, id, octets};

#[track_caller]
fn assert_line(frame: impl Into<Frame>, line: &str) {
    assert_eq!(frame.into().to_string(), line);
}

#[test]
fn data() {
    let data = Bytes::from_static(b"hello");
    let frame = Data { stream_id: id(1), data, end_stream: true, padding: None };
    assert_line(frame.clone(), "DATA stream=1 length=5 flags=END_STREAM");
    assert_line(
        Data { padding: Some(2), ..frame },
        "DATA stream=1 length=8 flags=END_STREAM|PADDED padding=2",
    );
}

#[test]
fn headers() {
    let frame = Headers {
        stream_id: id(1),
        fragment: Bytes::from_static(&[0; 25]),
        end_stream: true,
        end_headers: true,
        priority: None,
        padding: None,
    };
    assert_line(frame.clone(), "HEADERS stream=1 length=25 flags=END_STREAM|END_HEADERS");
    assert_line(
        Headers {
            end_stream: false,
            end_headers: false,
            priority: Some(Dependency { stream_id: id(0), exclusive: true, weight: 15 }),
            padding: Some(0),
            ..frame
        },
        "HEADERS stream=1 length=31 flags=PADDED|PRIORITY depends_on=0 weight=15 exclusive \
         padding=0",
    );
}

#[test]
fn priority() {
    let dependency = Dependency { stream_id: id(1), exclusive: false, weight: 255 };
    assert_line(
        Priority { stream_id: id(3), dependency },
        "PRIORITY stream=3 length=5 depends_on=1 weight=255",
    );
}

#[test]
fn rst_stream() {
    assert_line(
        RstStream { stream_id: id(3), error_code: ErrorCode::Other(0x2a) },
        "RST_STREAM stream=3 length=4 error=0x2a",
    );
}

#[test]
fn settings() {
    assert_line(
        Settings {
            ack: false,
            entries: vec![
                Setting::HeaderTableSize(4096),
                Setting::EnablePush(false),
                Setting::MaxConcurrentStreams(1),
                Setting::InitialWindowSize(2),
                Setting::MaxFrameSize(16384),
                Setting::MaxHeaderListSize(3),
                Setting::EnableConnectProtocol(true),
                Setting::NoRfc7540Priorities(true),
                Setting::Unknown { id: 0x2a, value: 4 },
            ],
        },
        "SETTINGS length=54 HEADER_TABLE_SIZE=4096 ENABLE_PUSH=0 MAX_CONCURRENT_STREAMS=1 \
         INITIAL_WINDOW_SIZE=2 MAX_FRAME_SIZE=16384 MAX_HEADER_LIST_SIZE=3 \
         ENABLE_CONNECT_PROTOCOL=1 NO_RFC7540_PRIORITIES=1 0x002a=4",
    );
    assert_line(Settings::acknowledgement(), "SETTINGS length=0 flags=ACK");
}

#[test]
fn the_line_of_a_long_settings_is_cut() {
    let entries = vec![Setting::EnablePush(false); 33];
    let line = Settings { ack: false, entries }.to_string();
    assert_eq!(line.matches("ENABLE_PUSH").count(), 32);
    assert!(line.ends_with("ENABLE_PUSH=0 ..."));
}

#[test]
fn push_promise() {
    assert_line(
        PushPromise {
            stream_id: id(1),
            promised_stream_id: id(2),
            fragment: Bytes::from_static(&[0x82]),
            end_headers: true,
            padding: Some(1),
        },
        "PUSH_PROMISE stream=1 length=7 flags=END_HEADERS|PADDED promised_stream=2 padding=1",
    );
}

#[test]
fn ping() {
    assert_line(
        Ping { ack: true, payload: [0, 0, 0, 0, 0, 0, 0, 1] },
        "PING length=8 flags=ACK payload=0x0000000000000001",
    );
}

#[test]
fn goaway() {
    let frame =
        Goaway { last_stream_id: id(0), error_code: ErrorCode::NoError, debug_data: Bytes::new() };
    assert_line(frame.clone(), "GOAWAY length=8 last_stream=0 error=NO_ERROR");
    assert_line(
        Goaway { debug_data: Bytes::from_static(b"a \"b\"\n\x1b"), ..frame.clone() },
        r#"GOAWAY length=15 last_stream=0 error=NO_ERROR debug="a \"b\"\n\x1b""#,
    );
    let line = Goaway { debug_data: Bytes::from(vec![b'x'; 1000]), ..frame }.to_string();
    assert!(line.ends_with(&format!("debug=\"{}\"...", "x".repeat(64))));
}

#[test]
fn window_update() {
    assert_line(
        WindowUpdate { stream_id: id(0), increment: 65_535 },
        "WINDOW_UPDATE stream=0 length=4 increment=65535",
    );
}

#[test]
fn continuation() {
    assert_line(
        Continuation { stream_id: id(1), fragment: Bytes::new(), end_headers: true },
        "CONTINUATION stream=1 length=0 flags=END_HEADERS",
    );
}

#[test]
fn priority_update() {
    assert_line(
        PriorityUpdate { prioritized_stream_id: id(3), field_value: Bytes::from_static(b"u=1") },
        r#"PRIORITY_UPDATE length=7 prioritized_stream=3 value="u=1""#,
    );
}

#[test]
fn altsvc() {
    assert_line(
        AltSvc {
            stream_id: id(1),
            origin: Bytes::new(),
            field_value: Bytes::from_static(b"clear"),
        },
        r#"ALTSVC stream=1 length=7 origin="" value="clear""#,
    );
}

#[test]
fn origin() {
    let origins = vec![Bytes::from_static(b"https://a"); 2];
    assert_line(Origin { origins }, r#"ORIGIN length=22 origin="https://a" origin="https://a""#);
    let line = Origin { origins: vec![Bytes::new(); 9] }.to_string();
    assert_eq!(line.matches("origin=").count(), 8);
    assert!(line.ends_with(" ..."));
}

#[test]
fn unknown() {
    let frame = decode(&octets(Kind(0x2a), 0x05, 1, b"?")).unwrap();
    assert_line(frame, "UNKNOWN(0x2a) stream=1 length=1 flags=0x05");
}

#[test]
fn an_error_says_what_is_wrong_and_where() {
    let error = decode(&octets(Kind::WINDOW_UPDATE, 0, 3, &[0; 4])).unwrap_err();
    assert_eq!(error.reason(), "WINDOW_UPDATE has an increment of 0");
    assert_eq!(
        error.to_string(),
        "stream 3 error PROTOCOL_ERROR: WINDOW_UPDATE has an increment of 0 \
         (WINDOW_UPDATE stream=3 length=4)"
    );
    let error = decode(&octets(Kind::PING, 0, 5, &[0; 8])).unwrap_err();
    assert_eq!(
        error.to_string(),
        "connection error PROTOCOL_ERROR: a connection frame is on a stream \
         (PING stream=5 length=8)"
    );
}
