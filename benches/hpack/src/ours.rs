//! This crate. What is decoded ends up as [`Headers`].

use std::hint::black_box;

use h2_sync::Headers;
use h2_sync::hpack::{Decoder, Encoder, Limits};

use crate::{Blocks, Sections};

pub fn decode(connections: &Blocks) -> usize {
    let mut fields = 0;
    for blocks in connections {
        let mut decoder = Decoder::new(Limits::default());
        for block in blocks {
            let decoded = decoder.decode(block, true).unwrap().unwrap();
            fields += black_box(decoded.headers).len();
        }
    }
    fields
}

pub fn encode(connections: &Sections) {
    let mut block = Vec::new();
    for sections in connections {
        let mut encoder = Encoder::new();
        for headers in sections {
            block.clear();
            encoder.encode(headers, &mut block);
            black_box(&block);
        }
    }
}

/// The octets of all blocks of a connection.
pub fn encoded_len(sections: &[Headers]) -> usize {
    let (mut encoder, mut blocks) = (Encoder::new(), Vec::new());
    sections.iter().for_each(|headers| encoder.encode(headers, &mut blocks));
    blocks.len()
}
