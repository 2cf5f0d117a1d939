//! RFC 7541: what is wrong inside of a field block. Each is a connection error COMPRESSION_ERROR
//! (RFC 9113, Section 4.3).

use h2_sync::ErrorCode;

use crate::live::{both, server};
use crate::wire::*;

/// Blocks that cannot be decoded, each with its section of RFC 7541.
const BAD: [(&str, &[u8]); 22] = [
    ("2.3.3: index 0", &[0x80]),
    ("2.3.3: index past the empty dynamic table", &[0xbe]),
    ("2.3.3: index far past the tables", &[0xff, 0xff, 0x7f]),
    ("2.3.3: name index past the tables, incremental", &[0x7f, 0x20, 0x01, b'v']),
    ("2.3.3: name index past the tables, without indexing", &[0x0f, 0x40, 0x01, b'v']),
    ("2.3.3: name index past the tables, never indexed", &[0x1f, 0x40, 0x01, b'v']),
    ("5.1: integer that does not end", &[0xff, 0x80]),
    ("5.1: integer over 32 bits", &[0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    ("5.1: integer of zeros without end", &[0xff, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]),
    ("5.2: string longer than the block", &[0x00, 0x01, b'a', 0x05, b'v']),
    ("5.2: string without its length", &[0x00, 0x01, b'a']),
    ("5.2: name without its octets", &[0x40, 0x02, b'a']),
    ("5.2: padding of more than 7 bits", &[0x00, 0x01, b'a', 0x82, 0x1f, 0xff]),
    ("5.2: padding of 8 bits alone", &[0x00, 0x01, b'a', 0x81, 0xff]),
    ("5.2: padding that is not of EOS", &[0x00, 0x01, b'a', 0x81, 0x18]),
    ("5.2: EOS in a string", &[0x00, 0x01, b'a', 0x84, 0xff, 0xff, 0xff, 0xff]),
    ("5.2: EOS in a name", &[0x00, 0x84, 0xff, 0xff, 0xff, 0xff, 0x01, b'v']),
    ("6.3: size update over the limit", &[0x3f, 0xe2, 0x1f]),
    ("6.3: size update far over the limit", &[0x3f, 0xff, 0xff, 0xff, 0x0f]),
    ("4.2: size update behind a field", &[0x88, 0x20]),
    ("4.2: size update between fields", &[0x82, 0x3f, 0xe1, 0x1f, 0x84]),
    ("6.3: size update that does not end", &[0x3f, 0x80]),
];

#[test]
fn blocks_that_cannot_be_decoded_end_the_connection() {
    for (label, block) in BAD {
        both(|live| {
            live.case(label);
            let stream = if live.is_client() { live.open(true) } else { 1 };
            live.send(headers(stream, END, block));
            live.assert_goaway(ErrorCode::CompressionError);
            live.assert_untold(stream);
        });
    }
}

/// RFC 7541, Section 4.4: an entry that was evicted cannot be referred to.
#[test]
fn evicted_entry_cannot_be_referenced() {
    server(|live| {
        live.send(headers(1, END, [get(), indexed_literal("a", "b")].concat()));
        live.accept(1);
        live.answer(1);
        live.send(headers(3, END, [vec![0xbe], get()].concat()));
        // A regular field before the pseudo-header fields: decoded, and malformed.
        live.expect_reset(3, ErrorCode::ProtocolError);
        live.send(headers(5, END, [vec![0x20, 0x3f, 0xe1, 0x1f], get(), vec![0xbe]].concat()));
        live.assert_goaway(ErrorCode::CompressionError);
    });
}

/// RFC 7541, Section 6: all representations, and both kinds of strings, are the same to the
/// application.
#[test]
fn all_representations_are_taken() {
    // "b" by Huffman code is 100011, and two bits of padding.
    for field in [
        &[0x40, 0x01, b'a', 0x01, b'b'][..],
        &[0x00, 0x01, b'a', 0x01, b'b'],
        &[0x10, 0x01, b'a', 0x01, b'b'],
        &[0x00, 0x01, b'a', 0x81, 0x8f],
        &[0x00, 0x81, 0x1f, 0x81, 0x8f],
    ] {
        server(|live| {
            live.case(format!("{field:x?}"));
            live.send(headers(1, END, [&get(), field].concat()));
            assert_eq!(live.accept(1).get("a"), Some("b"));
            live.answer(1);
        });
    }
}

/// RFC 7541, Section 4.2: size updates at the start of a block are fine, the least and the last.
#[test]
fn size_updates_at_the_start_of_a_block_are_taken() {
    for updates in [&[0x20][..], &[0x3f, 0xe1, 0x1f], &[0x20, 0x3f, 0xe1, 0x1f]] {
        server(|live| {
            live.case(format!("{updates:x?}"));
            live.send(headers(1, END, [updates, &get()].concat()));
            live.accept(1);
            live.answer(1);
        });
    }
}

/// RFC 7541, Section 4.4: an entry larger than the table empties it, and is no error.
#[test]
fn an_entry_larger_than_the_table_empties_it() {
    server(|live| {
        let value = "v".repeat(5_000);
        live.send(headers(1, END, [get(), indexed_literal("a", &value)].concat()));
        assert_eq!(live.accept(1).get("a"), Some(&value[..]));
        live.answer(1);
        live.send(headers(3, END, [get(), vec![0xbe]].concat()));
        live.assert_goaway(ErrorCode::CompressionError);
    });
}
