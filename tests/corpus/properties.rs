//! What holds for whatever a peer sends, and whatever two peers do.
//!
//! The checks themselves are those of the fuzz targets, where they are told one by one. Here
//! proptest makes the inputs, and makes the smallest one that fails.

use h2_sync::frame::{Data, Frame, Ping, RstStream, StreamId, WindowUpdate};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::RngSeed;

use crate::targets;

/// The same cases in every run, and no file left behind by one that fails.
fn config() -> ProptestConfig {
    ProptestConfig {
        cases: 128,
        rng_seed: RngSeed::Fixed(9113),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn octets(len: usize) -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..len)
}

/// The settings of a `server_receive` or `client_receive`, with the octets as they are.
fn with_limits(wire: &[u8], limits: &[u8; 10]) -> Vec<u8> {
    [&[0x38], &limits[..], wire].concat()
}

/// The same, with octets that tell what frames to make; preface and SETTINGS come first.
fn with_script(script: &[u8], limits: &[u8; 10]) -> Vec<u8> {
    [&[0x3e], &limits[..], script].concat()
}

/// Frames that could come on a connection where stream 1 is open.
fn any_frame() -> impl Strategy<Value = Frame> {
    let stream_id = StreamId::from_wire(1);
    prop_oneof![
        (octets(200), any::<bool>(), prop::option::of(any::<u8>())).prop_map(
            move |(data, end_stream, padding)| {
                Data { stream_id, data: data.into(), end_stream, padding }.into()
            }
        ),
        any::<(bool, [u8; 8])>().prop_map(|(ack, payload)| Ping { ack, payload }.into()),
        (0..2_u32, 1..1_u32 << 20).prop_map(|(id, increment)| {
            WindowUpdate { stream_id: StreamId::from_wire(id), increment }.into()
        }),
        (0..16_u32).prop_map(move |code| RstStream { stream_id, error_code: code.into() }.into()),
    ]
}

/// What a client or a server says at the start: preface, SETTINGS, and HEADERS on stream 1.
fn greeting(is_client: bool) -> Vec<u8> {
    let settings = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    if is_client {
        // POST, https, and the path "/".
        let headers = [0, 0, 6, 1, 4, 0, 0, 0, 1, 0x83, 0x87, 0x84, 0x41, 0x01, b'a'];
        [&h2_sync::frame::PREFACE[..], &settings, &headers].concat()
    } else {
        // 200.
        [&settings[..], &[0, 0, 1, 1, 4, 0, 0, 0, 1, 0x88]].concat()
    }
}

fn wire(is_client: bool, frames: &[Frame]) -> Vec<u8> {
    let mut wire = greeting(is_client);
    frames.iter().for_each(|frame| frame.encode(&mut wire));
    wire
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn frames_round_trip_however_they_arrive(frames in vec(any_frame(), 0..20), len in any::<u8>()) {
        let mut wire = vec![24, len];
        frames.iter().for_each(|frame| frame.encode(&mut wire));
        targets::frame_decode(&wire);
    }

    #[test]
    fn field_sections_round_trip_while_the_table_changes(choices in octets(400)) {
        targets::hpack_round_trip(&choices);
    }

    #[test]
    fn any_octets_leave_a_connection_in_its_bounds(
        octets in octets(600),
        limits in any::<[u8; 10]>(),
    ) {
        targets::server_receive(&with_limits(&octets, &limits));
        targets::client_receive(&with_limits(&octets, &limits));
    }

    #[test]
    fn any_frames_leave_a_connection_in_its_bounds(
        script in octets(600),
        limits in any::<[u8; 10]>(),
    ) {
        targets::server_receive(&with_script(&script, &limits));
        targets::client_receive(&with_script(&script, &limits));
    }

    #[test]
    fn valid_frames_leave_a_connection_in_its_bounds(
        frames in vec(any_frame(), 0..30),
        limits in any::<[u8; 10]>(),
    ) {
        targets::server_receive(&with_limits(&wire(true, &frames), &limits));
        targets::client_receive(&with_limits(&wire(false, &frames), &limits));
    }

    #[test]
    fn mutated_frames_leave_a_connection_in_its_bounds(
        frames in vec(any_frame(), 0..30),
        limits in any::<[u8; 10]>(),
        mutations in vec((any::<Index>(), any::<u8>()), 1..4),
    ) {
        for is_client in [true, false] {
            let mut wire = wire(is_client, &frames);
            for (place, octet) in &mutations {
                let place = place.index(wire.len());
                wire[place] = *octet;
            }
            if is_client {
                targets::server_receive(&with_limits(&wire, &limits));
            } else {
                targets::client_receive(&with_limits(&wire, &limits));
            }
        }
    }

    #[test]
    fn two_cores_deliver_everything_whatever_the_scheduling(
        limits in any::<[u8; 7]>(),
        steps in vec((any::<u8>(), prop_oneof![0..4_u8, any::<u8>()], any::<u8>()), 0..150),
    ) {
        let steps = steps.into_iter().flat_map(|(step, a, b)| [step, a, b]);
        let choices: Vec<u8> = limits.into_iter().chain(steps).collect();
        targets::two_cores_joined(&choices);
    }
}
