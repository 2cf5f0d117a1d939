//! Section 4.3: field sections are compressed and cut into field blocks. What is wrong inside of a
//! block is in `rfc_7541.rs`.

use h2_sync::{Act, ErrorCode, headers};

use crate::live::{Live, both, client, id, server, server_with};
use crate::wire::*;

/// Section 4.3: a block that cannot be decoded is a connection error COMPRESSION_ERROR.
#[test]
fn a_block_that_cannot_be_decoded_ends_the_connection() {
    server(|live| {
        live.send(headers(1, END, [0x80]));
        live.assert_goaway(ErrorCode::CompressionError);
    });
    client(|live| {
        let stream = live.open(true);
        live.send(headers(stream, END, [0x80]));
        live.assert_goaway(ErrorCode::CompressionError);
    });
}

/// Section 4.3: so is one that ends in the middle of a field.
#[test]
fn a_block_that_ends_within_a_field_ends_the_connection() {
    let whole = and(get(), &[("name", "value")]);
    for len in get().len() + 1..whole.len() {
        server(|live| {
            live.case(format!("{len} octets"));
            live.send(headers(1, END, &whole[..len]));
            live.assert_goaway(ErrorCode::CompressionError);
        });
    }
}

/// Section 4.3: fragments are joined before they are decoded: they may end anywhere.
#[test]
fn a_block_may_be_cut_anywhere() {
    let whole = and(get(), &[("name", "value")]);
    server(|live| {
        for at in 0..=whole.len() {
            live.case(format!("at {at}"));
            let stream = live.next_id();
            live.send(headers(stream, END_STREAM, &whole[..at]));
            live.send(continuation(stream, END_HEADERS, &whole[at..]));
            assert_eq!(live.accept(stream).get("name"), Some("value"));
            live.answer(stream);
        }
    });
}

/// Section 4.3: a block may come in as many fragments as it has octets.
#[test]
fn a_block_may_come_octet_by_octet() {
    server(|live| {
        let block = get();
        let (last, first) = block.split_last().unwrap();
        live.send(headers(1, END_STREAM, []));
        for octet in first {
            live.send(continuation(1, 0, [*octet]));
        }
        live.send(continuation(1, END_HEADERS, [*last]));
        assert_eq!(live.accept(1).authority(), Some("test"));
        live.answer(1);
        live.assert_goes_on();
    });
}

/// Section 4.3: nothing but CONTINUATION of the same stream comes between the frames of a block.
#[test]
fn any_other_frame_within_a_block_ends_the_connection() {
    for frame in [
        data(1, 0, b"x"),
        headers(1, END, get()),
        headers(3, END, get()),
        priority(1, 0),
        rst_stream(1, 8),
        settings(&[]),
        settings_ack(),
        ping(b"12345678"),
        goaway(0, 0),
        window_update(0, 1),
        continuation(3, END_HEADERS, get()),
        continuation(0, END_HEADERS, get()),
        priority_update(1, "u=1"),
        frame(UNKNOWN, 0, 1, []),
        frame(UNKNOWN, 0, 0, []),
    ] {
        server(|live| {
            live.case(format!("{frame:x?}"));
            live.send(headers(1, END_STREAM, get()));
            live.send(&frame);
            live.assert_goaway(ErrorCode::ProtocolError);
        });
        client(|live| {
            live.case(format!("{frame:x?}"));
            let stream = live.open(true);
            assert_eq!(stream, 1);
            live.send(headers(stream, END_STREAM, ok()));
            live.send(&frame);
            live.assert_goaway(ErrorCode::ProtocolError);
        });
    }
}

/// One request puts a field into the table, and the next one refers to it.
fn assert_table_kept(live: &mut Live, stream: u32) {
    live.send(headers(stream, END, [get(), vec![0xbe]].concat()));
    assert_eq!(live.accept(stream).get("kept"), Some("in the table"));
    live.answer(stream);
    live.assert_goes_on();
}

fn keeping() -> Vec<u8> {
    [get(), indexed_literal("kept", "in the table")].concat()
}

/// Section 4.3: a block is decoded also where the message in it is malformed.
#[test]
fn the_table_is_kept_up_by_a_malformed_request() {
    server(|live| {
        live.send(headers(1, END, [keeping(), block(&[("UPPER", "")])].concat()));
        live.expect_reset(1, ErrorCode::ProtocolError);
        assert_table_kept(live, 3);
    });
}

