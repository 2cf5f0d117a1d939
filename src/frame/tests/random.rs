//! Properties that hold for any frame and for any octets.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

use super::super::*;
use super::{decode, encode, id};

fn any_octets() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..300).prop_map(Bytes::from)
}

/// A stream other than 0.
fn any_stream() -> impl Strategy<Value = StreamId> {
    (1..=StreamId::MAX.get()).prop_map(id)
}

fn any_id() -> impl Strategy<Value = StreamId> {
    prop_oneof![Just(StreamId::CONNECTION), any_stream()]
}

fn any_error_code() -> impl Strategy<Value = ErrorCode> {
    prop_oneof![0..0x20_u32, any::<u32>()].prop_map(ErrorCode::from)
}

fn any_dependency() -> impl Strategy<Value = Dependency> {
    (any_id(), any::<bool>(), any::<u8>()).prop_map(|(stream_id, exclusive, weight)| Dependency {
        stream_id,
        exclusive,
        weight,
    })
}

fn any_setting() -> impl Strategy<Value = Setting> {
    prop_oneof![
        any::<u32>().prop_map(Setting::HeaderTableSize),
        any::<bool>().prop_map(Setting::EnablePush),
        any::<u32>().prop_map(Setting::MaxConcurrentStreams),
        (0..=MAX_WINDOW).prop_map(Setting::InitialWindowSize),
        (DEFAULT_MAX_FRAME_SIZE..=MAX_MAX_FRAME_SIZE).prop_map(Setting::MaxFrameSize),
        any::<u32>().prop_map(Setting::MaxHeaderListSize),
        any::<bool>().prop_map(Setting::EnableConnectProtocol),
        any::<bool>().prop_map(Setting::NoRfc7540Priorities),
        (0x0a_u16.., any::<u32>()).prop_map(|(id, value)| Setting::Unknown { id, value }),
    ]
}

fn any_data() -> impl Strategy<Value = Frame> {
    (any_stream(), any_octets(), any::<bool>(), option::of(any::<u8>())).prop_map(
        |(stream_id, data, end_stream, padding)| {
            Data { stream_id, data, end_stream, padding }.into()
        },
    )
}

fn any_headers() -> impl Strategy<Value = Frame> {
    let ends = (any::<bool>(), any::<bool>());
    let options = (option::of(any_dependency()), option::of(any::<u8>()));
    (any_stream(), any_octets(), ends, options).prop_map(
        |(stream_id, fragment, (end_stream, end_headers), (priority, padding))| {
            Headers { stream_id, fragment, end_stream, end_headers, priority, padding }.into()
        },
    )
}

fn any_settings() -> impl Strategy<Value = Frame> {
    prop_oneof![
        Just(Settings::acknowledgement().into()),
        vec(any_setting(), 0..50).prop_map(|entries| Settings { ack: false, entries }.into()),
    ]
}

fn any_push_promise() -> impl Strategy<Value = Frame> {
    (any_stream(), any_stream(), any_octets(), any::<bool>(), option::of(any::<u8>())).prop_map(
        |(stream_id, promised_stream_id, fragment, end_headers, padding)| {
            PushPromise { stream_id, promised_stream_id, fragment, end_headers, padding }.into()
        },
    )
}

/// PRIORITY, RST_STREAM, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION.
fn any_simple() -> impl Strategy<Value = Frame> {
    prop_oneof![
        (any_stream(), any_dependency()).prop_map(|(stream_id, dependency)| Priority {
            stream_id,
            dependency
        }
        .into()),
        (any_stream(), any_error_code()).prop_map(|(stream_id, error_code)| RstStream {
            stream_id,
            error_code
        }
        .into()),
        any::<(bool, [u8; 8])>().prop_map(|(ack, payload)| Ping { ack, payload }.into()),
        (any_id(), any_error_code(), any_octets()).prop_map(
            |(last_stream_id, error_code, debug_data)| {
                Goaway { last_stream_id, error_code, debug_data }.into()
            }
        ),
        (any_id(), 1..=MAX_WINDOW).prop_map(|(stream_id, increment)| WindowUpdate {
            stream_id,
            increment
        }
        .into()),
        (any_stream(), any_octets(), any::<bool>()).prop_map(
            |(stream_id, fragment, end_headers)| {
                Continuation { stream_id, fragment, end_headers }.into()
            }
        ),
    ]
}

