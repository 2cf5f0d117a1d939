//! The limits of a field section during decoding.

use super::*;

fn decoder(max_section_size: usize, max_fields: usize) -> Decoder {
    Decoder::new(Limits { max_section_size, max_fields })
}

#[test]
fn section_at_its_limits_is_whole() {
    // `:method: GET` counts for 42.
    let decoded = decoder(84, 2).decode(&[0x82, 0x82], true).unwrap().unwrap();
    assert_eq!((decoded.headers.len(), decoded.truncated), (2, false));
    assert_eq!(decoded.headers.section_size(), 84);
}

#[test]
fn section_over_its_size_is_truncated() {
    let decoded = decoder(83, 256).decode(&[0x82, 0x82], true).unwrap().unwrap();
    assert_eq!((decoded.headers.len(), decoded.truncated), (1, true));
}

#[test]
fn section_with_too_many_fields_is_truncated() {
    let decoded = decoder(1000, 1).decode(&[0x82, 0x82], true).unwrap().unwrap();
    assert_eq!((decoded.headers.len(), decoded.truncated), (1, true));
}

#[test]
fn nothing_is_stored_behind_the_first_field_over_a_limit() {
    let block = hex("82 00 0161 05 6c6f6e6765 82");
    let decoded = decoder(42 + 33, 256).decode(&block, true).unwrap().unwrap();
    assert_eq!(decoded.headers, headers!(":method" => "GET"));
    assert!(decoded.truncated);
}

#[test]
fn truncated_section_still_fills_the_table() {
    let mut decoder = decoder(50, 256);
    let decoded = decoder.decode(&hex("82 40 0161 0162 82"), true).unwrap().unwrap();
    assert!(decoded.truncated);
    assert_eq!(decode_next(&mut decoder, &[0xbe]), Ok(headers!("a" => "b")));
}

#[test]
fn section_over_four_times_a_limit_is_an_error() {
    assert!(decoder(42, 256).decode(&[0x82; 4], true).is_ok());
    let error = decoder(42, 256).decode(&[0x82; 5], false).unwrap_err();
    assert_eq!(error, DecodeError::SectionTooLarge);
    assert!(error.is_limit());
    assert!(decoder(10_000, 1).decode(&[0x82; 4], true).is_ok());
    let error = decoder(10_000, 1).decode(&[0x82; 5], false).unwrap_err();
    assert_eq!(error, DecodeError::SectionTooLarge);
}

/// One large entry, referred to over and over (CVE-2016-6581).
#[test]
fn large_entry_repeated_is_stopped() {
    let mut decoder = Decoder::new(Limits::default());
    let large = headers!("large" => "x".repeat(3000));
    decode_next(&mut decoder, &encode_next(&mut Encoder::new(), &large)).unwrap();
    let error = decoder.decode(&[0xbe; 16_000], true).unwrap_err();
    assert_eq!(error, DecodeError::SectionTooLarge);
}

#[test]
fn every_crumb_of_a_cookie_counts() {
    let crumbs: Headers = (0..257).map(|_| ("cookie", "")).collect();
    let block = encode_next(&mut Encoder::new(), &crumbs);
    let decoded = Decoder::new(Limits::default()).decode(&block, true).unwrap().unwrap();
    assert_eq!((decoded.headers.len(), decoded.truncated), (256, true));
}

#[test]
fn claimed_length_is_not_waited_for() {
    // A literal name with a claimed length of 2^31 octets, none of which have arrived.
    let error = decoder(1000, 256).decode(&hex("00 7f81ffffff07"), false).unwrap_err();
    assert_eq!(error, DecodeError::SectionTooLarge);
}

#[test]
fn claimed_length_allocates_nothing() {
    let mut decoder = Decoder::new(Limits { max_section_size: usize::MAX, max_fields: 256 });
    assert!(decoder.decode(&hex("00 7f80ffffff07"), false).unwrap().is_none());
    assert_eq!(decoder.decode(&[], true).unwrap_err(), DecodeError::Truncated);
}