/// Section 4.3: also on a stream that is refused.
#[test]
fn the_table_is_kept_up_by_a_request_over_the_limit() {
    server_with(
        |config| config.max_concurrent_streams = 1,
        |live| {
            live.whole_request(1);
            live.send(headers(3, END, keeping()));
            live.expect_reset(3, ErrorCode::RefusedStream);
            live.answer(1);
            assert_table_kept(live, 5);
        },
    );
}

/// Sections 4.3 and 5.4.2: also on a stream that has been reset.
#[test]
fn the_table_is_kept_up_by_trailers_of_a_stream_that_was_reset() {
    server(|live| {
        live.request(1);
        live.act(Act::Reset { stream_identifier: id(1), error_code: ErrorCode::Cancel });
        live.expect_reset(1, ErrorCode::Cancel);
        live.send(headers(1, END, indexed_literal("kept", "in the table")));
        assert_table_kept(live, 3);
    });
}

/// Sections 4.3 and 6.8: also of streams that GOAWAY has excluded.
#[test]
fn the_table_is_kept_up_by_requests_beyond_goaway() {
    server(|live| {
        live.request(1);
        live.act(Act::Goaway { error_code: ErrorCode::NoError, debug_data: Default::default() });
        live.frame();
        live.send(headers(3, END, keeping()));
        live.send(headers(1, END, [0xbe]));
        assert_eq!(live.accept(1).get("kept"), Some("in the table"));
        live.answer(1);
    });
}

/// Section 4.3: the live side's field sections are decoded in the order of the wire, by a table that
/// both ends keep.
#[test]
fn responses_share_one_table() {
    server(|live| {
        for stream in [1, 3, 5] {
            live.whole_request(stream);
            live.respond(stream, &headers!(":status" => "200", "server" => "the same"), true);
            assert_eq!(live.assert_headers(stream, true).get("server"), Some("the same"));
        }
        assert!(live.peer.block.len() < 4, "the third block refers to the table");
    });
}

/// Section 4.3.1: the decoder's table has 4,096 octets until its side says otherwise; a reduction
/// that was acknowledged has to be followed by a size update.
#[test]
fn a_block_without_a_size_update_after_a_reduction_ends_the_connection() {
    server_with(
        |config| config.header_table_size = 0,
        |live| {
            live.send(headers(1, END, get()));
            live.assert_goaway(ErrorCode::CompressionError);
        },
    );
}

/// Section 4.3.1: and with it all is well.
#[test]
fn a_block_with_a_size_update_after_a_reduction_is_taken() {
    server_with(
        |config| config.header_table_size = 0,
        |live| {
            live.send(headers(1, END, [vec![0x20], get()].concat()));
            live.accept(1);
            live.answer(1);
        },
    );
}

/// Section 4.3.1: a size update over what was announced is a COMPRESSION_ERROR.
#[test]
fn a_size_update_over_the_announced_size_ends_the_connection() {
    both(|live| {
        let stream = if live.is_client() { live.open(true) } else { 1 };
        // 4,097.
        live.send(headers(stream, END, [0x3f, 0xe2, 0x1f]));
        live.assert_goaway(ErrorCode::CompressionError);
    });
}

/// Section 4.3.1: a peer that takes no table gets none: the change is signalled in the next block.
#[test]
fn field_blocks_for_a_peer_without_a_table_use_no_table() {
    server(|live| {
        live.settings(&[(HEADER_TABLE_SIZE, 0)]);
        live.peer.decoder.set_max_table_size(0);
        for stream in [1, 3] {
            live.whole_request(stream);
            live.respond(stream, &headers!(":status" => "200", "server" => "the same"), true);
            assert_eq!(live.assert_headers(stream, true).get("server"), Some("the same"));
            assert_eq!(live.peer.decoder.table_len(), 0);
            assert_eq!(live.peer.block[0] == 0x20, stream == 1, "once, at the start of a block");
        }
    });
}

/// Section 4.3.1 with RFC 7541, Section 4.2: of changes between two blocks, the least is signalled
/// and the last.
#[test]
fn the_least_and_the_last_of_several_sizes_are_signalled() {
    server(|live| {
        live.settings(&[(HEADER_TABLE_SIZE, 0), (HEADER_TABLE_SIZE, 4096)]);
        live.whole_request(1);
        live.answer(1);
        assert_eq!(live.peer.block, [0x20, 0x3f, 0xe1, 0x1f, 0x88]);
    });
}
