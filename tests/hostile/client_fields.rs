//! Very large or endless field sections from a server.

use std::iter::repeat;

use h2_sync::{ErrorCode, ErrorKind};

use crate::client_stage::{Stage, assert_failed, assert_reset};
use crate::memory::{KIB, MIB, bounded, measured};
use crate::support::{Flood, Peer, wire};

/// The memory for one field section: 64 KiB, four times that temporarily, and growth of buffers.
const BOUND: usize = 2 * MIB;

/// The field section that contains the attack.
#[derive(Clone, Copy)]
enum Place {
    Response,
    Trailers,
}

const PLACES: [Place; 2] = [Place::Response, Place::Trailers];

/// Sends what precedes the field section, and returns the start of its block.
fn begin(peer: &mut Peer, stream: u32, place: Place) -> Vec<u8> {
    match place {
        Place::Response => wire::ok(),
        Place::Trailers => {
            peer.write(wire::headers(stream, wire::END_HEADERS, wire::ok()));
            peer.write(wire::data(stream, 0, b"hello"));
            Vec::new()
        }
    }
}

/// The field section must end the connection.
fn ends_the_connection(attack: impl Fn(&mut Peer, u32, Vec<u8>) + Send + 'static) {
    measured(move |memory| {
        for place in PLACES {
            let stage = Stage::new();
            let measured = memory.start();
            let asked = stage.gets();
            let (mut peer, id) = stage.meets();
            let start = begin(&mut peer, id.get(), place);
            attack(&mut peer, id.get(), start);
            peer.expect_goaway(ErrorCode::EnhanceYourCalm);
            drop(peer);
            assert_failed(asked, ErrorKind::Limit, ErrorCode::EnhanceYourCalm);
            measured.assert_peak(BOUND);
            stage.begins_anew();
        }
    });
}

/// The field section with this block must reset its stream, and leave the dynamic table intact.
fn resets_the_stream(fields: &[u8]) {
    let fields = fields.to_vec();
    measured(move |memory| {
        for place in PLACES {
            let stage = Stage::new();
            let measured = memory.start();
            let asked = stage.gets();
            let (mut peer, id) = stage.meets();
            let mut block = begin(&mut peer, id.get(), place);
            block.extend(&fields);
            write_block(&mut peer, id.get(), &block);
            assert_eq!(peer.until_reset(id), ErrorCode::EnhanceYourCalm);
            assert_reset(asked, ErrorCode::EnhanceYourCalm);
            measured.assert_peak(BOUND);
            stage.goes_on(&mut peer);
        }
    });
}

/// Sends HEADERS with END_STREAM, and as many CONTINUATION frames as needed.
fn write_block(peer: &mut Peer, stream: u32, block: &[u8]) {
    let mut pieces = block.chunks(16 * KIB).peekable();
    let mut kind = wire::HEADERS;
    while let Some(piece) = pieces.next() {
        let end = if pieces.peek().is_none() { wire::END_HEADERS } else { 0 };
        let flags = end | if kind == wire::HEADERS { wire::END_STREAM } else { 0 };
        peer.write(wire::frame(kind, flags, stream, piece));
        kind = wire::CONTINUATION;
    }
}

#[test]
fn continuation_without_end_is_cut() {
    for piece in [Vec::new(), wire::block(&[("a", "b")])] {
        ends_the_connection(move |peer, stream, start| {
            peer.write(wire::headers(stream, wire::END_STREAM, start));
            let frame = wire::continuation(stream, 0, &piece);
            assert_eq!(peer.flood(repeat(&frame)), Flood::Cut);
        });
    }
}

#[test]
fn an_endless_value_is_cut() {
    ends_the_connection(|peer, stream, start| {
        // A literal with a value of 1,048,702 octets.
        let literal = b"\x00\x01a\x7f\xff\xff\x3f".to_vec();
        peer.write(wire::headers(stream, wire::END_STREAM, [start, literal].concat()));
        let frame = wire::continuation(stream, 0, vec![b'a'; 16 * KIB]);
        assert_eq!(peer.flood(repeat(&frame)), Flood::Cut);
    });
}

#[test]
fn a_table_entry_referenced_very_often_ends_the_connection() {
    // An entry of 4,000 octets, which each further octet refers to.
    ends_the_connection(|peer, stream, start| {
        let bomb = [start, wire::indexed_literal("x", &"y".repeat(4_000)), vec![0xbe; 10_000]];
        write_block(peer, stream, &bomb.concat());
    });
}

#[test]
fn a_section_that_is_over_the_limit_resets_its_stream() {
    // A little over 64 KiB.
    let bomb = [wire::indexed_literal("x", &"y".repeat(4_000)), vec![0xbe; 17]];
    resets_the_stream(&bomb.concat());
    let name = "z".repeat(60_000);
    resets_the_stream(&wire::block(&[(&*name, "a"), ("b", &name[..10_000])]));
}

#[test]
fn too_many_tiny_fields_reset_their_stream() {
    resets_the_stream(&wire::block(&[("a", ""); 300]));
    // From the static table: one octet each.
    resets_the_stream(&[0xa0; 300]);
    resets_the_stream(&wire::block(&[("set-cookie", "a=b"); 1_000]));
}

#[test]
fn fields_without_end_end_the_connection() {
    ends_the_connection(|peer, stream, start| {
        let tiny = [start, vec![0xa0; 16 * KIB - 1]].concat();
        peer.write(wire::headers(stream, wire::END_STREAM, tiny));
        let frame = wire::continuation(stream, 0, vec![0xa0; 16 * KIB]);
        assert_eq!(peer.flood(repeat(&frame)), Flood::Cut);
    });
}

#[test]
fn an_empty_name_resets_its_stream() {
    bounded(|| {
        let stage = Stage::new();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        let block = wire::and(wire::ok(), &[("", "a")]);
        peer.write(wire::headers(id.get(), wire::END, block));
        assert_eq!(peer.until_reset(id), ErrorCode::ProtocolError);
        assert_reset(asked, ErrorCode::ProtocolError);
        stage.goes_on(&mut peer);
    });
}

#[test]
fn a_repeatedly_refilled_table_stays_within_its_size() {
    measured(|memory| {
        let stage = Stage::new();
        let measured = memory.start();
        let asked = stage.gets();
        let (mut peer, id) = stage.meets();
        // Interim responses that each refill the table. The last ones are refused.
        for n in 0..200 {
            let field = wire::indexed_literal(&format!("x-{n}"), &"y".repeat(4_000));
            let block = [wire::block(&[(":status", "103")]), field].concat();
            peer.write(wire::headers(id.get(), wire::END_HEADERS, block));
        }
        assert_eq!(peer.until_reset(id), ErrorCode::EnhanceYourCalm);
        assert_reset(asked, ErrorCode::EnhanceYourCalm);
        measured.assert_peak(BOUND);
        stage.goes_on(&mut peer);
    });
}
