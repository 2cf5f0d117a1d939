//! Properties that hold for all fields and all octets.

use super::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

fn config() -> ProptestConfig {
    ProptestConfig {
        rng_seed: RngSeed::Fixed(7541),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let common = prop::sample::select(vec![":path", ":status", "cookie", "authorization", "etag"]);
    prop_oneof![
        common.prop_map(|name| name.as_bytes().to_vec()),
        "[a-d]{1,2}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..20),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        "[a-c]{0,2}".prop_map(String::into_bytes),
        "[ -~]{0,300}".prop_map(String::into_bytes),
        vec(any::<u8>(), 0..40),
    ]
}

fn section() -> impl Strategy<Value = Headers> {
    vec((name(), value(), prop::bool::weighted(0.1)), 0..20).prop_map(|fields| {
        let fields = fields.iter();
        fields
            .map(|(name, value, sensitive)| Field { name, value, sensitive: *sensitive })
            .collect()
    })
}

/// Names and values without the sensitivity marks, since the encoder marks some fields itself.
fn pairs(headers: &Headers) -> Vec<(&[u8], &[u8])> {
    headers.iter().map(|field| (field.name, field.value)).collect()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn encoded_fields_decode_at_any_split(
        sections in vec(section(), 1..8),
        sizes in vec(0..5000_usize, 8),
        cuts in vec(1..40_usize, 1..20),
    ) {
        let mut encoder = Encoder::with_table_cap(8192);
        let mut decoder = Decoder::new(Limits::default());
        let mut cuts = cuts.iter().cycle();
        for (section, size) in sections.iter().zip(sizes) {
            encoder.set_max_table_size(size);
            decoder.set_max_table_size(size);
            let mut block = &encode_next(&mut encoder, section)[..];
            while let Some((fragment, rest)) = block.split_at_checked(*cuts.next().unwrap()) {
                prop_assert!(decoder.decode(fragment, false).unwrap().is_none());
                block = rest;
            }
            let decoded = decoder.decode(block, true).unwrap().unwrap();
            prop_assert!(!decoded.truncated);
            prop_assert_eq!(pairs(&decoded.headers), pairs(section));
            let marks = decoded.headers.iter().zip(section);
            prop_assert!(marks.into_iter().all(|(got, sent)| got.sensitive >= sent.sensitive));
        }
    }

    #[test]
    fn random_octets_decode_the_same_whole_and_in_pieces(
        octets in vec(any::<u8>(), 0..200),
        cut in 0..200_usize,
    ) {
        let whole = Decoder::new(Limits::default()).decode(&octets, true);
        let mut decoder = Decoder::new(Limits::default());
        let (first, second) = octets.split_at(cut.min(octets.len()));
        let pieces = decoder.decode(first, false).and_then(|_| decoder.decode(second, true));
        match (whole, pieces) {
            (Ok(whole), Ok(pieces)) => {
                prop_assert_eq!(whole.unwrap().headers, pieces.unwrap().headers);
            }
            (whole, pieces) => prop_assert_eq!(whole.err(), pieces.err()),
        }
    }

    #[test]
    fn huffman_round_trip(text in vec(any::<u8>(), 0..200)) {
        let (mut coded, mut back) = (Vec::new(), b"before".to_vec());
        huffman::encode(&text, &mut coded);
        prop_assert_eq!(coded.len(), huffman::encoded_len(&text));
        huffman::decode(&coded, &mut back).unwrap();
        prop_assert_eq!(&back[6..], &text);
    }

    /// The code is complete and its padding unique, so a decodable string has exactly one encoding.
    #[test]
    fn decoded_huffman_string_encodes_to_itself(coded in vec(any::<u8>(), 0..60)) {
        let (mut text, mut again) = (Vec::new(), Vec::new());
        if huffman::decode(&coded, &mut text).is_ok() {
            huffman::encode(&text, &mut again);
            prop_assert_eq!(again, coded);
        }
    }
}
