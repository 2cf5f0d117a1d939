//! Sections that come again, which are neither encoded nor decoded field by field.

use super::*;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn encode_section(encoder: &mut Encoder, headers: &Headers) -> Vec<u8> {
    let mut block = Vec::new();
    encoder.encode_section(headers, &mut block);
    block
}

/// Sections that repeat parts of one another, some of the same size.
fn sections() -> [Headers; 5] {
    [
        headers!(":status" => "200", "content-type" => "application/grpc"),
        headers!("grpc-status" => "0", "x-trace" => "1"),
        headers!("grpc-status" => "0", "x-trace" => "2"),
        headers!(":status" => "200", "etag" => "never indexed", "x-large" => "a".repeat(200)),
        headers!(),
    ]
}

#[test]
fn response_and_trailers_in_turns_are_kept() {
    let (mut encoder, [response, trailers, ..]) = (Encoder::new(), sections());
    for _ in 0..3 {
        encode_section(&mut encoder, &response);
        encode_section(&mut encoder, &trailers);
    }
    let numbers = [&response, &trailers].map(|section| encoder.number_of_repeated(section));
    assert_eq!(numbers, [Some(1), Some(2)]);
    let block = encode_section(&mut encoder, &response);
    assert_eq!(block, encode_next(&mut encoder, &response));
}

#[test]
fn repeated_request_shares_its_fields() {
    let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new(Limits::default()));
    let request = headers!(":method" => "GET", "user-agent" => "example");
    let mut next = || decode_next(&mut decoder, &encode_next(&mut encoder, &request)).unwrap();
    let all: Vec<_> = (0..4).map(|_| next()).collect();
    assert!(all.iter().all(|section| *section == request));
    assert!(!all[0].is_clone_of(&all[1]) && all[2].is_clone_of(&all[3]));
}

#[test]
fn repeated_block_has_the_fields_of_the_table_as_it_is() {
    let mut decoder = Decoder::new(Limits::default());
    decode_next(&mut decoder, b"\x40\x01a\x03one").unwrap();
    for _ in 0..4 {
        assert_eq!(decode_next(&mut decoder, b"\xbe"), Ok(headers!("a" => "one")));
    }
    decode_next(&mut decoder, b"\x40\x01a\x03two").unwrap();
    assert_eq!(decode_next(&mut decoder, b"\xbe"), Ok(headers!("a" => "two")));
}

#[test]
fn repeated_block_that_adds_to_the_table_does_so_each_time() {
    let mut decoder = Decoder::new(Limits::default());
    for n in 1..5 {
        decode_next(&mut decoder, b"\x40\x01a\x03one").unwrap();
        assert_eq!(decoder.table_len(), n);
    }
}

#[test]
fn repeated_block_without_a_required_size_update_is_an_error() {
    let mut decoder = Decoder::new(Limits::default());
    for _ in 0..4 {
        decode_next(&mut decoder, b"\x82").unwrap();
    }
    decoder.set_max_table_size(100);
    assert_eq!(decode_next(&mut decoder, b"\x82"), Err(DecodeError::SizeUpdateMissing));
}

#[test]
fn repeated_block_in_the_middle_of_another_is_part_of_that() {
    let mut decoder = Decoder::new(Limits::default());
    for _ in 0..4 {
        decode_next(&mut decoder, b"\x82").unwrap();
    }
    assert!(decoder.decode(b"\x84", false).unwrap().is_none());
    let section = decode_next(&mut decoder, b"\x82").unwrap();
    assert_eq!(section, headers!(":path" => "/", ":method" => "GET"));
}

proptest! {
    #![proptest_config(ProptestConfig {
        rng_seed: RngSeed::Fixed(7541),
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn sections_in_any_order_and_tables_of_any_size_are_decoded(
        steps in prop::collection::vec((0..5_usize, prop::option::weighted(0.1, 0..300_usize)), 1..60),
    ) {
        let (mut encoder, mut decoder) = (Encoder::new(), Decoder::new(Limits::default()));
        let sections = sections();
        for (which, size) in steps {
            if let Some(size) = size {
                decoder.set_max_table_size(size);
                encoder.set_max_table_size(size);
            }
            let block = encode_section(&mut encoder, &sections[which]);
            prop_assert_eq!(&decode_next(&mut decoder, &block).unwrap(), &sections[which]);
        }
    }
}
