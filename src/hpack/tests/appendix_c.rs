//! The examples of RFC 7541, Appendix C. (C.1 is beside the integers.)

use super::*;

const DATE: &str = "Mon, 21 Oct 2013 20:13:21 GMT";
const LATER: &str = "Mon, 21 Oct 2013 20:13:22 GMT";
const COOKIE: &str = "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1";

/// The requests of C.3 and C.4, with the table's size after each.
fn requests() -> [(Headers, usize); 3] {
    let get = headers!(":method" => "GET", ":scheme" => "http", ":path" => "/",
        ":authority" => "www.example.com");
    let third = headers!(":method" => "GET", ":scheme" => "https", ":path" => "/index.html",
        ":authority" => "www.example.com", "custom-key" => "custom-value");
    [(get.clone(), 57), (get.with("cache-control", "no-cache"), 110), (third, 164)]
}

/// The responses of C.5 and C.6, with the table's size after each.
fn responses() -> [(Headers, usize); 3] {
    let response = |status: &str, date: &str| {
        headers!(":status" => status, "cache-control" => "private", "date" => date,
            "location" => "https://www.example.com")
    };
    let third = response("200", LATER).with("content-encoding", "gzip").with("set-cookie", COOKIE);
    [(response("302", DATE), 222), (response("307", DATE), 222), (third, 215)]
}

#[track_caller]
fn assert_decode(decoder: &mut Decoder, blocks: [&str; 3], expected: [(Headers, usize); 3]) {
    for (block, (headers, table_size)) in blocks.into_iter().zip(expected) {
        assert_eq!(decode_next(decoder, &hex(block)).unwrap(), headers);
        assert_eq!(decoder.table_size(), table_size);
    }
}

/// A decoder whose table has at most 256 octets, as in C.5 and C.6.
fn small_decoder() -> Decoder {
    let mut decoder = Decoder::new(Limits::default());
    decode_next(&mut decoder, &hex("3f e1 01")).unwrap();
    decoder
}

#[test]
fn c_2_1_literal_with_indexing() {
    let block = hex("400a 6375 7374 6f6d 2d6b 6579 0d63 7573 746f 6d2d 6865 6164 6572");
    let mut decoder = Decoder::new(Limits::default());
    let headers = decode_next(&mut decoder, &block).unwrap();
    assert_eq!(headers, headers!("custom-key" => "custom-header"));
    assert_eq!((decoder.table_len(), decoder.table_size()), (1, 55));
}

#[test]
fn c_2_2_literal_without_indexing() {
    let mut decoder = Decoder::new(Limits::default());
    let block = hex("040c 2f73 616d 706c 652f 7061 7468");
    assert_eq!(decode_next(&mut decoder, &block).unwrap(), headers!(":path" => "/sample/path"));
    assert_eq!(decoder.table_len(), 0);
}

#[test]
fn c_2_3_literal_never_indexed() {
    let mut decoder = Decoder::new(Limits::default());
    let block = hex("1008 7061 7373 776f 7264 0673 6563 7265 74");
    let headers = decode_next(&mut decoder, &block).unwrap();
    assert!(headers.iter().eq([Field::new_sensitive("password", "secret")]));
    assert_eq!(decoder.table_len(), 0);
}

#[test]
fn c_2_4_indexed() {
    assert_eq!(decode(&[0x82]).unwrap(), headers!(":method" => "GET"));
}

#[test]
fn c_3_requests_without_huffman() {
    let blocks = [
        "8286 8441 0f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "8286 84be 5808 6e6f 2d63 6163 6865",
        "8287 85bf 400a 6375 7374 6f6d 2d6b 6579 0c63 7573 746f 6d2d 7661 6c75 65",
    ];
    assert_decode(&mut Decoder::new(Limits::default()), blocks, requests());
}

#[test]
fn c_4_requests_with_huffman_both_ways() {
    let blocks = [
        "8286 8441 8cf1 e3c2 e5f2 3a6b a0ab 90f4 ff",
        "8286 84be 5886 a8eb 1064 9cbf",
        "8287 85bf 4088 25a8 49e9 5ba9 7d7f 8925 a849 e95b b8e8 b4bf",
    ];
    assert_decode(&mut Decoder::new(Limits::default()), blocks, requests());

    let mut encoder = Encoder::new();
    for (block, (headers, _)) in blocks.into_iter().zip(requests()) {
        assert_eq!(encode_next(&mut encoder, &headers), hex(block));
    }
}

#[test]
fn c_5_responses_without_huffman() {
    let blocks = [
        "4803 3330 3258 0770 7269 7661 7465 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a
         3133 3a32 3120 474d 546e 1768 7474 7073 3a2f 2f77 7777 2e65 7861 6d70 6c65 2e63 6f6d",
        "4803 3330 37c1 c0bf",
        "88c1 611d 4d6f 6e2c 2032 3120 4f63 7420 3230 3133 2032 303a 3133 3a32 3220 474d 54c0 5a04
         677a 6970 7738 666f 6f3d 4153 444a 4b48 514b 425a 584f 5157 454f 5049 5541 5851 5745 4f49
         553b 206d 6178 2d61 6765 3d33 3630 303b 2076 6572 7369 6f6e 3d31",
    ];
    assert_decode(&mut small_decoder(), blocks, responses());
}

#[test]
fn c_6_responses_with_huffman() {
    let blocks = [
        "4882 6402 5885 aec3 771a 4b61 96d0 7abe 9410 54d4 44a8 2005 9504 0b81 66e0 82a6 2d1b ff6e
         919d 29ad 1718 63c7 8f0b 97c8 e9ae 82ae 43d3",
        "4883 640e ffc1 c0bf",
        "88c1 6196 d07a be94 1054 d444 a820 0595 040b 8166 e084 a62d 1bff c05a 839b d9ab 77ad 94e7
         821d d7f2 e6c7 b335 dfdf cd5b 3960 d5af 2708 7f36 72c1 ab27 0fb5 291f 9587 3160 65c0 03ed
         4ee5 b106 3d50 07",
    ];
    assert_decode(&mut small_decoder(), blocks, responses());
}

/// The strings of C.4 and C.6, each encoded and decoded.
#[test]
fn huffman_strings_both_ways() {
    for (text, coded) in [
        ("302", "6402"),
        ("307", "640eff"),
        ("private", "aec3 771a 4b"),
        (DATE, "d07a be94 1054 d444 a820 0595 040b 8166 e082 a62d 1bff"),
        ("https://www.example.com", "9d29 ad17 1863 c78f 0b97 c8e9 ae82 ae43 d3"),
        ("gzip", "9bd9 ab"),
    ] {
        let (mut out, mut back) = (Vec::new(), Vec::new());
        huffman::encode(text.as_bytes(), &mut out);
        assert_eq!(out, hex(coded));
        assert_eq!(huffman::encoded_len(text.as_bytes()), out.len());
        huffman::decode(&out, &mut back).unwrap();
        assert_eq!(back, text.as_bytes());
    }
}
