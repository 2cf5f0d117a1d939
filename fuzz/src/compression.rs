//! HPACK and its Huffman code (RFC 7541).

use h2_sync::Headers;
use h2_sync::hpack::{DecodeError, Decoded, Decoder, Encoder, Field, Limits, huffman};

use super::fields::read_field;
use super::input::Input;

/// Field blocks of any octets, with changes of the table's size in between.
///
/// - The result does not depend on where the block is cut into fragments.
/// - Table and field section stay within their limits.
/// - After an error, there is nothing but the same error.
/// - What was decoded is decoded again after it has been encoded.
pub fn hpack_decode(data: &[u8]) {
    let mut input = Input::new(data);
    let limits = Limits {
        max_section_size: 64 << input.below(12),
        max_fields: 1 + usize::from(input.octet()),
    };
    let fragment_len = 1 + input.below(40);
    let mut whole = Decoder::new(limits);
    let mut pieces = Decoder::new(limits);
    let mut largest_table = 4_096;
    while !input.is_empty() {
        let control = input.octet();
        if control & 0x80 != 0 {
            let size = usize::from(input.u16());
            whole.set_max_table_size(size);
            pieces.set_max_table_size(size);
            largest_table = largest_table.max(size);
        }
        let len = if control & 0x40 != 0 { usize::MAX } else { usize::from(control & 0x3f) };
        let block = input.octets(len);
        let result = whole.decode(block, true);
        assert_eq!(facts(&result), facts(&decode_in_pieces(&mut pieces, block, fragment_len)));
        assert_eq!(
            (whole.table_size(), whole.table_len()),
            (pieces.table_size(), pieces.table_len())
        );
        assert!(whole.table_size() <= largest_table);
        match result {
            Ok(decoded) => check_decoded(&decoded.expect("the block has ended"), limits),
            Err(error) => {
                assert_eq!(whole.decode(b"", true).err(), Some(error));
                assert_eq!(pieces.decode(b"\x82", false).err(), Some(error));
                return;
            }
        }
    }
}

type Outcome = Result<Option<Decoded>, DecodeError>;

fn facts(outcome: &Outcome) -> Result<Option<(&Headers, bool)>, DecodeError> {
    match outcome {
        Ok(decoded) => Ok(decoded.as_ref().map(|decoded| (&decoded.headers, decoded.truncated))),
        Err(error) => Err(*error),
    }
}

fn decode_in_pieces(decoder: &mut Decoder, mut block: &[u8], len: usize) -> Outcome {
    while let Some((fragment, rest)) = block.split_at_checked(len) {
        assert!(decoder.decode(fragment, false)?.is_none(), "the block goes on");
        block = rest;
    }
    decoder.decode(block, true)
}

fn check_decoded(decoded: &Decoded, limits: Limits) {
    let headers = &decoded.headers;
    assert!(headers.section_size() <= limits.max_section_size);
    assert!(headers.len() <= limits.max_fields);
    let mut block = Vec::new();
    Encoder::new().encode(headers, &mut block);
    let again = Decoder::new(limits).decode(&block, true);
    let again = again.expect("we encode what is valid").expect("the block has ended");
    assert!(!again.truncated);
    check_same(headers, &again.headers);
}

/// Several field sections over one encoder and one decoder, whose table changes its size.
///
/// What is decoded is what was encoded, and no field loses its mark of being sensitive.
pub fn hpack_round_trip(data: &[u8]) {
    let mut input = Input::new(data);
    let mut encoder = Encoder::with_table_cap(usize::from(input.u16()));
    let mut decoder = Decoder::new(Limits { max_section_size: 1 << 20, max_fields: 10_000 });
    let fragment_len = 1 + input.below(100);
    while !input.is_empty() {
        for _ in 0..input.below(4) {
            let size = usize::from(input.u16());
            encoder.set_max_table_size(size);
            decoder.set_max_table_size(size);
        }
        let mut section = Headers::new();
        for _ in 0..input.below(12) {
            let (name, value, sensitive) = read_field(&mut input);
            section.extend([Field { name: &name, value: &value, sensitive }]);
        }
        let mut block = Vec::new();
        encoder.encode(&section, &mut block);
        let decoded = decode_in_pieces(&mut decoder, &block, fragment_len);
        let decoded = decoded.expect("we encode what is valid").expect("the block has ended");
        assert!(!decoded.truncated);
        check_same(&section, &decoded.headers);
    }
}

fn check_same(sent: &Headers, got: &Headers) {
    assert_eq!(sent.len(), got.len());
    for (sent, got) in sent.iter().zip(got.iter()) {
        assert_eq!((sent.name, sent.value), (got.name, got.value));
        // The encoder marks some fields itself.
        assert!(got.sensitive || !sent.sensitive);
    }
}

/// The octets as text, and as what text was coded to.
///
/// The code is complete and its padding unique: what can be decoded is what its text encodes to.
pub fn huffman(data: &[u8]) {
    let mut coded = Vec::new();
    huffman::encode(data, &mut coded);
    assert_eq!(coded.len(), huffman::encoded_len(data));
    let mut text = b"before".to_vec();
    huffman::decode(&coded, &mut text).expect("we encode what is valid");
    assert_eq!(text.strip_prefix(b"before"), Some(data));

    let mut text = Vec::new();
    if huffman::decode(data, &mut text).is_ok() {
        // The shortest code has 5 bits.
        assert!(text.len() <= data.len() * 8 / 5);
        let mut again = Vec::new();
        huffman::encode(&text, &mut again);
        assert_eq!(again, data);
    }
}
