//! Input that the decoder accepts or refuses.

use super::*;

#[test]
fn indices_are_within_the_tables() {
    assert_eq!(decode(&[0x80]), Err(DecodeError::InvalidIndex));
    assert!(decode(&[0x80 | 61]).is_ok());
    assert_eq!(decode(&[0x80 | 62]), Err(DecodeError::InvalidIndex));
    assert_eq!(decode(&[0xff, 0x80, 0xff, 0xff, 0xff, 0x0f]), Err(DecodeError::InvalidIndex));
    // An index for a name is checked before its value has arrived.
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decoder.decode(&[0x7f, 0x00], false).unwrap_err(), DecodeError::InvalidIndex);
}

#[test]
fn integer_overflow_is_refused() {
    let block = [0xff, 0x80, 0x80, 0x80, 0x80, 0x80];
    assert_eq!(decode(&block), Err(DecodeError::IntegerOverflow));
    assert_eq!(decode(&hex("00 7f ffff ffff 7f")), Err(DecodeError::IntegerOverflow));
}

#[test]
fn huffman_padding_is_checked() {
    let value = |coded: &str| {
        let coded = hex(coded);
        decode(&[&[0x04, 0x80 | coded.len() as u8], &coded[..]].concat())
    };
    // '0' is 00000.
    assert_eq!(value("07"), Ok(headers!(":path" => "0")));
    assert_eq!(value("06"), Err(DecodeError::HuffmanPadding));
    assert_eq!(value("00"), Err(DecodeError::HuffmanPadding));
    assert_eq!(value("07 ff"), Err(DecodeError::HuffmanPadding));
    assert_eq!(value("ff"), Err(DecodeError::HuffmanPadding));
    assert_eq!(value("ff ff ff"), Err(DecodeError::HuffmanPadding));
    // '&' is 11111000 and needs no padding; an empty string is valid.
    assert_eq!(value("f8"), Ok(headers!(":path" => "&")));
    assert_eq!(value(""), Ok(headers!(":path" => "")));
}

#[test]
fn end_of_string_symbol_is_refused() {
    for coded in [
        "ffff ffff",
        "07ff ffff ff",
        "ffff fffc 0000 0000 0000 0000 00ff",
        "ffff ffff ffff ffff ffff",
    ] {
        let mut out = Vec::new();
        assert_eq!(huffman::decode(&hex(coded), &mut out), Err(DecodeError::HuffmanEos), "{coded}");
    }
}

#[test]
fn block_that_ends_inside_a_field_is_refused() {
    let block = hex("4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf");
    for end in 1..block.len() {
        assert_eq!(decode(&block[..end]), Err(DecodeError::Truncated), "{end}");
    }
}

#[test]
fn block_may_be_split_anywhere() {
    let block = hex("8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf");
    let first = hex("4803 3330 37");
    let whole = {
        let mut decoder = Decoder::new(Limits::default());
        decode_next(&mut decoder, &[&first[..], &first].concat()).unwrap();
        decode_next(&mut decoder, &block).unwrap()
    };
    for (one, two) in (0..block.len()).flat_map(|one| (one..block.len()).map(move |two| (one, two)))
    {
        let mut decoder = Decoder::new(Limits::default());
        decode_next(&mut decoder, &[&first[..], &first].concat()).unwrap();
        assert!(decoder.decode(&block[..one], false).unwrap().is_none());
        assert!(decoder.decode(&block[one..two], false).unwrap().is_none());
        assert_eq!(decode_next(&mut decoder, &block[two..]), Ok(whole.clone()));
    }
}

#[test]
fn empty_blocks_and_fragments_are_fine() {
    let mut decoder = Decoder::new(Limits::default());
    assert_eq!(decode_next(&mut decoder, &[]), Ok(headers!()));
    assert!(decoder.decode(&[], false).unwrap().is_none());
    assert!(decoder.decode(&[0x82], false).unwrap().is_none());
    assert!(decoder.decode(&[], false).unwrap().is_none());
    assert_eq!(decode_next(&mut decoder, &[]), Ok(headers!(":method" => "GET")));
}

#[test]
fn empty_names_and_values_are_decoded() {
    assert_eq!(decode(&hex("40 00 00")), Ok(headers!("" => "")));
}

#[test]
fn name_may_come_from_the_entry_that_its_own_field_evicts() {
    let mut decoder = Decoder::new(Limits::default());
    // A table of 36 octets, into which one of these fields fits.
    let block = hex("3f05 40 0161 03 31 32 33 7e 03 34 35 36");
    assert_eq!(decode_next(&mut decoder, &block), Ok(headers!("a" => "123", "a" => "456")));
    assert_eq!((decoder.table_len(), decoder.table_size()), (1, 36));
    assert_eq!(decode_next(&mut decoder, &[0xbe]), Ok(headers!("a" => "456")));
}

/// An entry that is too large empties the table (RFC 7541, Section 4.4).
#[test]
fn entry_larger_than_the_table_empties_it_and_is_still_a_field() {
    let mut decoder = Decoder::new(Limits::default());
    let block = hex("3f05 40 0161 03 31 32 33 40 0161 04 31 32 33 34");
    assert_eq!(decode_next(&mut decoder, &block), Ok(headers!("a" => "123", "a" => "1234")));
    assert_eq!(decoder.table_len(), 0);
}

#[test]
fn never_indexed_mark_survives() {
    let block = hex("10 0161 0162 00 0161 0162");
    let expected = [Field::new_sensitive("a", "b"), Field::new("a", "b")];
    assert!(decode(&block).unwrap().iter().eq(expected));
}

#[test]
fn failed_decoder_keeps_failing() {
    let mut decoder = Decoder::new(Limits::default());
    assert!(decoder.decode(&[0x80], false).is_err());
    assert_eq!(decoder.decode(&[0x82], true).unwrap_err(), DecodeError::InvalidIndex);
}
