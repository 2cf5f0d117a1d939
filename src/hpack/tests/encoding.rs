//! Output of the encoder.

use super::*;

/// Encodes a field twice, and returns the first octet of each block.
fn first_octets(headers: Headers) -> (u8, u8) {
    let mut encoder = Encoder::new();
    (encode_next(&mut encoder, &headers)[0], encode_next(&mut encoder, &headers)[0])
}

#[test]
fn repeated_field_takes_one_octet() {
    assert_eq!(first_octets(headers!("x" => "1")), (0x40, 0xbe));
    assert_eq!(first_octets(headers!("server" => "h2")), (0x40 | 54, 0xbe));
}

#[test]
fn fields_of_the_static_table_take_one_octet() {
    for index in 1..=61 {
        let entry = decode(&[0x80 | index]).unwrap();
        let name = entry.iter().next().unwrap().name;
        if ![&b"authorization"[..], b"proxy-authorization", b"cookie"].contains(&name) {
            assert_eq!(encode_next(&mut Encoder::new(), &entry), [0x80 | index]);
        }
    }
}

#[test]
fn name_of_a_dynamic_entry_is_used_again() {
    let mut encoder = Encoder::new();
    encode_next(&mut encoder, &headers!("custom" => "1"));
    assert_eq!(encode_next(&mut encoder, &headers!("custom" => "2")), hex("7e 0132"));
    let sensitive = [Field::new_sensitive("custom", "3")];
    let mut block = Vec::new();
    encoder.encode(sensitive, &mut block);
    assert_eq!(block, hex("1f 2f 0133"));
}

#[test]
fn secrets_are_never_indexed() {
    let never = |name: &str, value: &str| {
        let (first, second) = first_octets(headers!(name => value));
        assert_eq!((first & 0xf0, second & 0xf0), (0x10, 0x10), "{name}");
    };
    never("authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l");
    never("proxy-authorization", "Basic YWxhZGRpbjpvcGVuc2VzYW1l");
    never("cookie", "under-twenty-octets");
    never("authorization", "");
    assert_eq!(first_octets(headers!("cookie" => "twenty-octets-or-more")), (0x60, 0xbe));
}

#[test]
fn marked_field_is_never_indexed_though_a_table_has_it() {
    let mut encoder = Encoder::new();
    let mut block = Vec::new();
    encoder.encode([Field::new("x", "1"), Field::new_sensitive("x", "1")], &mut block);
    encoder.encode([Field::new_sensitive(":method", "GET")], &mut block);
    let expected = [
        Field::new("x", "1"),
        Field::new_sensitive("x", "1"),
        Field::new_sensitive(":method", "GET"),
    ];
    assert!(decode(&block).unwrap().iter().eq(expected));
}

/// The encoder predicts the field that followed last time; the sensitive one must not match it.
#[test]
fn sensitive_field_does_not_match_the_predicted_entry() {
    let mut encoder = Encoder::new();
    encode_next(&mut encoder, &headers!("x" => "1", "y" => "2"));
    let mut block = Vec::new();
    encoder.encode([Field::new("x", "1"), Field::new_sensitive("y", "2")], &mut block);
    assert_eq!(block, hex("bf 1f 2f 0132"));
}

#[test]
fn fields_in_another_order_are_found() {
    let mut encoder = Encoder::new();
    encode_next(&mut encoder, &headers!("a" => "1", "b" => "2", "c" => "3"));
    assert_eq!(
        encode_next(&mut encoder, &headers!("a" => "1", "b" => "2", "c" => "3")),
        hex("c0bfbe")
    );
    assert_eq!(
        encode_next(&mut encoder, &headers!("b" => "2", "a" => "1", "c" => "3")),
        hex("bfc0be")
    );
    assert_eq!(encode_next(&mut encoder, &headers!("c" => "3", "a" => "1")), hex("bec0"));
}

#[test]
fn fields_that_differ_each_time_are_not_indexed() {
    for name in [":path", "content-length", "etag", "last-modified", "set-cookie", "location"] {
        let (first, second) = first_octets(headers!(name => "something"));
        assert_eq!((first & 0xf0, second & 0xf0), (0, 0), "{name}");
    }
    // A value of the static table is still sent as an index.
    assert_eq!(first_octets(headers!(":path" => "/")), (0x84, 0x84));
}

#[test]
fn field_too_large_for_the_table_does_not_empty_it() {
    let mut encoder = Encoder::new();
    let small = headers!("x" => "1");
    encode_next(&mut encoder, &small);
    let large = encode_next(&mut encoder, &headers!("y" => "1".repeat(3072 - 32)));
    assert_eq!(large[0], 0x00);
    assert_eq!(encode_next(&mut encoder, &small), [0xbe]);
}

#[test]
fn huffman_code_is_used_only_where_it_is_shorter() {
    assert_eq!(encode_next(&mut Encoder::new(), &headers!(":path" => "aaa")), hex("04 82 18c7"));
    assert_eq!(encode_next(&mut Encoder::new(), &headers!(":path" => "X")), hex("04 01 58"));
}

#[test]
fn lowered_table_size_is_signalled_once() {
    let mut encoder = Encoder::new();
    let headers = headers!("x" => "1");
    encode_next(&mut encoder, &headers);
    encoder.set_max_table_size(0);
    assert_eq!(encode_next(&mut encoder, &headers)[..2], [0x20, 0x00]);
    assert_eq!(encode_next(&mut encoder, &headers)[0], 0x00);
}

/// Several changes before a block (RFC 7541, Section 4.2).
#[test]
fn lowest_and_last_table_size_are_signalled() {
    let mut encoder = Encoder::new();
    for bytes in [1000, 16, 20, 4096] {
        encoder.set_max_table_size(bytes);
    }
    assert_eq!(encode_next(&mut encoder, &headers!()), hex("30 3fe11f"));
}

#[test]
fn allowance_above_the_cap_is_not_signalled() {
    let mut encoder = Encoder::new();
    encoder.set_max_table_size(65_536);
    assert!(encode_next(&mut encoder, &headers!()).is_empty());
}

#[test]
fn cap_above_the_default_applies_once_the_peer_allows_it() {
    let mut encoder = Encoder::with_table_cap(8192);
    assert!(encode_next(&mut encoder, &headers!()).is_empty());
    encoder.set_max_table_size(65_536);
    assert_eq!(encode_next(&mut encoder, &headers!()), hex("3fe13f"));
}

#[test]
fn cap_under_the_default_is_signalled_at_once() {
    let mut encoder = Encoder::with_table_cap(16);
    assert_eq!(encode_next(&mut encoder, &headers!()), hex("30"));
}

#[test]
fn encoder_and_decoder_stay_equal_while_entries_are_evicted() {
    let (mut encoder, mut decoder) =
        (Encoder::with_table_cap(300), Decoder::new(Limits::default()));
    for round in 0..2000_usize {
        let headers: Headers = (0..round % 5)
            .map(|field| (format!("name-{}", round * field % 7), "v".repeat(round * 31 % 40)))
            .collect();
        let block = encode_next(&mut encoder, &headers);
        assert_eq!(decode_next(&mut decoder, &block), Ok(headers));
    }
}
