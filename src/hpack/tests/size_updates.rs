//! Dynamic table size updates (RFC 7541, Sections 4.2 and 6.3).

use super::*;

/// A decoder with one entry, `:status: 307`, of 42 octets.
fn decoder() -> Decoder {
    let mut decoder = Decoder::new(Limits::default());
    decode_next(&mut decoder, &hex("4803 3330 37")).unwrap();
    decoder
}

#[test]
fn update_evicts() {
    let mut decoder = decoder();
    assert_eq!(decode_next(&mut decoder, &[0x20]), Ok(headers!()));
    assert_eq!(decoder.table_len(), 0);
}

#[test]
fn update_over_the_limit_is_refused() {
    assert!(decode(&hex("3f e1 1f")).is_ok(), "4,096");
    assert_eq!(decode(&hex("3f e2 1f")), Err(DecodeError::SizeUpdateTooLarge));
}

#[test]
fn raised_limit_allows_more_and_requires_nothing() {
    let mut decoder = decoder();
    decoder.set_max_table_size(8192);
    assert!(decode_next(&mut decoder, &[0x82]).is_ok());
    assert!(decode_next(&mut decoder, &hex("3f e1 3f 82")).is_ok(), "8,192");
    assert_eq!(decoder.table_len(), 1);
}

#[test]
fn two_updates_may_begin_a_block() {
    assert_eq!(decode(&[0x20, 0x3f, 0x00, 0x82]), Ok(headers!(":method" => "GET")));
    assert_eq!(decode(&[0x20, 0x21, 0x22]), Err(DecodeError::SizeUpdateMisplaced));
}

#[test]
fn update_behind_a_field_is_refused() {
    assert_eq!(decode(&[0x82, 0x20]), Err(DecodeError::SizeUpdateMisplaced));
    // The rule spans fragments, and starts afresh with the next block.
    let mut decoder = decoder();
    assert!(decoder.decode(&[0x20], false).is_ok());
    assert!(decoder.decode(&[0x82], true).is_ok());
    assert!(decoder.decode(&[0x20, 0x82], false).is_ok());
    assert_eq!(decoder.decode(&[0x20], true).unwrap_err(), DecodeError::SizeUpdateMisplaced);
}

#[test]
fn lowered_limit_requires_an_update() {
    let lowered = || {
        let mut decoder = decoder();
        decoder.set_max_table_size(16);
        decoder
    };
    assert_eq!(decode_next(&mut lowered(), &[0x82]), Err(DecodeError::SizeUpdateMissing));
    assert_eq!(decode_next(&mut lowered(), &[]), Err(DecodeError::SizeUpdateMissing));
    assert_eq!(decode_next(&mut lowered(), &[0x31, 0x82]), Err(DecodeError::SizeUpdateTooLarge));

    let mut decoder = lowered();
    assert_eq!(decode_next(&mut decoder, &[0x30, 0x82]), Ok(headers!(":method" => "GET")));
    assert_eq!(decode_next(&mut decoder, &[0x82]), Ok(headers!(":method" => "GET")));
}

#[test]
fn limit_that_was_lower_in_between_requires_an_update_to_that() {
    let lowered = || {
        let mut decoder = decoder();
        decoder.set_max_table_size(16);
        decoder.set_max_table_size(0);
        decoder.set_max_table_size(4096);
        decoder
    };
    assert_eq!(decode_next(&mut lowered(), &[0x82]), Err(DecodeError::SizeUpdateMissing));
    let too_high = decode_next(&mut lowered(), &hex("30 3fe11f 82"));
    assert_eq!(too_high, Err(DecodeError::SizeUpdateMissing));
    assert!(decode_next(&mut lowered(), &hex("20 3fe11f 82")).is_ok());
}

#[test]
fn limit_above_what_the_peer_uses_requires_nothing() {
    let mut decoder = decoder();
    decode_next(&mut decoder, &[0x20]).unwrap();
    decoder.set_max_table_size(16);
    assert_eq!(decode_next(&mut decoder, &[0x82]), Ok(headers!(":method" => "GET")));
}
