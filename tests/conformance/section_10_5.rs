//! Section 10.5.1: limits of field sections. Other abuse has tests of its own, elsewhere.

use h2_sync::{Config, ErrorCode};

use crate::live::{client_with, server_with};
use crate::wire::*;

fn small(config: &mut Config) {
    config.max_header_list_size = 1_024;
    config.max_fields = 16;
}

/// One that is over the limit of octets, and one that is over that of fields.
fn too_large() -> [Vec<u8>; 2] {
    [block(&[("a", "v".repeat(1_000))]), block(&[("cookie", "a=b"); 17])]
}

/// Section 10.5.1: a request over the limit is answered with 431, and the connection goes on.
#[test]
fn a_request_over_the_limit_is_answered_with_431() {
    for fields in too_large() {
        server_with(small, |live| {
            live.send(headers(1, END, [get(), fields.clone()].concat()));
            assert_eq!(live.assert_headers(1, true).status(), Some(431));
            live.assert_goes_on();
            live.assert_untold(1);
        });
    }
}

/// Section 10.5.1: a response over the limit is given up, and the connection goes on.
#[test]
fn a_response_over_the_limit_is_reset() {
    for fields in too_large() {
        client_with(small, |live| {
            let stream = live.open(true);
            live.send(headers(stream, END, [ok(), fields.clone()].concat()));
            live.assert_reset(stream, ErrorCode::EnhanceYourCalm);
            live.assert_untold(stream);
        });
    }
}

/// Section 10.5.1: a block far over it ends the connection, in one frame or in many.
#[test]
fn a_block_far_over_the_limit_ends_the_connection() {
    let much = block(&[("a", "v".repeat(3_000))]);
    server_with(small, |live| {
        live.send(headers(1, END, [get(), much.clone()].concat()));
        live.assert_goaway(ErrorCode::EnhanceYourCalm);
    });
    server_with(small, |live| {
        live.send(headers(1, END_STREAM, get()));
        for piece in much.chunks(500) {
            live.send(continuation(1, 0, piece));
        }
        live.assert_goaway(ErrorCode::EnhanceYourCalm);
    });
}

/// Section 10.5.1: one entry of the table, named over and over, is counted each time.
#[test]
fn a_section_that_a_small_block_unfolds_to_is_over_the_limit() {
    server_with(small, |live| {
        let entry = indexed_literal("a", &"v".repeat(900));
        live.send(headers(1, END, [get(), entry, vec![0xbe; 50]].concat()));
        live.assert_goaway(ErrorCode::EnhanceYourCalm);
    });
}