fn any_extension() -> impl Strategy<Value = Frame> {
    let some_octets = vec(any::<u8>(), 1..300).prop_map(Bytes::from);
    let unknown = any::<u8>()
        .prop_filter("a kind with a struct", |kind| {
            !(0x00..=0x0a).contains(kind) && ![0x0c, 0x10].contains(kind)
        })
        .prop_map(Kind);
    prop_oneof![
        (any_stream(), any_octets()).prop_map(|(prioritized_stream_id, field_value)| {
            PriorityUpdate { prioritized_stream_id, field_value }.into()
        }),
        (some_octets, any_octets()).prop_map(|(origin, field_value)| {
            AltSvc { stream_id: StreamId::CONNECTION, origin, field_value }.into()
        }),
        (any_stream(), any_octets()).prop_map(|(stream_id, field_value)| {
            AltSvc { stream_id, origin: Bytes::new(), field_value }.into()
        }),
        vec(any_octets(), 0..10).prop_map(|origins| Origin { origins }.into()),
        (unknown, any::<u8>().prop_map(Flags), any_id(), any_octets()).prop_map(
            |(kind, flags, stream_id, payload)| {
                Unknown { kind, flags, stream_id, payload }.into()
            }
        ),
    ]
}

/// Any frame that decoding can return.
fn any_frame() -> impl Strategy<Value = Frame> {
    prop_oneof![
        1 => any_data(),
        1 => any_headers(),
        1 => any_settings(),
        1 => any_push_promise(),
        6 => any_simple(),
        5 => any_extension(),
    ]
}

/// Decodes, prints and encodes the frames in some octets, up to the end or an error.
fn digest(octets: &[u8], max_frame_size: u32) {
    let mut input = BytesMut::from(octets);
    loop {
        let before = input.len();
        match Frame::decode(&mut input, max_frame_size) {
            Ok(Some(frame)) => {
                // A decoded frame decodes to the same frame after it has been encoded again.
                assert_eq!(decode(&encode(&frame)).as_ref(), Ok(&frame));
                assert!(!frame.to_string().contains('\n'));
            }
            Ok(None) => {
                assert_eq!(input.len(), before, "nothing is consumed");
                return;
            }
            Err(error) => {
                assert!(!error.to_string().is_empty());
                if error.scope == Scope::Connection {
                    return;
                }
            }
        }
        assert!(input.len() < before, "a frame is consumed");
    }
}

/// Makes every run use the same cases, and leaves no file behind after a failure.
fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(9113),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn an_encoded_frame_decodes_to_itself(frame in any_frame()) {
        prop_assert_eq!(decode(&encode(&frame)), Ok(frame));
    }

    #[test]
    fn random_octets_never_panic(octets in vec(any::<u8>(), 0..400)) {
        digest(&octets, DEFAULT_MAX_FRAME_SIZE);
    }

    #[test]
    fn random_frames_with_a_true_length_never_panic(
        frames in vec(
            (0..=0x12_u8, any::<u8>(), 0..4_u8, vec(any::<u8>(), 0..40)),
            0..10,
        ),
    ) {
        let mut wire = Vec::new();
        for (kind, flags, stream, payload) in frames {
            wire.extend([0, 0, payload.len() as u8, kind, flags, 0, 0, 0, stream]);
            wire.extend(payload);
        }
        digest(&wire, DEFAULT_MAX_FRAME_SIZE);
    }

    #[test]
    fn a_frame_with_one_octet_changed_never_panics(
        frame in any_frame(),
        place in any::<prop::sample::Index>(),
        octet in any::<u8>(),
    ) {
        let mut wire = encode(&frame);
        let place = place.index(wire.len());
        wire[place] = octet;
        digest(&wire, MAX_MAX_FRAME_SIZE);
    }
}

#[test]
fn every_kind_at_every_length_up_to_64_never_panics() {
    for kind in 0..=u8::MAX {
        for length in 0..=64 {
            for fill in [0x00, 0x01, 0xff] {
                for (flags, stream) in [(0, 0), (0, 1), (0xff, 0), (0xff, 1)] {
                    digest(
                        &super::octets(Kind(kind), flags, stream, &vec![fill; length]),
                        DEFAULT_MAX_FRAME_SIZE,
                    );
                }
            }
        }
    }
}
